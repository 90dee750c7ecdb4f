//! Finds a log's files where the store cannot list: by asking for them.

use futures::{StreamExt, stream};

use crate::error::{Error, Result};
use crate::last_checkpoint::LastCheckpoint;
use crate::log_path::{checkpoint_paths, commit_path};
use crate::log_segment::{Checkpoint, Extent, Log, LogFile};
use crate::table::Table;

/// Commits that are asked for at a time.
const WINDOW: u64 = 8;

impl Log {
    /// Finds commits by asking for them, from the hint's checkpoint on or from the start.
    pub(crate) async fn probe(table: &Table, extent: Extent) -> Result<Self> {
        let hint = LastCheckpoint::read(table).await;
        let mut log = match extent {
            Extent::All => Self::probe_from(table, 0, extent).await?,
            _ => Self::default(),
        };
        let usable = |hint: &LastCheckpoint| match extent {
            Extent::Version(version) => hint.version <= version,
            Extent::Latest => true,
            Extent::All => !log.commits.contains_key(&0),
        };
        let Some(hint) = hint.filter(usable) else {
            return match extent {
                Extent::All => Ok(log),
                _ => Self::probe_from(table, 0, extent).await,
            };
        };
        log = Self::probe_from(table, hint.version, extent).await?;
        // The last commit of a log is never cleaned up. So if that of the hint is gone, the log
        // goes on somewhere that cannot be found without a listing.
        if !log.commits.contains_key(&hint.version) {
            let log = Self::probe_from(table, 0, extent).await?;
            return match log.commits.is_empty() {
                false => Ok(log),
                true => Err(Error::MissingCommit {
                    location: table.location.clone(),
                    version: hint.version,
                }),
            };
        }
        let unlisted = |path| LogFile {
            path,
            size: None,
            modified: 0,
            e_tag: None,
        };
        let files = checkpoint_paths(&table.root, hint.version, hint.parts);
        let files = files.into_iter().map(unlisted).collect();
        log.checkpoints
            .insert(hint.version, Checkpoint::Parquet(files));
        Ok(log)
    }

    /// Finds the log without the hint, for a store that cannot list.
    pub(crate) async fn probe_from_start(table: &Table, extent: Extent) -> Result<Self> {
        Self::probe_from(table, 0, extent).await
    }

    async fn probe_from(table: &Table, first: u64, extent: Extent) -> Result<Self> {
        let last = match extent {
            Extent::Version(version) => version,
            _ => u64::MAX,
        };
        let mut log = Self {
            location: table.location.clone(),
            ..Self::default()
        };
        log.probe_commits(table, first, last).await?;
        Ok(log)
    }

    /// Reads commits from `first` on until one is missing, or `last` is reached.
    pub(crate) async fn probe_commits(
        &mut self,
        table: &Table,
        first: u64,
        last: u64,
    ) -> Result<()> {
        let mut start = first;
        let mut missing = None;
        while missing.is_none() && start <= last {
            let end = last.min(start.saturating_add(WINDOW - 1));
            let window: Vec<_> = stream::iter(start..=end)
                .map(|version| async move {
                    (
                        version,
                        table.fetch(&commit_path(&table.root, version)).await,
                    )
                })
                .buffered(WINDOW as usize)
                .collect()
                .await;
            for (version, answer) in window {
                match answer {
                    Ok((bytes, file)) => {
                        if let Some(version) = missing {
                            let location = table.location.clone();
                            return Err(Error::MissingCommit { location, version });
                        }
                        self.commits.insert(version, file);
                        self.bodies.insert(version, bytes);
                    }
                    Err(Error::Storage {
                        source: object_store::Error::NotFound { .. },
                        ..
                    }) => {
                        missing = missing.or(Some(version));
                    }
                    Err(error) => return Err(error),
                }
            }
            match end.checked_add(1) {
                Some(next) => start = next,
                None => break,
            }
        }
        Ok(())
    }
}
