//! `RESTORE TABLE`: the files, schema and properties of an earlier version, in a new one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat};
use deltalake::DeltaTable;
use deltalake::kernel::{EagerSnapshot, LogicalFileView};
use deltalake::logstore::LogStore as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use messages::Error;
use messages::commit::RestoreTarget;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use serde_json::{Map, Value, json};

use super::table::{self, Table, commit_properties};
use super::{Context, Failure};
use crate::commit_info::{Metrics, Provenance};

/// How many files are looked for at once.
const CONCURRENT_CHECKS: usize = 16;

pub(super) async fn restore(context: &Context, to: RestoreTarget) -> Result<(), Failure> {
    let table = table::load(context).await?;
    let commits = commits(context).await?;
    let version = match to {
        RestoreTarget::Version(version) => version,
        RestoreTarget::Timestamp(timestamp) => version_at(&commits, timestamp)?,
    };
    let earliest = commits.first().map_or(0, |commit| commit.version);
    check_version(context, &table, version, earliest)?;

    let mut target = DeltaTable::new(context.log_store());
    target.load_version(version).await.map_err(|error| {
        tracing::info!(%error, version, "the version can't be loaded");
        Failure::Refused(not_available(version, earliest, table.version()))
    })?;
    let target = target.snapshot()?.snapshot().clone();
    let changes = Changes::between(context, &table.snapshot, &target).await?;
    changes.check_files(context).await?;

    let mut parameters: Map<String, Value> = Map::new();
    let (by_version, by_time) = match to {
        RestoreTarget::Version(version) => (json!(version), Value::Null),
        RestoreTarget::Timestamp(timestamp) => (Value::Null, json!(utc(timestamp))),
    };
    parameters.insert("version".into(), by_version);
    parameters.insert("timestamp".into(), by_time);
    context.log.describe(
        Provenance {
            operation: "RESTORE",
            parameters,
            metrics: Metrics::Restore(changes.metrics()),
            read_version: Some(table.version()),
            is_blind_append: false,
        },
        table.before(false)?,
    );
    table
        .table
        .restore()
        .with_version_to_restore(version)
        // Checked above, all at once and by the files' decoded names.
        .with_ignore_missing_files(true)
        .with_commit_properties(commit_properties())
        .await?;
    Ok(())
}

fn check_version(
    context: &Context,
    table: &Table,
    version: u64,
    earliest: u64,
) -> Result<(), Error> {
    let latest = table.version();
    if version > latest || version < earliest {
        return Err(not_available(version, earliest, latest));
    }
    if version == latest {
        return Err(Error::new(
            "DELTA_RESTORE_TO_LATEST",
            format!(
                "Version {version} is what {} is now: there is nothing to restore.",
                context.location
            ),
        )
        .with_hint("Name an earlier version; DESCRIBE HISTORY lists them."));
    }
    Ok(())
}

fn not_available(version: u64, earliest: u64, latest: u64) -> Error {
    Error::new(
        "DELTA_VERSION_NOT_FOUND",
        format!("The table can't be restored to version {version}: there are versions {earliest} to {latest}."),
    )
    .with_hint("DESCRIBE HISTORY lists the versions.")
}

/// A commit file in the log.
struct Commit {
    version: u64,
    /// Milliseconds since the epoch, increasing from commit to commit.
    timestamp: i64,
}

/// All commits that are there, oldest first. The time of a commit is that of its file, pushed on
/// where clocks went back.
///
/// Protocol: [Commit timestamps](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#in-commit-timestamps)
async fn commits(context: &Context) -> Result<Vec<Commit>, Failure> {
    let store = context.log.object_store(None);
    let mut commits: Vec<Commit> = store
        .list(Some(&Path::from("_delta_log")))
        .try_filter_map(|meta| async move {
            let name = meta.location.filename().unwrap_or_default();
            let version = name
                .strip_suffix(".json")
                .filter(|digits| digits.len() == 20)
                .and_then(|digits| digits.parse().ok());
            let timestamp = meta.last_modified.timestamp_millis();
            Ok(version.map(|version| Commit { version, timestamp }))
        })
        .try_collect()
        .await?;
    commits.sort_by_key(|commit| commit.version);
    let mut last = i64::MIN;
    for commit in &mut commits {
        commit.timestamp = commit.timestamp.max(last.saturating_add(1));
        last = commit.timestamp;
    }
    Ok(commits)
}

/// The version that was the latest at that time.
fn version_at(commits: &[Commit], timestamp: i64) -> Result<u64, Error> {
    let (Some(first), Some(last)) = (commits.first(), commits.last()) else {
        return Err(Error::new(
            "DELTA_VERSION_NOT_FOUND",
            "The table's log holds no commit file.",
        ));
    };
    if timestamp < first.timestamp {
        return Err(Error::new(
            "DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION",
            format!(
                "The timestamp {} is before the earliest version of the table, which is of {}.",
                utc(timestamp),
                utc(first.timestamp)
            ),
        )
        .with_hint("Name a later time; DESCRIBE HISTORY lists the versions with theirs."));
    }
    if timestamp > last.timestamp {
        return Err(Error::new(
            "DELTA_TIMESTAMP_GREATER_THAN_COMMIT",
            format!(
                "The timestamp {} is after the latest version of the table, which is of {}.",
                utc(timestamp),
                utc(last.timestamp)
            ),
        )
        .with_hint("Name an earlier time; DESCRIBE HISTORY lists the versions with theirs."));
    }
    let after = commits.partition_point(|commit| commit.timestamp <= timestamp);
    Ok(commits[after.saturating_sub(1)].version)
}

/// `2026-11-23 10:00:00.123`, UTC.
fn utc(timestamp_ms: i64) -> String {
    DateTime::from_timestamp_millis(timestamp_ms).map_or_else(
        || format!("{timestamp_ms} ms"),
        |time| {
            time.to_rfc3339_opts(SecondsFormat::Millis, true)
                .replace('T', " ")
                .replace('Z', "")
        },
    )
}

/// What tells one file of a table from another: its path and its deletion vector.
type FileKey = (Path, Option<String>);

struct Changes {
    restored: Vec<LogicalFileView>,
    removed_files: u64,
    removed_bytes: i64,
    files_after: u64,
    bytes_after: i64,
}

impl Changes {
    async fn between(
        context: &Context,
        current: &EagerSnapshot,
        target: &EagerSnapshot,
    ) -> Result<Self, Failure> {
        let mut now = files(context, current).await?;
        let then = files(context, target).await?;
        let files_after = then.len() as u64;
        let bytes_after = then.values().map(LogicalFileView::size).sum();
        let mut restored = Vec::new();
        for (key, file) in then {
            if now.remove(&key).is_none() {
                restored.push(file);
            }
        }
        Ok(Self {
            restored,
            removed_files: now.len() as u64,
            removed_bytes: now.values().map(LogicalFileView::size).sum(),
            files_after,
            bytes_after,
        })
    }

    /// Refuses to bring back files that VACUUM, or somebody, has deleted.
    async fn check_files(&self, context: &Context) -> Result<(), Failure> {
        let store = context.log.object_store(None);
        let files: Vec<(Path, String)> = self
            .restored
            .iter()
            // Files of other tables, as shallow clones have them, are not ours to look for.
            .filter(|file| !file.path().contains("://"))
            .map(|file| (file.object_store_path(), file.path().into_owned()))
            .collect();
        let missing: Vec<String> = stream::iter(files)
            .map(|(path, name)| {
                let store = Arc::clone(&store);
                async move {
                    match store.head(&path).await {
                        Ok(_) => Ok(None),
                        Err(object_store::Error::NotFound { .. }) => Ok(Some(name)),
                        Err(error) => Err(error),
                    }
                }
            })
            .buffer_unordered(CONCURRENT_CHECKS)
            .try_filter_map(|missing| async move { Ok(missing) })
            .try_collect()
            .await?;
        let Some(first) = missing.first() else {
            return Ok(());
        };
        Err(Error::new(
            "DELTA_FILE_NOT_FOUND",
            format!(
                "Nothing was restored: {} of the {} data files that would come back are gone, {first} among them. VACUUM deletes files that no recent version needs.",
                missing.len(),
                self.restored.len()
            ),
        )
        .with_hint("Restore a later version, whose files are still there.")
        .into())
    }

    fn metrics(&self) -> BTreeMap<String, String> {
        let restored_bytes: i64 = self.restored.iter().map(LogicalFileView::size).sum();
        [
            ("tableSizeAfterRestore", self.bytes_after.to_string()),
            ("numOfFilesAfterRestore", self.files_after.to_string()),
            ("numRemovedFiles", self.removed_files.to_string()),
            ("numRestoredFiles", self.restored.len().to_string()),
            ("removedFilesSize", self.removed_bytes.to_string()),
            ("restoredFilesSize", restored_bytes.to_string()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }
}

async fn files(
    context: &Context,
    snapshot: &EagerSnapshot,
) -> Result<HashMap<FileKey, LogicalFileView>, Failure> {
    Ok(snapshot
        .file_views(context.log.as_ref(), None)
        .map_ok(|file| {
            let vector = file.deletion_vector_descriptor().map(|vector| {
                format!(
                    "{}{}@{:?}",
                    vector.storage_type, vector.path_or_inline_dv, vector.offset
                )
            });
            ((file.object_store_path(), vector), file)
        })
        .try_collect()
        .await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commits(timestamps: &[i64]) -> Vec<Commit> {
        timestamps
            .iter()
            .zip(3..)
            .map(|(timestamp, version)| Commit {
                version,
                timestamp: *timestamp,
            })
            .collect()
    }

    #[test]
    fn timestamp_between_two_commits_means_the_earlier() {
        let commits = commits(&[1000, 2000, 3000]);
        assert_eq!(version_at(&commits, 1000).unwrap(), 3);
        assert_eq!(version_at(&commits, 2999).unwrap(), 4);
        assert_eq!(version_at(&commits, 3000).unwrap(), 5);
    }

    #[test]
    fn timestamp_outside_of_the_history_is_refused_with_the_commits_time() {
        let commits = commits(&[1000, 2000]);
        let early = version_at(&commits, 999).unwrap_err();
        assert_eq!(early.code, "DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION");
        assert!(
            early.message.contains("1970-01-01 00:00:01.000"),
            "{}",
            early.message
        );
        let late = version_at(&commits, 2001).unwrap_err();
        assert_eq!(late.code, "DELTA_TIMESTAMP_GREATER_THAN_COMMIT");
        assert!(
            late.message.contains("1970-01-01 00:00:02.000"),
            "{}",
            late.message
        );
    }
}
