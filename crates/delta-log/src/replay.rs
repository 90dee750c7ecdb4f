//! Makes the state of a version out of a checkpoint and the commits after it.
//!
//! Protocol: [Action Reconciliation](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#action-reconciliation)

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::Array;
use futures::{FutureExt, TryStreamExt, future};

use crate::actions::{Commit, Metadata, Protocol};
use crate::checkpoint::{self, CheckpointContent, Content};
use crate::concurrent::ordered;
use crate::data_path::{DataPaths, FileKey};
use crate::error::Result;
use crate::file_table::SegmentColumns;
use crate::log_segment::{Log, LogSegment};
use crate::table::Table;

/// Commits that are read at a time.
pub(crate) const CONCURRENT_COMMITS: usize = 32;

/// What the log says as of a version.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) protocol: Option<Protocol>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) files: Files,
    /// `inCommitTimestamp` of the version's own commit, where that was read and has one.
    pub(crate) in_commit_timestamp: Option<i64>,
}

/// Active files: rows of segments.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub(crate) segments: Vec<Arc<SegmentColumns>>,
    pub(crate) rows: Vec<(usize, usize)>,
}

/// Reads the files of `segment`, all at once, and replays them.
pub(crate) async fn load(
    table: &Table,
    log: &Log,
    segment: &LogSegment,
    content: Content,
) -> Result<State> {
    let checkpoint = async {
        match &segment.checkpoint {
            None => Ok(CheckpointContent::default()),
            Some((_, found)) => checkpoint::read(table, &found.files, content).await,
        }
    };
    let versions: Vec<u64> = segment
        .commits
        .iter()
        .map(|(version, _)| *version)
        .collect();
    let (checkpoint, commits) =
        future::try_join(checkpoint, read_commits(table, log, versions)).await?;
    let base = State {
        protocol: checkpoint.protocol,
        metadata: checkpoint.metadata,
        files: Files::from_segments(checkpoint.files),
        in_commit_timestamp: None,
    };
    Ok(replay(&DataPaths::new(table), base, commits))
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

/// Applies commits, ascending, to the state before them.
pub(crate) fn replay(paths: &DataPaths, base: State, commits: Vec<Commit>) -> State {
    let in_commit_timestamp = commits.last().and_then(Commit::in_commit_timestamp);
    let mut protocol = None;
    let mut metadata = None;
    let mut seen: HashSet<FileKey> = HashSet::new();
    let mut adds = Vec::new();
    for commit in commits.into_iter().rev() {
        protocol = protocol.or(commit.protocol);
        metadata = metadata.or(commit.metadata);
        // In one commit an add counts more than a remove of the same logical file: together they
        // replace what the log said about a file that stays.
        for add in commit.adds.into_iter().rev() {
            let vector = add
                .deletion_vector
                .as_ref()
                .map(|vector| vector.unique_id());
            if seen.insert(paths.key(&add.path, vector)) {
                adds.push(add);
            }
        }
        for remove in commit.removes {
            let vector = remove
                .deletion_vector
                .as_ref()
                .map(|vector| vector.unique_id());
            seen.insert(paths.key(&remove.path, vector));
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

impl Files {
    fn from_segments(segments: Vec<SegmentColumns>) -> Self {
        let mut files = Self::default();
        for segment in segments {
            files.push(segment);
        }
        files
    }

    fn push(&mut self, segment: SegmentColumns) {
        let index = self.segments.len();
        self.rows
            .extend((0..segment.path.len()).map(|row| (index, row)));
        self.segments.push(Arc::new(segment));
    }

    fn retain(&mut self, paths: &DataPaths, superseded: &HashSet<FileKey>) {
        if superseded.is_empty() {
            return;
        }
        let segments = &self.segments;
        self.rows.retain(|(segment, row)| {
            let columns = &segments[*segment];
            let vector = columns.deletion_vector[*row].as_ref();
            let vector = vector.map(|vector| vector.unique_id());
            !superseded.contains(&paths.key(columns.path.value(*row), vector))
        });
    }
}
