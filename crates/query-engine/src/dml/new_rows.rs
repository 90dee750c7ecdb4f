//! New rows of a table: a value for each of its columns, given or computed.

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, when};
use messages::Error;

use crate::dml::conform::store_assignment::store;
use crate::dml::row_expressions::row_expressions;
use crate::dml::table_columns::TableColumn;
use crate::engine_core::EngineCore;
use crate::errors::from_datafusion;

/// How a column of a new row comes to its value. Expressions are in the column's type.
#[derive(Debug, Clone)]
pub(crate) enum NewValue {
    /// By an expression.
    Given(Expr),
    /// By the column's generation expression; where something is `given`, only in the rows for which
    /// the condition beside it is not true.
    Generated {
        /// The value, and the condition under which it counts.
        given: Option<(Expr, Expr)>,
    },
    /// By its number, on the row's way out of the [`RowChange`](crate::dml::RowChange), and NULL until
    /// then.
    Numbered,
}

impl NewValue {
    /// A value that the statement gives.
    ///
    /// # Errors
    /// Those of [`store`]; `DELTA_IDENTITY_COLUMNS_EXPLICIT_INSERT_NOT_SUPPORTED` for a column whose
    /// values are its writer's to give.
    pub fn assigned(expr: Expr, schema: &DFSchema, column: &TableColumn) -> Result<Self, Error> {
        if column
            .identity
            .is_some_and(|identity| !identity.allow_explicit_insert)
        {
            return Err(Error::new(
                "DELTA_IDENTITY_COLUMNS_EXPLICIT_INSERT_NOT_SUPPORTED",
                format!(
                    "Nothing was written: the values of the identity column {} are not the \
                     statement's to give.",
                    column.name
                ),
            ));
        }
        Ok(Self::Given(store(expr, schema, column)?))
    }
}

/// The value of a column that a statement says nothing of: generated, numbered, its default, or NULL.
///
/// # Errors
/// Those of [`store`].
pub(crate) fn unsaid(
    column: &TableColumn,
    default: Option<Expr>,
    schema: &DFSchema,
) -> Result<NewValue, Error> {
    if column.generation.is_some() {
        return Ok(NewValue::Generated { given: None });
    }
    if column.identity.is_some() {
        return Ok(NewValue::Numbered);
    }
    let value = match default {
        Some(default) => store(default, schema, column)?,
        None => null_of(column)?,
    };
    Ok(NewValue::Given(value))
}

/// The error of an UPDATE that sets an identity column.
pub(crate) fn identity_is_set(column: &str) -> Error {
    Error::new(
        "DELTA_IDENTITY_COLUMNS_UPDATE_NOT_SUPPORTED",
        format!("Nothing was written: the identity column {column} can't be updated."),
    )
    .with_hint("Leave it out of SET.")
}

/// NULL in a column's type.
pub(crate) fn null_of(column: &TableColumn) -> Result<Expr, Error> {
    let null = ScalarValue::try_from(&column.data_type).map_err(|error| from_datafusion(&error))?;
    Ok(Expr::Literal(null, None))
}

/// The default expressions of `columns`, for those that have some.
///
/// # Errors
/// Those of an expression that cannot be planned.
pub(crate) async fn defaults(
    core: &EngineCore,
    columns: &[TableColumn],
) -> Result<Vec<Option<Expr>>, Error> {
    let texts: Vec<&str> = columns
        .iter()
        .filter_map(|c| c.default.as_deref())
        .collect();
    let mut expressions = row_expressions(core, columns, &texts).await?.into_iter();
    let defaults = columns.iter().map(|column| {
        let default = column.default.as_ref().and_then(|_| expressions.next());
        match default {
            Some(expr) if !expr.column_refs().is_empty() => Err(Error::new(
                "DELTA_UNSUPPORTED_FEATURES_FOR_WRITE",
                format!("The default of the column {} names a column.", column.name),
            )),
            default => Ok(default),
        }
    });
    defaults.collect()
}

fn null_number() -> Expr {
    Expr::Literal(ScalarValue::Int64(None), None)
}

fn new_name(i: usize) -> String {
    format!("\u{1e}new{i}")
}

fn given_name(i: usize) -> String {
    format!("\u{1e}given{i}")
}

/// `plan` with the columns of `kept`, and then those of the table, in its order and types. `values`
/// has one for each of `columns`.
///
/// # Errors
/// Those of generation expressions that cannot be planned.
pub(crate) async fn with_new_rows(
    core: &EngineCore,
    columns: &[TableColumn],
    plan: LogicalPlan,
    kept: Vec<Expr>,
    values: Vec<NewValue>,
) -> Result<LogicalPlan, Error> {
    let kept_columns = kept.len();
    let mut projected = kept;
    for (i, value) in values.iter().enumerate() {
        match value {
            NewValue::Given(expr) => projected.push(expr.clone().alias(new_name(i))),
            NewValue::Numbered => projected.push(null_number().alias(new_name(i))),
            NewValue::Generated { given: None } => {}
            NewValue::Generated {
                given: Some((expr, given)),
            } => projected.extend([
                expr.clone().alias(new_name(i)),
                given.clone().alias(given_name(i)),
            ]),
        }
    }
    let plan = project(plan, projected)?;
    let is_ready = |value: &NewValue| matches!(value, NewValue::Given(_) | NewValue::Numbered);
    if values.iter().all(is_ready) {
        return Ok(plan);
    }
    let generation: Vec<(usize, &str)> = columns
        .iter()
        .enumerate()
        .filter(|(i, _)| matches!(values.get(*i), Some(NewValue::Generated { .. })))
        .map(|(i, column)| (i, column.generation.as_deref().unwrap_or("NULL")))
        .collect();
    let texts: Vec<&str> = generation.iter().map(|(_, text)| *text).collect();
    let mut generated = row_expressions(core, columns, &texts).await?.into_iter();

    let names: Vec<Column> = plan.schema().columns();
    let mut projected: Vec<Expr> = names
        .into_iter()
        .take(kept_columns)
        .map(Expr::Column)
        .collect();
    for (i, (value, column)) in values.iter().zip(columns).enumerate() {
        let own = || Expr::Column(Column::new_unqualified(new_name(i)));
        let expr = match value {
            NewValue::Given(_) | NewValue::Numbered => own(),
            NewValue::Generated { given } => {
                let Some(expr) = generated.next() else {
                    return Err(Error::new("INTERNAL_ERROR", "An expression is missing."));
                };
                let computed = of_new_row(expr, columns, &values)?;
                let computed = store(computed, plan.schema(), column)?;
                match given {
                    None => computed,
                    Some(_) => {
                        let is_given = Expr::Column(Column::new_unqualified(given_name(i)));
                        when(is_given, own())
                            .otherwise(computed)
                            .map_err(|error| from_datafusion(&error))?
                    }
                }
            }
        };
        projected.push(expr.alias(new_name(i)));
    }
    project(plan, projected)
}

fn project(plan: LogicalPlan, columns: Vec<Expr>) -> Result<LogicalPlan, Error> {
    LogicalPlanBuilder::from(plan)
        .project(columns)
        .and_then(LogicalPlanBuilder::build)
        .map_err(|error| from_datafusion(&error))
}

/// An expression over a row of the table, as one over the new row.
fn of_new_row(expr: Expr, columns: &[TableColumn], values: &[NewValue]) -> Result<Expr, Error> {
    let mut computed = None;
    let expr = expr
        .transform(|node| {
            let Expr::Column(named) = &node else {
                return Ok(Transformed::no(node));
            };
            let found = columns.iter().position(|column| column.name == named.name);
            match found.map(|i| (i, values.get(i))) {
                Some((i, Some(NewValue::Given(_)))) => {
                    let column = Column::new_unqualified(new_name(i));
                    Ok(Transformed::yes(Expr::Column(column)))
                }
                _ => {
                    computed = Some(named.name.clone());
                    Ok(Transformed::no(node))
                }
            }
        })
        .data()
        .map_err(|error| from_datafusion(&error))?;
    match computed {
        None => Ok(expr),
        Some(name) => Err(Error::new(
            "DELTA_UNSUPPORTED_FEATURES_FOR_WRITE",
            format!("A generated column is computed from {name}, which is computed itself."),
        )),
    }
}
