//! Conditions that every row of the source must meet, checked before anything is written.
//!
//! delta-rs checks a table's constraints too, on every path. It can't say which constraint a row
//! violates, though; here, where the rows are at hand, the answer names it and shows the values.

use arrow::array::{Array, AsArray, RecordBatch};
use deltalake::datafusion::common::ToDFSchema;
use deltalake::datafusion::execution::SessionState;
use deltalake::datafusion::logical_expr::Expr;
use messages::{ColumnProblem, Error};

use super::table::Table;
use super::{Context, Failure};
use crate::expression::Scope;
use crate::schema::display_value;

/// A row that breaks a condition: its number, counted from 1, and the values that decide.
pub(super) struct Violation {
    pub row: usize,
    pub values: Vec<(String, String)>,
}

/// The first row for which `condition` is not true.
pub(super) fn first_violation(
    state: &SessionState,
    condition: &Expr,
    batches: &[RecordBatch],
) -> Result<Option<Violation>, Failure> {
    let Some(schema) = batches.first().map(RecordBatch::schema) else {
        return Ok(None);
    };
    let df_schema = schema.to_dfschema()?;
    let physical = state.create_physical_expr(condition.clone(), &df_schema)?;
    let mut columns: Vec<String> = condition
        .column_refs()
        .into_iter()
        .map(|column| column.name.clone())
        .collect();
    columns.sort();
    let mut before = 0;
    for batch in batches {
        let holds = physical.evaluate(batch)?.into_array(batch.num_rows())?;
        let holds = holds.as_boolean_opt().ok_or_else(|| {
            Error::new(
                "DATATYPE_MISMATCH",
                format!("The condition {condition} is not a boolean."),
            )
        })?;
        // Null is not true either.
        if let Some(row) = (0..holds.len()).find(|row| holds.is_null(*row) || !holds.value(*row)) {
            let values = columns
                .iter()
                .filter_map(|name| {
                    let column = batch.column_by_name(name)?;
                    Some((name.clone(), display_value(column, row)))
                })
                .collect();
            return Ok(Some(Violation {
                row: before + row + 1,
                values,
            }));
        }
        before += batch.num_rows();
    }
    Ok(None)
}

/// Refuses rows that break one of the table's CHECK constraints.
pub(super) fn check(
    context: &Context,
    state: &SessionState,
    table: &Table,
    batches: &[RecordBatch],
) -> Result<(), Failure> {
    let Some(schema) = batches.first().map(RecordBatch::schema) else {
        return Ok(());
    };
    let configuration = table.snapshot.metadata().configuration();
    for (key, text) in configuration {
        let Some(name) = key.strip_prefix("delta.constraints.") else {
            continue;
        };
        let scope = Scope::new(state, schema.as_ref().clone().to_dfschema()?, context.now);
        // A constraint in another dialect is left to delta-rs, which refuses what it can't read.
        let Ok(condition) = scope.predicate(text) else {
            continue;
        };
        if let Some(violation) = first_violation(state, &condition, batches)? {
            return Err(refusal(name, text, &violation).into());
        }
    }
    Ok(())
}

fn refusal(name: &str, text: &str, violation: &Violation) -> Error {
    let values: Vec<String> = violation
        .values
        .iter()
        .map(|(column, value)| format!("{column} = {value}"))
        .collect();
    Error::new(
        "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES",
        format!(
            "Nothing was written: row {} violates the CHECK constraint {name} ({text}) with {}.",
            violation.row,
            values.join(", ")
        ),
    )
    .with_hint("Correct the row, or leave it out with WHERE.")
    .with_columns(problems(text, violation))
}

pub(super) fn problems(condition: &str, violation: &Violation) -> Vec<ColumnProblem> {
    violation
        .values
        .iter()
        .map(|(column, value)| ColumnProblem {
            column: column.clone(),
            expected: condition.to_owned(),
            actual: format!("{value} in row {}", violation.row),
        })
        .collect()
}
