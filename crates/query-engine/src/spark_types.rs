//! Arrow types in Spark's words, and results in types that Spark (and the page) knows.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, IntervalUnit, Schema, TimeUnit};
use delta_log::schema::DataType as SparkType;
use messages::table::Column;

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

/// `bigint`, `decimal(10,2)`, `struct<a:int>`; Arrow's own name for what Spark does not have.
pub(crate) fn type_name(data_type: &DataType) -> String {
    match (SparkType::from_arrow(data_type), data_type) {
        (Some(name), _) => name.to_string(),
        (None, DataType::Interval(IntervalUnit::YearMonth)) => "interval year to month".to_owned(),
        (None, DataType::Interval(_) | DataType::Duration(_)) => {
            "interval day to second".to_owned()
        }
        (None, DataType::Time32(_) | DataType::Time64(_)) => "time".to_owned(),
        (None, other) => other.to_string().to_lowercase(),
    }
}

/// The type in which a column of this type leaves the engine: microseconds for timestamps, plain
/// strings and lists, no unsigned integers.
pub(crate) fn result_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        // Counts and row numbers, which Spark has as integers of 64 bits.
        DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Float16 => DataType::Float32,
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            DataType::Binary
        }
        DataType::Date64 => DataType::Date32,
        DataType::Timestamp(_, zone) => {
            DataType::Timestamp(TimeUnit::Microsecond, zone.as_ref().map(|_| "UTC".into()))
        }
        DataType::Dictionary(_, value) => result_type(value),
        DataType::List(element)
        | DataType::LargeList(element)
        | DataType::ListView(element)
        | DataType::LargeListView(element)
        | DataType::FixedSizeList(element, _) => DataType::List(Arc::new(result_field(element))),
        DataType::Struct(fields) => DataType::Struct(
            fields
                .iter()
                .map(|field| result_field(field))
                .collect::<Fields>(),
        ),
        other => other.clone(),
    }
}

fn result_field(field: &Field) -> Field {
    field.clone().with_data_type(result_type(field.data_type()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_have_types_that_spark_knows() {
        let nanos = DataType::Timestamp(TimeUnit::Nanosecond, Some("+00:00".into()));
        let nested = DataType::Struct(Fields::from(vec![Field::new("at", nanos, true)]));
        let list = DataType::LargeList(Arc::new(Field::new_list_field(nested, true)));
        assert_eq!(
            type_name(&result_type(&list)),
            "array<struct<at:timestamp>>"
        );
        assert_eq!(type_name(&result_type(&DataType::UInt64)), "bigint");
        assert_eq!(type_name(&DataType::Null), "void");
    }
}
