//! Loads a version of a table, and brings one that is loaded up to date.

use std::sync::Arc;

use crate::commit_times::{adjusted_commit_timestamps, version_at};
use crate::error::Result;
use crate::features::has_in_commit_timestamps;
use crate::log::checkpoint::CheckpointScope;
use crate::log::log_segment::{Log, LogRange};
use crate::log::replay::{self, Loaded};
use crate::log::state::State;
use crate::snapshot::Snapshot;
use crate::table::Table;

/// A version of a table, by number or by time.
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
    /// Loads the table as of `at`.
    ///
    /// Requests for the latest version: one GET (hint), one LIST, then at once the checkpoint's
    /// parts and one GET for each later commit. Time travel needs no hint; by a timestamp it needs
    /// one GET more (the last commit, which tells whether commits carry their own times). No HEAD.
    /// Where the store cannot list, commits are asked for in windows until one is missing.
    ///
    /// # Errors
    /// `Error::NotATable`; `Error::UnsupportedFeature`;
    /// `Error::VersionNotFound` for a version that is no longer, or not yet, there;
    /// `Error::MissingCommit` for one that a gap in the log makes unreadable;
    /// `Error::TimestampBeforeFirstCommit` and `Error::TimestampAfterLastCommit`;
    /// `Error::CorruptLog` and `Error::Truncated`; `Error::Storage`.
    ///
    /// Protocol: [Action Reconciliation](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#action-reconciliation)
    pub async fn snapshot(&self, at: TimeTravel) -> Result<Arc<Snapshot>> {
        let range = match at {
            TimeTravel::Latest => LogRange::Latest,
            TimeTravel::Version(version) => LogRange::Version(version),
            TimeTravel::Timestamp(_) => LogRange::All,
        };
        let log = Log::open(self, range).await?;
        self.load(&log, at).await
    }

    pub(crate) async fn load(&self, log: &Log, at: TimeTravel) -> Result<Arc<Snapshot>> {
        let version = match at {
            TimeTravel::Latest => log.latest().unwrap_or(0),
            TimeTravel::Version(version) => version,
            TimeTravel::Timestamp(timestamp) => version_at(self, log, timestamp).await?.0,
        };
        let Loaded {
            state,
            segment,
            whole_log,
            warnings,
        } = replay::load(self, log, version, CheckpointScope::All).await?;
        let log = whole_log.as_ref().unwrap_or(log);
        let by_file = match adjusted_commit_timestamps(log).get(&version) {
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
            warnings,
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
        self.advance(&log, previous).await
    }

    /// Brings `previous` up to the end of `log`, which has the commit of `previous` and later ones.
    pub(crate) async fn advance(
        &self,
        log: &Log,
        previous: &Arc<Snapshot>,
    ) -> Result<Arc<Snapshot>> {
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
        let tail = replay::read_tail(self, log, first..=latest).await?;
        let state = replay::apply(self, log, previous.state(), tail).await?;
        let by_file = log
            .commits
            .range(first..)
            .fold(previous.timestamp(), |time, (_, file)| {
                file.modified.max(time.saturating_add(1))
            });
        let timestamp = self.commit_time(log, latest, &state, by_file).await?;
        let commit_file = log.commits.get(&latest).cloned();
        Ok(Arc::new(Snapshot::new(
            self,
            latest,
            timestamp,
            commit_file,
            state,
            previous.warnings().to_vec(),
        )?))
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
}
