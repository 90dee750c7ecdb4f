//! Values of each type that results have, and how they are written: the one table of cases that
//! every reader of cells is tested with.

use std::sync::Arc;

use arrow_array::builder::{
    Int32Builder, Int64Builder, ListBuilder, MapBuilder, StringBuilder, StructBuilder,
};
use arrow_array::types::{IntervalDayTime, IntervalMonthDayNano};
use arrow_array::*;
use arrow_schema::{DataType, Field, Fields};

/// A column, and each of its rows as text and as JSON.
#[derive(Debug, Clone)]
pub struct Case {
    /// The type, and what is special about the values.
    pub name: &'static str,
    /// The values.
    pub array: ArrayRef,
    written: Vec<(Option<&'static str>, &'static str)>,
}

impl Case {
    /// The text of each row; `None` for NULL.
    pub fn texts(&self) -> Vec<Option<String>> {
        let texts = self.written.iter();
        texts.map(|(text, _)| text.map(str::to_owned)).collect()
    }

    /// The JSON of each row.
    pub fn json(&self) -> Vec<String> {
        let json = self.written.iter();
        json.map(|(_, json)| (*json).to_owned()).collect()
    }
}

/// One case at least for each type that results have.
pub fn all() -> Vec<Case> {
    let mut cases = numbers();
    cases.extend(strings_and_times());
    cases.extend(intervals());
    cases.extend(nested());
    cases
}

/// Columns of types that results don't have.
pub fn unsupported() -> Vec<ArrayRef> {
    let strings: DictionaryArray<types::Int32Type> = vec!["a", "b"].into_iter().collect();
    let unsigned = Field::new("n", DataType::UInt64, true);
    let in_struct = StructArray::new(
        vec![unsigned].into(),
        vec![Arc::new(UInt64Array::from(vec![1]))],
        None,
    );
    vec![
        Arc::new(strings),
        Arc::new(in_struct),
        Arc::new(UInt8Array::from(vec![1])),
        Arc::new(UInt16Array::from(vec![1])),
        Arc::new(UInt32Array::from(vec![1])),
        Arc::new(UInt64Array::from(vec![1])),
        Arc::new(Float16Array::new_null(1)),
        Arc::new(Decimal32Array::from(vec![1])),
        Arc::new(Decimal64Array::from(vec![1])),
        Arc::new(Decimal256Array::new_null(1)),
        Arc::new(LargeStringArray::from(vec!["a"])),
        Arc::new(StringViewArray::from(vec!["a"])),
        Arc::new(LargeBinaryArray::from(vec![&b"a"[..]])),
        Arc::new(BinaryViewArray::from(vec![&b"a"[..]])),
        Arc::new(FixedSizeBinaryArray::new_null(1, 1)),
        Arc::new(Date64Array::from(vec![0])),
        Arc::new(Time32SecondArray::from(vec![0])),
        Arc::new(Time32MillisecondArray::from(vec![0])),
        Arc::new(Time64MicrosecondArray::from(vec![0])),
        Arc::new(DurationSecondArray::from(vec![0])),
        Arc::new(DurationMillisecondArray::from(vec![0])),
        Arc::new(DurationNanosecondArray::from(vec![0])),
        Arc::new(TimestampSecondArray::from(vec![0])),
        Arc::new(TimestampMillisecondArray::from(vec![0])),
        Arc::new(TimestampNanosecondArray::from(vec![0])),
        Arc::new(TimestampMicrosecondArray::from(vec![0]).with_timezone("+01:00")),
        Arc::new(
            LargeListArray::from_iter_primitive::<types::Int32Type, _, _>(vec![Some(vec![Some(
                1,
            )])]),
        ),
        Arc::new(FixedSizeListArray::from_iter_primitive::<
            types::Int32Type,
            _,
            _,
        >(vec![Some(vec![Some(1)])], 1)),
    ]
}

fn case(
    name: &'static str,
    array: impl Array + 'static,
    written: &[(Option<&'static str>, &'static str)],
) -> Case {
    Case {
        name,
        array: Arc::new(array),
        written: written.to_vec(),
    }
}

const NULL: (Option<&str>, &str) = (None, "null");

/// Text and JSON are the same.
fn plain(text: &'static str) -> (Option<&'static str>, &'static str) {
    (Some(text), text)
}

fn numbers() -> Vec<Case> {
    let cents = Decimal128Array::from(vec![Some(-5), Some(12_345), Some(0), Some(-12_345), None])
        .with_precision_and_scale(38, 2);
    let whole = Decimal128Array::from(vec![10_i128.pow(38) - 1]).with_precision_and_scale(38, 0);
    let tens = Decimal128Array::from(vec![12]).with_precision_and_scale(38, -3);
    let [cents, whole, tens] = [cents, whole, tens]
        .map(|decimals| decimals.unwrap_or_else(|error| panic!("decimals of 38 digits: {error}")));
    vec![
        case("void", NullArray::new(1), &[NULL]),
        case(
            "boolean",
            BooleanArray::from(vec![Some(true), Some(false), None]),
            &[plain("true"), plain("false"), NULL],
        ),
        case("tinyint", Int8Array::from(vec![-7]), &[plain("-7")]),
        case("smallint", Int16Array::from(vec![300]), &[plain("300")]),
        case(
            "int",
            Int32Array::from(vec![Some(i32::MIN), None]),
            &[plain("-2147483648"), NULL],
        ),
        case(
            "bigint: a string in JSON",
            Int64Array::from(vec![Some(i64::MAX), Some(i64::MIN), None]),
            &[
                (Some("9223372036854775807"), r#""9223372036854775807""#),
                (Some("-9223372036854775808"), r#""-9223372036854775808""#),
                NULL,
            ],
        ),
        case(
            "float",
            Float32Array::from(vec![0.1, f32::INFINITY]),
            &[plain("0.1"), (Some("Infinity"), r#""Infinity""#)],
        ),
        case(
            "double: JSON has no NaN and no infinity",
            Float64Array::from(vec![250.0, 0.1, 1e300, -0.0, f64::NAN, f64::NEG_INFINITY]),
            &[
                plain("250.0"),
                plain("0.1"),
                plain("1e300"),
                plain("-0.0"),
                (Some("NaN"), r#""NaN""#),
                (Some("-Infinity"), r#""-Infinity""#),
            ],
        ),
        case(
            "decimal(38,2): the scale is kept",
            cents,
            &[
                (Some("-0.05"), r#""-0.05""#),
                (Some("123.45"), r#""123.45""#),
                (Some("0.00"), r#""0.00""#),
                (Some("-123.45"), r#""-123.45""#),
                NULL,
            ],
        ),
        case(
            "decimal(38,0): the largest",
            whole,
            &[(
                Some("99999999999999999999999999999999999999"),
                r#""99999999999999999999999999999999999999""#,
            )],
        ),
        case(
            "decimal of a negative scale",
            tens,
            &[(Some("12000"), r#""12000""#)],
        ),
    ]
}

fn strings_and_times() -> Vec<Case> {
    let micros = 1_714_560_011_204_000;
    vec![
        case(
            "string",
            StringArray::from(vec![Some("a\"b\\\n\u{1}é"), Some(""), None]),
            &[
                (Some("a\"b\\\n\u{1}é"), r#""a\"b\\\n\u0001é""#),
                (Some(""), r#""""#),
                NULL,
            ],
        ),
        case(
            "binary: hex",
            BinaryArray::from(vec![&b"\x00\xff"[..], b""]),
            &[(Some("00ff"), r#""00ff""#), (Some(""), r#""""#)],
        ),
        case(
            "date",
            Date32Array::from(vec![-1, 2_932_897, -719_529]),
            &[
                (Some("1969-12-31"), r#""1969-12-31""#),
                (Some("+10000-01-01"), r#""+10000-01-01""#),
                (Some("-0001-12-31"), r#""-0001-12-31""#),
            ],
        ),
        case(
            "time",
            Time64NanosecondArray::from(vec![38_411_204_000_000, 1]),
            &[
                (Some("10:40:11.204"), r#""10:40:11.204""#),
                (Some("00:00:00.000000001"), r#""00:00:00.000000001""#),
            ],
        ),
        case(
            "timestamp: an instant",
            TimestampMicrosecondArray::from(vec![Some(micros), Some(-1), None])
                .with_timezone("UTC"),
            &[
                (
                    Some("2024-05-01 10:40:11.204"),
                    r#""2024-05-01T10:40:11.204Z""#,
                ),
                (
                    Some("1969-12-31 23:59:59.999999"),
                    r#""1969-12-31T23:59:59.999999Z""#,
                ),
                NULL,
            ],
        ),
        case(
            "timestamp_ntz",
            TimestampMicrosecondArray::from(vec![micros - 204_000]),
            &[(Some("2024-05-01 10:40:11"), r#""2024-05-01T10:40:11""#)],
        ),
    ]
}

/// The texts are Spark's.
fn intervals() -> Vec<Case> {
    macro_rules! spark {
        ($text:literal) => {
            (Some($text), concat!("\"", $text, "\""))
        };
    }
    vec![
        case(
            "duration",
            DurationMicrosecondArray::from(vec![
                Some(5_145_255_678_000),
                Some(0),
                Some(-1_704_067_200_000_001),
                Some(9_007_199_254_740_993),
                Some(i64::MIN),
                None,
            ]),
            &[
                spark!("INTERVAL '59 13:14:15.678' DAY TO SECOND"),
                spark!("INTERVAL '0 00:00:00' DAY TO SECOND"),
                spark!("INTERVAL '-19723 00:00:00.000001' DAY TO SECOND"),
                spark!("INTERVAL '104249 23:47:34.740993' DAY TO SECOND"),
                spark!("INTERVAL '-106751991 04:00:54.775808' DAY TO SECOND"),
                NULL,
            ],
        ),
        case(
            "interval of months",
            IntervalYearMonthArray::from(vec![27, -27, 0]),
            &[
                spark!("INTERVAL '2-3' YEAR TO MONTH"),
                spark!("INTERVAL '-2-3' YEAR TO MONTH"),
                spark!("INTERVAL '0-0' YEAR TO MONTH"),
            ],
        ),
        case(
            "interval of days and milliseconds",
            IntervalDayTimeArray::from(vec![IntervalDayTime::new(1, -1)]),
            &[spark!("INTERVAL '0 23:59:59.999' DAY TO SECOND")],
        ),
        case(
            "interval of months, days and nanoseconds",
            IntervalMonthDayNanoArray::from(vec![
                IntervalMonthDayNano::new(0, 1, 0),
                IntervalMonthDayNano::new(0, 0, 5_400_000_000_000),
                IntervalMonthDayNano::new(0, -1, -7_384_000_000_000),
                IntervalMonthDayNano::new(14, 0, 0),
                IntervalMonthDayNano::new(1, -2, 0),
                IntervalMonthDayNano::new(-14, 3, 14_706_500_000_000),
                IntervalMonthDayNano::new(i32::MIN, i32::MIN, i64::MIN),
            ]),
            &[
                spark!("INTERVAL '1 00:00:00' DAY TO SECOND"),
                spark!("INTERVAL '0 01:30:00' DAY TO SECOND"),
                spark!("INTERVAL '-1 02:03:04' DAY TO SECOND"),
                spark!("INTERVAL '1-2' YEAR TO MONTH"),
                spark!("1 months -2 days"),
                spark!("-1 years -2 months 3 days 4 hours 5 minutes 6.5 seconds"),
                spark!(
                    "-178956970 years -8 months -2147483648 days -2562047 hours -47 minutes -16.854775808 seconds"
                ),
            ],
        ),
    ]
}

fn nested() -> Vec<Case> {
    let mut lists = ListBuilder::new(Int32Builder::new());
    lists.append_value([Some(1), None]);
    lists.append_null();
    lists.append_value([]);
    lists.append_value([Some(3)]);
    let lists = lists.finish();

    let fields = Fields::from(vec![
        Field::new("name", DataType::Utf8, true),
        Field::new("big", DataType::Int64, true),
    ]);
    let mut structs = StructBuilder::from_fields(fields, 2);
    for (name, big) in [(Some("a\"b\n"), Some(9_007_199_254_740_993)), (None, None)] {
        if let Some(names) = structs.field_builder::<StringBuilder>(0) {
            names.append_option(name);
        }
        if let Some(numbers) = structs.field_builder::<Int64Builder>(1) {
            numbers.append_option(big);
        }
        structs.append(name.is_some());
    }

    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    for (key, value) in [("k", None), ("l\"", Some(2))] {
        maps.keys().append_value(key);
        maps.values().append_option(value);
    }
    // A builder refuses only columns of different lengths.
    let _ = maps.append(true);
    let _ = maps.append(false);
    vec![
        case(
            "array, of a slice",
            lists.slice(1, 3),
            &[NULL, plain("[]"), plain("[3]")],
        ),
        case(
            "array: nulls",
            lists,
            &[plain("[1,null]"), NULL, plain("[]"), plain("[3]")],
        ),
        case(
            "struct: strings are quoted",
            structs.finish(),
            &[
                (
                    Some(r#"{"name":"a\"b\n","big":9007199254740993}"#),
                    r#"{"name":"a\"b\n","big":"9007199254740993"}"#,
                ),
                NULL,
            ],
        ),
        case(
            "map: an object",
            maps.finish(),
            &[plain(r#"{"k":null,"l\"":2}"#), NULL],
        ),
    ]
}
