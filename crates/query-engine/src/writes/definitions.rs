//! Columns and partitioning of a table, as statements define them.

use delta_log::Protocol;
use delta_log::schema::{DataType, StructField, StructType};
use delta_transaction::Feature;
use messages::Error;
use serde_json::{Value, json};
use spark_dialect::{ColumnDefinition, UnsaidValue};

use crate::dml::check_column_name;
use crate::writes::identity::{self, define, is_identity};

/// The metadata of a column that has a default.
///
/// Protocol: [Default Columns](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#default-columns)
pub(crate) const DEFAULT: &str = "CURRENT_DEFAULT";

/// Refuses a default where the table's protocol does not have them: it is to be asked for, as it keeps
/// other writers out.
///
/// # Errors
/// `WRONG_COLUMN_DEFAULTS_FOR_DELTA_FEATURE_NOT_ENABLED`.
pub(crate) fn check_defaults_allowed(protocol: &Protocol, statement: &str) -> Result<(), Error> {
    if Feature::AllowColumnDefaults.is_in(protocol) {
        return Ok(());
    }
    let message = format!(
        "This {statement} gives a column a default, and the table's protocol does not name the feature \
         allowColumnDefaults."
    );
    Err(Error::new("WRONG_COLUMN_DEFAULTS_FOR_DELTA_FEATURE_NOT_ENABLED", message)
        .with_hint("Set the table property 'delta.feature.allowColumnDefaults' = 'supported', in TBLPROPERTIES of the CREATE, or by ALTER TABLE … SET TBLPROPERTIES. It raises the table's protocol, to writer version 7."))
}

/// The fields of a DDL statement's columns.
///
/// # Errors
/// Where there are none, or one can't be a column: its name, its type.
pub(crate) fn fields(
    columns: &[ColumnDefinition],
    is_mapped: bool,
) -> Result<Vec<StructField>, Error> {
    if columns.is_empty() {
        return Err(no_columns());
    }
    let fields: Vec<Value> = columns.iter().map(field_json).collect();
    let schema = json!({"type": "struct", "fields": fields}).to_string();
    let schema = StructType::from_json(&schema)
        .map_err(|error| Error::new("UNSUPPORTED_DATATYPE", format!("{error}.")))?;
    check_names(schema.fields(), is_mapped)?;
    for field in schema.fields() {
        identity::check_type(field)?;
        check_type(&field.name, &field.data_type)?;
    }
    Ok(schema.fields().to_vec())
}

fn field_json(column: &ColumnDefinition) -> Value {
    let mut metadata = serde_json::Map::new();
    if let Some(comment) = &column.comment {
        metadata.insert("comment".to_owned(), json!(comment));
    }
    match &column.unsaid {
        UnsaidValue::Null => {}
        UnsaidValue::Default(text) => {
            metadata.insert(DEFAULT.to_owned(), json!(text));
        }
        UnsaidValue::Generated(text) => {
            metadata.insert("delta.generationExpression".to_owned(), json!(text));
        }
        UnsaidValue::Identity(identity) => define(identity, &mut metadata),
    }
    json!({
        "name": column.name,
        "type": column.data_type,
        "nullable": column.nullable,
        "metadata": metadata,
    })
}

pub(crate) fn no_columns() -> Error {
    Error::new("DELTA_EMPTY_DATA", "A table needs at least one column.")
}

/// Refuses names that occur twice, whatever their case, or that columns can't have. `is_mapped`: files
/// have columns under names of their own.
///
/// # Errors
/// `COLUMN_ALREADY_EXISTS`, `DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES`.
pub(crate) fn check_names(fields: &[StructField], is_mapped: bool) -> Result<(), Error> {
    for (i, field) in fields.iter().enumerate() {
        let name = &field.name;
        let lower = name.to_lowercase();
        let before = fields.iter().take(i);
        if before
            .into_iter()
            .any(|other| other.name.to_lowercase() == lower)
        {
            let message = format!("The column `{name}` comes twice.");
            return Err(Error::new("COLUMN_ALREADY_EXISTS", message).with_hint(
                "Names compare without case. Give each column a name of its own with AS.",
            ));
        }
        check_column_name(name, is_mapped)?;
        check_nested_names(&field.data_type, is_mapped)?;
    }
    Ok(())
}

fn check_nested_names(data_type: &DataType, is_mapped: bool) -> Result<(), Error> {
    match data_type {
        DataType::Struct(inner) => check_names(inner.fields(), is_mapped),
        DataType::Array { element, .. } => check_nested_names(element, is_mapped),
        DataType::Map { key, value, .. } => {
            check_nested_names(key, is_mapped)?;
            check_nested_names(value, is_mapped)
        }
        DataType::Boolean
        | DataType::Byte
        | DataType::Short
        | DataType::Integer
        | DataType::Long
        | DataType::Float
        | DataType::Double
        | DataType::Decimal { .. }
        | DataType::String
        | DataType::Binary
        | DataType::Date
        | DataType::Timestamp
        | DataType::TimestampNtz
        | DataType::Void
        | DataType::Variant => Ok(()),
    }
}

fn check_type(column: &str, data_type: &DataType) -> Result<(), Error> {
    match data_type {
        DataType::Variant => Err(Error::new(
            "UNSUPPORTED_DATATYPE",
            format!(
                "The column {column} can't be a variant: they are read here, and not written yet."
            ),
        )),
        DataType::Struct(fields) => fields
            .fields()
            .iter()
            .try_for_each(|field| check_type(column, &field.data_type)),
        DataType::Array { element, .. } => check_type(column, element),
        DataType::Map { key, value, .. } => {
            check_type(column, key)?;
            check_type(column, value)
        }
        DataType::Boolean
        | DataType::Byte
        | DataType::Short
        | DataType::Integer
        | DataType::Long
        | DataType::Float
        | DataType::Double
        | DataType::Decimal { .. }
        | DataType::String
        | DataType::Binary
        | DataType::Date
        | DataType::Timestamp
        | DataType::TimestampNtz
        | DataType::Void => Ok(()),
    }
}

/// The partition columns in the spelling of the table's.
///
/// # Errors
/// For a name that is no column, or of no simple type, or there twice; where no column is left.
pub(crate) fn partition_columns(
    fields: &[StructField],
    names: &[String],
) -> Result<Vec<String>, Error> {
    let mut columns: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let lower = name.to_lowercase();
        let mut found = fields
            .iter()
            .filter(|field| field.name.to_lowercase() == lower);
        let Some(field) = found.next() else {
            let known: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
            return Err(Error::new(
                "DELTA_INVALID_PARTITION_COLUMN",
                format!("The partition column `{name}` is not among the table's columns."),
            )
            .with_hint(format!("Its columns are {}.", known.join(", "))));
        };
        if !field.data_type.is_primitive() {
            return Err(Error::new(
                "DELTA_INVALID_PARTITION_COLUMN_TYPE",
                format!("The table can't be partitioned by {name}: it is not of a simple type."),
            ));
        }
        if is_identity(field) {
            let message = format!("The table can't be partitioned by the identity column {name}.");
            return Err(Error::new(
                "DELTA_IDENTITY_COLUMNS_PARTITION_NOT_SUPPORTED",
                message,
            ));
        }
        if columns.contains(&field.name) {
            let message = format!("The partition column {name} is named twice.");
            return Err(Error::new("COLUMN_ALREADY_EXISTS", message));
        }
        columns.push(field.name.clone());
    }
    if !columns.is_empty() && columns.len() == fields.len() {
        return Err(Error::new(
            "ALL_PARTITION_COLUMNS_NOT_ALLOWED",
            "A table can't be partitioned by all of its columns.",
        )
        .with_hint("Leave one out of PARTITIONED BY."));
    }
    Ok(columns)
}

/// A column as Spark's history shows it: a nested type goes by its kind alone.
pub(crate) fn column_parameter(field: &StructField) -> Value {
    let data_type = match field.data_type.to_json() {
        Value::Object(nested) => nested.get("type").cloned().unwrap_or(Value::Null),
        simple => simple,
    };
    json!({"column": {
        "name": field.name,
        "type": data_type,
        "nullable": field.nullable,
        "metadata": field.metadata,
    }})
}
