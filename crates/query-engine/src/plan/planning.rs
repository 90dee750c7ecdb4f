//! Logical plans: a query with its tables and views opened, as DataFusion's plan.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::not_impl_err;
use datafusion::datasource::ViewTable;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::parser::Statement as SqlStatement;
use futures::FutureExt;
use futures::future::{BoxFuture, try_join_all};
use messages::Error;
use spark_dialect::{Query, Relation, TableName, TableReference};

use crate::engine_core::EngineCore;
use crate::errors::from_datafusion;
use crate::plan::in_subqueries::with_exact_in;
use crate::plan::open_tables::{open_changes, open_diff, open_table};
use crate::plan::physical::Planned;
use crate::run::statement_context::StatementContext;
use crate::session::View;
use crate::spark_types::result_type;

/// Views within views; more are a view of itself.
const MAX_VIEW_DEPTH: usize = 16;

/// The relations of a query under their placeholders.
type Relations = HashMap<String, Arc<dyn TableProvider>>;

/// Opens what `query` reads and plans it; the result has types that leave the engine.
pub(crate) fn plan_query<'a>(
    core: &'a EngineCore,
    context: &'a Arc<StatementContext>,
    query: &'a Query,
    view_depth: usize,
) -> BoxFuture<'a, Result<Planned, Error>> {
    // Boxed, because a query may read a view, which is a query.
    Box::pin(async move {
        let relations = open_relations(core, context, query, view_depth).await?;
        let Planned { state, plan } = plan_over(core, query, relations).await?;
        let plan = with_result_types(plan).map_err(|error| from_datafusion(&error))?;
        Ok(Planned { state, plan })
    })
}

/// Opens what `query` reads beside the relations that are `given` under their placeholders, and plans
/// it; the result has whatever types DataFusion gives it.
pub(crate) async fn plan_given(
    core: &EngineCore,
    context: &Arc<StatementContext>,
    query: &Query,
    given: &[(&str, Arc<dyn TableProvider>)],
) -> Result<Planned, Error> {
    let mut relations = open_relations(core, context, query, 0).await?;
    let given = given.iter();
    relations.extend(given.map(|(name, provider)| ((*name).to_owned(), Arc::clone(provider))));
    plan_over(core, query, relations).await
}

async fn plan_over(
    core: &EngineCore,
    query: &Query,
    relations: Relations,
) -> Result<Planned, Error> {
    let statement = query
        .resolve(&|placeholder| relations.get(placeholder).map(|provider| provider.schema()))?;
    let state = core.session.statement_state();
    let plan = async {
        for (placeholder, provider) in relations {
            let schema = state.schema_for_ref(placeholder.as_str())?;
            schema.register_table(placeholder, provider)?;
        }
        let statement = SqlStatement::Statement(Box::new(statement));
        with_exact_in(state.statement_to_plan(statement).await?)
    };
    let plan = plan.await.map_err(|error| from_datafusion(&error))?;
    Ok(Planned { state, plan })
}

/// Casts the columns to the types that leave the engine.
fn with_result_types(plan: LogicalPlan) -> datafusion::common::Result<LogicalPlan> {
    let schema = Arc::clone(plan.schema());
    let mut fits = true;
    let mut columns = Vec::with_capacity(schema.fields().len());
    for (qualifier, field) in schema.iter() {
        let column = Expr::from((qualifier, field));
        let Some(wanted) = result_type(field.data_type()) else {
            return not_impl_err!("column {} is of type {}", field.name(), field.data_type());
        };
        if wanted == *field.data_type() {
            columns.push(column);
        } else {
            fits = false;
            let cast = column.cast_to(&wanted, schema.as_ref())?;
            columns.push(cast.alias(field.name()));
        }
    }
    match fits {
        true => Ok(plan),
        false => LogicalPlanBuilder::from(plan).project(columns)?.build(),
    }
}

/// Opens all that `query` reads, at the same time.
async fn open_relations(
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
            Relation::Table { table, at } => match view_named(core, table) {
                Some(_) if at.is_some() => Err(Error::new(
                    "TIME_TRAVEL_NOT_SUPPORTED",
                    format!("{table} is a view: only tables have versions."),
                )),
                Some(view) => open_view(core, context, view, view_depth).await,
                None => open_table(core, context, table, at).await,
            },
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

/// The temporary view of that name, which hides a table of the same name.
pub(crate) fn view_named(core: &EngineCore, name: &TableName) -> Option<Arc<View>> {
    match name {
        TableName::Name { parts } => match parts.as_slice() {
            [view] => core.session.view(view),
            _ => None,
        },
        TableName::Path { .. } => None,
    }
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
