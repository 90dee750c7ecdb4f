//! MERGE: target and source joined once, and for each joined row the first clause whose condition is
//! true.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use datafusion::catalog::TableProvider;
use datafusion::common::{JoinType, TableReference};
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use messages::Error;
use spark_dialect::{
    Merge, MergeWhen, MergedRows, Query, SOURCE, TARGET, strip_duplicate_suffixes,
};

use crate::dml::constraints::Constraints;
use crate::dml::defined_values::column_defaults;
use crate::dml::merge_clauses::{Clauses, Expressions};
use crate::dml::refusals::{refuse_subquery, refuse_volatile};
use crate::dml::row_change::RowChange;
use crate::dml::row_expressions::{projected, row_schema};
use crate::dml::stage::{Layout, Stage};
use crate::dml::target::Target;
use crate::engine_core::EngineCore;
use crate::errors::from_datafusion;
use crate::plan::physical::{Planned, start};
use crate::plan::planning::{plan_given, plan_query};
use crate::tables::source_rows::SourceRows;

/// The rows that the statement changes and adds.
pub(crate) async fn merge(
    core: &EngineCore,
    target: &Target,
    statement: &Merge,
) -> Result<RowChange, Error> {
    let statement = statement.with_defaults(&column_defaults(&target.columns))?;
    let Planned { state, plan } = plan_query(core, &target.context, &statement.source, 0).await?;
    let schema = Arc::clone(plan.schema().inner());
    let schema = strip_duplicate_suffixes(&schema).unwrap_or(schema);
    let auto_merge = core.session.auto_merge();
    let merged = statement.rows(&target.schema(), &schema, auto_merge)?;

    let names: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
    let count = Arc::new(AtomicU64::new(0));
    let source = Arc::new(SourceRows::new(plan, &names, Arc::clone(&count)));
    let (on, expressions) = expressions(core, target, &merged, source.schema()).await?;
    let joined = joined(target, source, &merged, on)?;

    let clauses = Clauses::new(target, &merged, &expressions, &joined)?;
    let constraints = Constraints::of(core, &target.snapshot, &clauses.schema).await?;
    let (schema, actions) = (Arc::clone(&clauses.schema), clauses.actions());
    let (plan, layout): (LogicalPlan, Layout) = clauses.rows(core, target, joined).await?;
    let planned = Planned { state, plan };
    let physical = planned.physical().await?;
    let stage = Stage {
        rows: start(&physical, &planned.state, &core.yield_timer)?,
        layout,
        actions,
    };
    Ok(RowChange::new(core, schema, vec![stage], constraints).counting(count))
}

/// The condition that joins the two sides, and the expressions of the clauses.
async fn expressions(
    core: &EngineCore,
    target: &Target,
    merged: &MergedRows,
    source: arrow::datatypes::SchemaRef,
) -> Result<(Expr, Expressions), Error> {
    let rows = |schema| Arc::new(EmptyTable::new(schema)) as Arc<dyn TableProvider>;
    let given = [
        (TARGET, rows(row_schema(&target.columns))),
        (SOURCE, rows(source)),
    ];
    let plan = async |query: &Query, given: &[(&str, Arc<dyn TableProvider>)]| {
        let planned = plan_given(core, &target.context, query, given).await?;
        projected(planned.plan)
    };
    let mut matched = plan(&merged.matched, &given).await?;
    let not_matched = match &merged.not_matched {
        Some(query) => plan(query, &given[1..]).await?,
        None => Vec::new(),
    };
    let not_matched_by_source = match &merged.not_matched_by_source {
        Some(query) => plan(query, &given[..1]).await?,
        None => Vec::new(),
    };
    let expressions = Expressions {
        matched: matched.clone(),
        not_matched,
        not_matched_by_source,
    };
    for expr in expressions.all() {
        refuse_subquery(expr, "MERGE")?;
    }
    let on = matched.swap_remove(0);
    refuse_volatile(&on, "MERGE")?;
    for clause in &merged.clauses {
        if let Some(condition) = clause.condition {
            refuse_volatile(expressions.of(clause.when, condition)?, "MERGE")?;
        }
    }
    Ok((on, expressions))
}

/// The rows of both sides that the clauses are about.
fn joined(
    target: &Target,
    source: Arc<dyn TableProvider>,
    merged: &MergedRows,
    on: Expr,
) -> Result<LogicalPlan, Error> {
    let has = |when| merged.clauses.iter().any(|clause| clause.when == when);
    // The source comes first: that is the side that a hash join keeps in memory, and whose keys tell
    // which files of the other one can be skipped.
    let join_type = match (
        has(MergeWhen::NotMatched),
        has(MergeWhen::NotMatchedBySource),
    ) {
        (false, false) => JoinType::Inner,
        (true, false) => JoinType::Left,
        (false, true) => JoinType::Right,
        (true, true) => JoinType::Full,
    };
    let side = |name: &str, provider, alias: &str| {
        LogicalPlanBuilder::scan(name, provider_as_source(provider), None)?
            .alias(TableReference::bare(alias))
    };
    let rows = target.provider()?;
    let join = || {
        let target = side(TARGET, rows, &merged.target_alias)?.build()?;
        side(SOURCE, source, &merged.source_alias)?
            .join_on(target, join_type, [on])?
            .build()
    };
    join().map_err(|error| from_datafusion(&error))
}
