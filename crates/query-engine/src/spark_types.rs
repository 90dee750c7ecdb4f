//! Arrow types in Spark's words, and results in types that Spark (and the page) knows.

use std::sync::Arc;

use arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DECIMAL128_MAX_SCALE, DataType, Field, Fields, Schema, TimeUnit,
};
use messages::table::Column;
use spark_dialect::type_name;

/// A schema's columns for display.
pub(crate) fn columns(schema: &Schema) -> Vec<Column> {
    schema.fields().iter().map(|field| column(field)).collect()
}

fn column(field: &Field) -> Column {
    Column {
        name: field.name().clone(),
        data_type: type_name(field.data_type()),
        nullable: field.is_nullable(),
    }
}

/// The type in which a column of this type leaves the engine; `None` if it cannot.
///
/// These are all the types of a result, also inside of lists, structs and maps:
///
/// - `Null`, `Boolean`; `Int8` to `Int64`; `Float32`, `Float64`; `Decimal128`;
/// - `Utf8`, `Binary`; `Date32`; `Time64` of nanoseconds; `Timestamp` of microseconds, with the zone
///   `UTC` or without one; `Duration` of microseconds; `Interval` of any unit;
/// - `List`, `Struct`, `Map`.
pub(crate) fn result_type(data_type: &DataType) -> Option<DataType> {
    Some(match data_type {
        DataType::Null
        | DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal128(..)
        | DataType::Utf8
        | DataType::Binary
        | DataType::Date32
        | DataType::Interval(_) => data_type.clone(),
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        // Counts and row numbers, which Spark has as integers of 64 bits.
        DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Float16 => DataType::Float32,
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        // Spark has no decimals of more digits; a value that needs more is an error.
        DataType::Decimal256(precision, scale) => DataType::Decimal128(
            (*precision).min(DECIMAL128_MAX_PRECISION),
            (*scale).min(DECIMAL128_MAX_SCALE),
        ),
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            DataType::Binary
        }
        DataType::Date64 => DataType::Date32,
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Nanosecond),
        DataType::Timestamp(_, zone) => {
            DataType::Timestamp(TimeUnit::Microsecond, zone.as_ref().map(|_| "UTC".into()))
        }
        DataType::Duration(_) => DataType::Duration(TimeUnit::Microsecond),
        DataType::Dictionary(_, value) => result_type(value)?,
        DataType::RunEndEncoded(_, values) => result_type(values.data_type())?,
        DataType::List(element)
        | DataType::LargeList(element)
        | DataType::ListView(element)
        | DataType::LargeListView(element)
        | DataType::FixedSizeList(element, _) => DataType::List(Arc::new(result_field(element)?)),
        DataType::Struct(fields) => DataType::Struct(result_fields(fields)?),
        DataType::Map(entries, sorted) => DataType::Map(Arc::new(result_field(entries)?), *sorted),
        DataType::Union(..) => return None,
    })
}

fn result_fields(fields: &Fields) -> Option<Fields> {
    fields.iter().map(|field| result_field(field)).collect()
}

fn result_field(field: &Field) -> Option<Field> {
    let data_type = result_type(field.data_type())?;
    Some(field.clone().with_data_type(data_type))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::IntervalUnit;
    use serde_json::json;

    use super::*;

    fn result(data_type: &DataType) -> DataType {
        result_type(data_type).unwrap()
    }

    #[test]
    fn results_have_types_that_spark_knows() {
        let nanos = DataType::Timestamp(TimeUnit::Nanosecond, Some("+00:00".into()));
        let nested = DataType::Struct(Fields::from(vec![Field::new("at", nanos, true)]));
        let list = DataType::LargeList(Arc::new(Field::new_list_field(nested, true)));
        assert_eq!(type_name(&result(&list)), "array<struct<at:timestamp>>");
        assert_eq!(type_name(&result(&DataType::UInt64)), "bigint");
        assert_eq!(type_name(&DataType::Null), "void");
    }

    /// The list of [`result_type`], as a check.
    fn leaves_the_engine(data_type: &DataType) -> bool {
        match data_type {
            DataType::Null
            | DataType::Boolean
            | DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::Float32
            | DataType::Float64
            | DataType::Decimal128(..)
            | DataType::Utf8
            | DataType::Binary
            | DataType::Date32
            | DataType::Time64(TimeUnit::Nanosecond)
            | DataType::Duration(TimeUnit::Microsecond)
            | DataType::Interval(_) => true,
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                zone.as_ref().is_none_or(|zone| zone.as_ref() == "UTC")
            }
            DataType::List(element) => leaves_the_engine(element.data_type()),
            DataType::Struct(fields) => fields
                .iter()
                .all(|field| leaves_the_engine(field.data_type())),
            DataType::Map(entries, _) => leaves_the_engine(entries.data_type()),
            _ => false,
        }
    }

    #[test]
    fn types_of_results_are_a_closed_list_at_any_depth() {
        let field = |data_type: &DataType| Arc::new(Field::new("item", data_type.clone(), true));
        let mut types = vec![
            DataType::Null,
            DataType::Boolean,
            DataType::UInt8,
            DataType::UInt16,
            DataType::UInt32,
            DataType::UInt64,
            DataType::Int8,
            DataType::Int64,
            DataType::Float16,
            DataType::Float64,
            DataType::Decimal32(9, 2),
            DataType::Decimal64(18, 2),
            DataType::Decimal128(38, 2),
            DataType::Decimal256(76, 40),
            DataType::Utf8View,
            DataType::LargeUtf8,
            DataType::BinaryView,
            DataType::LargeBinary,
            DataType::FixedSizeBinary(3),
            DataType::Date64,
            DataType::Time32(TimeUnit::Second),
            DataType::Time64(TimeUnit::Microsecond),
            DataType::Timestamp(TimeUnit::Second, None),
            DataType::Timestamp(TimeUnit::Nanosecond, Some("Europe/Berlin".into())),
            DataType::Duration(TimeUnit::Nanosecond),
            DataType::Interval(IntervalUnit::MonthDayNano),
        ];
        for _ in 0..2 {
            let nested: Vec<DataType> = types
                .iter()
                .flat_map(|inner| {
                    let key_value = Fields::from(vec![
                        Field::new("key", inner.clone(), false),
                        Field::new("value", inner.clone(), true),
                    ]);
                    let entries = Field::new("entries", DataType::Struct(key_value), false);
                    let run_ends = Arc::new(Field::new("run_ends", DataType::Int32, false));
                    [
                        inner.clone(),
                        DataType::Dictionary(Box::new(DataType::UInt8), Box::new(inner.clone())),
                        DataType::RunEndEncoded(run_ends, field(inner)),
                        DataType::LargeList(field(inner)),
                        DataType::ListView(field(inner)),
                        DataType::LargeListView(field(inner)),
                        DataType::FixedSizeList(field(inner), 2),
                        DataType::Struct(Fields::from(vec![field(inner)])),
                        DataType::Map(Arc::new(entries), false),
                    ]
                })
                .collect();
            types.extend(nested);
        }
        for data_type in &types {
            let result = result(data_type);
            assert!(leaves_the_engine(&result), "{data_type} becomes {result}");
            assert_eq!(result_type(&result).as_ref(), Some(&result));
        }
    }

    #[test]
    fn types_of_the_log_go_by_the_names_that_their_columns_have() {
        let types = json!([
            "boolean", "byte", "short", "integer", "long", "float", "double", "decimal(10,2)",
            "string", "binary", "date", "timestamp", "timestamp_ntz", "void",
            {"type": "array", "elementType": "long", "containsNull": true},
            {"type": "map", "keyType": "string", "valueType": "date", "valueContainsNull": true},
            {"type": "struct", "fields": [
                {"name": "a", "type": "integer", "nullable": true, "metadata": {}},
                {"name": "b", "type": "string", "nullable": true, "metadata": {}},
            ]},
        ]);
        let field = |data_type: &serde_json::Value| json!({"name": "c", "type": data_type, "nullable": true, "metadata": {}});
        let fields: Vec<_> = types.as_array().into_iter().flatten().map(field).collect();
        let schema = json!({"type": "struct", "fields": fields}).to_string();
        let schema = delta_log::schema::StructType::from_json(&schema).expect("a schema");
        assert_eq!(schema.fields().len(), 17);
        for field in schema.fields() {
            let shown = type_name(&field.data_type.to_arrow());
            assert_eq!(shown, field.data_type.to_string());
        }
    }
}
