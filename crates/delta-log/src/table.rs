use std::fmt;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;

use crate::changes::{ChangeBound, ChangePlan};
use crate::error::Result;
use crate::history::CommitRecord;
use crate::snapshot::Snapshot;

/// A place where a Delta table is, or may be. Cheap to clone; nothing is read before it is asked.
#[derive(Clone)]
pub struct Table {
    /// The store that the table is in.
    pub store: Arc<dyn ObjectStore>,
    /// The table's folder in the store, above `_delta_log`.
    pub root: Path,
    /// The table's URL, for messages and to recognise absolute paths: `s3a://bucket/path`.
    pub location: String,
    /// Whether the store can list. Where it can't (plain HTTP), the log's end is found by probing.
    pub can_list: bool,
}

/// Which version of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeTravel {
    /// The newest.
    Latest,
    /// This one.
    Version(u64),
    /// The newest one that was committed at or before this time, in milliseconds since the epoch.
    Timestamp(i64),
}

impl Table {
    /// A table at `root` of `store`.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        root: Path,
        location: impl Into<String>,
        can_list: bool,
    ) -> Self {
        Self { store, root, location: location.into(), can_list }
    }

    /// Loads the table as of `at`.
    pub async fn snapshot(&self, at: TimeTravel) -> Result<Arc<Snapshot>> {
        let _ = at;
        todo!()
    }

    /// Loads the latest version, reading only the commits after `previous`; `previous` itself
    /// where there are none.
    pub async fn refresh(&self, previous: &Arc<Snapshot>) -> Result<Arc<Snapshot>> {
        let _ = previous;
        todo!()
    }

    /// The commits that are still in the log, newest first, at most `limit`.
    pub async fn history(&self, limit: Option<usize>) -> Result<Vec<CommitRecord>> {
        let _ = limit;
        todo!()
    }

    /// What to read for the change feed from `start` to `end`, both included. Without `end`, to
    /// the latest version.
    pub async fn changes(&self, start: ChangeBound, end: Option<ChangeBound>) -> Result<ChangePlan> {
        let _ = (start, end);
        todo!()
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Table").field(&self.location).finish()
    }
}
