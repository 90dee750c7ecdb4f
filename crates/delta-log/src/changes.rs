use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use object_store::path::Path;

use crate::schema::StructType;

/// Where a change feed starts or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeBound {
    /// At this version.
    Version(u64),
    /// As a start: at the first commit at or after this time; as an end: at the last commit at or
    /// before it. Milliseconds since the epoch.
    Timestamp(i64),
}

/// What to read for a change feed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ChangePlan {
    /// First version.
    pub start: u64,
    /// Last version; before `start` where two timestamps enclose no commit.
    pub end: u64,
    /// The columns as of the last version, without those of the feed itself.
    pub schema: StructType,
    /// The same as Arrow fields: see [`StructType::to_arrow`].
    pub arrow_schema: SchemaRef,
    /// The versions that changed rows, in ascending order.
    pub versions: Vec<ChangeVersion>,
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
    /// Where it is in the table's store.
    pub path: Path,
    /// In bytes.
    pub size: u64,
    /// The values of the partition columns, as arrays of one row, of the column's Arrow type.
    pub partition_values: Vec<(String, ArrayRef)>,
    /// Its rows, where the log tells.
    pub num_records: Option<u64>,
}

/// What the rows of a file in a change feed are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// A change data file: it has a column `_change_type`.
    Cdc,
    /// A data file whose rows were all inserted.
    Insert,
    /// A data file whose rows were all deleted.
    Delete,
}
