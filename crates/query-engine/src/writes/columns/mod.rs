//! `ALTER TABLE` of columns that are there: renamed, dropped, changed. Files stay as they are.

mod dependents;
mod edit;
mod position;
mod types;

use std::sync::Arc;

use delta_log::schema::{StructField, StructType};
use delta_log::{ColumnMapping, Metadata, Snapshot};
use delta_transaction::{Feature, Operation};
use messages::Error;
use serde_json::{Value, json};
use spark_dialect::ColumnChange;

use crate::dml::{Target, Violations, check_column_name, check_default, table_columns, violations};
use crate::writes::columns::dependents::refuse_dependents;
use crate::writes::columns::edit::Place;
pub(crate) use crate::writes::columns::position::Position;
use crate::writes::columns::types::{changed_type, widened};
use crate::writes::definitions::{DEFAULT, check_defaults_allowed};
use crate::writes::errors::WriteError;
use crate::writes::identity::is_identity;
use crate::writes::metadata::commit_metadata;
use crate::writes::round::{Outcome, Round};

/// `RENAME COLUMN`.
pub(crate) async fn rename(
    round: &Round<'_>,
    path: &[String],
    to: &str,
) -> Result<Outcome, WriteError> {
    let snapshot = round.snapshot().await?;
    let transaction = round.begin(&snapshot)?;
    let place = Place::of(&snapshot, path)?;
    needs_mapping(
        &snapshot,
        "DELTA_UNSUPPORTED_RENAME_COLUMN",
        "renamed",
        &place,
    )?;
    check_column_name(to, true)?;
    let lower = to.to_lowercase();
    let siblings = place.siblings(snapshot.schema());
    let is_other = |field: &&StructField| field.name != place.field.name;
    if let Some(other) = siblings
        .iter()
        .filter(is_other)
        .find(|field| field.name.to_lowercase() == lower)
    {
        let message = format!(
            "{} can't be renamed to {to}: there is a {} already.",
            place.name(),
            other.name
        );
        return Err(Error::new("FIELD_ALREADY_EXISTS", message).into());
    }
    refuse_dependents(round, &snapshot, place.column(), "renamed").await?;
    let schema = place.edit(snapshot.schema(), |fields, at| {
        if let Some(field) = fields.get_mut(at) {
            field.name = to.to_owned();
        }
    });
    let mut metadata = with_schema(&snapshot, &schema);
    if place.is_column() {
        for column in &mut metadata.partition_columns {
            if *column == place.field.name {
                *column = to.to_owned();
            }
        }
    }
    let mut renamed = place.path.clone();
    renamed.pop();
    renamed.push(to.to_owned());
    let operation = Operation::new("RENAME COLUMN")
        .parameter("oldColumnPath", place.path.join("."))
        .parameter("newColumnPath", renamed.join("."));
    commit_metadata(transaction, &snapshot, metadata, &schema, operation).await
}

/// `DROP COLUMNS`. The values stay in the files, where nobody reads them.
pub(crate) async fn remove(
    round: &Round<'_>,
    paths: &[Vec<String>],
    if_exists: bool,
) -> Result<Outcome, WriteError> {
    let snapshot = round.snapshot().await?;
    let transaction = round.begin(&snapshot)?;
    if Feature::Clustering.is_in(snapshot.protocol()) {
        let message = "Columns of a table with liquid clustering can't be dropped here: it may be clustered by them.";
        return Err(Error::new("UNSUPPORTED_FEATURE", message)
            .with_hint("Drop them in Spark.")
            .into());
    }
    let mut schema = snapshot.schema().as_ref().clone();
    let mut dropped = Vec::new();
    for path in paths {
        let place = match Place::find(&schema, path) {
            Some(place) => place,
            None if if_exists => continue,
            None => Place::of(&snapshot, path)?,
        };
        needs_mapping(
            &snapshot,
            "DELTA_UNSUPPORTED_DROP_COLUMN",
            "dropped",
            &place,
        )?;
        if place.is_column() && snapshot.partition_columns().contains(&place.field.name) {
            let message = format!(
                "{} can't be dropped: the table is partitioned by it.",
                place.name()
            );
            return Err(Error::new("DELTA_UNSUPPORTED_DROP_PARTITION_COLUMN", message)
                .with_hint("CREATE OR REPLACE TABLE t AS SELECT … makes a table with other partitions.")
                .into());
        }
        refuse_dependents(round, &snapshot, place.column(), "dropped").await?;
        if is_last(&snapshot, &schema, &place) {
            let message = format!(
                "{} can't be dropped: no other column would be left in the files, or in its struct.",
                place.name()
            );
            return Err(Error::new("DELTA_DROP_COLUMN_ON_SINGLE_FIELD_SCHEMA", message).into());
        }
        schema = place.edit(&schema, |fields, at| drop(fields.remove(at)));
        dropped.push(place.path.join("."));
    }
    if dropped.is_empty() {
        return Ok(Outcome::default());
    }
    let operation = Operation::new("DROP COLUMNS").parameter("columns", json!(dropped).to_string());
    let metadata = with_schema(&snapshot, &schema);
    commit_metadata(transaction, &snapshot, metadata, &schema, operation).await
}

fn is_last(snapshot: &Snapshot, schema: &StructType, place: &Place) -> bool {
    let siblings = place.siblings(schema);
    let partitions = snapshot.partition_columns();
    let is_stored = |field: &&StructField| !place.is_column() || !partitions.contains(&field.name);
    siblings.iter().filter(is_stored).count() <= 1
}

/// `ALTER COLUMN`.
pub(crate) async fn change(
    round: &Round<'_>,
    path: &[String],
    change: &ColumnChange,
) -> Result<Outcome, WriteError> {
    let snapshot = round.snapshot().await?;
    let mut transaction = round.begin(&snapshot)?;
    let place = Place::of(&snapshot, path)?;
    let mut field = place.field.clone();
    let mut position = None;
    match change {
        ColumnChange::DropNotNull => field.nullable = true,
        ColumnChange::SetNotNull => {
            if field.nullable {
                check_no_nulls(round, &snapshot, &place).await?;
                // Rows that come meanwhile have not been looked at.
                transaction.reads().read_whole_table();
            }
            field.nullable = false;
        }
        ColumnChange::Comment(text) => {
            field.metadata.insert("comment".to_owned(), json!(text));
        }
        ColumnChange::SetDefault(text) => {
            check_new_default(round, &snapshot, &place, text).await?;
            field.metadata.insert(DEFAULT.to_owned(), json!(text));
        }
        ColumnChange::DropDefault => {
            field.metadata.remove(DEFAULT);
        }
        ColumnChange::Move(to) => {
            let mut siblings = place.siblings(snapshot.schema());
            siblings.retain(|sibling| sibling.name != field.name);
            position = Some(Position::among(&siblings, &place.name(), to)?);
        }
        ColumnChange::Type(data_type) => {
            let data_type = changed_type(&place.name(), data_type)?;
            if is_identity(&field) {
                let message = format!(
                    "The type of the identity column {} can't change.",
                    place.name()
                );
                return Err(Error::new(
                    "DELTA_IDENTITY_COLUMNS_ALTER_COLUMN_NOT_SUPPORTED",
                    message,
                )
                .into());
            }
            if data_type != field.data_type {
                field = widened(&snapshot, &place.name(), &field, data_type)?;
                refuse_dependents(round, &snapshot, place.column(), "of another type").await?;
            }
        }
    }
    let schema = place.edit(snapshot.schema(), |fields, at| {
        if let Some(old) = fields.get_mut(at) {
            *old = field.clone();
        }
        if let Some(position) = &position {
            position.apply(fields, at);
        }
    });
    let mut operation =
        Operation::new("CHANGE COLUMN").parameter("column", parameter(&place, &field).to_string());
    if let Some(position) = &position {
        operation = operation.parameter("position", position.to_string());
    }
    let metadata = with_schema(&snapshot, &schema);
    commit_metadata(transaction, &snapshot, metadata, &schema, operation).await
}

async fn check_new_default(
    round: &Round<'_>,
    snapshot: &Snapshot,
    place: &Place,
    text: &str,
) -> Result<(), Error> {
    check_defaults_allowed(snapshot.protocol(), "ALTER TABLE")?;
    let columns = table_columns(snapshot.schema())?;
    let own = columns.iter().find(|own| own.name == place.field.name);
    let (true, Some(own)) = (place.is_column(), own) else {
        let message = format!(
            "{} is a field of a struct: it can't have a default.",
            place.name()
        );
        return Err(
            Error::new("UNSUPPORTED_FEATURE", message).with_hint("Give the whole struct one.")
        );
    };
    let (code, what) = match (&own.generation, own.identity) {
        (None, None) => return check_default(round.core, &columns, own, text).await,
        (Some(_), _) => ("GENERATED_COLUMN_WITH_DEFAULT_VALUE", "a generated"),
        (None, Some(_)) => ("IDENTITY_COLUMN_WITH_DEFAULT_VALUE", "an identity"),
    };
    let message = format!(
        "{} is {what} column: it can't have a default.",
        place.name()
    );
    Err(Error::new(code, message))
}

/// A column as Spark's history shows it: a nested type goes by its kind alone.
fn parameter(place: &Place, field: &StructField) -> Value {
    let data_type = match field.data_type.to_json() {
        Value::Object(nested) => nested.get("type").cloned().unwrap_or(Value::Null),
        simple => simple,
    };
    json!({
        "name": place.path.join("."),
        "type": data_type,
        "nullable": field.nullable,
        "metadata": field.metadata,
    })
}

fn with_schema(snapshot: &Snapshot, schema: &StructType) -> Metadata {
    Metadata {
        schema_string: schema.to_json().to_string(),
        ..snapshot.metadata().clone()
    }
}

fn needs_mapping(snapshot: &Snapshot, code: &str, what: &str, place: &Place) -> Result<(), Error> {
    match snapshot.column_mapping() {
        ColumnMapping::Name | ColumnMapping::Id => Ok(()),
        ColumnMapping::None => Err(Error::new(
            code,
            format!("{} can't be {what}: the table's files have their columns by name.", place.name()),
        )
        .with_hint("Switch column mapping on first: ALTER TABLE … SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name'). It raises the table's protocol, to reader version 2 and writer version 5 at least.")),
    }
}

async fn check_no_nulls(
    round: &Round<'_>,
    snapshot: &Arc<Snapshot>,
    place: &Place,
) -> Result<(), Error> {
    if !place.is_column() {
        let message = format!(
            "{} is a field of a struct: NOT NULL of such is not set here.",
            place.name()
        );
        return Err(
            Error::new("DELTA_UNSUPPORTED_ALTER_TABLE_CHANGE_COL_OP", message)
                .with_hint("Columns of their own can be NOT NULL."),
        );
    }
    let context = Arc::clone(&round.context);
    let target = Target::new(round.table.clone(), Arc::clone(snapshot), context)?;
    let rule = format!("`{}` IS NOT NULL", place.field.name.replace('`', "``"));
    let Violations { rows, .. } = violations(round.core, &target, &rule).await?;
    if rows == 0 {
        return Ok(());
    }
    let message = format!(
        "Nothing was changed: {rows} rows of {} have NULL in the column {}.",
        round.table.location,
        place.name()
    );
    Err(Error::new("DELTA_NEW_NOT_NULL_VIOLATION", message)
        .with_hint("Give them a value, or delete them, first."))
}
