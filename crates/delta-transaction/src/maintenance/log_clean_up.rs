//! Deletes the part of a log that nobody may want any more.
//!
//! Protocol: [Metadata Cleanup](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#metadata-cleanup)

use std::collections::BTreeSet;

use delta_log::{LogFiles, LogPath, Snapshot, Table, log_folder};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use super::error::{MaintenanceError, Result};
use super::features::check_clean_up;
use super::properties::{DAY, interval, is_enabled};
use crate::environment::Environment;

/// Days that commits are kept where the table does not say.
const LOG_RETENTION: i64 = 30;

/// Deletes commits that are older than `delta.logRetentionDuration`, counted in whole days of UTC, up to
/// a checkpoint that makes every version from its own on readable, and what goes with them: older
/// checkpoints, compactions, checksums, and sidecars that no checkpoint names. Nothing where
/// `delta.enableExpiredLogCleanup` is `false`. Gives the number of files deleted.
///
/// The checkpoint is read, all of it, before anything is deleted.
///
/// # Errors
/// [`MaintenanceError`]. Deleting begins with the oldest version, so what a failure leaves is a log
/// that is whole from some version on.
pub async fn clean_up_log(
    table: &Table,
    snapshot: &Snapshot,
    environment: &dyn Environment,
) -> Result<u64> {
    let metadata = snapshot.metadata();
    if !is_enabled(metadata, "delta.enableExpiredLogCleanup", true) {
        return Ok(0);
    }
    check_clean_up(snapshot.protocol())?;
    let retention = interval(metadata, "delta.logRetentionDuration")?;
    let retention = retention.unwrap_or(DAY.saturating_mul(LOG_RETENTION));
    let now = environment.now();
    // Before the checkpoints that name them, so that each that is listed can be known to them.
    let sidecars = list_sidecars(table).await?;
    let log = table.log_files().await?;
    let Some(kept_from) =
        find_checkpoint(table, &log, midnight(now.saturating_sub(retention))).await?
    else {
        return Ok(0);
    };
    let hint = table.last_checkpoint_version().await?;
    if hint.is_some_and(|version| version < kept_from) {
        return Err(MaintenanceError::Doubt {
            version: kept_from,
            reason: "_last_checkpoint names an older version, which readers may start from"
                .to_owned(),
        });
    }
    let deleted = delete(table, expired(&log, kept_from), 0).await?;
    let yesterday = midnight(now).saturating_sub(DAY);
    let old = sidecars
        .iter()
        .filter(|file| file.last_modified.timestamp_millis() < yesterday);
    let mut unnamed: BTreeSet<Path> = old.map(|file| file.location.clone()).collect();
    if unnamed.is_empty() {
        return Ok(deleted);
    }
    for (_, file) in log
        .iter()
        .filter(|(kind, _)| checkpoint_of(*kind).is_some_and(|version| version >= kept_from))
    {
        for named in table.sidecars(file).await? {
            if !sidecars.iter().any(|sidecar| sidecar.location == named) {
                return Err(MaintenanceError::Doubt {
                    version: kept_from,
                    reason: format!("{} names {named}, which is not there", file.path),
                });
            }
            unnamed.remove(&named);
        }
    }
    delete(table, unnamed.into_iter().collect(), deleted).await
}

/// The last midnight of UTC.
fn midnight(time: i64) -> i64 {
    time.saturating_sub(time.rem_euclid(DAY))
}

/// The newest checkpoint that covers everything up to `cutoff`, in milliseconds since the epoch, and can
/// be read: all versions from its own on can be made from it and the commits after it.
async fn find_checkpoint(table: &Table, log: &LogFiles, cutoff: i64) -> Result<Option<u64>> {
    let times = log.commit_times();
    let old = times.iter().rev().find(|(_, time)| **time <= cutoff);
    let Some((&last, _)) = old else {
        return Ok(None);
    };
    for version in log
        .checkpoint_versions()
        .rev()
        .filter(|version| *version <= last)
    {
        if !needs_deleting(log, version) {
            return Ok(None);
        }
        let latest = log.latest().unwrap_or(version);
        let missing = (version..=latest).find(|version| !times.contains_key(version));
        if let Some(missing) = missing {
            return Err(MaintenanceError::Doubt {
                version: missing,
                reason: "its commit is not there".to_owned(),
            });
        }
        if is_readable(table, version).await? {
            return Ok(Some(version));
        }
    }
    Ok(None)
}

fn needs_deleting(log: &LogFiles, kept_from: u64) -> bool {
    log.iter().any(|(kind, _)| is_expired(kind, kept_from))
}

/// Whether a checkpoint of `version` makes that version, alone.
async fn is_readable(table: &Table, version: u64) -> Result<bool> {
    let actions = match table.reconcile(version).await {
        Ok(actions) => actions,
        Err(delta_log::Error::CorruptLog { .. } | delta_log::Error::Truncated { .. }) => {
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    if actions.checkpoint_version() != Some(version) {
        return Ok(false);
    }
    let mut batches = actions.file_actions();
    loop {
        match batches.try_next().await {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(true),
            Err(delta_log::Error::Storage { source, .. })
                if !matches!(source, object_store::Error::NotFound { .. }) =>
            {
                let path = log_folder(&table.root);
                return Err(delta_log::Error::Storage { path, source }.into());
            }
            Err(_) => return Ok(false),
        }
    }
}

/// Files before the checkpoint of `kept_from`, the oldest first.
fn expired(log: &LogFiles, kept_from: u64) -> Vec<Path> {
    let files = log.iter().filter(|(kind, _)| is_expired(*kind, kept_from));
    let mut files: Vec<_> = files.map(|(_, file)| file.path.clone()).collect();
    // Names begin with the version.
    files.sort();
    files
}

fn is_expired(kind: LogPath, kept_from: u64) -> bool {
    match kind {
        LogPath::Commit(version)
        | LogPath::ClassicCheckpoint(version)
        | LogPath::CheckpointPart { version, .. }
        | LogPath::UuidCheckpoint(version)
        | LogPath::Checksum(version) => version < kept_from,
        LogPath::Compaction { first, .. } => first <= kept_from,
    }
}

fn checkpoint_of(kind: LogPath) -> Option<u64> {
    match kind {
        LogPath::ClassicCheckpoint(version)
        | LogPath::CheckpointPart { version, .. }
        | LogPath::UuidCheckpoint(version) => Some(version),
        LogPath::Commit(_) | LogPath::Checksum(_) | LogPath::Compaction { .. } => None,
    }
}

async fn list_sidecars(table: &Table) -> Result<Vec<ObjectMeta>> {
    let folder = log_folder(&table.root).join("_sidecars");
    match table.store.list(Some(&folder)).try_collect().await {
        Err(object_store::Error::NotFound { .. }) => Ok(Vec::new()),
        result => result.map_err(|source| {
            delta_log::Error::Storage {
                path: folder,
                source,
            }
            .into()
        }),
    }
}

/// Deletes files in their order, until the store refuses. What someone else has deleted is gone as well.
async fn delete(table: &Table, files: Vec<Path>, before: u64) -> Result<u64> {
    let mut deleted = before;
    let files = stream::iter(files).map(Ok).boxed();
    let mut results = table.store.delete_stream(files);
    while let Some(result) = results.next().await {
        match result {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => {
                deleted = deleted.saturating_add(1);
            }
            Err(source) => {
                return Err(MaintenanceError::Delete {
                    folder: log_folder(&table.root),
                    deleted,
                    source,
                });
            }
        }
    }
    Ok(deleted)
}
