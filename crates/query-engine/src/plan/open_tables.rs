//! Tables that statements name, opened as DataFusion's tables.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use delta_log::{Snapshot, Table, TimeTravel};
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::try_join;
use messages::Error;
use spark_dialect::{TableName, VersionSpec};

use crate::catalog::is_parquet;
use crate::engine_core::EngineCore;
use crate::errors::from_log;
use crate::plan::time_travel::{change_bound, time_travel};
use crate::run::statement_context::StatementContext;
use crate::tables::change_feed::ChangeFeedProvider;
use crate::tables::delta_table::DeltaTableProvider;
use crate::tables::diff::DiffProvider;
use crate::tables::parquet_table::open_parquet;

/// A Delta table as of `at`, or Parquet files.
pub(crate) async fn open_table(
    core: &EngineCore,
    context: &Arc<StatementContext>,
    name: &TableName,
    at: &Option<VersionSpec>,
) -> Result<Arc<dyn TableProvider>, Error> {
    if is_parquet(name) {
        if at.is_some() {
            return Err(Error::new(
                "TIME_TRAVEL_NOT_SUPPORTED",
                "Parquet files have no versions; only Delta tables have.",
            ));
        }
        let place = core.catalog.locate(name).await?;
        return open_parquet(context, context.table(place)).await;
    }
    let (table, snapshot) = open_snapshot(core, context, name, at).await?;
    context.reads(&table, Some(snapshot.version()));
    Ok(Arc::new(DeltaTableProvider {
        table,
        snapshot,
        context: Arc::clone(context),
    }))
}

/// The change feed of a table between two versions.
// Boxed, like `open_diff`, because what opens a view within views must stay small on the stack.
pub(crate) fn open_changes<'a>(
    core: &'a EngineCore,
    context: &'a Arc<StatementContext>,
    name: &'a TableName,
    (start, end): (&'a VersionSpec, Option<&'a VersionSpec>),
) -> BoxFuture<'a, Result<Arc<dyn TableProvider>, Error>> {
    async move {
        let table = locate_delta(core, context, name).await?;
        let start = change_bound(core, start).await?;
        let end = match end {
            Some(end) => Some(change_bound(core, end).await?),
            None => None,
        };
        let plan = table
            .changes(start, end, core.session.change_columns())
            .await;
        let plan = plan.map_err(|error| from_log(&error))?;
        context.reads(&table, Some(plan.end));
        context.warn(&table, &plan.warnings);
        let context = Arc::clone(context);
        Ok(Arc::new(ChangeFeedProvider::new(table, plan, context)?) as _)
    }
    .boxed()
}

/// The difference between two versions of a table.
pub(crate) fn open_diff<'a>(
    core: &'a EngineCore,
    context: &'a Arc<StatementContext>,
    name: &'a TableName,
    (from, to): (&'a VersionSpec, &'a VersionSpec),
    keys: &'a [String],
) -> BoxFuture<'a, Result<Arc<dyn TableProvider>, Error>> {
    async move {
        let (from, to) = (Some(from.clone()), Some(to.clone()));
        let ((table, from), (_, to)) = try_join!(
            open_snapshot(core, context, name, &from),
            open_snapshot(core, context, name, &to),
        )?;
        let plan = table.diff(&from, &to).map_err(|error| from_log(&error))?;
        context.reads(&table, Some(to.version()));
        let provider = DiffProvider::new(table, plan, keys, Arc::clone(context))?;
        Ok(Arc::new(provider) as _)
    }
    .boxed()
}

/// The Delta table of that name. Whether there is one is not asked.
pub(crate) async fn locate_delta(
    core: &EngineCore,
    context: &StatementContext,
    name: &TableName,
) -> Result<Table, Error> {
    if is_parquet(name) {
        return Err(Error::new(
            "DELTA_TABLE_ONLY_OPERATION",
            format!("{name} is not a Delta table, and only Delta tables have a history."),
        ));
    }
    Ok(context.table(core.catalog.locate(name).await?))
}

/// A Delta table as of `at`.
pub(crate) async fn open_snapshot(
    core: &EngineCore,
    context: &StatementContext,
    name: &TableName,
    at: &Option<VersionSpec>,
) -> Result<(Table, Arc<Snapshot>), Error> {
    let table = locate_delta(core, context, name).await?;
    let opened = match at {
        None => context.latest(&table).await,
        Some(at) => match time_travel(core, at).await? {
            TimeTravel::Latest => context.latest(&table).await,
            at => table.snapshot(at).await.map_err(Arc::new),
        },
    };
    match opened {
        Ok(snapshot) => {
            context.warn(&table, snapshot.warnings());
            Ok((table, snapshot))
        }
        Err(error) => {
            if matches!(*error, delta_log::Error::NotATable { .. }) {
                core.catalog.forget();
            }
            Err(from_log(&error))
        }
    }
}
