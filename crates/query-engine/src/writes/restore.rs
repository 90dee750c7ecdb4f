//! `RESTORE TABLE`: files, schema and properties of an earlier version, in a new one.

use std::collections::HashMap;

use delta_log::actions::Add;
use delta_log::{Snapshot, TimeTravel};
use delta_transaction::Operation;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use messages::Error;
use object_store::ObjectStoreExt;
use serde_json::{Value, json};
use spark_dialect::VersionSpec;

use crate::errors::{from_log, from_store, time};
use crate::plan::time_travel::time_travel;
use crate::writes::errors::WriteError;
use crate::writes::identity::{is_identity, with_later_marks};
use crate::writes::round::{Outcome, Round};

/// Files that are looked for at a time.
const CONCURRENT_CHECKS: usize = 16;

/// Makes the table what it was.
pub(crate) async fn restore(round: &Round<'_>, to: &VersionSpec) -> Result<Outcome, WriteError> {
    let snapshot = round.snapshot().await?;
    let mut transaction = round.begin(&snapshot)?;
    let at = time_travel(round.core, to).await?;
    let (by_version, by_time) = match at {
        TimeTravel::Version(version) => (json!(version), Value::Null),
        TimeTravel::Timestamp(millis) => (Value::Null, json!(time(millis))),
        TimeTravel::Latest => (Value::Null, Value::Null),
    };
    let target = round
        .table
        .snapshot(at)
        .await
        .map_err(|error| from_log(&error))?;
    let location = &round.table.location;
    if target.version() >= snapshot.version() {
        let version = target.version();
        let message =
            format!("Version {version} is what {location} is now: there is nothing to restore.");
        return Err(Error::new("DELTA_RESTORE_TO_LATEST", message)
            .with_hint("Name an earlier version; DESCRIBE HISTORY lists them.")
            .into());
    }
    let Difference { restored, removed } = Difference::between(round, &snapshot, &target)?;
    check_files(round, &target, &restored).await?;
    let restored = target.files().adds(&restored)?;
    let removed = snapshot.files().adds(&removed)?;
    let size = |files: &[Add]| {
        let sizes = files.iter().filter_map(|add| u64::try_from(add.size).ok());
        sizes.fold(0_u64, u64::saturating_add)
    };
    let metrics = [
        (
            "tableSizeAfterRestore",
            "table_size_after_restore",
            target.files().size_in_bytes(),
        ),
        (
            "numOfFilesAfterRestore",
            "num_of_files_after_restore",
            target.files().len() as u64,
        ),
        ("numRemovedFiles", "num_removed_files", removed.len() as u64),
        (
            "numRestoredFiles",
            "num_restored_files",
            restored.len() as u64,
        ),
        ("removedFilesSize", "removed_files_size", size(&removed)),
        ("restoredFilesSize", "restored_files_size", size(&restored)),
    ];
    let mut operation = Operation::new("RESTORE")
        .parameter("version", by_version)
        .parameter("timestamp", by_time);
    for (name, _, value) in metrics {
        operation.metric(name, value);
    }
    *transaction.operation() = operation;
    transaction.reads().read_whole_table();
    let mut metadata = target.metadata().clone();
    if target.schema().fields().iter().any(is_identity) {
        metadata.schema_string = with_later_marks(target.schema(), snapshot.schema())?;
    }
    if metadata != *snapshot.metadata() {
        transaction.set_metadata(metadata);
    }
    // A table's protocol never goes back, as readers of the log rely on it.
    transaction.remove(removed, true);
    transaction.add(restored);
    let committed = transaction.commit().await?;
    let value = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let result = metrics.map(|(_, name, count)| (name.to_owned(), value(count)));
    Ok(Outcome {
        committed: Some(committed),
        result: result.into(),
        ..Outcome::default()
    })
}

/// Files, by their positions.
struct Difference {
    /// Of the version that comes back: those that are not there now.
    restored: Vec<usize>,
    /// Of the version that is there now: those that are not in the other.
    removed: Vec<usize>,
}

impl Difference {
    fn between(round: &Round<'_>, now: &Snapshot, then: &Snapshot) -> Result<Self, Error> {
        let key = |snapshot: &Snapshot, i: usize| {
            let files = snapshot.files();
            let vector = files.deletion_vector(i).map(|vector| vector.unique_id());
            (round.table.file_identity(files.raw_path(i)), vector)
        };
        let mut there: HashMap<_, usize> =
            (0..now.files().len()).map(|i| (key(now, i), i)).collect();
        let mut restored = Vec::new();
        for i in 0..then.files().len() {
            if there.remove(&key(then, i)).is_none() {
                restored.push(i);
            }
        }
        let mut removed: Vec<usize> = there.into_values().collect();
        removed.sort_unstable();
        Ok(Self { restored, removed })
    }
}

/// Refuses to bring back files that VACUUM, or somebody, has deleted.
async fn check_files(
    round: &Round<'_>,
    target: &Snapshot,
    restored: &[usize],
) -> Result<(), Error> {
    let checks = restored.iter().copied().map(|i| {
        async move {
            let path = target.files().path(i).map_err(|error| from_log(&error))?;
            match round.table.store.head(&path).await {
                Ok(_) => Ok(None),
                Err(object_store::Error::NotFound { .. }) => Ok(Some(path)),
                Err(error) => Err(from_store(path.as_ref(), &error)),
            }
        }
        .boxed()
    });
    let missing: Vec<_> = stream::iter(checks)
        .buffer_unordered(CONCURRENT_CHECKS)
        .try_filter_map(|missing| async move { Ok(missing) })
        .try_collect()
        .await?;
    let Some(first) = missing.first() else {
        return Ok(());
    };
    let message = format!(
        "Nothing was restored: {} of the {} data files that would come back are gone, {first} among them. VACUUM deletes files that no recent version needs.",
        missing.len(),
        restored.len()
    );
    Err(Error::new("DELTA_FILE_NOT_FOUND", message)
        .with_hint("Restore a later version, whose files are still there."))
}
