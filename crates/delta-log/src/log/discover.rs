//! Finds a log's files: by listing them or, where the store cannot list, by asking for commits.

use futures::{FutureExt, StreamExt, TryStreamExt};

use crate::error::{Error, Result};
use crate::log::concurrent::ordered;
use crate::log::last_checkpoint::LastCheckpoint;
use crate::log::log_path::{LogFile, LogPath, checkpoint_paths, commit_path, log_folder};
use crate::log::log_segment::{Checkpoint, Log, LogRange};
use crate::table::Table;
use crate::warning::Warning;

/// Commits that are asked for at a time, at first: most logs end soon after their checkpoint.
const FIRST_WINDOW: u64 = 8;

/// And at most, in a log that goes on and on.
const LAST_WINDOW: u64 = 64;

impl Log {
    /// Finds the log's files.
    ///
    /// Requests, where the store can list: for [`LogRange::Latest`] the hint, then one LIST from
    /// there on, so that a log of thousands of commits costs one page. A hint that leads nowhere
    /// costs a second LIST. Otherwise one LIST. Where the store cannot list, commits are tried in
    /// windows, and what was read stays with the result.
    pub(crate) async fn open(table: &Table, range: LogRange) -> Result<Self> {
        let log = if table.can_list {
            Self::list(table, range).await?
        } else {
            Self::probe(table, range).await?
        };
        if log.latest().is_none() {
            return Err(Error::NotATable {
                location: table.location.clone(),
            });
        }
        Ok(log)
    }

    async fn list(table: &Table, range: LogRange) -> Result<Self> {
        if range == LogRange::Latest
            && let Some(hint) = LastCheckpoint::read(table).await?
        {
            let log = Self::list_from(table, Some(hint.version)).await?;
            if !log.checkpoints.is_empty() {
                return Ok(log);
            }
            let mut log = Self::list_from(table, None).await?;
            log.warn_of_missing_checkpoint(hint.version);
            return Ok(log);
        }
        Self::list_from(table, None).await
    }

    /// Lists the files of `version` and later ones.
    pub(crate) async fn list_from(table: &Table, version: Option<u64>) -> Result<Self> {
        Ok(Self {
            location: table.location.clone(),
            starts_late: version.is_some(),
            ..Self::from_files(list_files(table, version).await?)
        })
    }

    /// Finds commits by asking for them, from the hint's checkpoint on or from the start.
    pub(crate) async fn probe(table: &Table, range: LogRange) -> Result<Self> {
        let hint = LastCheckpoint::read(table).await?;
        let mut log = match range {
            LogRange::All => Self::probe_from(table, 0, range).await?,
            _ => Self::default(),
        };
        let usable = |hint: &LastCheckpoint| match range {
            LogRange::Version(version) => hint.version <= version,
            LogRange::Latest => true,
            LogRange::All => !log.commits.contains_key(&0),
        };
        let Some(hint) = hint.filter(usable) else {
            return match range {
                LogRange::All => Ok(log),
                _ => Self::probe_from(table, 0, range).await,
            };
        };
        log = Self::probe_from(table, hint.version, range).await?;
        // The last commit of a log is never cleaned up. So if that of the hint is gone, the log
        // goes on somewhere that cannot be found without a listing.
        if !log.commits.contains_key(&hint.version) {
            let mut log = Self::probe_from(table, 0, range).await?;
            log.warn_of_missing_checkpoint(hint.version);
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
        let named = hint.v2.as_ref().map(|v2| v2.path.rsplit('/').next());
        let files = match named.flatten() {
            Some(name) => vec![log_folder(&table.root).join(name)],
            None => checkpoint_paths(&table.root, hint.version, hint.parts),
        };
        let files = files.into_iter().map(unlisted).collect();
        let checkpoint = vec![Checkpoint { files }];
        log.checkpoints.insert(hint.version, checkpoint);
        Ok(log)
    }

    /// Finds all files that the store has, or all commits if it cannot list.
    pub(crate) async fn whole(table: &Table) -> Result<Self> {
        if table.can_list {
            Self::list_from(table, None).await
        } else {
            Self::probe_from(table, 0, LogRange::All).await
        }
    }

    fn warn_of_missing_checkpoint(&mut self, version: u64) {
        let is_there = self.checkpoints.contains_key(&version)
            || self.incomplete_checkpoints.contains_key(&version);
        if !is_there {
            self.warnings.push(Warning::MissingCheckpoint { version });
        }
    }

    async fn probe_from(table: &Table, first: u64, range: LogRange) -> Result<Self> {
        let last = match range {
            LogRange::Version(version) => version,
            _ => u64::MAX,
        };
        let mut log = Self {
            location: table.location.clone(),
            starts_late: first > 0,
            ..Self::default()
        };
        log.probe_commits(table, first, last).await?;
        Ok(log)
    }

    /// Reads commits from `first` on until one is missing, or `last` is reached.
    ///
    /// # Errors
    /// [`Error::MissingCommit`] if there are commits after the one that is missing.
    pub(crate) async fn probe_commits(
        &mut self,
        table: &Table,
        first: u64,
        last: u64,
    ) -> Result<()> {
        let mut start = first;
        let mut size = FIRST_WINDOW;
        let mut missing: Option<u64> = None;
        // Where the last one of a window is missing, nothing is known yet of those after it.
        while missing.is_none_or(|missing| missing.checked_add(1) == Some(start)) && start <= last {
            let end = last.min(start.saturating_add(size.saturating_sub(1)));
            size = LAST_WINDOW.min(size.saturating_mul(2));
            let asked = (start..=end)
                .map(|version| {
                    let path = commit_path(&table.root, version);
                    async move { (version, table.fetch(&path).await) }.boxed()
                })
                .collect();
            let window: Vec<_> = ordered(asked, LAST_WINDOW as usize).collect().await;
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
                    Err(error) if error.is_not_found() => {
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

/// Lists the files of `version` and later ones, or of all; those that the log consists of.
pub(crate) async fn list_files(
    table: &Table,
    version: Option<u64>,
) -> Result<Vec<(LogPath, LogFile)>> {
    let folder = log_folder(&table.root);
    let objects = match version {
        None => table.store.list(Some(&folder)),
        // The offset itself is left out, but every name of this version is longer.
        Some(version) => {
            let offset = folder.clone().join(format!("{version:020}"));
            table.store.list_with_offset(Some(&folder), &offset)
        }
    };
    let objects: Vec<_> = match objects.try_collect().await {
        Err(object_store::Error::NotFound { .. }) => Vec::new(),
        result => result.map_err(|source| Error::Storage {
            path: folder.clone(),
            source,
        })?,
    };
    let files = objects.into_iter().filter_map(|object| {
        let name = object
            .location
            .as_ref()
            .strip_prefix(folder.as_ref())?
            .strip_prefix('/')?;
        let kind = LogPath::parse(name)?;
        let file = LogFile {
            size: Some(object.size),
            modified: object.last_modified.timestamp_millis(),
            e_tag: object.e_tag,
            path: object.location,
        };
        Some((kind, file))
    });
    Ok(files.collect())
}
