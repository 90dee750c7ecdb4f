use arrow::array::{Array, Decimal128Array, Int64Array, TimestampMicrosecondArray};

use super::*;
use crate::schema::types::StructField;

fn schema() -> StructType {
    StructType::new(vec![
        StructField::new("id", DataType::Long, true),
        StructField::new("name", DataType::String, true),
        StructField::new(
            "amount",
            DataType::Decimal {
                precision: 38,
                scale: 2,
            },
            true,
        ),
        StructField::new("at", DataType::Timestamp, true),
        StructField::new("ratio", DataType::Double, true),
        StructField::new(
            "nested",
            DataType::Struct(StructType::new(vec![StructField::new(
                "a",
                DataType::Long,
                true,
            )])),
            true,
        ),
    ])
}

fn bounds(stats: &str, column: &str, bound: Bound) -> ArrayRef {
    let json = ParsedJson::new(
        &StringArray::from(vec![stats]),
        &schema(),
        ColumnMapping::None,
    );
    let statistics = Statistics {
        json: Some(&json),
        parsed: None,
        len: 1,
    };
    let data_type = &schema().field(column).unwrap().data_type.clone();
    statistics.bounds(column, data_type, bound)
}

#[test]
fn long_beyond_double_is_exact() {
    let stats = r#"{"numRecords":1,"maxValues":{"id":9223372036854775807,"nested":{"a":1}}}"#;
    let max = bounds(stats, "id", Bound::Max);
    assert_eq!(max.as_ref(), &Int64Array::from(vec![i64::MAX]));
}

#[test]
fn decimal_beyond_double_is_widened_not_rounded_away() {
    let stats = r#"{"minValues":{"amount":123456789012345678901.23},"maxValues":{"amount":123456789012345678901.23}}"#;
    let value = 12345678901234567890123i128;
    let min: Decimal128Array = bounds(stats, "amount", Bound::Min).as_primitive().clone();
    let max: Decimal128Array = bounds(stats, "amount", Bound::Max).as_primitive().clone();
    assert!(min.value(0) < value && value < max.value(0));
    assert!(max.value(0) - min.value(0) < value / 100_000_000_000_000);
}

#[test]
fn timestamp_cut_to_milliseconds_bounds_the_whole_millisecond() {
    let stats = r#"{"minValues":{"at":"2024-01-01T00:00:00.123Z"},"maxValues":{"at":"2024-01-01T00:00:00.123Z"}}"#;
    let min: TimestampMicrosecondArray = bounds(stats, "at", Bound::Min).as_primitive().clone();
    let max: TimestampMicrosecondArray = bounds(stats, "at", Bound::Max).as_primitive().clone();
    assert_eq!(max.value(0) - min.value(0), 999);
    assert_eq!(max.timezone(), Some("UTC"));
}

#[test]
fn nan_and_values_of_another_type_say_nothing() {
    for stats in [
        r#"{"maxValues":{"ratio":"NaN"}}"#,
        r#"{"maxValues":{"ratio":"much"}}"#,
        r#"{"maxValues":{"ratio":{"a":1}}}"#,
        r#"{"maxValues":{}}"#,
        r#"{"maxValues":7}"#,
        r#"{"maxValues":{"ratio":1"#,
        "nothing",
        "",
    ] {
        assert!(bounds(stats, "ratio", Bound::Max).is_null(0), "{stats}");
    }
}

#[test]
fn one_broken_text_spoils_no_other() {
    let stats = StringArray::from(vec![
        Some(r#"{"numRecords":1}"#),
        Some("{"),
        None,
        Some(r#"{"numRecords":4} {"numRecords":5}"#),
        Some(r#"{"numRecords":6,"tightBounds":false,"nullCount":{"id":1}}"#),
    ]);
    let json = ParsedJson::new(&stats, &schema(), ColumnMapping::None);
    let statistics = Statistics {
        json: Some(&json),
        parsed: None,
        len: 5,
    };
    let expected = UInt64Array::from(vec![Some(1), None, None, None, Some(6)]);
    assert_eq!(statistics.num_records(), expected);
    assert_eq!(statistics.null_counts("id").null_count(), 5);
}
