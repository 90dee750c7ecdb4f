//! Tables' columns and their types.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::error::{Error, Result};

/// The columns of a table, or the fields of a struct column.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StructType {
    fields: Vec<StructField>,
}

/// A column, or a field of a struct column.
#[derive(Debug, Clone, PartialEq)]
pub struct StructField {
    /// Unique in its struct, whatever the case.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// Whether a writer may leave it null. Binds writers only: see [`StructType::to_arrow`].
    pub nullable: bool,
    /// Comment, generation expression and the like, as the log has them.
    pub metadata: Map<String, Value>,
}

/// A Delta type.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // The variants are the protocol's names.
pub enum DataType {
    Boolean,
    Byte,
    Short,
    Integer,
    Long,
    Float,
    Double,
    Decimal {
        precision: u8,
        scale: i8,
    },
    String,
    Binary,
    Date,
    /// Microseconds since the epoch, UTC.
    Timestamp,
    /// Microseconds since 1970-01-01T00:00:00 on the wall clock.
    TimestampNtz,
    /// Only nulls; never stored in a data file.
    Void,
    /// A value of any type. Read as the JSON of it: see [`StructType::to_arrow`].
    Variant,
    Struct(StructType),
    Array {
        element: Box<DataType>,
        contains_null: bool,
    },
    Map {
        key: Box<DataType>,
        value: Box<DataType>,
        value_contains_null: bool,
    },
}

impl StructType {
    /// A schema of these fields.
    pub fn new(fields: Vec<StructField>) -> Self {
        Self { fields }
    }

    /// The fields, in order.
    pub fn fields(&self) -> &[StructField] {
        &self.fields
    }

    /// The field of exactly this name.
    pub fn field(&self, name: &str) -> Option<&StructField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Reads `metaData.schemaString`.
    ///
    /// # Errors
    /// [`Error::UnsupportedFeature`] for a type that is not among [`DataType`];
    /// [`Error::CorruptLog`] for anything else that is not a schema.
    pub fn from_json(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Err(invalid("there is none".to_owned()));
        }
        let value = serde_json::from_str(text).map_err(|error| invalid(error.to_string()))?;
        match DataType::from_json(&value)? {
            DataType::Struct(schema) => Ok(schema),
            _ => Err(invalid("it is not a struct".to_owned())),
        }
    }

    /// The form that the log has.
    pub fn to_json(&self) -> Value {
        let fields: Vec<Value> = self
            .fields
            .iter()
            .map(|field| {
                json!({
                    "name": field.name,
                    "type": field.data_type.to_json(),
                    "nullable": field.nullable,
                    "metadata": field.metadata,
                })
            })
            .collect();
        json!({ "type": "struct", "fields": fields })
    }
}

impl StructField {
    /// A field without metadata.
    pub fn new(name: impl Into<String>, data_type: DataType, nullable: bool) -> Self {
        Self {
            name: name.into(),
            data_type,
            nullable,
            metadata: Map::new(),
        }
    }

    /// The column's comment.
    pub fn comment(&self) -> Option<&str> {
        self.metadata.get("comment")?.as_str()
    }
}

impl DataType {
    /// Whether values have no parts: not a struct, array, map or variant.
    pub fn is_primitive(&self) -> bool {
        !matches!(
            self,
            Self::Variant | Self::Struct(_) | Self::Array { .. } | Self::Map { .. }
        )
    }

    fn from_json(value: &Value) -> Result<Self> {
        if let Some(name) = value.as_str() {
            return Self::from_name(name);
        }
        let part = |key: &str| {
            value
                .get(key)
                .ok_or_else(|| invalid(format!("a type lacks {key}: {value}")))
        };
        let flag = |key: &str| value.get(key).and_then(Value::as_bool).unwrap_or(true);
        match part("type")?.as_str() {
            Some("struct") => {
                let fields = part("fields")?
                    .as_array()
                    .ok_or_else(|| invalid("fields is not an array".to_owned()))?;
                Ok(Self::Struct(StructType::new(
                    fields
                        .iter()
                        .map(StructField::from_json)
                        .collect::<Result<_>>()?,
                )))
            }
            Some("array") => Ok(Self::Array {
                element: Box::new(Self::from_json(part("elementType")?)?),
                contains_null: flag("containsNull"),
            }),
            Some("map") => Ok(Self::Map {
                key: Box::new(Self::from_json(part("keyType")?)?),
                value: Box::new(Self::from_json(part("valueType")?)?),
                value_contains_null: flag("valueContainsNull"),
            }),
            _ => Err(Error::UnsupportedFeature(format!(
                "data type {}",
                part("type")?
            ))),
        }
    }

    fn from_name(name: &str) -> Result<Self> {
        Ok(match name {
            "boolean" => Self::Boolean,
            "byte" => Self::Byte,
            "short" => Self::Short,
            "integer" => Self::Integer,
            "long" => Self::Long,
            "float" => Self::Float,
            "double" => Self::Double,
            "string" => Self::String,
            "binary" => Self::Binary,
            "date" => Self::Date,
            "timestamp" => Self::Timestamp,
            "timestamp_ntz" => Self::TimestampNtz,
            "void" | "null" => Self::Void,
            "variant" => Self::Variant,
            "decimal" => Self::Decimal {
                precision: 10,
                scale: 0,
            },
            _ => Self::decimal_from_name(name)
                .ok_or_else(|| Error::UnsupportedFeature(format!("data type {name}")))?,
        })
    }

    /// `decimal(10,2)`, with blanks where one may.
    fn decimal_from_name(name: &str) -> Option<Self> {
        let (precision, scale) = name
            .strip_prefix("decimal(")?
            .strip_suffix(')')?
            .split_once(',')?;
        let precision: u8 = precision.trim().parse().ok()?;
        let scale: i8 = scale.trim().parse().ok()?;
        ((1..=38).contains(&precision) && (0..=precision as i8).contains(&scale))
            .then_some(Self::Decimal { precision, scale })
    }

    /// The form that the log has.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Struct(fields) => fields.to_json(),
            Self::Array {
                element,
                contains_null,
            } => json!({
                "type": "array",
                "elementType": element.to_json(),
                "containsNull": contains_null,
            }),
            Self::Map {
                key,
                value,
                value_contains_null,
            } => json!({
                "type": "map",
                "keyType": key.to_json(),
                "valueType": value.to_json(),
                "valueContainsNull": value_contains_null,
            }),
            Self::Decimal { precision, scale } => json!(format!("decimal({precision},{scale})")),
            Self::Byte => json!("byte"),
            Self::Short => json!("short"),
            Self::Integer => json!("integer"),
            Self::Long => json!("long"),
            primitive => json!(primitive.to_string()),
        }
    }
}

/// Spark SQL's name: `bigint`, `decimal(10,2)`, `struct<a:int>`.
impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("boolean"),
            Self::Byte => f.write_str("tinyint"),
            Self::Short => f.write_str("smallint"),
            Self::Integer => f.write_str("int"),
            Self::Long => f.write_str("bigint"),
            Self::Float => f.write_str("float"),
            Self::Double => f.write_str("double"),
            Self::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            Self::String => f.write_str("string"),
            Self::Binary => f.write_str("binary"),
            Self::Date => f.write_str("date"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::TimestampNtz => f.write_str("timestamp_ntz"),
            Self::Void => f.write_str("void"),
            Self::Variant => f.write_str("variant"),
            Self::Struct(fields) => {
                f.write_str("struct<")?;
                for (i, field) in fields.fields.iter().enumerate() {
                    let comma = if i == 0 { "" } else { "," };
                    write!(f, "{comma}{}:{}", field.name, field.data_type)?;
                }
                f.write_str(">")
            }
            Self::Array { element, .. } => write!(f, "array<{element}>"),
            Self::Map { key, value, .. } => write!(f, "map<{key},{value}>"),
        }
    }
}

impl StructField {
    fn from_json(value: &Value) -> Result<Self> {
        let name = value
            .get("name")
            .and_then(Value::as_str)
            .ok_or_else(|| invalid(format!("a field lacks a name: {value}")))?;
        let data_type = value
            .get("type")
            .ok_or_else(|| invalid(format!("field {name} lacks a type")))?;
        Ok(Self {
            name: name.to_owned(),
            data_type: DataType::from_json(data_type)?,
            nullable: value
                .get("nullable")
                .and_then(Value::as_bool)
                .unwrap_or(true),
            metadata: value
                .get("metadata")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
        })
    }
}

fn invalid(reason: String) -> Error {
    Error::CorruptLog {
        path: "metaData.schemaString".to_owned(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(data_type: Value) -> String {
        let fields = json!([{"name": "f", "type": data_type, "nullable": false, "metadata": {"comment": "c"}}]);
        json!({"type": "struct", "fields": fields}).to_string()
    }

    #[test]
    fn types_have_the_names_of_the_log_and_of_spark() {
        let nested = json!({"type": "map", "keyType": "string", "valueContainsNull": true, "valueType": {
            "type": "array", "containsNull": false, "elementType": {
                "type": "struct", "fields": [{"name": "a", "type": "integer", "nullable": true, "metadata": {}}],
            },
        }});
        for (log, spark) in [
            (json!("long"), "bigint"),
            (json!("byte"), "tinyint"),
            (json!("decimal(38,0)"), "decimal(38,0)"),
            (json!("timestamp_ntz"), "timestamp_ntz"),
            (nested, "map<string,array<struct<a:int>>>"),
        ] {
            let schema = StructType::from_json(&field(log)).unwrap();
            let column = schema.field("f").unwrap();
            assert_eq!(column.data_type.to_string(), spark);
            assert_eq!(column.comment(), Some("c"));
            assert_eq!(
                StructType::from_json(&schema.to_json().to_string()).unwrap(),
                schema
            );
            assert_eq!(
                DataType::from_arrow(&column.data_type.to_arrow())
                    .unwrap()
                    .to_string(),
                spark
            );
        }
    }

    #[test]
    fn type_that_is_not_read_is_refused_by_name() {
        for name in [
            "geometry(OGC:CRS84)",
            "interval day to second",
            "decimal(39,0)",
            "decimal(5,6)",
        ] {
            match StructType::from_json(&field(json!(name))) {
                Err(Error::UnsupportedFeature(message)) => assert!(message.contains(name)),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_is_no_schema_is_an_error() {
        for text in [
            "",
            "{",
            "{}",
            "\"long\"",
            "{\"type\":\"struct\"}",
            "{\"type\":\"struct\",\"fields\":[{}]}",
        ] {
            assert!(StructType::from_json(text).is_err(), "{text}");
        }
    }
}
