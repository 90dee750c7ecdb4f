//! All actions of a version, as a checkpoint holds them: what a writer needs of the log beyond what a
//! reader does.
//!
//! Protocol: [Action Reconciliation](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#action-reconciliation)

mod action_lines;
mod actions;
mod checkpoint_actions;
mod file_actions;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt, future};
use serde_json::{Map, Value};

use self::action_lines::{ActionLines, KeptLine};
use self::actions::{FileId, TableActions};
use self::checkpoint_actions::CheckpointActions;
pub use self::file_actions::{FileActions, Tombstone};
use crate::actions::{DomainMetadata, SetTransaction};
use crate::error::{Error, Result};
use crate::files::data_path::DataPaths;
use crate::log::checkpoint::part_reader::BATCH;
use crate::log::concurrent::ordered;
use crate::log::log_path::{LogFile, commit_path};
use crate::log::log_segment::{Checkpoint, Log, LogRange, LogSegment};
use crate::log::replay::{CONCURRENT_COMMITS, is_of_the_file, lacks_actions};
use crate::log::state::LogicalFiles;
use crate::table::Table;

/// All actions that are in force in a version. Protocol, metadata, transactions and domains are here;
/// files, of which there may be a million, are read when they are asked for, and then in batches.
#[derive(Debug)]
pub struct Reconciliation {
    table: Table,
    log: Arc<Log>,
    segment: LogSegment,
    /// Checkpoints that turned out to be damaged.
    unreadable: Vec<Checkpoint>,
    protocol: Map<String, Value>,
    metadata: Map<String, Value>,
    transactions: BTreeMap<String, SetTransaction>,
    domain_metadata: BTreeMap<String, DomainMetadata>,
    commit_info: Option<Map<String, Value>>,
    lines: Vec<KeptLine>,
    /// Parquet files of the checkpoint.
    parts: Vec<LogFile>,
    /// Files of which the commits after the checkpoint have something to say.
    superseded: LogicalFiles,
}

impl Table {
    /// Reconciles the actions of `version`: reads the newest checkpoint that can be used, without
    /// its files, and the commits after it.
    ///
    /// Requests: `_last_checkpoint` and one LIST; then at once the checkpoint's files and one GET for
    /// each later commit. Another LIST for an older version than that of the last checkpoint.
    ///
    /// # Errors
    /// [`Error::NotATable`]; [`Error::VersionNotFound`] and [`Error::MissingCommit`];
    /// [`Error::CorruptLog`] and [`Error::Truncated`]; [`Error::Storage`].
    pub async fn reconcile(&self, version: u64) -> Result<Reconciliation> {
        let log = Log::open(self, LogRange::Latest).await?;
        let log = match log.segment(version, &[]) {
            Err(_) if log.starts_late => Log::whole(self).await?,
            _ => log,
        };
        load(self, Arc::new(log), version, Vec::new()).await
    }
}

impl Reconciliation {
    /// The version.
    pub fn version(&self) -> u64 {
        self.segment.version
    }

    /// The version of the checkpoint that this was read from; `None` if there are commits alone.
    pub fn checkpoint_version(&self) -> Option<u64> {
        let checkpoint = self.segment.checkpoint.as_ref();
        checkpoint.map(|(version, _)| *version)
    }

    /// The `protocol` action, as the log has it.
    pub fn protocol(&self) -> &Map<String, Value> {
        &self.protocol
    }

    /// The `metaData` action, as the log has it.
    pub fn metadata(&self) -> &Map<String, Value> {
        &self.metadata
    }

    /// The last transaction of each application, by `appId`.
    pub fn transactions(&self) -> &BTreeMap<String, SetTransaction> {
        &self.transactions
    }

    /// The version of an application's last transaction; `None` if it has none.
    pub fn transaction(&self, app_id: &str) -> Option<i64> {
        let transaction = self.transactions.get(app_id);
        transaction.map(|transaction| transaction.version)
    }

    /// The domains, by name, without those that were removed.
    pub fn domain_metadata(&self) -> &BTreeMap<String, DomainMetadata> {
        &self.domain_metadata
    }

    /// What the version's own commit says of itself; `None` where it does not, or is no longer there.
    pub fn commit_info(&self) -> Option<&Map<String, Value>> {
        self.commit_info.as_ref()
    }

    /// The files, those of commits first, then the checkpoint's, in batches of some thousands.
    ///
    /// Requests: the files of the checkpoint, one after the other, its sidecars included.
    ///
    /// # Errors
    /// [`Error::CorruptLog`] and [`Error::Truncated`], and [`Error::Storage`] for a part that is not
    /// there: see [`Self::without_checkpoint`]. [`Error::Storage`] if the store fails.
    pub fn file_actions(&self) -> BoxStream<'_, Result<FileActions>> {
        let lines = self.lines.chunks(BATCH).map(|lines| {
            let (adds, removes) = action_lines::decode(lines)?;
            Ok(FileActions { adds, removes })
        });
        let parts = stream::iter(&self.parts)
            .then(|part| file_actions::read(&self.table, part, &self.superseded))
            .try_flatten();
        stream::iter(lines).chain(parts).boxed()
    }

    /// The same version read from other files, after `error` came of its checkpoint's.
    ///
    /// # Errors
    /// `error` itself, if it is not the checkpoint's fault or nothing can take its place.
    pub async fn without_checkpoint(self, error: Error) -> Result<Self> {
        let Some((_, checkpoint)) = self.segment.checkpoint else {
            return Err(error);
        };
        if !is_of_the_file(&error) {
            return Err(error);
        }
        let mut unreadable = self.unreadable;
        unreadable.push(checkpoint);
        let (table, version) = (self.table, self.segment.version);
        match load(&table, self.log, version, unreadable).await {
            Ok(other) => Ok(other),
            Err(_) => Err(error),
        }
    }
}

/// The sidecars that a file of a checkpoint names.
pub(crate) async fn checkpoint_sidecars(table: &Table, file: &LogFile) -> Result<Vec<LogFile>> {
    let read = checkpoint_actions::read(table, std::slice::from_ref(file)).await?;
    let sidecars = read.actions.sidecars.iter();
    Ok(sidecars.map(|sidecar| sidecar.file(table)).collect())
}

async fn load(
    table: &Table,
    mut log: Arc<Log>,
    version: u64,
    mut unreadable: Vec<Checkpoint>,
) -> Result<Reconciliation> {
    let mut first_error = None;
    loop {
        let segment = match log.segment(version, &unreadable) {
            Ok(segment) => segment,
            Err(_) if log.starts_late && !unreadable.is_empty() => {
                log = Arc::new(Log::whole(table).await?);
                continue;
            }
            Err(error) => return Err(first_error.unwrap_or(error)),
        };
        let read = future::join(
            read_checkpoint(table, &segment),
            read_commits(table, &log, &segment),
        );
        let error = match read.await {
            (Ok(checkpoint), commits) => {
                let read = reconcile(table, checkpoint, commits?);
                match (&segment.checkpoint, read.protocol, read.metadata) {
                    (_, Some(protocol), Some(metadata)) => {
                        let commit_info = match segment.commits.is_empty() {
                            false => read.commit_info,
                            true => read_commit_info(table, &log, version).await?,
                        };
                        return Ok(Reconciliation {
                            table: table.clone(),
                            log,
                            segment,
                            unreadable,
                            protocol,
                            metadata,
                            transactions: read.transactions,
                            domain_metadata: read.domain_metadata,
                            commit_info,
                            lines: read.lines,
                            parts: read.parts,
                            superseded: read.superseded,
                        });
                    }
                    (Some((_, found)), protocol, _) => lacks_actions(found, protocol.is_some()),
                    (None, protocol, _) => {
                        let action = if protocol.is_none() {
                            "protocol"
                        } else {
                            "metaData"
                        };
                        return Err(Error::CorruptLog {
                            path: commit_path(&table.root, version).to_string(),
                            reason: format!("up to version {version} there is no {action}"),
                        });
                    }
                }
            }
            (Err(error), _) if is_of_the_file(&error) => error,
            (Err(error), _) => return Err(error),
        };
        match segment.checkpoint {
            Some((_, found)) => unreadable.push(found),
            None => return Err(error),
        }
        first_error = first_error.or(Some(error));
    }
}

async fn read_checkpoint(table: &Table, segment: &LogSegment) -> Result<CheckpointActions> {
    match &segment.checkpoint {
        Some((_, checkpoint)) => checkpoint_actions::read(table, &checkpoint.files).await,
        None => Ok(CheckpointActions::default()),
    }
}

/// Compactions are passed over: the commits themselves are what counts.
async fn read_commits(table: &Table, log: &Log, segment: &LogSegment) -> Result<Vec<ActionLines>> {
    let commits = segment.commits.iter().map(|(version, file)| {
        async move {
            let bytes = table.read_commit_file(log, *version).await?;
            ActionLines::parse(&file.path, &bytes)
        }
        .boxed()
    });
    let commits = ordered(commits.collect(), CONCURRENT_COMMITS);
    commits.try_collect().await
}

/// A checkpoint does not have it.
async fn read_commit_info(
    table: &Table,
    log: &Log,
    version: u64,
) -> Result<Option<Map<String, Value>>> {
    if !log.commits.contains_key(&version) {
        return Ok(None);
    }
    match table.read_commit(log, version).await {
        Ok(commit) => Ok(commit.commit_info),
        Err(error) if is_of_the_file(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a checkpoint and the commits after it lead to.
struct Reconciled {
    protocol: Option<Map<String, Value>>,
    metadata: Option<Map<String, Value>>,
    transactions: BTreeMap<String, SetTransaction>,
    domain_metadata: BTreeMap<String, DomainMetadata>,
    commit_info: Option<Map<String, Value>>,
    lines: Vec<KeptLine>,
    parts: Vec<LogFile>,
    superseded: LogicalFiles,
}

fn reconcile(
    table: &Table,
    checkpoint: CheckpointActions,
    mut commits: Vec<ActionLines>,
) -> Reconciled {
    let mut actions: TableActions = checkpoint.actions;
    for commit in &mut commits {
        actions.extend(std::mem::take(&mut commit.actions));
    }
    let paths = DataPaths::new(table);
    let mut superseded = LogicalFiles::default();
    let mut lines = Vec::new();
    for commit in commits.iter().rev() {
        // An add counts more than a remove of the same file in the same commit.
        let mut insert = |file: &FileId| {
            superseded.insert(paths.identity(&file.path), file.deletion_vector.as_ref())
        };
        let adds: Vec<bool> = commit
            .files
            .iter()
            .rev()
            .map(|line| line.add.as_ref().is_some_and(&mut insert))
            .collect();
        let adds = adds.into_iter().rev();
        let removes: Vec<bool> = commit
            .files
            .iter()
            .map(|line| line.remove.as_ref().is_some_and(&mut insert))
            .collect();
        let kept = commit.files.iter().zip(adds.zip(removes));
        lines.extend(kept.filter(|(_, (add, remove))| *add || *remove).map(
            |(line, (add, remove))| KeptLine {
                text: line.text.clone(),
                add,
                remove,
            },
        ));
    }
    let remains = |file: &FileId| {
        !superseded.contains(&paths.identity(&file.path), file.deletion_vector.as_ref())
    };
    for line in checkpoint.lines.iter().flat_map(|lines| &lines.files) {
        let (add, remove) = (
            line.add.as_ref().is_some_and(remains),
            line.remove.as_ref().is_some_and(remains),
        );
        if add || remove {
            lines.push(KeptLine {
                text: line.text.clone(),
                add,
                remove,
            });
        }
    }
    let mut domain_metadata = actions.domain_metadata;
    domain_metadata.retain(|_, domain| !domain.removed);
    Reconciled {
        protocol: actions.protocol,
        metadata: actions.metadata,
        transactions: actions.transactions,
        domain_metadata,
        commit_info: actions.commit_info,
        lines,
        parts: checkpoint.parts,
        superseded,
    }
}
