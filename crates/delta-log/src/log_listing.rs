//! One listing of a log, for several readers of it.

use std::sync::Arc;

use futures::{FutureExt, TryStreamExt};

use crate::error::{Error, Result};
use crate::history::{self, CommitRecord};
use crate::log::concurrent::ordered;
use crate::log::log_path::commit_path;
use crate::log::log_segment::{Log, LogRange};
use crate::log::replay::CONCURRENT_COMMITS;
use crate::open::TimeTravel;
use crate::snapshot::Snapshot;
use crate::table::Table;

/// The files of a table's log, listed once, and its newest commits, read once: for a snapshot and a
/// history that are wanted at the same time.
#[derive(Debug)]
pub struct LogListing {
    log: Log,
}

impl Table {
    /// Lists the log, and reads the commits after its last checkpoint, the newest `commits` of them at
    /// most.
    ///
    /// Requests: one LIST, and one GET for each of these commits. Where the store cannot list, all
    /// commits are asked for in windows until one is missing.
    ///
    /// # Errors
    /// [`Error::NotATable`]; [`Error::Truncated`]; [`Error::Storage`].
    pub async fn list_log(&self, commits: usize) -> Result<LogListing> {
        let mut log = Log::open(self, LogRange::All).await?;
        let checkpoint = log.checkpoints.keys().next_back().copied();
        let newest = log.commits.keys().rev().take(commits).copied();
        let needed = newest
            .filter(|version| checkpoint.is_none_or(|checkpoint| *version > checkpoint))
            .filter(|version| log.body(*version).is_none());
        let reads = needed.map(|version| {
            let path = commit_path(&self.root, version);
            async move { Ok::<_, Error>((version, self.fetch(&path).await?.0)) }.boxed()
        });
        let bodies: Vec<_> = ordered(reads.collect(), CONCURRENT_COMMITS)
            .try_collect()
            .await?;
        log.bodies.extend(bodies);
        Ok(LogListing { log })
    }

    /// Loads the latest version in `listing`; from `previous`, an earlier one, if that is known.
    ///
    /// Requests: those for a checkpoint, and one GET for each commit after it that `listing` has not
    /// read; with `previous`, none for what is older than that.
    ///
    /// # Errors
    /// As [`Self::snapshot`].
    pub async fn latest_in(
        &self,
        listing: &LogListing,
        previous: Option<&Arc<Snapshot>>,
    ) -> Result<Arc<Snapshot>> {
        match previous {
            Some(previous) => self.advance(&listing.log, previous).await,
            None => self.load(&listing.log, TimeTravel::Latest).await,
        }
    }

    /// The commits in `listing`, newest first, at most `limit`.
    ///
    /// Requests: one GET for each commit that `listing` has not read; else as [`Self::history`].
    ///
    /// # Errors
    /// As [`Self::history`].
    pub async fn history_in(
        &self,
        listing: &LogListing,
        limit: Option<usize>,
    ) -> Result<Vec<CommitRecord>> {
        history::read(self, &listing.log, limit).await
    }
}
