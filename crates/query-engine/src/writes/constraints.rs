//! `ADD CONSTRAINT` and `DROP CONSTRAINT`.
//!
//! Protocol: [CHECK Constraints](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#check-constraints)

use std::sync::Arc;

use delta_transaction::Operation;
use messages::Error;

use crate::dml::{CONSTRAINT, Target, Violations, violations};
use crate::writes::errors::WriteError;
use crate::writes::metadata::commit_metadata;
use crate::writes::round::{Outcome, Round};

/// Adds a constraint that all rows meet. `condition`: Spark SQL.
pub(crate) async fn add(
    round: &Round<'_>,
    name: &str,
    condition: &str,
) -> Result<Outcome, WriteError> {
    let snapshot = round.snapshot().await?;
    let mut transaction = round.begin(&snapshot)?;
    let mut metadata = snapshot.metadata().clone();
    let location = &round.table.location;
    if let Some((_, old)) = find(&metadata.configuration, name) {
        let message = format!("{location} has a constraint {name} already: {old}.");
        return Err(Error::new("DELTA_CONSTRAINT_ALREADY_EXISTS", message)
            .with_hint("Give the new one another name, or drop the old one first: ALTER TABLE … DROP CONSTRAINT.")
            .into());
    }
    let context = Arc::clone(&round.context);
    let target = Target::new(round.table.clone(), Arc::clone(&snapshot), context)?;
    let Violations { rows, first } = violations(round.core, &target, condition).await?;
    if rows > 0 {
        let message = format!(
            "Nothing was changed: {rows} rows of {location} do not meet the condition ({condition}), one of them with {first}."
        );
        return Err(Error::new("DELTA_NEW_CHECK_CONSTRAINT_VIOLATION", message)
            .with_hint("Correct or delete these rows first. A row for which the condition is NULL does not meet it.")
            .into());
    }
    // Rows that come meanwhile have not been looked at.
    transaction.reads().read_whole_table();
    let key = format!("{CONSTRAINT}{}", name.to_lowercase());
    metadata.configuration.insert(key, condition.to_owned());
    let operation = Operation::new("ADD CONSTRAINT")
        .parameter("name", name)
        .parameter("expr", condition);
    let schema = snapshot.schema();
    commit_metadata(transaction, &snapshot, metadata, schema, operation).await
}

/// Takes a constraint away.
pub(crate) async fn remove(
    round: &Round<'_>,
    name: &str,
    if_exists: bool,
) -> Result<Outcome, WriteError> {
    let snapshot = round.snapshot().await?;
    let transaction = round.begin(&snapshot)?;
    let mut metadata = snapshot.metadata().clone();
    let Some((key, condition)) = find(&metadata.configuration, name) else {
        if if_exists {
            return Ok(Outcome::default());
        }
        let location = &round.table.location;
        let message = format!("{location} has no constraint {name} to drop.");
        return Err(Error::new("DELTA_CONSTRAINT_DOES_NOT_EXIST", message)
            .with_hint("DROP CONSTRAINT IF EXISTS does not mind; SHOW TBLPROPERTIES lists constraints as delta.constraints.….")
            .into());
    };
    metadata.configuration.remove(&key);
    let operation = Operation::new("DROP CONSTRAINT")
        .parameter("name", name)
        .parameter("expr", condition)
        .parameter("existed", true);
    let schema = snapshot.schema();
    commit_metadata(transaction, &snapshot, metadata, schema, operation).await
}

/// Property and condition of a constraint.
fn find(
    configuration: &std::collections::BTreeMap<String, String>,
    name: &str,
) -> Option<(String, String)> {
    let name = name.to_lowercase();
    let mut constraints = configuration.iter();
    let found = constraints.find(|(key, _)| {
        let own = key.strip_prefix(CONSTRAINT);
        own.is_some_and(|own| own.to_lowercase() == name)
    });
    found.map(|(key, condition)| (key.clone(), condition.clone()))
}
