//! What to read for a change feed, or for what is different between two versions.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use object_store::path::Path;

use crate::files::deletion_vector::FileRows;
use crate::schema::column_mapping::ColumnMapping;
use crate::schema::types::StructType;
use crate::warning::Warning;

/// Start or end of a change feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeBound {
    /// At this version.
    Version(u64),
    /// As a start: at the first commit at or after this time; as an end: at the last commit at or
    /// before it. Milliseconds since the epoch.
    Timestamp(i64),
}

/// Version whose columns a change feed has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeColumns {
    /// Those of the range's last version.
    OfEnd,
    /// As Spark: without column mapping those of the table's latest version, if the rows fit them;
    /// else those of the range's last one.
    OfLatest,
}

/// Files to read for a change feed, or for the difference between two versions.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ChangePlan {
    /// First version; of a difference, the one to start from.
    pub start: u64,
    /// Last version; before `start` where two timestamps enclose no commit, or where a difference
    /// goes back in time.
    pub end: u64,
    /// The columns, without those of the feed itself.
    pub schema: Arc<StructType>,
    /// Mode in which the columns are found in the files of all versions.
    pub column_mapping: ColumnMapping,
    /// The same as Arrow fields: see [`StructType::to_arrow`].
    pub arrow_schema: SchemaRef,
    /// The versions that changed rows, in ascending order.
    pub versions: Vec<ChangeVersion>,
    /// Faults of the log that did not keep it from being planned: see [`Snapshot::warnings`].
    ///
    /// [`Snapshot::warnings`]: crate::Snapshot::warnings
    pub warnings: Vec<Warning>,
}

/// The changes of one version.
#[derive(Debug, Clone)]
pub struct ChangeVersion {
    /// `_commit_version`.
    pub version: u64,
    /// `_commit_timestamp`, in milliseconds since the epoch.
    pub timestamp_ms: i64,
    /// The files that hold them.
    pub sources: Vec<ChangeSource>,
}

/// One file with changes.
#[derive(Debug, Clone)]
pub struct ChangeSource {
    /// What its rows are.
    pub kind: ChangeKind,
    /// Which of its rows.
    pub rows: FileRows,
    /// Where it is in the table's store.
    pub path: Path,
    /// In bytes.
    pub size: u64,
    /// The values of the partition columns, as arrays of one row, of the column's Arrow type.
    pub partition_values: Vec<(String, ArrayRef)>,
    /// How many rows these are, where the log tells.
    pub num_records: Option<u64>,
    /// How many rows the file has, where the log tells.
    pub num_stored_records: Option<u64>,
}

/// What the rows of a file in a change feed are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// A change data file: it has a column `_change_type`.
    Cdc,
    /// A data file whose rows were inserted.
    Insert,
    /// A data file whose rows were deleted.
    Delete,
}
