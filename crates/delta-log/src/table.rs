use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use roaring::RoaringTreemap;

use crate::actions::Commit;
use crate::changes::{self, ChangeBound, ChangeColumns, ChangePlan};
use crate::checkpoint::Content;
use crate::commit_times::{monotonised, version_at};
use crate::data_path::DataPaths;
use crate::deletion_vector::{DeletionVector, Location};
use crate::diff;
use crate::error::{Error, Result};
use crate::features::has_in_commit_timestamps;
use crate::history::{self, CommitRecord};
use crate::log_path::commit_path;
use crate::log_segment::{Extent, Log, LogFile};
use crate::replay::{self, State};
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
        Self {
            store,
            root,
            location: location.into(),
            can_list,
        }
    }

    /// Loads the table as of `at`.
    ///
    /// Requests for the latest version: one GET (hint), one LIST, then at once the checkpoint's
    /// parts and one GET for each later commit. Time travel needs no hint; by a timestamp it needs
    /// one GET more (the last commit, which tells whether commits carry their own times). No HEAD.
    /// Where the store cannot list, commits are asked for in windows until one is missing.
    ///
    /// # Errors
    /// [`Error::NotATable`]; [`Error::UnsupportedFeature`];
    /// [`Error::VersionNotFound`] for a version that is no longer, or not yet, there;
    /// [`Error::MissingCommit`] for one that a gap in the log makes unreadable;
    /// [`Error::TimestampBeforeFirstCommit`] and [`Error::TimestampAfterLastCommit`];
    /// [`Error::CorruptLog`] and [`Error::Truncated`]; [`Error::Storage`].
    ///
    /// Protocol: [Action Reconciliation](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#action-reconciliation)
    pub async fn snapshot(&self, at: TimeTravel) -> Result<Arc<Snapshot>> {
        let extent = match at {
            TimeTravel::Latest => Extent::Latest,
            TimeTravel::Version(version) => Extent::Version(version),
            TimeTravel::Timestamp(_) => Extent::All,
        };
        let log = Log::open(self, extent).await?;
        match self.load(&log, at).await {
            // The hint of a store that cannot list led to a checkpoint that is gone.
            Err(Error::Storage {
                source: object_store::Error::NotFound { .. },
                ..
            }) if !self.can_list && log.has_checkpoints() => {
                let log = Log::probe_from_start(self, extent).await?;
                self.load(&log, at).await
            }
            result => result,
        }
    }

    async fn load(&self, log: &Log, at: TimeTravel) -> Result<Arc<Snapshot>> {
        let version = match at {
            TimeTravel::Latest => log.latest().unwrap_or(0),
            TimeTravel::Version(version) => version,
            TimeTravel::Timestamp(timestamp) => version_at(self, log, timestamp).await?.0,
        };
        let segment = log.segment(version)?;
        let state = replay::load(self, log, &segment, Content::All).await?;
        let by_file = match monotonised(log).get(&version) {
            Some(time) => *time,
            // The commit was cleaned up: nearest to it is its checkpoint.
            None => segment.checkpoint_time().unwrap_or(0),
        };
        let timestamp = self.commit_time(log, version, &state, by_file).await?;
        let commit_file = log.commits.get(&version).cloned();
        Ok(Arc::new(Snapshot::new(
            self,
            version,
            timestamp,
            commit_file,
            state,
        )?))
    }

    /// Loads the latest version, reading only the commits after `previous`; `previous` itself
    /// where there are none.
    ///
    /// Requests: one LIST, and one GET for each new commit. Should the table have been replaced,
    /// or its log have a gap, everything is read anew.
    ///
    /// # Errors
    /// As [`Self::snapshot`].
    pub async fn refresh(&self, previous: &Arc<Snapshot>) -> Result<Arc<Snapshot>> {
        let log = if self.can_list {
            Log::list_from(self, Some(previous.version())).await?
        } else {
            let mut log = Log::default();
            log.probe_commits(self, previous.version(), u64::MAX)
                .await?;
            log
        };
        let latest = log.latest().unwrap_or(0);
        // The same commit must still be there: else it is another table in the same place.
        let same = log.commits.get(&previous.version());
        let first = previous.version().saturating_add(1);
        let commits = log.commits.range(first..).count() as u64;
        if same.is_none()
            || same != previous.commit_file()
            || Some(commits) != latest.checked_sub(previous.version())
        {
            return self.snapshot(TimeTravel::Latest).await;
        }
        if commits == 0 {
            return Ok(previous.clone());
        }
        let tail = replay::read_tail(self, &log, first..=latest).await?;
        let state = replay::apply(self, &log, previous.state(), tail).await?;
        let by_file = log
            .commits
            .range(first..)
            .fold(previous.timestamp(), |time, (_, file)| {
                file.modified.max(time + 1)
            });
        let timestamp = self.commit_time(&log, latest, &state, by_file).await?;
        let commit_file = log.commits.get(&latest).cloned();
        Ok(Arc::new(Snapshot::new(
            self,
            latest,
            timestamp,
            commit_file,
            state,
        )?))
    }

    /// The commits that are still in the log, newest first, at most `limit`.
    ///
    /// Requests: one LIST, and one GET for each commit. If these are all that the log has, and its
    /// first commits are gone, the oldest version is loaded too, so that rows and files can be
    /// counted.
    ///
    /// # Errors
    /// [`Error::NotATable`]; [`Error::UnsupportedFeature`] if a commit asks of readers what this
    /// crate does not read; [`Error::CorruptLog`] and [`Error::Truncated`]; [`Error::Storage`].
    pub async fn history(&self, limit: Option<usize>) -> Result<Vec<CommitRecord>> {
        history::read(self, limit).await
    }

    /// What to read for the change feed from `start` to `end`, both included. Without `end`, or
    /// with one that is yet to come, to the latest version.
    ///
    /// Requests: one LIST, one GET for each commit of the range, and what it takes to know the
    /// schema as of `start`, and as of the latest version where `columns` asks for it.
    ///
    /// # Errors
    /// [`Error::ChangeDataNotRecorded`] if the feed was off at any version of the range;
    /// [`Error::ChangesStartAfterLatest`] and [`Error::InvalidChangeRange`];
    /// [`Error::IncompatibleSchemaInChanges`]; else as [`Self::snapshot`].
    ///
    /// Protocol: [Add CDC File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#reader-requirements-for-addcdcfile)
    pub async fn changes(
        &self,
        start: ChangeBound,
        end: Option<ChangeBound>,
        columns: ChangeColumns,
    ) -> Result<ChangePlan> {
        changes::plan(self, start, end, columns).await
    }

    /// What to read for the rows in which version `to` differs from `from`, which may also be the
    /// later one: those of `from` as deleted, those of `to` as inserted, both with the version and
    /// the time of `to`.
    ///
    /// A file that is in both versions is left out, or read only where its deletion vectors differ.
    /// Rows that were rewritten as they are come as deleted and as inserted.
    ///
    /// Requests: none.
    ///
    /// # Errors
    /// [`Error::IncompatibleSchemaInDiff`]; [`Error::ForeignPath`];
    /// [`Error::InvalidPartitionValue`].
    pub fn diff(&self, from: &Snapshot, to: &Snapshot) -> Result<ChangePlan> {
        diff::plan(self, from, to)
    }

    /// The rows that a deletion vector deletes: their positions in their data file, from 0 on.
    ///
    /// Requests: none for a vector that is in the log, else one ranged GET.
    ///
    /// # Errors
    /// [`Error::InvalidDeletionVector`]; [`Error::ForeignPath`]; [`Error::Storage`].
    pub async fn deleted_rows(&self, vector: &DeletionVector) -> Result<RoaringTreemap> {
        match vector.location()? {
            Location::Inline(bytes) => vector.decode(&bytes),
            Location::File { path, start, end } => {
                let path = DataPaths::new(self).resolve(&path)?;
                let bytes = self.store.get_range(&path, start..end).await;
                let bytes = bytes.map_err(|source| Error::Storage { path, source })?;
                vector.decode_stored(&bytes)
            }
        }
    }

    /// When `version` was committed: `by_file`, or what the commit says where the table has
    /// in-commit timestamps.
    async fn commit_time(
        &self,
        log: &Log,
        version: u64,
        state: &State,
        by_file: i64,
    ) -> Result<i64> {
        let (Some(protocol), Some(metadata)) = (&state.protocol, &state.metadata) else {
            return Ok(by_file);
        };
        if !has_in_commit_timestamps(protocol, metadata) {
            return Ok(by_file);
        }
        if let Some(time) = state.in_commit_timestamp {
            return Ok(time);
        }
        // The state came from a checkpoint, which does not keep it.
        if !log.commits.contains_key(&version) {
            return Ok(by_file);
        }
        let commit = self.read_commit(log, version).await?;
        commit
            .in_commit_timestamp()
            .ok_or_else(|| self.no_time(version))
    }

    /// Reads a file of the log.
    pub(crate) async fn fetch(&self, path: &Path) -> Result<(Bytes, LogFile)> {
        let failed = |source| Error::Storage {
            path: path.clone(),
            source,
        };
        let answer = self.store.get(path).await.map_err(failed)?;
        let meta = answer.meta.clone();
        let bytes = answer.bytes().await.map_err(failed)?;
        // More than announced is fine: the transfer may have been compressed.
        if (bytes.len() as u64) < meta.size {
            return Err(self.truncated(path, bytes.len(), Some(meta.size)));
        }
        let file = LogFile {
            path: path.clone(),
            size: Some(meta.size),
            modified: meta.last_modified.timestamp_millis(),
            e_tag: meta.e_tag,
        };
        Ok((bytes, file))
    }

    /// Reads a commit, unless `log` has it already.
    pub(crate) async fn read_commit(&self, log: &Log, version: u64) -> Result<Commit> {
        let Some(file) = log.commits.get(&version) else {
            return Err(Error::MissingCommit {
                location: self.location.clone(),
                version,
            });
        };
        let path = commit_path(&self.root, version);
        let bytes = match log.body(version) {
            Some(bytes) => bytes,
            None => self.fetch(&path).await?.0,
        };
        if file.size.is_some_and(|size| size > bytes.len() as u64) {
            return Err(self.truncated(&path, bytes.len(), file.size));
        }
        Commit::parse(&path, &bytes)
    }

    pub(crate) fn truncated(&self, path: &Path, received: usize, expected: Option<u64>) -> Error {
        let (received, expected) = (received as u64, expected.unwrap_or_default());
        if received > expected {
            return Error::CorruptLog {
                path: path.to_string(),
                reason: format!("it has {received} bytes, and should have {expected}"),
            };
        }
        Error::Truncated {
            path: path.clone(),
            received,
            expected,
        }
    }

    pub(crate) fn no_time(&self, version: u64) -> Error {
        Error::CorruptLog {
            path: commit_path(&self.root, version).to_string(),
            reason: "the table has in-commit timestamps, and this commit lacks its own".to_owned(),
        }
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Table").field(&self.location).finish()
    }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    /// Query engines poll these from several threads.
    #[test]
    fn futures_can_change_threads() {
        fn assert_send(_: impl Send) {}
        let table = Table::new(Arc::new(InMemory::new()), Path::ROOT, "memory:///", true);
        assert_send(table.snapshot(TimeTravel::Latest));
        assert_send(table.history(None));
        assert_send(table.changes(ChangeBound::Version(0), None, ChangeColumns::OfEnd));
        assert_send(async {
            let snapshot = table.snapshot(TimeTravel::Latest).await?;
            table.refresh(&snapshot).await
        });
    }
}
