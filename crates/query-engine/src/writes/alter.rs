//! `ALTER TABLE`: properties and columns.

use std::collections::BTreeMap;

use delta_log::schema::StructType;
use delta_transaction::Operation;
use messages::Error;
use serde_json::{Value, json};
use spark_dialect::AddColumns;

use crate::writes::column_mapping::set_schema;
use crate::writes::definitions::{column_parameter, fields};
use crate::writes::errors::WriteError;
use crate::writes::protocol::needed;
use crate::writes::round::{Outcome, Round};

/// `SET TBLPROPERTIES`.
pub(crate) async fn set_properties(
    round: &Round<'_>,
    properties: &BTreeMap<String, String>,
) -> Result<Outcome, WriteError> {
    let properties = table_properties::check(properties)?;
    if properties.is_empty() {
        return Err(Error::new("INVALID_REQUEST", "There is no property to set.").into());
    }
    let snapshot = round.snapshot().await?;
    let mut transaction = round.begin(&snapshot)?;
    let parameter = json!(properties).to_string();
    let mut metadata = snapshot.metadata().clone();
    metadata.configuration.extend(properties);
    let protocol = needed(snapshot.protocol(), &metadata, snapshot.schema());
    if protocol != *snapshot.protocol() {
        transaction.set_protocol(protocol);
    }
    transaction.set_metadata(metadata);
    *transaction.operation() =
        Operation::new("SET TBLPROPERTIES").parameter("properties", parameter);
    let committed = transaction.commit().await?;
    Ok(Outcome {
        committed: Some(committed),
        ..Outcome::default()
    })
}

/// `ADD COLUMNS`. The new columns are null in the rows that are there.
pub(crate) async fn add_columns(
    round: &Round<'_>,
    statement: &AddColumns,
) -> Result<Outcome, WriteError> {
    let snapshot = round.snapshot().await?;
    let added = fields(statement.columns(&snapshot.arrow_schema())?)?;
    let mut transaction = round.begin(&snapshot)?;
    let there = snapshot.schema().fields();
    for field in &added {
        if !field.nullable {
            return Err(Error::new(
                "DELTA_ADD_COLUMN_NOT_NULL",
                format!(
                    "The column {} can't be added as NOT NULL: it has no value in the rows that are there.",
                    field.name
                ),
            )
            .with_hint("Leave out NOT NULL.")
            .into());
        }
    }
    let parameter: Vec<Value> = added.iter().map(column_parameter).collect();
    let schema = StructType::new(there.iter().cloned().chain(added).collect());
    let mut metadata = snapshot.metadata().clone();
    set_schema(&mut metadata, &schema, &*round.environment());
    let protocol = needed(snapshot.protocol(), &metadata, &schema);
    if protocol != *snapshot.protocol() {
        transaction.set_protocol(protocol);
    }
    transaction.set_metadata(metadata);
    *transaction.operation() =
        Operation::new("ADD COLUMNS").parameter("columns", json!(parameter).to_string());
    let committed = transaction.commit().await?;
    Ok(Outcome {
        committed: Some(committed),
        ..Outcome::default()
    })
}
