//! What of a table depends on one of its columns.

use std::sync::Arc;

use delta_log::Snapshot;
use messages::Error;

use crate::dml::{CONSTRAINT, Target, columns_of_rule, invariant};
use crate::writes::round::Round;

/// Properties that name columns.
const STATISTICS_COLUMNS: &str = "delta.dataSkippingStatsColumns";

/// Refuses to change a column that a constraint, a generated column or a property names. `what`: the
/// change, as in "can't be renamed".
///
/// # Errors
/// `DELTA_CONSTRAINT_DEPENDENT_COLUMN_CHANGE`, `DELTA_GENERATED_COLUMNS_DEPENDENT_COLUMN_CHANGE`; those of
/// rules that can't be understood.
pub(crate) async fn refuse_dependents(
    round: &Round<'_>,
    snapshot: &Arc<Snapshot>,
    column: &str,
    what: &str,
) -> Result<(), Error> {
    let context = Arc::clone(&round.context);
    let target = Target::new(round.table.clone(), Arc::clone(snapshot), context)?;
    for (rule, text) in rules(snapshot)? {
        if let Rule::Generated(own) = &rule
            && own == column
        {
            return Err(rule.depends(column, &text, what));
        }
        let columns = columns_of_rule(round.core, &target, &text).await?;
        if columns.iter().any(|used| used == column) {
            return Err(rule.depends(column, &text, what));
        }
    }
    let configuration = &snapshot.metadata().configuration;
    let statistics = configuration.get(STATISTICS_COLUMNS);
    let lower = column.to_lowercase();
    if statistics.is_some_and(|columns| columns.to_lowercase().contains(&lower)) {
        let message = format!(
            "The column {column} can't be {what}: {STATISTICS_COLUMNS} names it, or one like it."
        );
        return Err(Error::new("UNSUPPORTED_FEATURE", message)
            .with_hint("Unset that property first, and set it anew afterwards."));
    }
    Ok(())
}

enum Rule {
    Constraint(String),
    Invariant(String),
    Generated(String),
}

impl Rule {
    fn depends(&self, column: &str, text: &str, what: &str) -> Error {
        let (code, depends, hint) = match self {
            Self::Constraint(name) => (
                "DELTA_CONSTRAINT_DEPENDENT_COLUMN_CHANGE",
                format!("the CHECK constraint {name} ({text})"),
                format!(
                    "Drop it first, and add it anew afterwards: ALTER TABLE … DROP CONSTRAINT {name}."
                ),
            ),
            Self::Invariant(own) => (
                "DELTA_CONSTRAINT_DEPENDENT_COLUMN_CHANGE",
                format!("the invariant of the column {own} ({text})"),
                "Change the table with Spark.".to_owned(),
            ),
            Self::Generated(own) => (
                "DELTA_GENERATED_COLUMNS_DEPENDENT_COLUMN_CHANGE",
                format!("the generated column {own} ({text})"),
                "CREATE OR REPLACE TABLE t AS SELECT … makes a table with other columns."
                    .to_owned(),
            ),
        };
        let message = format!("The column {column} can't be {what}: {depends} depends on it.");
        Error::new(code, message).with_hint(hint)
    }
}

/// The rules that a table has for its rows: Spark SQL.
fn rules(snapshot: &Snapshot) -> Result<Vec<(Rule, String)>, Error> {
    let configuration = snapshot.metadata().configuration.iter();
    let constraints = configuration.filter_map(|(key, text)| {
        let name = key.strip_prefix(CONSTRAINT)?;
        Some((Rule::Constraint(name.to_owned()), text.clone()))
    });
    let mut rules: Vec<(Rule, String)> = constraints.collect();
    for field in snapshot.schema().fields() {
        if let Some(text) = field.metadata.get("delta.invariants") {
            let text = invariant(&field.name, text)?;
            rules.push((Rule::Invariant(field.name.clone()), text));
        }
        let generation = field.metadata.get("delta.generationExpression");
        if let Some(text) = generation.and_then(|text| text.as_str()) {
            rules.push((Rule::Generated(field.name.clone()), text.to_owned()));
        }
    }
    Ok(rules)
}
