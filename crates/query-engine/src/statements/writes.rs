//! Writes: bound here, where the schemas are known, their rows computed here, and committed
//! elsewhere, by the [`Committer`](crate::host::Committer).

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use bytes::Bytes;
use datafusion::common::DataFusionError;
use datafusion::execution::memory_pool::MemoryConsumer;
use futures::TryStreamExt;
use messages::Error;
use messages::commit::{CommitOutcome, CommitRequest, Operation, RestoreTarget};
use spark_dialect::{
    Query, VersionSpec, Write, WriteOperation, bind_create_table_as_select,
    strip_duplicate_suffixes,
};

use crate::catalog::is_parquet;
use crate::engine_core::EngineCore;
use crate::errors::{from_datafusion, from_log};
use crate::plan::open_tables::locate_delta;
use crate::plan::physical::{Planned, start};
use crate::plan::planning::plan_query;
use crate::plan::time_travel::millis;
use crate::run::execution::Execution;
use crate::run::statement_context::StatementContext;
use crate::statements::describe;

/// Makes the write and answers what Spark answers.
pub(crate) async fn execute_write(
    core: &EngineCore,
    context: Arc<StatementContext>,
    write: &Write,
) -> Result<Execution, Error> {
    let committer = core.committer.as_ref().ok_or_else(|| {
        Error::new(
            "READ_ONLY",
            "No commit proxy is configured: tables are read-only.",
        )
        .with_hint("Start `lakeglass serve` and open its page; it commits for the page.")
    })?;
    let location = target(core, &context, write).await?;
    if write.must_exist {
        target_schema(core, &context, &location).await?;
    }
    let (operation, source) = bind(core, &context, write, &location).await?;
    let request = CommitRequest {
        table: location.clone(),
        operation,
    };
    let outcome = committer.commit(request, source).await;
    // Also after an error, which may leave the outcome unknown.
    core.snapshots.committed(&location);
    let CommitOutcome {
        version, result, ..
    } = outcome?;
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

/// The location of the table to write.
async fn target(
    core: &EngineCore,
    context: &StatementContext,
    write: &Write,
) -> Result<String, Error> {
    if let Some(url) = &write.location {
        return Ok(core.catalog.locate_url(url)?.location);
    }
    if write.creates_table() && !is_parquet(&write.table) {
        return Ok(core.catalog.locate_new(&write.table).await?.location);
    }
    Ok(locate_delta(core, context, &write.table).await?.location)
}

/// The operation, and its rows as an Arrow IPC stream where it takes any.
async fn bind(
    core: &EngineCore,
    context: &Arc<StatementContext>,
    write: &Write,
    location: &str,
) -> Result<(Operation, Option<Bytes>), Error> {
    let auto_merge = core.session.auto_merge();
    Ok(match &write.operation {
        WriteOperation::Bound(operation) => (operation.clone(), None),
        WriteOperation::CreateTableAsSelect {
            mode,
            options,
            source,
        } => {
            let (planned, schema) = plan_source(core, context, source).await?;
            let operation = bind_create_table_as_select(*mode, options, &schema)?;
            (operation, Some(rows(core, &planned, schema).await?))
        }
        WriteOperation::Insert(insert) => {
            let target = target_schema(core, context, location).await?;
            let (planned, schema) = plan_source(core, context, &insert.source).await?;
            let merge_schema = insert.schema_evolution || auto_merge;
            let bound = insert.bind(&target, &schema, merge_schema)?;
            let named = renamed(&schema, &bound.column_names);
            (bound.operation, Some(rows(core, &planned, named).await?))
        }
        WriteOperation::Merge(merge) => {
            let target = target_schema(core, context, location).await?;
            let (planned, schema) = plan_source(core, context, &merge.source).await?;
            let evolution = merge.schema_evolution || auto_merge;
            let operation = merge.bind(&target, &schema, evolution)?;
            (operation, Some(rows(core, &planned, schema).await?))
        }
        WriteOperation::Update(update) => (
            update.bind(&*target_schema(core, context, location).await?)?,
            None,
        ),
        WriteOperation::Delete(delete) => (
            delete.bind(&*target_schema(core, context, location).await?)?,
            None,
        ),
        WriteOperation::AddColumns(add) => (
            add.bind(&*target_schema(core, context, location).await?)?,
            None,
        ),
        WriteOperation::Restore(to) => {
            let to = match to {
                VersionSpec::Version(version) => RestoreTarget::Version(*version),
                VersionSpec::Timestamp(moment) => {
                    RestoreTarget::Timestamp(millis(core, moment).await?)
                }
            };
            (Operation::Restore { to }, None)
        }
    })
}

async fn target_schema(
    core: &EngineCore,
    context: &StatementContext,
    location: &str,
) -> Result<SchemaRef, Error> {
    let table = context.table(core.catalog.locate_url(location)?);
    let snapshot = context
        .latest(&table)
        .await
        .map_err(|error| from_log(&error))?;
    context.warn(&table, snapshot.warnings());
    Ok(snapshot.arrow_schema())
}

async fn plan_source(
    core: &EngineCore,
    context: &Arc<StatementContext>,
    source: &Query,
) -> Result<(Planned, SchemaRef), Error> {
    let planned = plan_query(core, context, source, 0).await?;
    let schema = planned.schema();
    let schema = strip_duplicate_suffixes(&schema).unwrap_or(schema);
    Ok((planned, schema))
}

fn renamed(schema: &Schema, names: &[String]) -> SchemaRef {
    let fields = schema
        .fields()
        .iter()
        .zip(names)
        .map(|(field, name)| Field::new(name, field.data_type().clone(), field.is_nullable()));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The query's rows under `schema`, as an Arrow IPC stream. They count against the memory limit.
async fn rows(core: &EngineCore, planned: &Planned, schema: SchemaRef) -> Result<Bytes, Error> {
    let failed = |error: DataFusionError| from_datafusion(&error);
    let physical = planned.physical().await?;
    let mut stream = start(&physical, &planned.state, &core.yield_timer)?;
    let reservation =
        MemoryConsumer::new("rows to commit").register(&planned.state.runtime_env().memory_pool);
    let mut writer = StreamWriter::try_new(Vec::new(), &schema).map_err(|e| failed(e.into()))?;
    while let Some(batch) = stream.try_next().await.map_err(failed)? {
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let batch = RecordBatch::try_new_with_options(
            Arc::clone(&schema),
            batch.columns().to_vec(),
            &options,
        )
        .map_err(|e| failed(e.into()))?;
        writer.write(&batch).map_err(|e| failed(e.into()))?;
        reservation
            .try_resize(writer.get_ref().capacity())
            .map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|e| failed(e.into()))?;
    Ok(Bytes::from(bytes))
}
