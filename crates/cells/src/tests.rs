use std::sync::Arc;

use arrow_array::builder::{Int32Builder, ListBuilder, MapBuilder, StringBuilder};
use arrow_array::*;
use arrow_schema::{Field, Fields};

use super::*;

fn shown(array: &dyn Array) -> Vec<Option<String>> {
    (0..array.len()).map(|row| text(array, row)).collect()
}

fn json(array: &dyn Array) -> String {
    let mut out = String::new();
    for row in 0..array.len() {
        write_separator(&mut out, row);
        write_json(&mut out, array, row);
    }
    out
}

#[test]
fn integers_of_64_bits_are_exact_in_both_forms() {
    let array = Int64Array::from(vec![Some(i64::MAX), Some(i64::MIN), None]);
    assert_eq!(
        shown(&array),
        [
            Some("9223372036854775807".into()),
            Some("-9223372036854775808".into()),
            None
        ]
    );
    assert_eq!(
        json(&array),
        r#""9223372036854775807","-9223372036854775808",null"#
    );
    assert_eq!(json(&Int32Array::from(vec![7])), "7");
}

#[test]
fn decimals_keep_their_scale() {
    let array = Decimal128Array::from(vec![Some(-5), Some(12_345)])
        .with_precision_and_scale(38, 2)
        .unwrap();
    assert_eq!(shown(&array), [Some("-0.05".into()), Some("123.45".into())]);
    assert_eq!(json(&array), r#""-0.05","123.45""#);
}

#[test]
fn doubles_read_back_and_what_json_lacks_is_a_string() {
    let array = Float64Array::from(vec![250.0, 0.1, 1e300, -0.0, f64::NAN, f64::NEG_INFINITY]);
    assert_eq!(json(&array), r#"250.0,0.1,1e300,-0.0,"NaN","-Infinity""#);
    assert_eq!(shown(&Float32Array::from(vec![0.1])), [Some("0.1".into())]);
}

#[test]
fn timestamps_are_utc_with_a_zone_only_where_they_have_one() {
    let micros = 1_714_560_011_204_000;
    let zoned = TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC");
    let local = TimestampMicrosecondArray::from(vec![micros - 204_000]);
    assert_eq!(shown(&zoned), [Some("2024-05-01 10:40:11.204".into())]);
    assert_eq!(json(&zoned), r#""2024-05-01T10:40:11.204Z""#);
    assert_eq!(json(&local), r#""2024-05-01T10:40:11""#);
    assert_eq!(json(&Date32Array::from(vec![-1])), r#""1969-12-31""#);
}

#[test]
fn nested_values_are_compact_and_quote_their_texts() {
    let mut lists = ListBuilder::new(Int32Builder::new());
    lists.append_value([Some(1), None]);
    let fields = Fields::from(vec![
        Field::new("name", arrow_schema::DataType::Utf8, true),
        Field::new("big", arrow_schema::DataType::Int64, true),
    ]);
    let structs = StructArray::new(
        fields,
        vec![
            Arc::new(StringArray::from(vec!["a\"b\n"])) as ArrayRef,
            Arc::new(Int64Array::from(vec![9_007_199_254_740_993])),
        ],
        None,
    );
    assert_eq!(shown(&lists.finish()), [Some("[1,null]".into())]);
    assert_eq!(
        shown(&structs),
        [Some(r#"{"name":"a\"b\n","big":9007199254740993}"#.into())]
    );
    assert_eq!(
        json(&structs),
        r#"{"name":"a\"b\n","big":"9007199254740993"}"#
    );
}

#[test]
fn maps_become_objects() {
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    maps.keys().append_value("k");
    maps.values().append_null();
    maps.append(true).unwrap();
    assert_eq!(json(&maps.finish()), r#"{"k":null}"#);
}

#[test]
fn null_behind_a_dictionary_is_null() {
    let keys = Int32Array::from(vec![Some(0), Some(1), None]);
    let values = Arc::new(StringArray::from(vec![Some("x"), None]));
    let array = DictionaryArray::try_new(keys, values).unwrap();
    assert_eq!(shown(&array), [Some("x".into()), None, None]);
    assert_eq!(json(&array), r#""x",null,null"#);
}

#[test]
fn binary_is_hex() {
    assert_eq!(
        shown(&BinaryArray::from(vec![&b"\x00\xff"[..]])),
        [Some("00ff".into())]
    );
}

#[test]
fn numbers_are_told_by_their_spark_type() {
    assert!(is_numeric("decimal(10,2)") && is_numeric("bigint"));
    assert!(!is_numeric("string") && !is_numeric("array<int>"));
}
