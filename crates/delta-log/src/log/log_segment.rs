//! Which files of the log make a version.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::log::log_path::{LogFile, LogPath};
use crate::warning::Warning;

/// A checkpoint that has all its parts: one classic file, several, or the top level of one of the V2
/// spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) files: Vec<LogFile>,
}

/// The known files of a log: some, or all.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) location: String,
    pub(crate) commits: BTreeMap<u64, LogFile>,
    /// Complete checkpoints by version; of those of one version, the one that costs least to read first.
    pub(crate) checkpoints: BTreeMap<u64, Vec<Checkpoint>>,
    /// Versions with a checkpoint that lacks parts: the number of parts found, and the number expected.
    pub(crate) incomplete_checkpoints: BTreeMap<u64, (usize, usize)>,
    /// Several commits in one file: by the first one of them, those that end with the last.
    pub(crate) compactions: BTreeMap<u64, Vec<(u64, LogFile)>>,
    /// Versions that have a checksum.
    pub(crate) checksums: BTreeSet<u64>,
    /// Commits that were read in order to know that they exist.
    pub(crate) bodies: HashMap<u64, Bytes>,
    /// Whether there may be files of earlier versions, which were not looked for.
    pub(crate) starts_late: bool,
    /// Faults that were seen when the files were looked for.
    pub(crate) warnings: Vec<Warning>,
}

/// The part of a log that a reader wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogRange {
    /// From the newest checkpoint on.
    Latest,
    /// Enough for this version.
    Version(u64),
    /// Everything.
    All,
}

/// Commits that one file stands for, or just one commit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) versions: RangeInclusive<u64>,
    pub(crate) compaction: Option<LogFile>,
}

/// The files that make one version: a checkpoint and every commit after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogSegment {
    pub(crate) version: u64,
    pub(crate) checkpoint: Option<(u64, Checkpoint)>,
    /// Ascending, without gaps, up to `version`.
    pub(crate) commits: Vec<(u64, LogFile)>,
}

impl Log {
    pub(crate) fn from_files(files: impl IntoIterator<Item = (LogPath, LogFile)>) -> Self {
        let mut log = Self::default();
        let mut parts: BTreeMap<(u64, u32), BTreeMap<u32, LogFile>> = BTreeMap::new();
        let mut with_uuid = Vec::new();
        for (kind, file) in files {
            match kind {
                LogPath::Commit(version) => {
                    log.commits.insert(version, file);
                }
                LogPath::ClassicCheckpoint(version) => {
                    let files = vec![file];
                    let found = log.checkpoints.entry(version).or_default();
                    found.insert(0, Checkpoint { files });
                }
                LogPath::CheckpointPart {
                    version,
                    part,
                    parts: count,
                } => {
                    parts
                        .entry((version, count))
                        .or_default()
                        .insert(part, file);
                }
                LogPath::Compaction { first, last } => {
                    log.compactions.entry(first).or_default().push((last, file));
                }
                LogPath::Checksum(version) => {
                    log.checksums.insert(version);
                }
                LogPath::UuidCheckpoint(version) => with_uuid.push((version, file)),
            }
        }
        for ((version, count), files) in parts {
            let count = count as usize;
            if files.len() == count {
                let files = files.into_values().collect();
                let found = log.checkpoints.entry(version).or_default();
                found.push(Checkpoint { files });
            } else {
                let parts = (files.len(), count);
                log.incomplete_checkpoints.insert(version, parts);
            }
        }
        for (version, file) in with_uuid {
            let files = vec![file];
            let found = log.checkpoints.entry(version).or_default();
            found.push(Checkpoint { files });
        }
        log
    }

    /// The fewest files, or nearly so, that stand for the commits of `versions`.
    pub(crate) fn steps(&self, versions: RangeInclusive<u64>) -> Vec<Step> {
        let (mut next, last) = versions.into_inner();
        let mut steps = Vec::new();
        while next <= last {
            let compactions = self.compactions.get(&next).into_iter().flatten();
            let longest = compactions
                .filter(|(end, file)| *end <= last && self.is_of_this_log(next..=*end, file))
                .max_by_key(|(end, _)| *end);
            let (end, compaction) = match longest {
                Some((end, file)) => (*end, Some(file.clone())),
                None => (next, None),
            };
            let versions = next..=end;
            steps.push(Step {
                versions,
                compaction,
            });
            next = end.saturating_add(1);
        }
        steps
    }

    /// A compaction is written after its commits. One that looks older may be what is left of
    /// another table in the same place.
    fn is_of_this_log(&self, versions: RangeInclusive<u64>, compaction: &LogFile) -> bool {
        let mut commits = self.commits.range(versions);
        commits.all(|(_, commit)| commit.modified <= compaction.modified)
    }

    /// A commit that was read already.
    pub(crate) fn body(&self, version: u64) -> Option<Bytes> {
        self.bodies.get(&version).cloned()
    }

    /// The newest version.
    pub(crate) fn latest(&self) -> Option<u64> {
        let commit = self.commits.last_key_value().map(|(version, _)| *version);
        let checkpoint = self
            .checkpoints
            .last_key_value()
            .map(|(version, _)| *version);
        commit.max(checkpoint)
    }

    /// The oldest version that can be rebuilt.
    pub(crate) fn earliest(&self) -> Option<u64> {
        if self.commits.contains_key(&0) {
            return Some(0);
        }
        self.checkpoints
            .first_key_value()
            .map(|(version, _)| *version)
    }

    /// The files that make `version`, without the checkpoints in `unreadable`.
    ///
    /// # Errors
    /// [`Error::VersionNotFound`] outside of what the log has, [`Error::MissingCommit`] in a gap.
    pub(crate) fn segment(&self, version: u64, unreadable: &[Checkpoint]) -> Result<LogSegment> {
        let latest = self.latest().unwrap_or(0);
        let newest_first = self.checkpoints.range(..=version).rev();
        let checkpoint = newest_first
            .flat_map(|(version, found)| found.iter().map(move |checkpoint| (*version, checkpoint)))
            .find(|(_, checkpoint)| !unreadable.iter().any(|other| other.is(checkpoint)))
            .map(|(version, checkpoint)| (version, checkpoint.clone()));
        let first = match &checkpoint {
            Some((version, _)) => version.saturating_add(1),
            None => 0,
        };
        let commits: Vec<_> = if first <= version {
            self.commits.range(first..=version).collect()
        } else {
            Vec::new()
        };
        let needed = version.saturating_add(1).saturating_sub(first);
        if version > latest || commits.len() as u64 != needed {
            let earliest = self.earliest();
            if let Some(earliest) = earliest
                && (version > latest || version < earliest)
            {
                return Err(Error::VersionNotFound {
                    requested: version,
                    earliest,
                    latest,
                });
            }
            let missing = (first..=version).find(|version| !self.commits.contains_key(version));
            return Err(Error::MissingCommit {
                location: self.location.clone(),
                version: missing.unwrap_or(version),
            });
        }
        let commits = commits
            .into_iter()
            .map(|(version, file)| (*version, file.clone()))
            .collect();
        Ok(LogSegment {
            version,
            checkpoint,
            commits,
        })
    }
}

impl Checkpoint {
    /// Whether both consist of the same files.
    fn is(&self, other: &Self) -> bool {
        let paths = |checkpoint: &Self| {
            let files = checkpoint.files.iter();
            files.map(|file| file.path.clone()).collect::<Vec<_>>()
        };
        paths(self) == paths(other)
    }
}

impl LogSegment {
    /// When the checkpoint of `version` itself was written, in milliseconds since the epoch.
    pub(crate) fn checkpoint_time(&self) -> Option<i64> {
        match &self.checkpoint {
            Some((version, checkpoint)) if *version == self.version => {
                checkpoint.files.iter().map(|file| file.modified).min()
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
