//! Arrow types under Spark's names.

use arrow_schema::{DataType, IntervalUnit};

/// Spark's name of an Arrow type, as DESCRIBE shows it: `bigint`, `decimal(10,2)`,
/// `struct<a:int>`. A type that Spark does not have keeps Arrow's name, in lower case.
pub fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Null => "void".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 => "tinyint".to_owned(),
        DataType::Int16 | DataType::UInt8 => "smallint".to_owned(),
        DataType::Int32 | DataType::UInt16 => "int".to_owned(),
        DataType::Int64 | DataType::UInt32 => "bigint".to_owned(),
        DataType::UInt64 => "decimal(20,0)".to_owned(),
        DataType::Float16 | DataType::Float32 => "float".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
            if u8::try_from(*scale).is_ok_and(|scale| scale <= *precision) =>
        {
            format!("decimal({precision},{scale})")
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".to_owned(),
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => "binary".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(_, Some(_)) => "timestamp".to_owned(),
        DataType::Timestamp(_, None) => "timestamp_ntz".to_owned(),
        DataType::Interval(IntervalUnit::YearMonth) => "interval year to month".to_owned(),
        DataType::Interval(_) | DataType::Duration(_) => "interval day to second".to_owned(),
        DataType::Time32(_) | DataType::Time64(_) => "time".to_owned(),
        DataType::Dictionary(_, value) => type_name(value),
        DataType::List(element)
        | DataType::LargeList(element)
        | DataType::ListView(element)
        | DataType::LargeListView(element)
        | DataType::FixedSizeList(element, _) => {
            format!("array<{}>", type_name(element.data_type()))
        }
        DataType::Struct(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|field| format!("{}:{}", field.name(), type_name(field.data_type())))
                .collect();
            format!("struct<{}>", fields.join(","))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => format!(
                "map<{},{}>",
                type_name(fields[0].data_type()),
                type_name(fields[1].data_type())
            ),
            _ => data_type.to_string().to_lowercase(),
        },
        other => other.to_string().to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_schema::{Field, TimeUnit};

    use super::*;

    #[test]
    fn types_go_by_their_names_in_spark() {
        let field = |name: &str, data_type| Field::new(name, data_type, true);
        let list = |data_type| DataType::List(Arc::new(field("element", data_type)));
        let entries = DataType::Struct(
            vec![
                field("key", DataType::Utf8),
                field("value", DataType::Date32),
            ]
            .into(),
        );
        let dictionary = DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into());
        for (data_type, name) in [
            (DataType::Null, "void"),
            (DataType::Boolean, "boolean"),
            (DataType::Int8, "tinyint"),
            (DataType::UInt8, "smallint"),
            (DataType::Int16, "smallint"),
            (DataType::UInt16, "int"),
            (DataType::Int32, "int"),
            (DataType::UInt32, "bigint"),
            (DataType::Int64, "bigint"),
            (DataType::UInt64, "decimal(20,0)"),
            (DataType::Float32, "float"),
            (DataType::Float64, "double"),
            (DataType::Decimal128(10, 10), "decimal(10,10)"),
            (DataType::Decimal128(10, 11), "decimal128(10, 11)"),
            (DataType::Decimal128(10, -1), "decimal128(10, -1)"),
            (DataType::Decimal256(50, 2), "decimal256(50, 2)"),
            (DataType::Utf8View, "string"),
            (DataType::FixedSizeBinary(16), "binary"),
            (DataType::Date32, "date"),
            (
                DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
                "timestamp",
            ),
            (
                DataType::Timestamp(TimeUnit::Microsecond, None),
                "timestamp_ntz",
            ),
            (
                DataType::Interval(IntervalUnit::YearMonth),
                "interval year to month",
            ),
            (
                DataType::Interval(IntervalUnit::MonthDayNano),
                "interval day to second",
            ),
            (
                DataType::Duration(TimeUnit::Microsecond),
                "interval day to second",
            ),
            (DataType::Time64(TimeUnit::Nanosecond), "time"),
            (dictionary, "string"),
            (list(list(DataType::Int32)), "array<array<int>>"),
            (
                DataType::Struct(
                    vec![
                        field("a", DataType::Int32),
                        field("B c", list(DataType::Utf8)),
                    ]
                    .into(),
                ),
                "struct<a:int,B c:array<string>>",
            ),
            (
                DataType::Map(Arc::new(field("entries", entries)), false),
                "map<string,date>",
            ),
        ] {
            assert_eq!(type_name(&data_type), name, "{data_type}");
        }
    }
}
