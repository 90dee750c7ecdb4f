//! `VACUUM`: deletes files that nothing needs, between two commits that say so.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::record_batch::RecordBatch;
use delta_log::Snapshot;
use delta_transaction::maintenance::{UnneededFile, deleted_file_retention, unneeded_files};
use delta_transaction::{Committed, Operation, Transaction, Uuid, check_writable};
use futures::{StreamExt, stream};
use messages::Error;
use object_store::path::Path;
use serde_json::Value;
use spark_dialect::Vacuum;

use crate::errors::{from_datafusion, from_log, from_store};
use crate::writes::errors::WriteError;
use crate::writes::round::{Outcome, Round};

/// `SET` of this key to `false` lets a VACUUM keep files for less time than the table says.
const RETENTION_CHECK: &str = "spark.databricks.delta.retentionDurationCheck.enabled";

/// Milliseconds of an hour.
const HOUR: i64 = 3_600_000;

/// Times that the last commit is tried.
const ATTEMPTS: usize = 3;

/// Deletes what may go, or tells it.
pub(crate) async fn vacuum(round: &Round<'_>, statement: &Vacuum) -> Result<Outcome, WriteError> {
    let snapshot = round.snapshot().await?;
    check_writable(snapshot.protocol())?;
    let retention = Retention::of(round, &snapshot, statement)?;
    let cutoff = round.environment().now().saturating_sub(retention.millis());
    let found = unneeded_files(&round.table, &snapshot, cutoff).await;
    let mut found = found.map_err(|error| not_vacuumed(round, &error.to_string()))?;
    if statement.dry_run {
        let location = round.table.location.trim_end_matches('/');
        let paths = found.files.iter();
        let paths = paths.map(|file| format!("{location}/{}", file.key));
        return Ok(Outcome {
            rows: Some(paths_column(paths.collect())?),
            ..Outcome::default()
        });
    }
    // By the statement's id its last commit is found, not this one: for who asks again, nothing is done.
    let id = round.environment().uuid();
    let started = commit(round, &snapshot, id, start(&retention, &found.files)).await?;
    round.maintain(&started).await;
    // What was restored meanwhile is needed again.
    let restored = paths_of(round, &started.snapshot)?;
    found.files.retain(|file| !restored.contains(&file.path));
    let deleted = delete(round, found.files).await;
    let mut operation = Operation::new("VACUUM END");
    match &deleted {
        Ok(count) => {
            operation = operation.parameter("status", "COMPLETED");
            operation.metric("numDeletedFiles", *count);
            operation.metric("numVacuumedDirectories", found.folders);
        }
        Err(_) => operation = operation.parameter("status", "FAILED"),
    }
    let ended = end(round, &started.snapshot, operation).await;
    deleted?;
    let committed = match ended {
        Ok(ended) => ended,
        Err(error) => {
            let error = error.into_message(&round.table);
            round.context.note(format!(
                "{}: the files are deleted, but the history does not say so: {error}",
                round.table.location
            ));
            started
        }
    };
    Ok(Outcome {
        committed: Some(committed),
        rows: Some(paths_column(vec![round.table.location.clone()])?),
        ..Outcome::default()
    })
}

/// How long files stay, in milliseconds.
struct Retention {
    /// What the statement says.
    specified: Option<i64>,
    /// What the table says.
    of_table: i64,
    is_checked: bool,
}

impl Retention {
    /// # Errors
    /// `DELTA_VACUUM_RETENTION_PERIOD_TOO_SHORT`.
    fn of(round: &Round<'_>, snapshot: &Snapshot, statement: &Vacuum) -> Result<Self, Error> {
        let of_table = deleted_file_retention(snapshot.metadata());
        let of_table = of_table.map_err(|error| not_vacuumed(round, &error.to_string()))?;
        let option = round.core.session.option(RETENTION_CHECK);
        let retention = Self {
            specified: statement.retain,
            of_table,
            is_checked: !option.is_some_and(|value| value.eq_ignore_ascii_case("false")),
        };
        if retention.is_checked && retention.millis() < of_table {
            let hours = |millis: i64| millis as f64 / HOUR as f64;
            let message = format!(
                "Nothing was deleted: files of {} are kept for {} hours, and a retention of {} hours may delete some that a reader, or a write in progress, needs.",
                round.table.location,
                hours(of_table),
                hours(retention.millis())
            );
            return Err(Error::new("DELTA_VACUUM_RETENTION_PERIOD_TOO_SHORT", message)
                .with_hint(format!("Use a longer retention, or leave RETAIN out. If nobody reads or writes the table, SET {RETENTION_CHECK} = false switches the check off.")));
        }
        Ok(retention)
    }

    fn millis(&self) -> i64 {
        self.specified.unwrap_or(self.of_table)
    }
}

fn start(retention: &Retention, files: &[UnneededFile]) -> Operation {
    let mut operation = Operation::new("VACUUM START")
        .parameter("retentionCheckEnabled", retention.is_checked)
        .parameter("defaultRetentionMillis", retention.of_table);
    if let Some(specified) = retention.specified {
        operation = operation.parameter("specifiedRetentionMillis", Value::from(specified));
    }
    let size = files.iter().map(|file| file.size);
    operation.metric("numFilesToDelete", files.len() as u64);
    operation.metric("sizeOfDataToDelete", size.fold(0, u64::saturating_add));
    operation
}

/// Paths of a version's data files.
fn paths_of(
    round: &Round<'_>,
    snapshot: &Snapshot,
) -> Result<std::collections::HashSet<Path>, Error> {
    let files = snapshot.files();
    let paths = (0..files.len()).filter_map(|i| match files.path(i) {
        Ok(path) => Some(Ok(path)),
        // What is in another store is not deleted.
        Err(delta_log::Error::ForeignPath { .. }) => None,
        Err(error) => Some(Err(from_log(&error))),
    });
    let paths = paths.collect::<Result<_, _>>();
    paths.map_err(|error: Error| not_vacuumed(round, &error.message))
}

/// Deletes the files, and gives their number. What the store keeps by its own rules is a warning.
async fn delete(round: &Round<'_>, files: Vec<UnneededFile>) -> Result<u64, Error> {
    let paths = files.into_iter().map(|file| file.path);
    let paths: Vec<_> = paths.map(Ok).collect();
    let mut results = round.table.store.delete_stream(stream::iter(paths).boxed());
    let (mut deleted, mut kept) = (0_u64, 0_u64);
    let mut reason = None;
    while let Some(result) = results.next().await {
        match result {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => {
                deleted = deleted.saturating_add(1);
            }
            Err(object_store::Error::NotSupported { source }) => {
                kept = kept.saturating_add(1);
                reason.get_or_insert(source.to_string());
            }
            Err(error) => return Err(from_store(round.table.root.as_ref(), &error)),
        }
        round.core.yield_timer.yield_if_due().await;
    }
    if let Some(reason) = reason {
        let location = &round.table.location;
        let note =
            format!("{location}: {kept} files were not deleted. Of one the store says: {reason}");
        round.context.note(note);
    }
    Ok(deleted)
}

/// Commits the end. Whatever came since the start is compatible with it.
async fn end(
    round: &Round<'_>,
    snapshot: &Arc<Snapshot>,
    operation: Operation,
) -> Result<Committed, WriteError> {
    let mut snapshot = Arc::clone(snapshot);
    let mut attempts = 1_usize;
    loop {
        match commit(round, &snapshot, round.id, operation.clone()).await {
            Err(WriteError::Conflict(_)) if attempts < ATTEMPTS => {
                attempts = attempts.saturating_add(1);
                snapshot = round.table.refresh(&snapshot).await?;
            }
            committed => return committed,
        }
    }
}

/// A commit without actions.
async fn commit(
    round: &Round<'_>,
    snapshot: &Arc<Snapshot>,
    id: Uuid,
    operation: Operation,
) -> Result<Committed, WriteError> {
    let (table, snapshot) = (round.table.clone(), Arc::clone(snapshot));
    let mut transaction = Transaction::begin(table, snapshot, round.environment(), id)?;
    *transaction.operation() = operation;
    Ok(transaction.commit().await?)
}

fn paths_column(paths: Vec<String>) -> Result<RecordBatch, Error> {
    let paths: ArrayRef = Arc::new(StringArray::from(paths));
    let batch = RecordBatch::try_from_iter_with_nullable([("path", paths, true)]);
    batch.map_err(|error| from_datafusion(&error.into()))
}

fn not_vacuumed(round: &Round<'_>, why: &str) -> Error {
    let location = &round.table.location;
    Error::new(
        "DELTA_VACUUM_FAILED",
        format!("Nothing of {location} was deleted: {why}."),
    )
}
