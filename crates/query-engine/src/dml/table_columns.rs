//! A table's columns as a writer sees them: what is computed, what is filled in, what must hold.

use std::fmt;

use arrow::datatypes::DataType as ArrowType;
use delta_log::schema::{DataType, StructField, StructType};
use messages::Error;
use serde_json::Value;
use spark_dialect::type_name;

/// The metadata of an identity column that says how far its numbers have come.
pub(crate) const HIGH_WATER_MARK: &str = "delta.identity.highWaterMark";

/// A column of a table, for a writer.
///
/// Protocol: [Generated Columns](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#generated-columns),
/// [Default Columns](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#default-columns),
/// [Identity Columns](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#identity-columns).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TableColumn {
    pub name: String,
    /// The type that its values are read into.
    pub data_type: ArrowType,
    /// Length of a `char` or `varchar`.
    pub length: Option<TextLength>,
    /// Spark SQL that gives the column's value from the row's other columns.
    pub generation: Option<String>,
    /// Spark SQL of the value that a new row has where nothing else is said.
    pub default: Option<String>,
    pub identity: Option<Identity>,
}

/// The numbers that writers give an identity column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The first one.
    pub start: i64,
    /// From one to the next, not 0.
    pub step: i64,
    /// The last one that was given; `None` before the first.
    pub high_water_mark: Option<i64>,
    /// Whether statements may give others.
    pub allow_explicit_insert: bool,
}

/// The type that a text column was declared with; lengths are in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum TextLength {
    Char(usize),
    Varchar(usize),
}

impl fmt::Display for TextLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Char(length) => write!(f, "char({length})"),
            Self::Varchar(length) => write!(f, "varchar({length})"),
        }
    }
}

impl TextLength {
    /// From `varchar(5)`; `None` for other types.
    fn parse(text: &str) -> Option<Self> {
        let (name, length) = text.trim().strip_suffix(')')?.split_once('(')?;
        let length = length.trim().parse().ok()?;
        match name.trim() {
            "char" => Some(Self::Char(length)),
            "varchar" => Some(Self::Varchar(length)),
            _ => None,
        }
    }
}

impl TableColumn {
    /// Spark's name of its type, for a message.
    pub fn type_name(&self) -> String {
        match self.length {
            Some(length) => length.to_string(),
            None => type_name(&self.data_type),
        }
    }

    fn of(field: &StructField) -> Result<Self, Error> {
        let text = |key: &str| Some(field.metadata.get(key)?.as_str()?.to_owned());
        Ok(Self {
            name: field.name.clone(),
            data_type: field.data_type.to_arrow(),
            length: text("__CHAR_VARCHAR_TYPE_STRING").and_then(|t| TextLength::parse(&t)),
            generation: text("delta.generationExpression"),
            default: text("CURRENT_DEFAULT"),
            identity: identity(field)?,
        })
    }
}

fn identity(field: &StructField) -> Result<Option<Identity>, Error> {
    if !field.metadata.contains_key("delta.identity.start") {
        return Ok(None);
    }
    let number = |key: &str| match field.metadata.get(key) {
        None => Some(None),
        Some(value) => value.as_i64().map(Some),
    };
    let (start, step, mark) = (
        number("delta.identity.start"),
        number("delta.identity.step"),
        number(HIGH_WATER_MARK),
    );
    match (start, step, mark, &field.data_type) {
        (Some(Some(start)), Some(step), Some(high_water_mark), DataType::Long)
            if step != Some(0) =>
        {
            let explicit = field.metadata.get("delta.identity.allowExplicitInsert");
            Ok(Some(Identity {
                start,
                step: step.unwrap_or(1),
                high_water_mark,
                allow_explicit_insert: explicit.and_then(Value::as_bool) == Some(true),
            }))
        }
        _ => Err(Error::new(
            "DELTA_UNSUPPORTED_FEATURES_FOR_WRITE",
            format!(
                "Nothing was written: what the log says of the identity column {} is not understood.",
                field.name
            ),
        )
        .with_hint("Write to this table with Spark.")),
    }
}

/// The columns of `schema`, in order.
///
/// # Errors
/// `DELTA_UNSUPPORTED_FEATURES_FOR_WRITE` for a column whose values are not read as they are stored, and
/// so could not be written again, and for identity columns whose numbers make no sense.
pub(crate) fn table_columns(schema: &StructType) -> Result<Vec<TableColumn>, Error> {
    if let Some(field) = schema.fields().iter().find(|f| is_unwritable(&f.data_type)) {
        return Err(Error::new(
            "DELTA_UNSUPPORTED_FEATURES_FOR_WRITE",
            format!(
                "Nothing was written: the column {} is a {}, which is only read here.",
                field.name, field.data_type
            ),
        )
        .with_hint("Write to this table with Spark."));
    }
    schema.fields().iter().map(TableColumn::of).collect()
}

fn is_unwritable(data_type: &DataType) -> bool {
    match data_type {
        DataType::Variant => true,
        DataType::Struct(fields) => fields.fields().iter().any(|f| is_unwritable(&f.data_type)),
        DataType::Array { element, .. } => is_unwritable(element),
        DataType::Map { key, value, .. } => is_unwritable(key) || is_unwritable(value),
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
        | DataType::Void => false,
    }
}
