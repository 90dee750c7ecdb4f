//! Descriptions of tables, kept while the page is open.

use std::sync::Arc;

use messages::Error;
use messages::table::TableDescription;

/// A table's description, and what is newer than it. An older description stays while a newer one
/// loads.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CachedDescription {
    pub table: Option<Arc<TableDescription>>,
    pub problem: Option<Error>,
    pub loading: bool,
    /// The version that a statement of this page made.
    written: Option<u64>,
    /// It was asked for, or written, while it was loading: what comes may be old.
    again: bool,
}

impl CachedDescription {
    /// The latest version that is known.
    pub fn version(&self) -> Option<u64> {
        let described = self.table.as_ref().map(|table| table.version);
        described.max(self.written)
    }

    /// Whether the description is older than what a statement of this page has made.
    pub fn is_behind(&self) -> bool {
        let described = self.table.as_ref().map(|table| table.version);
        described.is_some() && described < self.written
    }

    /// Takes note of a version that a statement made. A description that is on its way may have been
    /// read before it, so it is asked for once more.
    pub fn note_written(&mut self, version: u64) {
        self.written = self.written.max(Some(version));
        self.again = self.loading;
    }

    /// Starts loading; `false` where it already is, and will load once more.
    pub fn start(&mut self) -> bool {
        self.again = self.loading;
        !std::mem::replace(&mut self.loading, true)
    }

    /// Takes what was loaded; whether it must be loaded once more.
    pub fn take(&mut self, answer: Result<TableDescription, Error>) -> bool {
        self.loading = std::mem::take(&mut self.again);
        match answer {
            Ok(table) => {
                self.table = Some(Arc::new(table));
                self.problem = None;
                // From here on the log knows better: a table may be made anew, at version 0.
                if !self.loading {
                    self.written = None;
                }
            }
            Err(error) => self.problem = Some(error),
        }
        self.loading
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(version: u64) -> TableDescription {
        TableDescription {
            location: "s3a://b/t".into(),
            version,
            columns: Vec::new(),
            partition_columns: Vec::new(),
            num_files: 0,
            size_in_bytes: 0,
            num_rows: None,
            history: Vec::new(),
            has_older_history: false,
        }
    }

    #[test]
    fn version_follows_a_write_before_the_table_is_described_again() {
        let mut cached = CachedDescription::default();
        assert_eq!(cached.version(), None);
        assert!(cached.start());
        assert!(!cached.take(Ok(at(0))));
        cached.note_written(2);
        cached.note_written(1);
        assert_eq!(cached.version(), Some(2));
        assert!(cached.start());
        assert!(!cached.take(Ok(at(3))));
        assert_eq!(cached.version(), Some(3));
    }

    #[test]
    fn description_read_before_a_write_does_not_hide_it() {
        let mut cached = CachedDescription::default();
        assert!(cached.start());
        cached.note_written(1);
        assert!(cached.take(Ok(at(0))), "it is asked for once more");
        assert_eq!(cached.version(), Some(1));
        assert!(!cached.take(Ok(at(1))));
        assert_eq!(cached.version(), Some(1));
    }

    #[test]
    fn question_during_an_answer_is_asked_again_once_the_answer_is_there() {
        let mut cached = CachedDescription::default();
        assert!(cached.start());
        cached.note_written(1);
        assert!(!cached.start());
        assert!(cached.take(Ok(at(0))), "this one may be old");
        assert_eq!(
            cached.version(),
            Some(1),
            "the answer was older than the write"
        );
        assert!(!cached.take(Ok(at(1))));
    }
}
