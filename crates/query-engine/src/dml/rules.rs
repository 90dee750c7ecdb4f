//! Rules that a table may get, or has, for its rows: what they look at, and which rows break them.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlanBuilder, ident};
use futures::StreamExt;
use messages::Error;
use spark_dialect::TARGET;

use crate::dml::constraints::strip_qualifiers;
use crate::dml::display::display_value;
use crate::dml::refusals::{refuse_changing_rule, refuse_subquery, refuse_volatile};
use crate::dml::row_expressions::{row_expressions, row_schema};
use crate::dml::target::Target;
use crate::engine_core::EngineCore;
use crate::errors::from_datafusion;
use crate::plan::physical::{Planned, start};
use crate::tables::target_table::FILE;

/// Rows that break a rule.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Violations {
    /// Their number.
    pub rows: u64,
    /// Values of the first one, in the columns that the rule looks at: `amount = -5.0`.
    pub first: String,
}

/// The columns that a rule of the table looks at, ascending. `text`: Spark SQL.
///
/// # Errors
/// Those of planning.
pub(crate) async fn columns_of_rule(
    core: &EngineCore,
    target: &Target,
    text: &str,
) -> Result<Vec<String>, Error> {
    Ok(columns_of(&expression(core, target, text).await?))
}

/// The rows for which a rule is not true. `text`: Spark SQL.
///
/// # Errors
/// Those of planning; `DELTA_NON_BOOLEAN_CHECK_CONSTRAINT`; for a rule that needs more than the row at
/// hand.
pub(crate) async fn violations(
    core: &EngineCore,
    target: &Target,
    text: &str,
) -> Result<Violations, Error> {
    let rule = expression(core, target, text).await?;
    check(target, &rule, text)?;
    let columns = columns_of(&rule);
    let wanted: Vec<Expr> = [FILE]
        .into_iter()
        .chain(columns.iter().map(String::as_str))
        .map(ident)
        .collect();
    let plan = LogicalPlanBuilder::scan(TARGET, provider_as_source(target.provider()?), None)
        .and_then(|plan| plan.filter(Expr::IsNotTrue(Box::new(rule))))
        .and_then(|plan| plan.project(wanted))
        .and_then(LogicalPlanBuilder::build)
        .map_err(|error| from_datafusion(&error))?;
    let state = core.session.statement_state();
    let planned = Planned { state, plan };
    let physical = planned.physical().await?;
    let mut rows = start(&physical, &planned.state, &core.yield_timer)?;
    let mut violations = Violations::default();
    while let Some(rows) = rows.next().await {
        let rows = rows.map_err(|error| from_datafusion(&error))?;
        if violations.rows == 0 && rows.num_rows() > 0 {
            let shown = columns.iter().filter_map(|name| {
                let values = rows.column_by_name(name)?;
                Some(format!("{name} = {}", display_value(values, 0)))
            });
            violations.first = shown.collect::<Vec<_>>().join(", ");
        }
        violations.rows = violations.rows.saturating_add(rows.num_rows() as u64);
    }
    Ok(violations)
}

async fn expression(core: &EngineCore, target: &Target, text: &str) -> Result<Expr, Error> {
    let mut expressions = row_expressions(core, &target.columns, &[text]).await?;
    let rule = expressions
        .pop()
        .ok_or_else(|| Error::new("INTERNAL_ERROR", "An expression is missing."))?;
    strip_qualifiers(rule).map_err(|error| from_datafusion(&error))
}

fn columns_of(rule: &Expr) -> Vec<String> {
    let columns = rule.column_refs().into_iter();
    let mut columns: Vec<String> = columns.map(|column| column.name.clone()).collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

fn check(target: &Target, rule: &Expr, text: &str) -> Result<(), Error> {
    refuse_subquery(rule, "CHECK constraint")?;
    refuse_volatile(rule, "CHECK constraint")?;
    refuse_changing_rule(rule)?;
    let schema = DFSchema::try_from(row_schema(&target.columns));
    let data_type = schema.and_then(|schema| rule.get_type(&schema));
    match data_type.map_err(|error| from_datafusion(&error))? {
        DataType::Boolean | DataType::Null => Ok(()),
        other => Err(Error::new(
            "DELTA_NON_BOOLEAN_CHECK_CONSTRAINT",
            format!("The condition ({text}) is not a boolean, but of type {other}."),
        )),
    }
}
