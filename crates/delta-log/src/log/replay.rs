//! Makes the state of a version out of a checkpoint and the commits after it.
//!
//! Protocol: [Action Reconciliation](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#action-reconciliation)

use std::ops::RangeInclusive;

use bytes::Bytes;
use futures::{FutureExt, TryStreamExt, future};
use object_store::path::Path;

use crate::actions::Commit;
use crate::error::{Error, Result};
use crate::files::data_path::DataPaths;
use crate::files::file_segment::SegmentColumns;
use crate::log::checkpoint::{self, CheckpointContent, CheckpointScope};
use crate::log::checksum::Checksum;
use crate::log::concurrent::ordered;
use crate::log::log_path::{LogFile, commit_path};
use crate::log::log_segment::{Checkpoint, Log, LogSegment};
use crate::log::state::{Files, LogicalFiles, State};
use crate::table::Table;
use crate::warning::Warning;

/// Commits that are read at a time.
pub(crate) const CONCURRENT_COMMITS: usize = 32;

impl Table {
    /// The commit that made `version`; `None` if there is none, or none any more.
    ///
    /// Requests: one GET.
    ///
    /// # Errors
    /// [`Error::CorruptLog`], [`Error::Truncated`]; [`Error::Storage`].
    pub async fn commit(&self, version: u64) -> Result<Option<Commit>> {
        let path = commit_path(&self.root, version);
        match self.fetch(&path).await {
            Ok((bytes, _)) => Commit::parse(&path, &bytes).map(Some),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where the commit of `version` is, or has to be put.
    pub fn commit_path(&self, version: u64) -> Path {
        commit_path(&self.root, version)
    }

    /// Reads a commit, unless `log` has it already.
    pub(crate) async fn read_commit(&self, log: &Log, version: u64) -> Result<Commit> {
        let bytes = self.read_commit_file(log, version).await?;
        Commit::parse(&commit_path(&self.root, version), &bytes)
    }

    /// Reads the whole file of a commit, unless `log` has it already.
    pub(crate) async fn read_commit_file(&self, log: &Log, version: u64) -> Result<Bytes> {
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
        Ok(bytes)
    }
}

/// State of a version, and how it was read.
pub(crate) struct Loaded {
    pub(crate) state: State,
    /// The files that it was read from.
    pub(crate) segment: LogSegment,
    /// All of the log, where more of it had to be found than the caller knew.
    pub(crate) whole_log: Option<Log>,
    /// Faults of the log that did not keep the version from being read.
    pub(crate) warnings: Vec<Warning>,
}

/// Reads the files that make `version`, all at once, and replays them. Where a checkpoint cannot be
/// read, another one or the commits alone take its place, if they make the same version.
///
/// # Errors
/// As [`Log::segment`]; where a checkpoint cannot be read and nothing takes its place, what is
/// wrong with the first one tried.
pub(crate) async fn load(
    table: &Table,
    log: &Log,
    version: u64,
    scope: CheckpointScope,
) -> Result<Loaded> {
    let mut whole_log: Option<Log> = None;
    let mut unreadable = Vec::new();
    let mut first_error = None;
    let mut warnings = log.warnings.clone();
    loop {
        let log = whole_log.as_ref().unwrap_or(log);
        let segment = match (log.segment(version, &unreadable), &first_error) {
            (Ok(segment), _) => segment,
            (Err(_), Some(_)) if log.starts_late => {
                whole_log = Some(Log::whole(table).await?);
                continue;
            }
            (Err(error), _) => return Err(first_error.unwrap_or(error)),
        };
        let Read { checkpoint, tail } = read_segment(table, log, &segment, scope).await;
        let state = match checkpoint {
            Ok(checkpoint) => replay_segment(table, log, checkpoint, tail?, scope).await?,
            Err(error) => match &segment.checkpoint {
                Some((version, found)) if is_of_the_file(&error) => {
                    warnings.push(unreadable_checkpoint(*version, &error));
                    unreadable.push(found.clone());
                    first_error = first_error.or(Some(error));
                    continue;
                }
                _ => return Err(error),
            },
        };
        // A checkpoint must have both.
        if let Some((version, found)) = &segment.checkpoint
            && (state.protocol.is_none() || state.metadata.is_none())
        {
            let error = lacks_actions(found, state.protocol.is_some());
            warnings.push(unreadable_checkpoint(*version, &error));
            unreadable.push(found.clone());
            first_error = first_error.or(Some(error));
            continue;
        }
        let first = segment.checkpoint.as_ref().map(|(version, _)| *version);
        let passed_over = log
            .incomplete_checkpoints
            .range(first.unwrap_or(0)..=version);
        let passed_over = passed_over.filter(|(version, _)| first != Some(**version));
        warnings.extend(passed_over.map(|(version, (found, expected))| {
            Warning::IncompleteCheckpoint {
                version: *version,
                found: *found,
                expected: *expected,
            }
        }));
        return Ok(Loaded {
            state,
            segment,
            whole_log,
            warnings,
        });
    }
}

fn unreadable_checkpoint(version: u64, error: &Error) -> Warning {
    Warning::UnreadableCheckpoint {
        version,
        reason: match error {
            Error::Storage { path, .. } => format!("{path} is not there"),
            error => error.to_string(),
        },
    }
}

pub(crate) fn lacks_actions(checkpoint: &Checkpoint, has_protocol: bool) -> Error {
    let action = match has_protocol {
        false => "protocol",
        true => "metaData",
    };
    let path = checkpoint.files.first().map(|file| file.path.to_string());
    Error::CorruptLog {
        path: path.unwrap_or_default(),
        reason: format!("it has no {action}"),
    }
}

/// Whether an error is the fault of a file (damaged, cut short, gone), not of the store.
pub(crate) fn is_of_the_file(error: &Error) -> bool {
    matches!(error, Error::CorruptLog { .. } | Error::Truncated { .. }) || error.is_not_found()
}

/// Content of a segment's files: its checkpoint and its commits.
struct Read {
    checkpoint: Result<CheckpointContent>,
    tail: Result<Option<Tail>>,
}

/// Reads a segment's files, all at once.
async fn read_segment(
    table: &Table,
    log: &Log,
    segment: &LogSegment,
    scope: CheckpointScope,
) -> Read {
    let checkpoint = async {
        match &segment.checkpoint {
            None => Ok(CheckpointContent::default()),
            Some((_, found)) => checkpoint::read(table, &found.files, scope).await,
        }
    };
    let tail = async {
        match (segment.commits.first(), segment.commits.last()) {
            (Some((first, _)), Some((last, _))) => {
                read_tail(table, log, *first..=*last).await.map(Some)
            }
            _ => Ok(None),
        }
    };
    let (checkpoint, tail) = future::join(checkpoint, tail).await;
    Read { checkpoint, tail }
}

async fn replay_segment(
    table: &Table,
    log: &Log,
    checkpoint: CheckpointContent,
    tail: Option<Tail>,
    scope: CheckpointScope,
) -> Result<State> {
    let base = State {
        protocol: checkpoint.protocol,
        metadata: checkpoint.metadata,
        files: Files::from_segments(checkpoint.files),
        in_commit_timestamp: None,
    };
    match tail {
        Some(tail) if scope == CheckpointScope::All => apply(table, log, base, tail).await,
        Some(tail) => Ok(replay(&DataPaths::new(table), base, tail.actions)),
        None => Ok(base),
    }
}

/// Reads commits, in the order of `versions`.
pub(crate) async fn read_commits(
    table: &Table,
    log: &Log,
    versions: impl IntoIterator<Item = u64>,
) -> Result<Vec<Commit>> {
    let commits = versions
        .into_iter()
        .map(|version| table.read_commit(log, version).boxed())
        .collect();
    ordered(commits, CONCURRENT_COMMITS).try_collect().await
}

/// Actions of the commits of `versions`.
pub(crate) struct Tail {
    versions: RangeInclusive<u64>,
    actions: Vec<Commit>,
    /// Checksum of the last version, where compactions were read in place of commits.
    expected: Option<Checksum>,
}

/// Reads what the commits of `versions` did, in their order. Where a compaction stands for several
/// of them, it alone is read, unless it turns out to be of no use. Then the last version's checksum
/// is read too, if there is one.
///
/// Protocol: [Log Compaction Files](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#log-compaction-files)
pub(crate) async fn read_tail(
    table: &Table,
    log: &Log,
    versions: RangeInclusive<u64>,
) -> Result<Tail> {
    let steps = log.steps(versions.clone());
    let last = *versions.end();
    let is_checked =
        log.checksums.contains(&last) && steps.iter().any(|step| step.compaction.is_some());
    let expected = async {
        match is_checked {
            true => Checksum::read(table, last).await,
            false => Ok(None),
        }
    };
    let steps = steps.into_iter().map(|step| {
        async move {
            let Some(compaction) = &step.compaction else {
                let commit = table.read_commit(log, *step.versions.start()).await?;
                return Ok(vec![commit]);
            };
            match read_compaction(table, compaction).await? {
                Some(actions) => Ok(vec![actions]),
                None => read_commits(table, log, step.versions).await,
            }
        }
        .boxed()
    });
    let steps = ordered(steps.collect(), CONCURRENT_COMMITS);
    let (actions, expected) =
        future::try_join(steps.try_collect::<Vec<Vec<Commit>>>(), expected).await?;
    Ok(Tail {
        versions,
        actions: actions.into_iter().flatten().collect(),
        expected,
    })
}

/// Applies a tail to the state before it. What a compaction says counts only if it leads to what
/// the last version's checksum says; else the commits are read.
pub(crate) async fn apply(table: &Table, log: &Log, base: State, tail: Tail) -> Result<State> {
    let paths = DataPaths::new(table);
    let Some(expected) = tail.expected else {
        return Ok(replay(&paths, base, tail.actions));
    };
    let state = replay(&paths, base.clone(), tail.actions);
    if expected.matches(&state) {
        return Ok(state);
    }
    let commits = read_commits(table, log, tail.versions).await?;
    Ok(replay(&paths, base, commits))
}

/// `None` where the commits have to be read after all.
async fn read_compaction(table: &Table, file: &LogFile) -> Result<Option<Commit>> {
    let actions = match table.fetch(&file.path).await {
        Ok((bytes, _)) if file.size.is_none_or(|size| size == bytes.len() as u64) => {
            Commit::parse(&file.path, &bytes)
        }
        Ok(_) => return Ok(None),
        Err(error) => Err(error),
    };
    match actions {
        // Whose information that would be is not defined.
        Ok(actions) if is_reconciled(&DataPaths::new(table), &actions) => Ok(Some(Commit {
            commit_info: None,
            ..actions
        })),
        Ok(_) => Ok(None),
        Err(error) if is_of_the_file(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a compaction has no two actions for one file, and one protocol and metadata at most. Some
/// writers just concatenate the commits' actions, in an order of their own, so that the last one of
/// two can no longer be told.
fn is_reconciled(paths: &DataPaths, actions: &Commit) -> bool {
    let mut seen = LogicalFiles::default();
    let adds = actions.adds.iter();
    let adds = adds.map(|add| (&add.path, add.deletion_vector.as_deref()));
    let removes = actions.removes.iter();
    let removes = removes.map(|remove| (&remove.path, remove.deletion_vector.as_deref()));
    !actions.is_ambiguous
        && adds
            .chain(removes)
            .all(|(path, vector)| seen.insert(paths.identity(path), vector))
}

/// Applies commits, ascending, to the state before them.
pub(crate) fn replay(paths: &DataPaths, base: State, commits: Vec<Commit>) -> State {
    let in_commit_timestamp = commits.last().and_then(Commit::in_commit_timestamp);
    let mut protocol = None;
    let mut metadata = None;
    let mut seen = LogicalFiles::default();
    let mut adds = Vec::new();
    for commit in commits.into_iter().rev() {
        protocol = protocol.or(commit.protocol);
        metadata = metadata.or(commit.metadata);
        // In one commit an add counts more than a remove of the same logical file: together they
        // replace what the log said about a file that stays.
        for add in commit.adds.into_iter().rev() {
            if seen.insert(paths.identity(&add.path), add.deletion_vector.as_deref()) {
                adds.push(add);
            }
        }
        for remove in commit.removes {
            let path = paths.identity(&remove.path);
            seen.insert(path, remove.deletion_vector.as_deref());
        }
    }
    adds.reverse();
    let mut files = base.files;
    files.retain(paths, &seen);
    if !adds.is_empty() {
        files.push(SegmentColumns::from_adds(adds));
    }
    State {
        protocol: protocol.or(base.protocol),
        metadata: metadata.or(base.metadata),
        files,
        in_commit_timestamp,
    }
}
