//! A statement that writes, from its text to its commit.

use std::sync::{Arc, OnceLock};

use delta_log::Table;
use delta_transaction::maintenance::{after_commit, should_checkpoint};
use delta_transaction::{Committed, find_commit};
use futures::FutureExt;
use messages::Error;
use spark_dialect::{Write, WriteOperation};

use crate::catalog::is_parquet;
use crate::engine_core::EngineCore;
use crate::errors::from_datafusion;
use crate::host::StoreLocation;
use crate::plan::open_tables::locate_delta;
use crate::run::execution::Execution;
use crate::run::statement_context::StatementContext;
use crate::statements::describe;
use crate::writes::attempt::Attempt;
use crate::writes::errors::WriteError;
use crate::writes::round::{Outcome, Round};
use crate::writes::{alter, create, restore, rows};

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
        WriteOperation::Restore(to) => restore::restore(round, to).boxed().await,
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
    let place = place(core, &context, write).await?;
    if !place.can_write {
        return Err(read_only(&place.location));
    }
    let location = place.location.clone();
    let table = context.table(place);
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
            Ok((Some(version), Vec::new()))
        }
        None => rounds(core, &context, table, write, attempt).await,
    };
    // Also after an error, which may leave the outcome unknown.
    core.snapshots.committed(&location);
    let (version, result) = outcome?;
    if write.creates_table() {
        core.catalog.forget();
    }
    context.finished();
    let yield_timer = Arc::clone(&core.yield_timer);
    let execution = if result.is_empty() {
        Execution::nothing(context, yield_timer)
    } else {
        let row = describe::counts(&result).map_err(|error| from_datafusion(&error.into()))?;
        Execution::of_batch(context, yield_timer, row)
    };
    Ok(execution.written(location, version))
}

async fn rounds(
    core: &EngineCore,
    context: &Arc<StatementContext>,
    table: Table,
    write: &Write,
    attempt: &OnceLock<Attempt>,
) -> Result<(Option<u64>, Vec<(String, i64)>), Error> {
    let location = table.location.clone();
    let mut round = Round {
        core,
        context: Arc::clone(context),
        table,
        id: core.environment.uuid(),
    };
    let before = round.snapshot_if_any().await?;
    let first = Attempt {
        id: round.id,
        after: before.map(|snapshot| snapshot.version()),
    };
    round.id = attempt.get_or_init(|| first).id;
    if write.must_exist {
        round.snapshot().await?;
    }
    for n in 0.. {
        match run(&round, write).await {
            Ok(outcome) => {
                let Outcome { committed, result } = outcome;
                if let Some(committed) = &committed {
                    maintain(&round, committed).await;
                }
                return Ok((committed.map(|committed| committed.version), result));
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

/// Writes a checkpoint where one is due. The statement is done: what goes wrong here is a warning.
async fn maintain(round: &Round<'_>, committed: &Committed) {
    let Committed {
        version, snapshot, ..
    } = committed;
    if !should_checkpoint(*version, snapshot.metadata()) {
        return;
    }
    let faults = after_commit(&round.table, snapshot, &*round.core.environment).await;
    for fault in faults {
        let location = &round.table.location;
        let text = format!(
            "{location}: version {version} is committed, but its log was not tidied up: {fault}"
        );
        round.context.note(text);
    }
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

fn read_only(location: &str) -> Error {
    Error::new("READ_ONLY", format!("{location} can only be read here."))
        .with_hint("Start `lakeglass serve` and open its page; it commits for the page.")
}
