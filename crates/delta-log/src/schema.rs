//! Delta's schema: its JSON form in the log, its names in Spark SQL, and the Arrow schema that
//! rows are read into.
//!
//! Protocol: [Schema Serialization Format](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#schema-serialization-format)

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType as ArrowType, Field, Fields, Schema, SchemaRef, TimeUnit};
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

    /// The schema that rows are read into.
    ///
    /// Everything is nullable, whatever the field says: `nullable: false` binds writers, and a
    /// reader that trusted it would fail, or optimise `IS NULL` away, on a file that breaks it.
    pub fn to_arrow(&self) -> SchemaRef {
        Arc::new(Schema::new(self.arrow_fields()))
    }

    fn arrow_fields(&self) -> Fields {
        self.fields
            .iter()
            .map(|field| Field::new(&field.name, field.data_type.to_arrow(), true))
            .collect()
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
    /// The Arrow type that its values are read into: see [`StructType::to_arrow`].
    pub fn to_arrow(&self) -> ArrowType {
        match self {
            Self::Boolean => ArrowType::Boolean,
            Self::Byte => ArrowType::Int8,
            Self::Short => ArrowType::Int16,
            Self::Integer => ArrowType::Int32,
            Self::Long => ArrowType::Int64,
            Self::Float => ArrowType::Float32,
            Self::Double => ArrowType::Float64,
            Self::Decimal { precision, scale } => ArrowType::Decimal128(*precision, *scale),
            Self::String => ArrowType::Utf8,
            Self::Binary => ArrowType::Binary,
            Self::Date => ArrowType::Date32,
            Self::Timestamp => ArrowType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::TimestampNtz => ArrowType::Timestamp(TimeUnit::Microsecond, None),
            Self::Void => ArrowType::Null,
            Self::Struct(fields) => ArrowType::Struct(fields.arrow_fields()),
            // The names of nested fields are those that Spark gives them in Parquet files.
            Self::Array { element, .. } => {
                ArrowType::List(Arc::new(Field::new("element", element.to_arrow(), true)))
            }
            Self::Map { key, value, .. } => {
                let entries = ArrowType::Struct(Fields::from(vec![
                    Field::new("key", key.to_arrow(), false),
                    Field::new("value", value.to_arrow(), true),
                ]));
                ArrowType::Map(Arc::new(Field::new("key_value", entries, false)), false)
            }
        }
    }

    /// The Delta type that stores values of an Arrow type without loss, if there is one.
    pub fn from_arrow(arrow: &ArrowType) -> Option<Self> {
        Some(match arrow {
            ArrowType::Null => Self::Void,
            ArrowType::Boolean => Self::Boolean,
            ArrowType::Int8 => Self::Byte,
            ArrowType::Int16 | ArrowType::UInt8 => Self::Short,
            ArrowType::Int32 | ArrowType::UInt16 => Self::Integer,
            ArrowType::Int64 | ArrowType::UInt32 => Self::Long,
            ArrowType::UInt64 => Self::Decimal {
                precision: 20,
                scale: 0,
            },
            ArrowType::Float16 | ArrowType::Float32 => Self::Float,
            ArrowType::Float64 => Self::Double,
            ArrowType::Decimal32(precision, scale)
            | ArrowType::Decimal64(precision, scale)
            | ArrowType::Decimal128(precision, scale)
                if *scale >= 0 && *scale as u8 <= *precision =>
            {
                Self::Decimal {
                    precision: *precision,
                    scale: *scale,
                }
            }
            ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View => Self::String,
            ArrowType::Binary
            | ArrowType::LargeBinary
            | ArrowType::BinaryView
            | ArrowType::FixedSizeBinary(_) => Self::Binary,
            ArrowType::Date32 => Self::Date,
            ArrowType::Timestamp(TimeUnit::Nanosecond, _) => return None,
            ArrowType::Timestamp(_, Some(_)) => Self::Timestamp,
            ArrowType::Timestamp(_, None) => Self::TimestampNtz,
            ArrowType::Dictionary(_, value) => return Self::from_arrow(value),
            ArrowType::Struct(fields) => Self::Struct(StructType::from_arrow(fields)?),
            ArrowType::List(element)
            | ArrowType::LargeList(element)
            | ArrowType::ListView(element)
            | ArrowType::FixedSizeList(element, _) => Self::Array {
                element: Box::new(Self::from_arrow(element.data_type())?),
                contains_null: element.is_nullable(),
            },
            ArrowType::Map(entries, _) => match entries.data_type() {
                ArrowType::Struct(fields) if fields.len() == 2 => Self::Map {
                    key: Box::new(Self::from_arrow(fields[0].data_type())?),
                    value: Box::new(Self::from_arrow(fields[1].data_type())?),
                    value_contains_null: fields[1].is_nullable(),
                },
                _ => return None,
            },
            _ => return None,
        })
    }

    /// Whether it has no parts.
    pub fn is_primitive(&self) -> bool {
        !matches!(
            self,
            Self::Struct(_) | Self::Array { .. } | Self::Map { .. }
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

impl StructType {
    /// The Delta schema that stores these Arrow fields without loss, if there is one.
    pub fn from_arrow(fields: &Fields) -> Option<Self> {
        let fields = fields
            .iter()
            .map(|field| {
                let data_type = DataType::from_arrow(field.data_type())?;
                Some(StructField::new(
                    field.name(),
                    data_type,
                    field.is_nullable(),
                ))
            })
            .collect::<Option<_>>()?;
        Some(Self { fields })
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
