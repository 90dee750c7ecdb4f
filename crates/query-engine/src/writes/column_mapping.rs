//! Ids and physical names for columns that come to a table whose columns are mapped.
//!
//! Protocol: [Column Mapping](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#column-mapping)

use delta_log::Metadata;
use delta_log::schema::{DataType, StructField, StructType};
use delta_transaction::Environment;
use serde_json::{Value, json};

/// The property that says how columns are mapped.
pub(crate) const MODE: &str = "delta.columnMapping.mode";
const MAX_ID: &str = "delta.columnMapping.maxColumnId";
const ID: &str = "delta.columnMapping.id";
const PHYSICAL_NAME: &str = "delta.columnMapping.physicalName";

/// Gives the metadata this schema, in which fields that are new have what the table's column mapping
/// asks for.
pub(crate) fn set_schema(
    metadata: &mut Metadata,
    schema: &StructType,
    environment: &dyn Environment,
) {
    let mode = metadata.configuration.get(MODE);
    if !mode.is_some_and(|mode| is_mapped(mode)) {
        metadata.schema_string = schema.to_json().to_string();
        return;
    }
    let known = metadata.configuration.get(MAX_ID);
    let known = known.and_then(|id| id.parse().ok()).unwrap_or(0);
    let mapping = Mapping {
        max_id: known.max(max_id(schema)),
        environment: Some(environment),
    };
    mapping.map(metadata, schema);
}

/// Has new columns get ids beyond those of a table that is replaced.
pub(crate) fn keep_max_id(metadata: &mut Metadata, replaced: &Metadata) {
    let mode = metadata.configuration.get(MODE);
    let max_id = replaced.configuration.get(MAX_ID);
    if let (true, Some(max_id)) = (mode.is_some_and(|mode| is_mapped(mode)), max_id) {
        let entry = metadata.configuration.entry(MAX_ID.to_owned());
        entry.or_insert_with(|| max_id.clone());
    }
}

/// Maps the columns of a table whose files have them under their own names.
pub(crate) fn enable(metadata: &mut Metadata, schema: &StructType) {
    let mapping = Mapping {
        max_id: max_id(schema),
        environment: None,
    };
    mapping.map(metadata, schema);
}

/// Whether a mode maps columns.
pub(crate) fn is_mapped(mode: &str) -> bool {
    !mode.eq_ignore_ascii_case("none")
}

fn max_id(schema: &StructType) -> i64 {
    let ids = schema.fields().iter().map(|field| {
        let own = field.metadata.get(ID).and_then(Value::as_i64).unwrap_or(0);
        own.max(max_id_within(&field.data_type))
    });
    ids.max().unwrap_or(0)
}

fn max_id_within(data_type: &DataType) -> i64 {
    match data_type {
        DataType::Struct(fields) => max_id(fields),
        DataType::Array { element, .. } => max_id_within(element),
        DataType::Map { key, value, .. } => max_id_within(key).max(max_id_within(value)),
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
        | DataType::Variant => 0,
    }
}

struct Mapping<'a> {
    max_id: i64,
    /// Gives physical names; without it, fields that have none keep their own.
    environment: Option<&'a dyn Environment>,
}

impl Mapping<'_> {
    fn map(mut self, metadata: &mut Metadata, schema: &StructType) {
        let schema = self.of_struct(schema);
        metadata.schema_string = schema.to_json().to_string();
        let max_id = self.max_id.to_string();
        metadata.configuration.insert(MAX_ID.to_owned(), max_id);
    }

    fn of_struct(&mut self, schema: &StructType) -> StructType {
        let fields = schema.fields().iter().map(|field| self.of_field(field));
        StructType::new(fields.collect())
    }

    fn of_field(&mut self, field: &StructField) -> StructField {
        let mut field = field.clone();
        if !field.metadata.contains_key(ID) {
            self.max_id = self.max_id.saturating_add(1);
            field.metadata.insert(ID.to_owned(), json!(self.max_id));
        }
        if !field.metadata.contains_key(PHYSICAL_NAME) {
            let name = match self.environment {
                Some(environment) => format!("col-{}", environment.uuid()),
                None => field.name.clone(),
            };
            field.metadata.insert(PHYSICAL_NAME.to_owned(), json!(name));
        }
        field.data_type = self.of_type(&field.data_type);
        field
    }

    fn of_type(&mut self, data_type: &DataType) -> DataType {
        match data_type {
            DataType::Struct(fields) => DataType::Struct(self.of_struct(fields)),
            DataType::Array {
                element,
                contains_null,
            } => DataType::Array {
                element: Box::new(self.of_type(element)),
                contains_null: *contains_null,
            },
            DataType::Map {
                key,
                value,
                value_contains_null,
            } => DataType::Map {
                key: Box::new(self.of_type(key)),
                value: Box::new(self.of_type(value)),
                value_contains_null: *value_contains_null,
            },
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
            | DataType::Variant => data_type.clone(),
        }
    }
}
