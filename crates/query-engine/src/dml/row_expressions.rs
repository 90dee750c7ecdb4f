//! Spark SQL that a table's log has for its rows: constraints, generation expressions, defaults.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::datasource::empty::EmptyTable;
use datafusion::logical_expr::{Expr, LogicalPlan};
use messages::Error;
use spark_dialect::{Query, TARGET, expressions_over_rows};

use crate::dml::refusals::refuse_aggregates;
use crate::dml::table_columns::TableColumn;
use crate::engine_core::EngineCore;
use crate::plan::planning::plan_given;

/// The expressions of `texts` over rows of a table, in order.
///
/// # Errors
/// `PARSE_SYNTAX_ERROR` and those of planning.
pub(crate) async fn row_expressions(
    core: &EngineCore,
    columns: &[TableColumn],
    texts: &[&str],
) -> Result<Vec<Expr>, Error> {
    if texts.is_empty() {
        return Ok(Vec::new());
    }
    expressions_of(core, columns, &expressions_over_rows(texts)?).await
}

/// The expressions that `query`, over rows of a table, computes.
///
/// # Errors
/// Those of planning.
pub(crate) async fn expressions_of(
    core: &EngineCore,
    columns: &[TableColumn],
    query: &Query,
) -> Result<Vec<Expr>, Error> {
    let rows = Arc::new(EmptyTable::new(row_schema(columns)));
    let context = core.statement_context();
    let plan = plan_given(core, &context, query, &[(TARGET, rows)])
        .await?
        .plan;
    projected(plan)
}

/// The expressions of a plan that computes some, without the names that it gives them.
pub(crate) fn projected(plan: LogicalPlan) -> Result<Vec<Expr>, Error> {
    refuse_aggregates(&plan)?;
    match plan {
        LogicalPlan::Projection(projection) => {
            let expressions = projection.expr.into_iter();
            Ok(expressions.map(Expr::unalias).collect())
        }
        _ => Err(Error::new(
            "INTERNAL_ERROR",
            "An expression was not planned as one.",
        )),
    }
}

/// The schema of a table's rows.
pub(crate) fn row_schema(columns: &[TableColumn]) -> SchemaRef {
    let fields = columns
        .iter()
        .map(|column| Field::new(&column.name, column.data_type.clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}
