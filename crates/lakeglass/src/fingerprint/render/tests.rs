use std::sync::Arc;

use arrow::array::{
    Date32Array, Int8Array, NullArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray,
};
use arrow::array::{Int32Builder, MapBuilder, StringBuilder};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{Field, Fields};

use super::*;

/// The rows of one column.
fn rendered(array: impl Array + 'static) -> Vec<String> {
    let rows = array.len();
    let renderer = RowRenderer::new(&[Arc::new(array)]).unwrap();
    (0..rows)
        .map(|row| {
            let mut out = Vec::new();
            renderer.render(row, &mut out);
            String::from_utf8(out).unwrap()
        })
        .collect()
}

#[test]
fn row_is_an_array_of_its_columns_without_blanks() {
    let columns: [ArrayRef; 3] = [
        Arc::new(Int8Array::from(vec![Some(-7), None])),
        Arc::new(StringArray::from(vec!["a", "b"])),
        Arc::new(BooleanArray::from(vec![true, false])),
    ];
    let renderer = RowRenderer::new(&columns).unwrap();
    let mut out = Vec::new();
    renderer.render(0, &mut out);
    renderer.render(1, &mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        r#"[-7,"a",true][null,"b",false]"#
    );
}

#[test]
fn floats_are_their_bits() {
    let floats = Float32Array::from(vec![1.0, -0.0, -f32::NAN, f32::INFINITY]);
    assert_eq!(
        rendered(floats),
        [
            r#"["3f800000"]"#,
            r#"["80000000"]"#,
            r#"["7fc00000"]"#,
            r#"["7f800000"]"#
        ]
    );
    let doubles = Float64Array::from(vec![1.0, f64::from_bits(0x7ff0_0000_0000_0001)]);
    assert_eq!(
        rendered(doubles),
        [r#"["3ff0000000000000"]"#, r#"["7ff8000000000000"]"#]
    );
}

#[test]
fn decimals_have_exactly_their_scale() {
    let decimals = |values: Vec<i128>, precision, scale| {
        let array = Decimal128Array::from(values);
        rendered(array.with_precision_and_scale(precision, scale).unwrap())
    };
    assert_eq!(
        decimals(vec![-1230, 5, 0, -5, 123_456], 10, 2),
        [
            r#"["-12.30"]"#,
            r#"["0.05"]"#,
            r#"["0.00"]"#,
            r#"["-0.05"]"#,
            r#"["1234.56"]"#
        ]
    );
    assert_eq!(decimals(vec![-42, 0], 38, 0), [r#"["-42"]"#, r#"["0"]"#]);
    assert_eq!(
        decimals(vec![1], 38, 38),
        [format!(r#"["0.{}1"]"#, "0".repeat(37))]
    );
}

#[test]
fn strings_escape_only_what_json_must() {
    let strings = StringArray::from(vec!["\"\\/\u{8}\u{c}\n\r\t\u{1}\u{1f}\u{7f}é🐘", ""]);
    assert_eq!(
        rendered(strings),
        [
            "[\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\u{7f}é🐘\"]",
            "[\"\"]"
        ]
    );
}

#[test]
fn times_are_whole_microseconds_rounded_down() {
    assert_eq!(
        rendered(Date32Array::from(vec![0, -1, 19_000])),
        ["[0]", "[-1]", "[19000]"]
    );
    let micros = TimestampMicrosecondArray::from(vec![-1, 1_500]).with_timezone("UTC");
    assert_eq!(rendered(micros), ["[-1]", "[1500]"]);
    assert_eq!(
        rendered(TimestampMillisecondArray::from(vec![-2])),
        ["[-2000]"]
    );
    let nanos = TimestampNanosecondArray::from(vec![-1, 1_999]);
    assert_eq!(rendered(nanos), ["[-1]", "[1]"]);
}

#[test]
fn binary_is_hex_and_void_is_null() {
    let binary = BinaryArray::from_opt_vec(vec![Some(&[0, 255]), Some(&[]), None]);
    assert_eq!(rendered(binary), [r#"["00ff"]"#, r#"[""]"#, "[null]"]);
    assert_eq!(rendered(NullArray::new(1)), ["[null]"]);
}

#[test]
fn nested_values_are_arrays_and_maps_are_sorted() {
    let fields = Fields::from(vec![Field::new("a", DataType::Int64, true)]);
    let structs = StructArray::new(
        fields,
        vec![Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]))],
        Some(NullBuffer::from(vec![true, true, false])),
    );
    assert_eq!(rendered(structs), ["[[1]]", "[[null]]", "[null]"]);

    let list = ListArray::new(
        Arc::new(Field::new("element", DataType::Int64, true)),
        OffsetBuffer::from_lengths([2, 0, 1]),
        Arc::new(Int64Array::from(vec![Some(1), None, Some(3)])),
        None,
    );
    assert_eq!(rendered(list.slice(1, 2)), ["[[]]", "[[3]]"]);
    assert_eq!(rendered(list), ["[[1,null]]", "[[]]", "[[3]]"]);

    let mut map = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    map.keys().append_value("b");
    map.values().append_value(1);
    map.keys().append_value("a");
    map.values().append_null();
    map.append(true).unwrap();
    map.append(false).unwrap();
    assert_eq!(
        rendered(map.finish()),
        [r#"[[["a",null],["b",1]]]"#, "[null]"]
    );
}
