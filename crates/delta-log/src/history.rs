//! What the commits of the log say about themselves, and what they did.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::actions::{Commit, num_records};
use crate::commit_times::adjusted_commit_timestamps;
use crate::error::Result;
use crate::features::check_protocol;
use crate::files::data_path::{DataPaths, FileKey};
use crate::files::deletion_vector::{DeletionVector, FileRows};
use crate::log::log_segment::{Log, LogRange};
use crate::log::replay::read_commits;
use crate::open::TimeTravel;
use crate::schema::types::StructType;
use crate::snapshot::Snapshot;
use crate::table::Table;

/// One commit of the log.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CommitRecord {
    /// The version that it made.
    pub version: u64,
    /// When, in milliseconds since the epoch.
    pub timestamp_ms: i64,
    /// The `commitInfo` action: what the commit's writer says about it.
    pub commit_info: Option<Map<String, Value>>,
    /// Data files that it added.
    pub files_added: u64,
    /// Data files that it removed.
    pub files_removed: u64,
    /// Rows of the added files, copied ones included; `None` where statistics are missing.
    pub rows_added: Option<u64>,
    /// Rows of the removed files; `None` where statistics are missing.
    pub rows_removed: Option<u64>,
    /// Data files of the table as of this version, where the log tells.
    pub num_files: Option<u64>,
    /// Rows of the table as of this version, where the log tells.
    pub num_rows: Option<u64>,
    /// Change of the schema; `None` if there was none, or the schema before the commit is not known.
    pub schema_change: Option<SchemaChange>,
}

/// Change that a commit made to the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaChange {
    /// The first schema.
    Created,
    /// These columns were added, none changed.
    Added(Vec<String>),
    /// Columns went away or changed their type.
    Replaced,
}

impl CommitRecord {
    /// `WRITE`, `MERGE` and so on.
    pub fn operation(&self) -> Option<&str> {
        self.text("operation")
    }

    /// The operation's parameters in the log's order; values that are no strings as JSON.
    pub fn operation_parameters(&self) -> Vec<(String, Option<String>)> {
        self.entries("operationParameters")
    }

    /// The operation's metrics in the log's order.
    pub fn operation_metrics(&self) -> Vec<(String, Option<String>)> {
        self.entries("operationMetrics")
    }

    /// The writer's name and version.
    pub fn engine_info(&self) -> Option<&str> {
        self.text("engineInfo")
    }

    /// A field of the commit info that is a string: `userId`, `userName`, `isolationLevel`, ….
    pub fn text(&self, field: &str) -> Option<&str> {
        self.commit_info.as_ref()?.get(field)?.as_str()
    }

    /// `readVersion`: the version that the commit builds on.
    pub fn read_version(&self) -> Option<i64> {
        self.commit_info.as_ref()?.get("readVersion")?.as_i64()
    }

    /// `isBlindAppend`: whether the commit only added, without looking at the table's rows.
    pub fn is_blind_append(&self) -> Option<bool> {
        self.commit_info.as_ref()?.get("isBlindAppend")?.as_bool()
    }

    fn entries(&self, field: &str) -> Vec<(String, Option<String>)> {
        let entries = self
            .commit_info
            .as_ref()
            .and_then(|info| info.get(field)?.as_object());
        entries
            .into_iter()
            .flatten()
            .map(|(key, value)| {
                let value = match value {
                    Value::Null => None,
                    Value::String(text) => Some(text.clone()),
                    other => Some(other.to_string()),
                };
                (key.clone(), value)
            })
            .collect()
    }
}

/// The table as the commits go by.
#[derive(Default)]
struct Running {
    schema: Option<StructType>,
    /// Rows of each active file. While `complete` is unset, only of files that were seen.
    files: HashMap<FileKey, Option<u64>>,
    /// Whether `files` and `schema` are all there is, and not just what came by.
    complete: bool,
}

impl Table {
    /// The commits that are still in the log, newest first, at most `limit`.
    ///
    /// Requests: one LIST, and one GET for each commit. If these are all that the log has, and its
    /// first commits are gone, the oldest version is loaded too, so that rows and files can be
    /// counted.
    ///
    /// # Errors
    /// `Error::NotATable`; `Error::UnsupportedFeature` if a commit asks of readers what this
    /// crate does not read; `Error::CorruptLog` and `Error::Truncated`; `Error::Storage`.
    pub async fn history(&self, limit: Option<usize>) -> Result<Vec<CommitRecord>> {
        let log = Log::open(self, LogRange::All).await?;
        read(self, &log, limit).await
    }
}

/// See [`Table::history`].
pub(crate) async fn read(
    table: &Table,
    log: &Log,
    limit: Option<usize>,
) -> Result<Vec<CommitRecord>> {
    let limit = limit.unwrap_or(usize::MAX);
    let mut versions: Vec<u64> = log.commits.keys().rev().take(limit).copied().collect();
    versions.reverse();
    let all = versions.len() == log.commits.len();
    let commits = read_commits(table, log, versions.iter().copied()).await?;
    let times = adjusted_commit_timestamps(log);
    // Where the last commit has no time of its own, in-commit timestamps are off.
    let own_times = commits
        .last()
        .is_some_and(|commit| commit.in_commit_timestamp().is_some());

    let paths = DataPaths::new(table);
    let mut running = Running::default();
    let mut records = Vec::with_capacity(commits.len());
    let mut expected = None;
    for (version, commit) in versions.into_iter().zip(commits) {
        if let Some(protocol) = &commit.protocol {
            check_protocol(protocol)?;
        }
        if version == 0 {
            running.complete = true;
        } else if expected.is_none() && all {
            // The log's first commits are gone; a checkpoint has what they did.
            if let Ok(snapshot) = table.snapshot(TimeTravel::Version(version)).await {
                running = Running::from_snapshot(&paths, &snapshot);
            }
        } else if expected.is_some_and(|expected| expected != version) {
            running = Running::default();
        }
        let starts_here = expected.is_none() && version > 0;
        expected = version.checked_add(1);
        let by_file = times.get(&version).copied().unwrap_or_default();
        let own = commit.in_commit_timestamp().filter(|_| own_times);
        let timestamp_ms = own.unwrap_or(by_file);
        records.push(running.apply(&paths, version, timestamp_ms, commit, starts_here)?);
    }
    records.reverse();
    Ok(records)
}

impl Running {
    fn from_snapshot(paths: &DataPaths, snapshot: &Snapshot) -> Self {
        let files = snapshot.files();
        let rows = |i: usize| (paths.key(files.raw_path(i), None), files.num_records(i));
        Self {
            schema: Some(snapshot.schema().as_ref().clone()),
            files: (0..files.len()).map(rows).collect(),
            complete: true,
        }
    }

    /// `known`: the state is that of `version` already.
    fn apply(
        &mut self,
        paths: &DataPaths,
        version: u64,
        timestamp_ms: i64,
        commit: Commit,
        known: bool,
    ) -> Result<CommitRecord> {
        let mut removed: HashMap<FileKey, Option<u64>> = HashMap::new();
        for remove in &commit.removes {
            let key = paths.key(&remove.path, None);
            let before = self.files.remove(&key);
            let rows = remaining(remove.stats.as_deref(), remove.deletion_vector.as_deref());
            removed.insert(key, rows.or(before.flatten()));
        }
        let (mut rows_added, mut rows_removed) = (Some(0u64), Some(0u64));
        for add in &commit.adds {
            let key = paths.key(&add.path, None);
            let rows = remaining(add.stats.as_deref(), add.deletion_vector.as_deref());
            // A file that is removed and added again has other rows deleted than before.
            match removed.remove(&key) {
                None => rows_added = sum(rows_added, rows),
                Some(before) => {
                    let difference = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_sub(b?));
                    rows_added = sum(rows_added, difference(rows, before));
                    rows_removed = sum(rows_removed, difference(before, rows));
                }
            }
            self.files.insert(key, rows);
        }
        for rows in removed.into_values() {
            rows_removed = sum(rows_removed, rows);
        }
        let metadata = commit
            .metadata
            .filter(|metadata| !metadata.schema_string.is_empty());
        let schema_change = match metadata {
            None => None,
            Some(metadata) => {
                let schema = StructType::from_json(&metadata.schema_string)?;
                let change = match &self.schema {
                    _ if known => None,
                    Some(before) => SchemaChange::between(before, &schema),
                    None => (version == 0).then_some(SchemaChange::Created),
                };
                self.schema = Some(schema);
                change
            }
        };
        let all_rows = || {
            self.files
                .values()
                .copied()
                .try_fold(0u64, |all, rows| all.checked_add(rows?))
        };
        Ok(CommitRecord {
            version,
            timestamp_ms,
            files_added: commit.adds.len() as u64,
            files_removed: commit.removes.len() as u64,
            rows_added,
            rows_removed,
            num_files: self.complete.then_some(self.files.len() as u64),
            num_rows: if self.complete { all_rows() } else { None },
            commit_info: commit.commit_info,
            schema_change,
        })
    }
}

/// The rows that a file has left.
fn remaining(stats: Option<&str>, vector: Option<&DeletionVector>) -> Option<u64> {
    FileRows::remaining(vector).count(num_records(stats))
}

fn sum(total: Option<u64>, rows: Option<u64>) -> Option<u64> {
    total?.checked_add(rows?)
}

impl SchemaChange {
    fn between(before: &StructType, after: &StructType) -> Option<Self> {
        let kept = before.fields().iter().all(|old| {
            after
                .field(&old.name)
                .is_some_and(|new| new.data_type == old.data_type)
        });
        if !kept {
            return Some(Self::Replaced);
        }
        let added = after
            .fields()
            .iter()
            .filter(|new| before.field(&new.name).is_none());
        let added: Vec<String> = added.map(|field| field.name.clone()).collect();
        (!added.is_empty()).then_some(Self::Added(added))
    }
}
