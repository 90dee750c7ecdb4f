//! `ALTER TABLE`: properties and columns.

use std::collections::BTreeMap;

use messages::Error;
use messages::commit::ColumnDefinition;
use serde_json::{Map, Value, json};

use super::table::{self, Table, commit_properties};
use super::{Context, Failure, create};
use crate::commit_info::{Metrics, Provenance, json_string};

/// `SET TBLPROPERTIES`.
pub(super) async fn set_properties(
    context: &Context,
    properties: &BTreeMap<String, String>,
) -> Result<(), Failure> {
    let properties = table_properties::check(properties)?;
    if properties.is_empty() {
        return Err(Error::new("INVALID_REQUEST", "There is no property to set.").into());
    }
    let table = table::load(context).await?;
    describe(
        context,
        &table,
        "SET TBLPROPERTIES",
        "properties",
        json!(properties),
    )?;
    table
        .table
        .set_tbl_properties()
        .with_properties(properties.into_iter().collect())
        .with_raise_if_not_exists(false)
        .with_commit_properties(commit_properties())
        .await?;
    Ok(())
}

/// `ADD COLUMNS`. The new columns are null in the rows that are there.
pub(super) async fn add_columns(
    context: &Context,
    columns: &[ColumnDefinition],
) -> Result<(), Failure> {
    let fields = create::fields(columns)?;
    let table = table::load(context).await?;
    for column in columns {
        let lower = column.name.to_lowercase();
        if table
            .schema
            .fields()
            .iter()
            .any(|field| field.name().to_lowercase() == lower)
        {
            let names: Vec<&str> = table
                .schema
                .fields()
                .iter()
                .map(|field| field.name().as_str())
                .collect();
            return Err(Error::new(
                "FIELD_ALREADY_EXISTS",
                format!(
                    "The column {} can't be added, because {} has it already: its columns are {}.",
                    column.name,
                    context.location,
                    names.join(", ")
                ),
            )
            .into());
        }
        if !column.nullable {
            return Err(Error::new(
                "DELTA_ADD_COLUMN_NOT_NULL",
                format!(
                    "The column {} can't be added as NOT NULL: it has no value in the rows that are there.",
                    column.name
                ),
            )
            .with_hint("Leave out NOT NULL.")
            .into());
        }
    }
    let parameter: Vec<Value> = columns.iter().map(column_parameter).collect();
    describe(context, &table, "ADD COLUMNS", "columns", json!(parameter))?;
    table
        .table
        .add_columns()
        .with_fields(fields)
        .with_commit_properties(commit_properties())
        .await?;
    Ok(())
}

fn describe(
    context: &Context,
    table: &Table,
    operation: &'static str,
    parameter: &str,
    value: Value,
) -> Result<(), Error> {
    context.log.describe(
        Provenance {
            operation,
            parameters: Map::from_iter([(parameter.to_owned(), json_string(&value))]),
            metrics: Metrics::None,
            read_version: Some(table.version()),
            is_blind_append: true,
        },
        table.before(false)?,
    );
    Ok(())
}

/// A nested type goes by its kind alone, as in Spark's history.
fn column_parameter(column: &ColumnDefinition) -> Value {
    let data_type = match &column.data_type {
        Value::Object(nested) => nested.get("type").cloned().unwrap_or(Value::Null),
        simple => simple.clone(),
    };
    let metadata = match &column.comment {
        Some(comment) => json!({ "comment": comment }),
        None => json!({}),
    };
    json!({"column": {
        "name": column.name,
        "type": data_type,
        "nullable": column.nullable,
        "metadata": metadata,
    }})
}
