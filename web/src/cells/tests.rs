use std::sync::Arc;

use arrow_array::builder::{Int32Builder, ListBuilder, MapBuilder, StringBuilder};
use arrow_array::*;
use arrow_schema::{DataType, Field, Fields};

use super::*;
use crate::arrow::tests::received;

fn shown(array: impl Array + 'static) -> Vec<Option<String>> {
    let column = received(array);
    (0..column.len).map(|row| text(&column, row)).collect()
}

fn json(array: impl Array + 'static) -> String {
    let column = received(array);
    let mut out = String::new();
    for row in 0..column.len {
        write_separator(&mut out, row);
        write_json(&mut out, &column, row);
    }
    out
}

#[test]
fn integers_of_64_bits_are_exact_in_both_forms() {
    let array = Int64Array::from(vec![Some(i64::MAX), Some(i64::MIN), None]);
    let texts = [
        Some("9223372036854775807".into()),
        Some("-9223372036854775808".into()),
        None,
    ];
    assert_eq!(shown(array.clone()), texts);
    assert_eq!(
        json(array),
        r#""9223372036854775807","-9223372036854775808",null"#
    );
    assert_eq!(json(Int8Array::from(vec![-7])), "-7");
    assert_eq!(json(Int32Array::from(vec![7])), "7");
}

#[test]
fn decimals_keep_their_scale() {
    let values = vec![Some(-5), Some(12_345), Some(0), Some(-12_345)];
    let array = Decimal128Array::from(values)
        .with_precision_and_scale(38, 2)
        .unwrap();
    let texts = ["-0.05", "123.45", "0.00", "-123.45"].map(|text| Some(text.to_owned()));
    assert_eq!(shown(array.clone()), texts);
    assert_eq!(json(array), r#""-0.05","123.45","0.00","-123.45""#);
    let largest = 10_i128.pow(38) - 1;
    let array = Decimal128Array::from(vec![largest])
        .with_precision_and_scale(38, 0)
        .unwrap();
    assert_eq!(shown(array), [Some(largest.to_string())]);
}

#[test]
fn doubles_read_back_and_what_json_lacks_is_a_string() {
    let array = Float64Array::from(vec![250.0, 0.1, 1e300, -0.0, f64::NAN, f64::NEG_INFINITY]);
    assert_eq!(json(array), r#"250.0,0.1,1e300,-0.0,"NaN","-Infinity""#);
    assert_eq!(shown(Float32Array::from(vec![0.1])), [Some("0.1".into())]);
}

#[test]
fn timestamps_are_utc_with_a_zone_only_where_they_have_one() {
    let micros = 1_714_560_011_204_000;
    let zoned = TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC");
    let local = TimestampMicrosecondArray::from(vec![micros - 204_000]);
    assert_eq!(
        shown(zoned.clone()),
        [Some("2024-05-01 10:40:11.204".into())]
    );
    assert_eq!(json(zoned), r#""2024-05-01T10:40:11.204Z""#);
    assert_eq!(json(local), r#""2024-05-01T10:40:11""#);
    assert_eq!(json(Date32Array::from(vec![-1])), r#""1969-12-31""#);
}

#[test]
fn nested_values_are_compact_and_quote_their_texts() {
    let mut lists = ListBuilder::new(Int32Builder::new());
    lists.append_value([Some(1), None]);
    let fields = Fields::from(vec![
        Field::new("name", DataType::Utf8, true),
        Field::new("big", DataType::Int64, true),
    ]);
    let structs = StructArray::new(
        fields,
        vec![
            Arc::new(StringArray::from(vec!["a\"b\n"])),
            Arc::new(Int64Array::from(vec![9_007_199_254_740_993])),
        ],
        None,
    );
    assert_eq!(shown(lists.finish()), [Some("[1,null]".into())]);
    let text = r#"{"name":"a\"b\n","big":9007199254740993}"#;
    assert_eq!(shown(structs.clone()), [Some(text.into())]);
    assert_eq!(
        json(structs),
        r#"{"name":"a\"b\n","big":"9007199254740993"}"#
    );
}

#[test]
fn maps_become_objects() {
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    maps.keys().append_value("k");
    maps.values().append_null();
    maps.append(true).unwrap();
    assert_eq!(json(maps.finish()), r#"{"k":null}"#);
}

#[test]
fn binary_is_hex_and_intervals_are_words() {
    assert_eq!(
        shown(BinaryArray::from(vec![&b"\x00\xff"[..]])),
        [Some("00ff".into())]
    );
    let seconds = DurationMicrosecondArray::from(vec![1_500_000, 0]);
    assert_eq!(
        shown(seconds),
        [Some("1.5 seconds".into()), Some("0 seconds".into())]
    );
    let value = arrow_array::types::IntervalMonthDayNano::new(1, -2, 0);
    assert_eq!(
        shown(IntervalMonthDayNanoArray::from(vec![value])),
        [Some("1 months -2 days".into())]
    );
}

#[test]
fn numbers_are_told_by_their_spark_type() {
    assert!(is_numeric("decimal(10,2)") && is_numeric("bigint"));
    assert!(!is_numeric("string") && !is_numeric("array<int>"));
}
