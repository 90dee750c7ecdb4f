//! What a query reads, as DataFusion's tables.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::datasource::ViewTable;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use delta_log::{Snapshot, Table, TimeTravel};
use futures::FutureExt;
use futures::future::{BoxFuture, try_join_all};
use futures::try_join;
use messages::Error;

use crate::catalog::is_parquet;
use crate::changes::ChangesProvider;
use crate::diff::DiffProvider;
use crate::engine::EngineCore;
use crate::errors::{from_datafusion, from_log};
use crate::moments::{change_bound, time_travel};
use crate::parquet_path::open_parquet;
use crate::planning::plan_query;
use crate::provider::DeltaTableProvider;
use crate::session::View;
use crate::sql::{Query, Relation, TableName, TableReference, VersionSpec};
use crate::statement_context::StatementContext;

/// Views within views; more are a view of itself.
const MAX_VIEW_DEPTH: usize = 16;

/// The relations of a query under their placeholders.
pub(crate) type Relations = HashMap<String, Arc<dyn TableProvider>>;

/// Opens all that `query` reads, at the same time.
pub(crate) async fn open_relations(
    core: &EngineCore,
    context: &Arc<StatementContext>,
    query: &Query,
    view_depth: usize,
) -> Result<Relations, Error> {
    let mut opening = Vec::with_capacity(query.references.len());
    for reference in &query.references {
        opening.push(open(core, context, reference, view_depth));
    }
    let opened = try_join_all(opening).await?;
    let placeholders = query
        .references
        .iter()
        .map(|reference| reference.placeholder.clone());
    Ok(placeholders.zip(opened).collect())
}

fn open<'a>(
    core: &'a EngineCore,
    context: &'a Arc<StatementContext>,
    reference: &'a TableReference,
    view_depth: usize,
) -> BoxFuture<'a, Result<Arc<dyn TableProvider>, Error>> {
    async move {
        match &reference.relation {
            Relation::Table { table, at } => open_table(core, context, table, at, view_depth).await,
            Relation::Changes { table, start, end } => {
                open_changes(core, context, table, (start, end.as_ref())).await
            }
            Relation::Diff {
                table,
                from,
                to,
                keys,
            } => open_diff(core, context, table, (from, to), keys).await,
        }
    }
    .boxed()
}

// Boxed, this and the next, as what opens a view within views must stay small on the stack.
fn open_changes<'a>(
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
        let context = Arc::clone(context);
        Ok(Arc::new(ChangesProvider::new(table, plan, context)?) as _)
    }
    .boxed()
}

fn open_diff<'a>(
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

async fn open_table<'a>(
    core: &'a EngineCore,
    context: &'a Arc<StatementContext>,
    name: &'a TableName,
    at: &'a Option<VersionSpec>,
    view_depth: usize,
) -> Result<Arc<dyn TableProvider>, Error> {
    if let TableName::Name { parts } = name
        && let [view] = parts.as_slice()
        && let Some(view) = core.session.view(view)
    {
        if at.is_some() {
            return Err(Error::new(
                "TIME_TRAVEL_NOT_SUPPORTED",
                format!("{name} is a view: only tables have versions."),
            ));
        }
        return open_view(core, context, view, view_depth).await;
    }
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

fn open_view<'a>(
    core: &'a EngineCore,
    context: &'a Arc<StatementContext>,
    view: Arc<View>,
    view_depth: usize,
) -> BoxFuture<'a, Result<Arc<dyn TableProvider>, Error>> {
    async move {
        if view_depth >= MAX_VIEW_DEPTH {
            return Err(Error::new("RECURSIVE_VIEW", "The view reads itself."));
        }
        let plan = plan_view(core, context, view, view_depth + 1).await?;
        Ok(Arc::new(ViewTable::new(plan, None)) as _)
    }
    .boxed()
}

/// A view's query under the view's column names.
pub(crate) async fn plan_view(
    core: &EngineCore,
    context: &Arc<StatementContext>,
    view: Arc<View>,
    view_depth: usize,
) -> Result<LogicalPlan, Error> {
    let plan = plan_query(core, context, &view.query, view_depth)
        .await?
        .plan;
    if view.columns.is_empty() {
        return Ok(plan);
    }
    let fields = plan.schema().fields().len();
    if view.columns.len() != fields {
        return Err(Error::new(
            "CREATE_VIEW_COLUMN_ARITY_MISMATCH",
            format!(
                "The view names {} columns, its query has {fields}.",
                view.columns.len()
            ),
        ));
    }
    let named: Vec<Expr> = plan
        .schema()
        .iter()
        .zip(&view.columns)
        .map(|(column, name)| Expr::from(column).alias(name))
        .collect();
    let plan = LogicalPlanBuilder::from(plan)
        .project(named)
        .and_then(LogicalPlanBuilder::build);
    plan.map_err(|error| from_datafusion(&error))
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
            at => table.snapshot(at).await,
        },
    };
    match opened {
        Ok(snapshot) => Ok((table, snapshot)),
        Err(error) => {
            if matches!(error, delta_log::Error::NotATable { .. }) {
                core.catalog.forget();
            }
            Err(from_log(&error))
        }
    }
}

/// The columns that a placeholder stands for.
pub(crate) fn schema_of(relations: &Relations, placeholder: &str) -> Option<SchemaRef> {
    relations.get(placeholder).map(|provider| provider.schema())
}
