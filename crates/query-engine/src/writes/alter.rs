//! `ALTER TABLE`: properties and columns.

use std::collections::BTreeMap;

use delta_log::ColumnMapping;
use delta_log::schema::StructType;
use delta_transaction::Operation;
use messages::Error;
use serde_json::{Value, json};
use spark_dialect::{AddColumns, Alter, ColumnDefinition, UnsaidValue};
use table_properties::Properties;

use crate::writes::column_mapping::{MODE as MAPPING_MODE, enable, is_mapped, set_schema};
use crate::writes::columns::{self, Position};
use crate::writes::constraints;
use crate::writes::definitions::{column_parameter, fields};
use crate::writes::errors::WriteError;
use crate::writes::metadata::{commit_metadata, commit_with_protocol};
use crate::writes::protocol::{needed, with_features};
use crate::writes::round::{Outcome, Round};

/// Properties that follow from what a table is, and can't be taken away: what their names begin with.
const KEPT: [&str; 5] = [
    "delta.columnMapping.",
    "delta.feature.",
    "delta.minReaderVersion",
    "delta.minWriterVersion",
    "delta.inCommitTimestampEnablement",
];

/// Another `ALTER TABLE` than those below.
pub(crate) async fn alter(round: &Round<'_>, statement: &Alter) -> Result<Outcome, WriteError> {
    match statement {
        Alter::UnsetProperties { keys, if_exists } => {
            unset_properties(round, keys, *if_exists).await
        }
        Alter::AddConstraint { name, condition } => constraints::add(round, name, condition).await,
        Alter::DropConstraint { name, if_exists } => {
            constraints::remove(round, name, *if_exists).await
        }
        Alter::RenameColumn { column, to } => columns::rename(round, column, to).await,
        Alter::DropColumns { columns, if_exists } => {
            columns::remove(round, columns, *if_exists).await
        }
        Alter::ChangeColumn { column, change } => columns::change(round, column, change).await,
    }
}

/// `UNSET TBLPROPERTIES`.
async fn unset_properties(
    round: &Round<'_>,
    keys: &[String],
    if_exists: bool,
) -> Result<Outcome, WriteError> {
    let snapshot = round.snapshot().await?;
    let transaction = round.begin(&snapshot)?;
    let mut metadata = snapshot.metadata().clone();
    for key in keys {
        if key.to_lowercase().starts_with("delta.constraints.") {
            let message = format!("{key} is a CHECK constraint, not a property.");
            return Err(Error::new("DELTA_CANNOT_MODIFY_TABLE_PROPERTY", message)
                .with_hint("ALTER TABLE … DROP CONSTRAINT takes it away.")
                .into());
        }
        let lower = key.to_lowercase();
        if KEPT
            .iter()
            .any(|kept| lower.starts_with(&kept.to_lowercase()))
        {
            let message = format!("{key} can't be unset: it says what the table's files are.");
            return Err(Error::new("DELTA_CANNOT_MODIFY_TABLE_PROPERTY", message).into());
        }
        if metadata.configuration.remove(key).is_none() && !if_exists {
            let message = format!("{} has no property {key} to unset.", round.table.location);
            return Err(Error::new("DELTA_UNSET_NON_EXISTENT_PROPERTY", message)
                .with_hint(
                    "UNSET TBLPROPERTIES IF EXISTS does not mind; SHOW TBLPROPERTIES lists them.",
                )
                .into());
        }
    }
    let operation = Operation::new("UNSET TBLPROPERTIES")
        .parameter("properties", json!(keys).to_string())
        .parameter("ifExists", if_exists);
    let schema = snapshot.schema();
    commit_metadata(transaction, &snapshot, metadata, schema, operation).await
}

/// Refuses a change of the column mapping mode that would keep files from being read.
fn check_mapping(before: Option<&String>, after: &str) -> Result<(), Error> {
    let before = before.map_or("none", String::as_str).to_lowercase();
    let after = after.to_lowercase();
    if before == after || (before == "none" && after == "name") {
        return Ok(());
    }
    let message =
        format!("The column mapping mode of a table can't change from {before} to {after}.");
    Err(Error::new("DELTA_UNSUPPORTED_COLUMN_MAPPING_MODE_CHANGE", message)
        .with_hint("It can change from none to name; CREATE OR REPLACE TABLE t AS SELECT … makes a table of another mode."))
}

/// `SET TBLPROPERTIES`.
pub(crate) async fn set_properties(
    round: &Round<'_>,
    properties: &BTreeMap<String, String>,
) -> Result<Outcome, WriteError> {
    if properties.is_empty() {
        return Err(Error::new("INVALID_REQUEST", "There is no property to set.").into());
    }
    let parameter = json!(properties).to_string();
    let Properties {
        stored: properties,
        features,
    } = table_properties::check(properties)?;
    let snapshot = round.snapshot().await?;
    let transaction = round.begin(&snapshot)?;
    let protocol = with_features(snapshot.protocol(), &features)?;
    let mut metadata = snapshot.metadata().clone();
    if let Some(mode) = properties.get(MAPPING_MODE) {
        check_mapping(metadata.configuration.get(MAPPING_MODE), mode)?;
    }
    metadata.configuration.extend(properties);
    let was_mapped = snapshot.column_mapping() != ColumnMapping::None;
    if !was_mapped
        && metadata
            .configuration
            .get(MAPPING_MODE)
            .is_some_and(|mode| is_mapped(mode))
    {
        enable(&mut metadata, snapshot.schema());
    }
    let operation = Operation::new("SET TBLPROPERTIES").parameter("properties", parameter);
    let schema = snapshot.schema();
    commit_with_protocol(
        transaction,
        &snapshot,
        &protocol,
        metadata,
        schema,
        operation,
    )
    .await
}

/// Refuses a column that has values which nobody has given to the rows that are there.
fn check_added(column: &ColumnDefinition) -> Result<(), Error> {
    match &column.unsaid {
        UnsaidValue::Null => Ok(()),
        UnsaidValue::Default(_) => Err(Error::new(
            "WRONG_COLUMN_DEFAULTS_FOR_DELTA_ALTER_TABLE_ADD_COLUMN_NOT_SUPPORTED",
            format!("The column {} can't be added with a default.", column.name),
        )
        .with_hint("Add it without one, and then ALTER TABLE … ALTER COLUMN … SET DEFAULT: it is for rows that come.")),
        UnsaidValue::Generated(_) | UnsaidValue::Identity(_) => Err(Error::new(
            "UNSUPPORTED_FEATURE",
            format!("The column {} can't be added as a generated one: it has no values in the rows that are there.", column.name),
        )
        .with_hint("CREATE TABLE makes a table with such a column; INSERT INTO it the rows of this one.")),
    }
}

/// `ADD COLUMNS`. The new columns are null in the rows that are there.
pub(crate) async fn add_columns(
    round: &Round<'_>,
    statement: &AddColumns,
) -> Result<Outcome, WriteError> {
    let snapshot = round.snapshot().await?;
    let is_mapped = snapshot.column_mapping() != ColumnMapping::None;
    let columns = statement.columns(&snapshot.arrow_schema())?;
    for column in columns {
        check_added(column)?;
    }
    let added = fields(columns, is_mapped)?;
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
    let mut parameter: Vec<Value> = Vec::with_capacity(added.len());
    let mut fields = there.to_vec();
    let mut positions = statement.positions.iter();
    for field in added {
        let mut said = column_parameter(&field);
        let position = match positions.next() {
            Some(Some(to)) => Some(Position::among(&fields, &field.name, to)?),
            Some(None) | None => None,
        };
        fields.push(field);
        if let Some(position) = position {
            said["position"] = json!(position.to_string());
            let last = fields.len().saturating_sub(1);
            position.apply(&mut fields, last);
        }
        parameter.push(said);
    }
    let schema = StructType::new(fields);
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
