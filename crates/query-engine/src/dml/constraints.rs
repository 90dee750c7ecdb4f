//! What every row that is written must meet: NOT NULL, CHECK constraints, column invariants, the
//! expressions of generated columns, the condition of REPLACE WHERE.
//!
//! All rows pass through [`Constraints::check`] on their way out of a
//! [`RowChange`](crate::dml::RowChange), so no statement can get by it.
//!
//! Protocol: [Column Invariants](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#column-invariants),
//! [CHECK Constraints](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#check-constraints).

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use datafusion::common::DFSchema;
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::PhysicalExpr;
use delta_log::Snapshot;
use delta_log::schema::StructType;
use messages::{ColumnProblem, Error};
use serde_json::Value;
use spark_dialect::type_name;

use crate::dml::display::display_value;
use crate::dml::not_null::first_null;
use crate::dml::refusals::refuse_changing_rule;
use crate::dml::row_expressions::{row_expressions, row_schema};
use crate::dml::table_columns::table_columns;
use crate::engine_core::EngineCore;
use crate::errors::from_datafusion;

/// Table properties that are CHECK constraints begin so.
pub(crate) const CHECK: &str = "delta.constraints.";

/// The conditions of one table, ready to be asked of its rows.
#[derive(Debug, Default)]
pub(crate) struct Constraints {
    /// The table's columns, for NOT NULL.
    schema: Arc<StructType>,
    checks: Vec<Check>,
}

/// A condition that must be true of every row; NULL is not true.
#[derive(Debug)]
struct Check {
    rule: Rule,
    condition: Arc<dyn PhysicalExpr>,
    /// The columns that it looks at.
    columns: Vec<String>,
}

/// A condition as the table's log, or the statement, has it.
#[derive(Debug, Clone)]
enum Rule {
    /// CHECK constraint: name, Spark SQL.
    Named(String, String),
    /// Invariant of a column: Spark SQL.
    Invariant(String),
    /// Generated column: its name, Spark SQL of its value.
    Generated(String, String),
    /// REPLACE WHERE: Spark SQL.
    Replaced(String),
}

impl Rule {
    /// Spark SQL of the condition.
    fn text(&self) -> String {
        match self {
            Self::Named(_, text) | Self::Invariant(text) | Self::Replaced(text) => text.clone(),
            Self::Generated(column, text) => {
                // A comment at its end must not take the parenthesis in.
                let end = if text.contains("--") { "\n" } else { "" };
                format!("`{}` <=> ({text}{end})", column.replace('`', "``"))
            }
        }
    }

    fn violated(&self) -> (&'static str, String, &'static str) {
        const CONSTRAINT: &str = "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES";
        const CORRECT: &str = "Correct the row, or leave it out with WHERE.";
        match self {
            Self::Named(name, text) => (
                CONSTRAINT,
                format!("the CHECK constraint {name} ({text})"),
                CORRECT,
            ),
            Self::Invariant(text) => (CONSTRAINT, format!("the invariant ({text})"), CORRECT),
            Self::Generated(column, text) => (
                CONSTRAINT,
                format!("the generated column {column}, whose value is {text},"),
                "Leave the column out: its values are computed.",
            ),
            Self::Replaced(text) => (
                "DELTA_REPLACE_WHERE_MISMATCH",
                format!("the condition of REPLACE WHERE ({text})"),
                "Rows that replace others must meet the condition that these met.",
            ),
        }
    }
}

impl Constraints {
    /// Those of a new table: none but that its columns are those of `schema`.
    pub fn of_new_table(schema: &Arc<StructType>) -> Self {
        Self {
            schema: Arc::clone(schema),
            checks: Vec::new(),
        }
    }

    /// The conditions of a table whose columns, after the statement, are those of `schema`.
    ///
    /// # Errors
    /// `DELTA_UNSUPPORTED_FEATURES_FOR_WRITE` for one that cannot be evaluated here.
    pub async fn of(
        core: &EngineCore,
        snapshot: &Snapshot,
        schema: &Arc<StructType>,
    ) -> Result<Self, Error> {
        let mut constraints = Self::of_new_table(schema);
        let mut rules = Vec::new();
        for (key, text) in &snapshot.metadata().configuration {
            if let Some(name) = key.strip_prefix(CHECK) {
                rules.push(Rule::Named(name.to_owned(), text.clone()));
            }
        }
        for field in schema.fields() {
            if let Some(text) = field.metadata.get("delta.invariants") {
                rules.push(Rule::Invariant(invariant(&field.name, text)?));
            }
        }
        let columns = table_columns(schema)?;
        for column in &columns {
            if let Some(text) = &column.generation {
                rules.push(Rule::Generated(column.name.clone(), text.clone()));
            }
        }
        for rule in rules {
            let text = rule.text();
            let unusable = |error: Error| {
                let (_, what, _) = rule.violated();
                let message = format!(
                    "Nothing was written: {what} cannot be checked here: {}",
                    error.message
                );
                Error::new("DELTA_UNSUPPORTED_FEATURES_FOR_WRITE", message)
            };
            let mut expressions = row_expressions(core, &columns, &[&text])
                .await
                .map_err(unusable)?;
            let condition = expressions
                .pop()
                .ok_or_else(|| Error::new("INTERNAL_ERROR", "An expression is missing."))?;
            constraints
                .add(core, rule.clone(), condition)
                .map_err(unusable)?;
        }
        Ok(constraints)
    }

    /// The same and the condition of a REPLACE WHERE, which the new rows must meet.
    pub fn replacing(
        mut self,
        core: &EngineCore,
        condition: Expr,
        text: String,
    ) -> Result<Self, Error> {
        self.add(core, Rule::Replaced(text), condition)?;
        Ok(self)
    }

    fn add(&mut self, core: &EngineCore, rule: Rule, condition: Expr) -> Result<(), Error> {
        refuse_changing_rule(&condition)?;
        let columns = table_columns(&self.schema)?;
        let mut used: Vec<String> = condition
            .column_refs()
            .into_iter()
            .map(|column| column.name.clone())
            .collect();
        used.sort_unstable();
        used.dedup();
        let condition = strip_qualifiers(condition).and_then(|condition| {
            let schema = DFSchema::try_from(row_schema(&columns))?;
            core.session
                .statement_state()
                .create_physical_expr(condition, &schema)
        });
        self.checks.push(Check {
            rule,
            condition: condition.map_err(|error| from_datafusion(&error))?,
            columns: used,
        });
        Ok(())
    }

    /// Checks rows of the table's columns.
    ///
    /// # Errors
    /// That of the first condition that a row does not meet, with the row's values.
    pub fn check(&self, rows: &RecordBatch) -> Result<(), Error> {
        for (field, values) in self.schema.fields().iter().zip(rows.columns()) {
            if let Some(path) = first_null(field, values) {
                let problem = ColumnProblem {
                    column: path.clone(),
                    expected: format!("{} not null", type_name(values.data_type())),
                    actual: "NULL".to_owned(),
                };
                return Err(Error::new(
                    "DELTA_NOT_NULL_CONSTRAINT_VIOLATED",
                    format!(
                        "Nothing was written: NOT NULL constraint violated for column: {path}."
                    ),
                )
                .with_hint("Give the column a value in every row.")
                .with_columns(vec![problem]));
            }
        }
        self.checks.iter().try_for_each(|check| check.of(rows))
    }
}

impl Check {
    fn of(&self, rows: &RecordBatch) -> Result<(), Error> {
        let holds = self
            .condition
            .evaluate(rows)
            .and_then(|value| value.into_array(rows.num_rows()))
            .map_err(|error| from_datafusion(&error))?;
        if !matches!(holds.data_type(), DataType::Boolean | DataType::Null) {
            return Err(Error::new(
                "DATATYPE_MISMATCH",
                format!("The condition {} is not a boolean.", self.rule.text()),
            ));
        }
        // A NULL may come without a type.
        let holds = cast(&holds, &DataType::Boolean).map_err(|e| from_datafusion(&e.into()))?;
        let mut answers = holds.as_boolean().iter();
        match answers.position(|holds| holds != Some(true)) {
            Some(row) => Err(self.violated_by(rows, row)),
            None => Ok(()),
        }
    }

    fn violated_by(&self, rows: &RecordBatch, row: usize) -> Error {
        let values: Vec<(&String, String)> = self
            .columns
            .iter()
            .filter_map(|name| Some((name, display_value(rows.column_by_name(name)?, row))))
            .collect();
        let shown: Vec<String> = values
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        let (code, what, hint) = self.rule.violated();
        let text = self.rule.text();
        let problems = values.into_iter().map(|(name, value)| ColumnProblem {
            column: name.clone(),
            expected: text.clone(),
            actual: value,
        });
        Error::new(
            code,
            format!(
                "Nothing was written: {what} is violated by a row with {}.",
                shown.join(", ")
            ),
        )
        .with_hint(hint)
        .with_columns(problems.collect())
    }
}

pub(crate) fn strip_qualifiers(condition: Expr) -> datafusion::common::Result<Expr> {
    use datafusion::common::Column;
    use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
    condition
        .transform(|node| match node {
            Expr::Column(column) => Ok(Transformed::yes(Expr::Column(Column::new_unqualified(
                column.name,
            )))),
            other => Ok(Transformed::no(other)),
        })
        .data()
}

/// Spark SQL of an invariant, as the column's metadata has it: `{"expression":{"expression":"x > 3"}}`.
pub(crate) fn invariant(column: &str, text: &Value) -> Result<String, Error> {
    let parsed: Option<Value> = text
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok());
    let expression = parsed
        .as_ref()
        .and_then(|value| value.pointer("/expression/expression"))
        .and_then(Value::as_str);
    expression.map(str::to_owned).ok_or_else(|| {
        Error::new(
            "DELTA_UNSUPPORTED_FEATURES_FOR_WRITE",
            format!("Nothing was written: the invariant of the column {column} is not understood."),
        )
    })
}
