//! A statement that writes, from its text to its commit.

use std::sync::{Arc, OnceLock};

use arrow::record_batch::RecordBatch;
use delta_log::Table;
use delta_transaction::find_commit;
use futures::FutureExt;
use messages::Error;
use spark_dialect::{DropTable, Maintenance, Write, WriteOperation};

use crate::catalog::is_parquet;
use crate::engine_core::EngineCore;
use crate::errors::from_datafusion;
use crate::host::StoreLocation;
use crate::plan::open_tables::locate_delta;
use crate::plan::planning::view_named;
use crate::run::execution::Execution;
use crate::run::statement_context::StatementContext;
use crate::statements::describe;
use crate::writes::attempt::Attempt;
use crate::writes::errors::WriteError;
use crate::writes::round::{Outcome, Round};
use crate::writes::{alter, clone_table, create, drop_table, optimize, restore, rows, vacuum};

/// Times that a statement is computed again because of a conflict.
const RECOMPUTATIONS: usize = 3;

async fn run(round: &Round<'_>, write: &Write) -> Result<Outcome, WriteError> {
    match &write.operation {
        WriteOperation::Insert(_)
        | WriteOperation::Update(_)
        | WriteOperation::Delete(_)
        | WriteOperation::Merge(_) => rows::change(round, write).boxed().await,
        WriteOperation::CreateTableAsSelect {
            mode,
            options,
            source,
        } => {
            create::table_as_select(round, *mode, options, source)
                .boxed()
                .await
        }
        WriteOperation::CreateTable {
            mode,
            columns,
            options,
        } => create::table(round, *mode, columns, options).boxed().await,
        WriteOperation::SetTableProperties(properties) => {
            alter::set_properties(round, properties).boxed().await
        }
        WriteOperation::AddColumns(add) => alter::add_columns(round, add).boxed().await,
        WriteOperation::Clone(statement) => {
            clone_table::clone_table(round, statement).boxed().await
        }
        WriteOperation::Alter(statement) => alter::alter(round, statement).boxed().await,
        WriteOperation::Restore(to) => restore::restore(round, to).boxed().await,
        WriteOperation::Maintain(Maintenance::Optimize(statement)) => {
            optimize::optimize(round, statement).boxed().await
        }
        WriteOperation::Maintain(Maintenance::Drop(statement)) => {
            drop_table::drop_table(round, *statement).boxed().await
        }
        WriteOperation::Maintain(Maintenance::Vacuum(statement)) => {
            vacuum::vacuum(round, statement).boxed().await
        }
    }
}

/// Makes the write and answers what Spark answers. If an earlier attempt has committed it, answers that
/// commit's version and no rows.
pub(crate) async fn execute_write(
    core: &EngineCore,
    context: Arc<StatementContext>,
    write: &Write,
    attempt: &OnceLock<Attempt>,
) -> Result<Execution, Error> {
    let dropped = write.dropped_table();
    if dropped.is_some() && view_named(core, &write.table).is_some() {
        return Err(is_view(write));
    }
    let place = match (place(core, &context, write).await, dropped) {
        (Err(error), Some(DropTable { if_exists: true }))
            if error.code == "TABLE_OR_VIEW_NOT_FOUND" =>
        {
            return Ok(Execution::nothing(context, Arc::clone(&core.yield_timer)));
        }
        (place, _) => place?,
    };
    if !place.can_write && !write.is_dry_run() {
        return Err(read_only(&place.location));
    }
    let location = place.location.clone();
    let table = context.table(place.clone());
    let earlier = match attempt.get() {
        Some(attempt) => find_commit(&table, attempt.id, attempt.after)
            .await
            .map_err(|error| WriteError::from(error).into_message(&table))?,
        None => None,
    };
    let outcome = match earlier {
        Some(version) => {
            let text =
                format!("An earlier attempt of this statement has committed version {version}.");
            context.note(text);
            Ok(Done {
                version: Some(version),
                ..Done::default()
            })
        }
        None => rounds(core, &context, (table, place), write, attempt).await,
    };
    // Also after an error, which may leave the outcome unknown.
    core.snapshots.committed(&location);
    let Done {
        version,
        result,
        rows,
    } = outcome?;
    if write.creates_table() || dropped.is_some() {
        core.catalog.forget();
    }
    context.finished();
    let yield_timer = Arc::clone(&core.yield_timer);
    let execution = if let Some(rows) = rows {
        Execution::of_batch(context, yield_timer, rows)
    } else if result.is_empty() {
        Execution::nothing(context, yield_timer)
    } else {
        let row = describe::counts(&result).map_err(|error| from_datafusion(&error.into()))?;
        Execution::of_batch(context, yield_timer, row)
    };
    match write.is_dry_run() {
        true => Ok(execution),
        false => Ok(execution.written(location, version)),
    }
}

/// What a statement came to, in whatever round.
#[derive(Debug, Default)]
struct Done {
    version: Option<u64>,
    result: Vec<(String, i64)>,
    rows: Option<RecordBatch>,
}

async fn rounds(
    core: &EngineCore,
    context: &Arc<StatementContext>,
    (table, place): (Table, StoreLocation),
    write: &Write,
    attempt: &OnceLock<Attempt>,
) -> Result<Done, Error> {
    let location = table.location.clone();
    let mut round = Round {
        core,
        context: Arc::clone(context),
        table,
        place,
        id: core.environment.uuid(),
    };
    // A table may be dropped though its log can't be read.
    if write.is_done_by_a_commit() {
        let before = round.snapshot_if_any().await?;
        let first = Attempt {
            id: round.id,
            after: before.map(|snapshot| snapshot.version()),
        };
        round.id = attempt.get_or_init(|| first).id;
    }
    if write.must_exist {
        round.snapshot().await?;
    }
    for n in 0.. {
        match run(&round, write).await {
            Ok(outcome) => {
                let Outcome {
                    committed,
                    result,
                    rows,
                } = outcome;
                if let Some(committed) = &committed {
                    round.maintain(committed).await;
                }
                return Ok(Done {
                    version: committed.map(|committed| committed.version),
                    result,
                    rows,
                });
            }
            Err(WriteError::Conflict(_)) if n < RECOMPUTATIONS => {
                core.snapshots.committed(&location);
                context.start_again();
            }
            Err(error) => return Err(error.into_message(&round.table)),
        }
    }
    Err(Error::new("INTERNAL_ERROR", "A statement without an end."))
}

/// The place of the table to write.
async fn place(
    core: &EngineCore,
    context: &StatementContext,
    write: &Write,
) -> Result<StoreLocation, Error> {
    if let Some(url) = &write.location {
        return core.catalog.locate_url(url);
    }
    if write.creates_table() && !is_parquet(&write.table) {
        return core.catalog.locate_new(&write.table).await;
    }
    let table = locate_delta(core, context, &write.table).await?;
    core.catalog.locate_url(&table.location)
}

fn is_view(write: &Write) -> Error {
    let message = format!("{} is a temporary view, not a table.", write.table);
    Error::new("WRONG_COMMAND_FOR_OBJECT_TYPE", message).with_hint("DROP VIEW drops it.")
}

fn read_only(location: &str) -> Error {
    Error::new("READ_ONLY", format!("{location} can only be read here."))
        .with_hint("Start `lakeglass serve` and open its page; it commits for the page.")
}
