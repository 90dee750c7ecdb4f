use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::Arc;

use delta_log::actions::{Add, Remove};
use delta_log::{Snapshot, Table};

use crate::error::Result;

/// A condition that selected what a statement read, as far as files tell: over partition values and
/// statistics.
pub trait FilePredicate: Debug + Send + Sync {
    /// Whether each file of a version may hold rows that the condition selects. Doubt is `true`.
    ///
    /// # Errors
    /// What keeps the condition from being evaluated.
    fn may_match(&self, files: &Snapshot) -> Result<Vec<bool>>;
}

/// What a transaction has read of its table, for the check whether a commit that came between would
/// have changed what it does.
///
/// Delta's documentation: <https://docs.delta.io/latest/concurrency-control.html>
#[derive(Debug, Clone, Default)]
pub struct ReadSet {
    /// Every file, present and to come.
    whole_table: bool,
    predicates: Vec<Arc<dyn FilePredicate>>,
    /// Files that were opened, by their paths in the log.
    files: HashSet<String>,
}

impl ReadSet {
    /// Notes that all rows were read.
    pub fn read_whole_table(&mut self) {
        self.whole_table = true;
    }

    /// Notes that the rows were read for which a condition holds.
    pub fn read_where(&mut self, predicate: Arc<dyn FilePredicate>) {
        self.predicates.push(predicate);
    }

    /// Notes that a file was opened: its path as the log has it.
    pub fn read_file(&mut self, path: &str) {
        self.files.insert(path.to_owned());
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        !self.whole_table && self.predicates.is_empty() && self.files.is_empty()
    }

    /// The first of `added` files that would have been read, had it been there.
    pub(crate) fn would_read<'a>(
        &self,
        snapshot: &Snapshot,
        added: &'a [Add],
    ) -> Result<Option<&'a Add>> {
        if added.is_empty() {
            return Ok(None);
        }
        if self.whole_table {
            return Ok(added.first());
        }
        if self.predicates.is_empty() {
            return Ok(None);
        }
        let files = snapshot.with_files(added.to_vec());
        for predicate in &self.predicates {
            let matches = predicate.may_match(&files)?;
            // Also of a file that the predicate says nothing of.
            let doubtful = |i: usize| matches.get(i).copied().unwrap_or(true);
            if let Some(i) = (0..added.len()).find(|i| doubtful(*i)) {
                return Ok(added.get(i));
            }
        }
        Ok(None)
    }

    /// The first of `removed` files that was read.
    pub(crate) fn has_read<'a>(&self, table: &Table, removed: &'a [Remove]) -> Option<&'a Remove> {
        if removed.is_empty() || self.whole_table {
            return removed.first();
        }
        // Writers spell one path in more than one way.
        let read: HashSet<String> = self
            .files
            .iter()
            .map(|path| table.file_identity(path))
            .collect();
        removed
            .iter()
            .find(|remove| read.contains(&table.file_identity(&remove.path)))
    }
}
