//! The Arrow types that values of Delta types are read into, and back.

use std::sync::Arc;

use arrow::datatypes::{DataType as ArrowType, Field, Fields, Schema, SchemaRef, TimeUnit};

use crate::schema::types::{DataType, StructField, StructType};

impl StructType {
    /// The schema that rows are read into.
    ///
    /// Everything is nullable, whatever the field says: `nullable: false` binds writers, and a
    /// reader that trusted it would fail, or optimise `IS NULL` away, on a file that breaks it.
    /// A variant is read as the text of its JSON.
    pub fn to_arrow(&self) -> SchemaRef {
        Arc::new(Schema::new(self.arrow_fields()))
    }

    fn arrow_fields(&self) -> Fields {
        self.fields()
            .iter()
            .map(|field| Field::new(&field.name, field.data_type.to_arrow(), true))
            .collect()
    }

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
        Some(Self::new(fields))
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
            Self::String | Self::Variant => ArrowType::Utf8,
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
}
