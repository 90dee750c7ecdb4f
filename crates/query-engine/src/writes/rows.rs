//! Statements that change rows: INSERT, UPDATE, DELETE, MERGE.

use std::collections::BTreeMap;
use std::sync::Arc;

use delta_log::Snapshot;
use delta_transaction::{Feature, Transaction};
use messages::Error;
use spark_dialect::{Write, WriteOperation};

use crate::dml::{ChangedRows, OverwriteRead, RowChange, TouchedRows, changed_rows};
use crate::session::ApplicationTransaction;
use crate::tables::target_table::TargetRead;
use crate::writes::column_mapping::set_schema;
use crate::writes::errors::WriteError;
use crate::writes::identity::with_marks;
use crate::writes::metrics::{Change, describe, result};
use crate::writes::predicate::Conditions;
use crate::writes::protocol::needed;
use crate::writes::rewrite::{Rewritten, rewrite};
use crate::writes::round::{Outcome, Round};
use crate::writes::staged_rows::{StagedFiles, StagedRows};
use crate::writes::vectors::delete_by_vectors;

const CHANGE_FEED: &str = "delta.enableChangeDataFeed";
const DELETION_VECTORS: &str = "delta.enableDeletionVectors";

/// Computes what the statement changes, writes it, and commits.
pub(crate) async fn change(round: &Round<'_>, write: &Write) -> Result<Outcome, WriteError> {
    let started = round.environment().now();
    let snapshot = round.snapshot().await?;
    let application = round.core.session.application_transaction()?;
    if let Some(application) = &application
        && let Some(written) = round
            .transaction_version(&snapshot, &application.app_id)
            .await?
        && written >= application.version
    {
        round.core.session.transaction_is_used();
        let text = format!(
            "Nothing was written: transaction {} of {} is in the table, whose last one is {written}.",
            application.version, application.app_id
        );
        round.context.note(text);
        return Ok(Outcome::default());
    }
    let mut transaction = round.begin(&snapshot)?;
    if let Some(ApplicationTransaction { app_id, version }) = &application {
        transaction.set_transaction(app_id.clone(), *version);
    }
    let target = (round.table.clone(), Arc::clone(&snapshot));
    let change = changed_rows(round.core, &round.context, target, write).await?;
    if change.schema() != snapshot.schema() {
        evolve(&mut transaction, &snapshot, &change);
    }
    let records = snapshot.metadata().is_enabled(CHANGE_FEED) && may_replace(write);
    let mut staged = StagedRows::new(round.core, &transaction, records)?;
    let changed = stage(round, &snapshot, change, &mut staged).await;
    let (touched, reads, rewritten, marks) = match changed {
        Ok(changed) => changed,
        Err(error) => {
            staged.abort().await;
            return Err(error);
        }
    };
    let StagedFiles {
        adds,
        changes,
        rows,
    } = staged.finish(touched.changes_rows()).await?;
    raise_marks(&mut transaction, &marks)?;
    note_reads(round, &mut transaction, &snapshot, reads, &touched);

    let removed: Vec<usize> = touched.removed_files.clone();
    let gone = snapshot.files().adds(&removed)?;
    let change = Change {
        counts: touched.counts,
        written_rows: rows,
        copied_rows: rewritten.copied_rows,
        adds: &adds,
        removes: gone.iter().chain(&rewritten.removes).collect(),
        change_files: changes.len(),
        vectors: rewritten.vectors,
        milliseconds: round.environment().now().saturating_sub(started),
    };
    *transaction.operation() = describe(write, &snapshot, &change)?;
    let result = result(write, &change);
    transaction.remove(gone, true);
    transaction.remove(rewritten.removes, true);
    transaction.add(rewritten.adds);
    transaction.add(adds);
    transaction.add_change_data(changes);
    // Nothing has changed: there is nothing to commit. An INSERT of no rows is one all the same.
    if transaction.is_empty() && !matches!(write.operation, WriteOperation::Insert(_)) {
        return Ok(Outcome {
            result,
            ..Outcome::default()
        });
    }
    let committed = transaction.commit().await?;
    if application.is_some() {
        round.core.session.transaction_is_used();
    }
    Ok(Outcome {
        committed: Some(committed),
        result,
        ..Outcome::default()
    })
}

/// Whether the statement may change or delete rows, so that the change feed can't tell from the new
/// files alone what has changed.
fn may_replace(write: &Write) -> bool {
    match &write.operation {
        WriteOperation::Insert(insert) => insert.replaces_rows(),
        WriteOperation::Update(_) | WriteOperation::Delete(_) | WriteOperation::Merge(_) => true,
        WriteOperation::CreateTable { .. }
        | WriteOperation::CreateTableAsSelect { .. }
        | WriteOperation::Restore(_)
        | WriteOperation::SetTableProperties(_)
        | WriteOperation::AddColumns(_)
        | WriteOperation::Alter(_)
        | WriteOperation::Clone(_)
        | WriteOperation::Maintain(_) => false,
    }
}

/// The new schema, and the protocol that it needs.
fn evolve(transaction: &mut Transaction, snapshot: &Snapshot, change: &RowChange) {
    let mut metadata = snapshot.metadata().clone();
    let environment = Arc::clone(transaction.environment());
    set_schema(&mut metadata, change.schema(), &*environment);
    let protocol = needed(snapshot.protocol(), &metadata, change.schema());
    if protocol != *snapshot.protocol() {
        transaction.set_protocol(protocol);
    }
    transaction.set_metadata(metadata);
}

/// Has the table's metadata say how far the numbers of its identity columns have come. Who else does so
/// meanwhile is in conflict with this.
fn raise_marks(
    transaction: &mut Transaction,
    marks: &BTreeMap<String, i64>,
) -> Result<(), WriteError> {
    let Some(mut metadata) = transaction.metadata().cloned() else {
        return Ok(());
    };
    if !marks.is_empty() {
        metadata.schema_string = with_marks(&metadata.schema_string, marks)?;
        transaction.set_metadata(metadata);
    }
    Ok(())
}

/// What a statement has read of the table that it writes.
struct Reads {
    target: Option<TargetRead>,
    overwrite: Option<OverwriteRead>,
}

async fn stage(
    round: &Round<'_>,
    snapshot: &Snapshot,
    mut change: RowChange,
    staged: &mut StagedRows,
) -> Result<(TouchedRows, Reads, Rewritten, BTreeMap<String, i64>), WriteError> {
    let columns = change.schema().to_arrow();
    while let Some(rows) = change.next().await {
        let ChangedRows { kind, rows } = rows?;
        if kind.is_written() {
            staged.write(&rows).await?;
        }
        staged.record(&rows, kind.change_type()).await?;
    }
    let with_vectors = writes_vectors(snapshot);
    let unchanged = match with_vectors {
        true => None,
        false => Some(change.unchanged(round.core).await?),
    };
    let reads = Reads {
        target: change.target_read().cloned(),
        overwrite: change.overwrite_read(),
    };
    let marks = change.high_water_marks();
    let touched = change.finish();
    if touched.changes_rows() && !touched.removed_files.is_empty() && staged.records() {
        // The feed would lack the rows of the files that go as a whole.
        let message = "Rows and whole files of one table are replaced at once.";
        return Err(Error::new("INTERNAL_ERROR", message).into());
    }
    let rewritten = match unchanged {
        Some(unchanged) => rewrite(snapshot, &touched, unchanged, &columns, staged).await?,
        None => delete_by_vectors(round, snapshot, &touched, staged.layout()).await?,
    };
    Ok((touched, reads, rewritten, marks))
}

/// Whether rows go by deletion vectors, as the table asks.
fn writes_vectors(snapshot: &Snapshot) -> bool {
    Feature::DeletionVectors.is_in(snapshot.protocol())
        && snapshot.metadata().is_enabled(DELETION_VECTORS)
}

/// Tells the transaction what the statement has read of its table.
fn note_reads(
    round: &Round<'_>,
    transaction: &mut Transaction,
    snapshot: &Snapshot,
    Reads { target, overwrite }: Reads,
    touched: &TouchedRows,
) {
    let location = transaction.table().location.clone();
    let reads = transaction.reads();
    // As a source, or in a subquery: which rows of it mattered is not known.
    if round.context.reads_table(&location) {
        reads.read_whole_table();
    }
    match overwrite {
        Some(OverwriteRead::WholeTable) => reads.read_whole_table(),
        Some(OverwriteRead::Partitions(partitions)) => reads.read_where(Arc::new(partitions)),
        None => {}
    }
    if let Some(read) = target {
        for &file in &read.files {
            reads.read_file(snapshot.files().raw_path(file));
        }
        if read.filters.is_empty() {
            reads.read_whole_table();
        } else {
            reads.read_where(Arc::new(Conditions {
                filters: read.filters,
                state: round.core.session.statement_state(),
            }));
        }
    }
    for &file in &touched.removed_files {
        reads.read_file(snapshot.files().raw_path(file));
    }
}
