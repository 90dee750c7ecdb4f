//! What a statement does to a table's rows, as plain data.

use std::collections::{BTreeMap, BTreeSet};

use arrow::record_batch::RecordBatch;
use roaring::RoaringTreemap;

/// Rows of one kind, in the columns of the table as it is after the statement.
#[derive(Debug, Clone)]
pub struct ChangedRows {
    /// What becomes of them.
    pub kind: RowKind,
    /// At least one row. Types are those that rows are read into, everything nullable.
    pub rows: RecordBatch,
}

/// Kind of a change to a row, as the change data feed names it (`_change_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKind {
    /// `insert`: a row to write.
    Insert,
    /// `update_preimage`: a row as it was, for the change data feed only.
    UpdatePreimage,
    /// `update_postimage`: a row to write. Where the feed is wanted, the same rows came before it as
    /// [`Self::UpdatePreimage`], in the same order.
    UpdatePostimage,
    /// `delete`: a row as it was, for the change data feed only.
    Delete,
}

impl RowKind {
    /// Whether the rows are to be in a data file.
    pub fn is_written(self) -> bool {
        match self {
            Self::Insert | Self::UpdatePostimage => true,
            Self::UpdatePreimage | Self::Delete => false,
        }
    }

    /// The name in the change data feed.
    pub fn change_type(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::UpdatePreimage => "update_preimage",
            Self::UpdatePostimage => "update_postimage",
            Self::Delete => "delete",
        }
    }
}

/// The rows of a version that a statement touches, by the position of their file in
/// [`Snapshot::files`](delta_log::Snapshot::files). Rows are numbered as in a deletion vector: from 0,
/// those that are deleted already counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TouchedRows {
    /// Rows that are no more.
    pub deleted: BTreeMap<usize, RoaringTreemap>,
    /// Rows that others take the place of.
    pub updated: BTreeMap<usize, RoaringTreemap>,
    /// Files that go as a whole, whatever their rows, ascending: those that INSERT OVERWRITE replaces.
    pub removed_files: Vec<usize>,
    /// Numbers of rows.
    pub counts: RowCounts,
}

impl TouchedRows {
    /// Files that lose rows, by their positions.
    pub fn files(&self) -> BTreeSet<usize> {
        self.deleted
            .keys()
            .chain(self.updated.keys())
            .copied()
            .collect()
    }

    /// Whether rows are deleted or updated one by one.
    pub fn changes_rows(&self) -> bool {
        !self.deleted.is_empty() || !self.updated.is_empty()
    }
}

/// Numbers of rows, for a commit's metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Rows that the statement adds.
    pub inserted: u64,
    /// Rows of the table that it changes.
    pub updated: u64,
    /// Rows of the table that it deletes, those of [`TouchedRows::removed_files`] not counted.
    pub deleted: u64,
    /// Of `updated`: by WHEN MATCHED.
    pub matched_updated: u64,
    /// Of `deleted`: by WHEN MATCHED.
    pub matched_deleted: u64,
    /// Of `updated`: by WHEN NOT MATCHED BY SOURCE.
    pub not_matched_by_source_updated: u64,
    /// Of `deleted`: by WHEN NOT MATCHED BY SOURCE.
    pub not_matched_by_source_deleted: u64,
    /// Rows of the source of a MERGE that were read: all, but where no row of the table could match.
    pub source: u64,
}
