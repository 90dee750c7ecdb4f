//! Statistics against brute force: bounds bound, whoever reads them.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array,
    Float32Array, Float64Array, Int8Array, Int64Array, Int64Builder, ListBuilder, RecordBatch,
    StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type};
use arrow::row::{RowConverter, SortField};
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta};
use delta_log::Snapshot;
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::table::{TestTable, column};

#[derive(Debug, Clone)]
struct Row {
    long: Option<i64>,
    tiny: Option<i8>,
    float: Option<f32>,
    double: Option<f64>,
    large: Option<i128>,
    small: Option<i128>,
    text: Option<String>,
    date: Option<i32>,
    time: Option<i64>,
    flag: Option<bool>,
    bytes: Option<String>,
    list: Option<Vec<i64>>,
    /// Values are there even where the struct is null.
    has_struct: bool,
    x: Option<i64>,
    s: Option<String>,
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c]{0,3}",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa[ab\u{7E}\u{7F}\u{80}é\u{D7FF}\u{FFFD}😀\u{10FFFF}]{0,5}",
        "[é\u{7F}😀\u{10FFFF}]{30,35}",
        vec(any::<char>(), 0..40).prop_map(|chars| chars.into_iter().collect()),
    ]
}

fn times() -> impl Strategy<Value = i64> {
    prop_oneof![
        -3_000i64..3_000,
        -62_135_596_800_000_000i64..=253_402_300_799_999_999,
        any::<i64>(),
    ]
}

fn doubles() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO,
        4 => (-100i32..100).prop_map(|n| f64::from(n) / 8.0),
        1 => proptest::num::f64::INFINITE,
        1 => Just(f64::NAN),
        1 => Just(-f64::NAN),
    ]
}

fn row() -> impl Strategy<Value = Row> {
    let limit = 10i128.pow(38) - 1;
    let numbers = (
        option::of(any::<i64>()),
        option::of(any::<i8>()),
        option::of(doubles().prop_map(|value| value as f32)),
        option::of(doubles()),
        option::of(-limit..=limit),
        option::of(-999_999_999i128..=999_999_999),
    );
    let others = (
        option::of(texts()),
        option::of(prop_oneof![-800_000i32..3_000_000, -3i32..3]),
        option::of(times()),
        option::of(any::<bool>()),
        option::of(texts()),
        option::of(vec(any::<i64>(), 0..3)),
    );
    let nested = (any::<bool>(), option::of(any::<i64>()), option::of(texts()));
    (numbers, others, nested).prop_map(|(numbers, others, (has_struct, x, s))| {
        let (long, tiny, float, double, large, small) = numbers;
        let (text, date, time, flag, bytes, list) = others;
        Row {
            long,
            tiny,
            float,
            double,
            large,
            small,
            text,
            date,
            time,
            flag,
            bytes,
            list,
            has_struct,
            x,
            s,
        }
    })
}

fn table() -> TestTable {
    let nested = json!({"type": "struct", "fields": [column("x", json!("long")), column("s", json!("string"))]});
    let columns = [
        column("long", json!("long")),
        column("tiny", json!("byte")),
        column("float", json!("float")),
        column("double", json!("double")),
        column("large", json!("decimal(38,6)")),
        column("small", json!("decimal(9,2)")),
        column("text", json!("string")),
        column("date", json!("date")),
        column("time", json!("timestamp")),
        column("ntz", json!("timestamp_ntz")),
        column("flag", json!("boolean")),
        column("bytes", json!("binary")),
        column(
            "list",
            json!({"type": "array", "elementType": "long", "containsNull": true}),
        ),
        column("nested", nested),
    ];
    TestTable::new(&columns, &[], json!({}))
}

fn batch(table: &TestTable, rows: &[Row]) -> RecordBatch {
    fn all<T>(rows: &[Row], value: impl Fn(&Row) -> Option<T>) -> Vec<Option<T>> {
        rows.iter().map(value).collect()
    }
    let decimals = |values: Vec<Option<i128>>, precision, scale| -> ArrayRef {
        let values = Decimal128Array::from(values);
        Arc::new(values.with_precision_and_scale(precision, scale).unwrap())
    };
    let times = TimestampMicrosecondArray::from(all(rows, |row| row.time));
    let mut lists = ListBuilder::new(Int64Builder::new());
    for row in rows {
        match &row.list {
            Some(values) => lists.append_value(values.iter().copied().map(Some)),
            None => lists.append_null(),
        }
    }
    let fields = vec![
        Field::new("x", DataType::Int64, true),
        Field::new("s", DataType::Utf8, true),
    ];
    let children: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(all(rows, |row| row.x))),
        Arc::new(StringArray::from(all(rows, |row| row.s.clone()))),
    ];
    let nulls = NullBuffer::from_iter(rows.iter().map(|row| row.has_struct));
    let structs = StructArray::try_new(fields.into(), children, Some(nulls)).unwrap();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(all(rows, |row| row.long))),
        Arc::new(Int8Array::from(all(rows, |row| row.tiny))),
        Arc::new(Float32Array::from(all(rows, |row| row.float))),
        Arc::new(Float64Array::from(all(rows, |row| row.double))),
        decimals(all(rows, |row| row.large), 38, 6),
        decimals(all(rows, |row| row.small), 9, 2),
        Arc::new(StringArray::from(all(rows, |row| row.text.clone()))),
        Arc::new(Date32Array::from(all(rows, |row| row.date))),
        Arc::new(times.clone().with_timezone("UTC")),
        Arc::new(times),
        Arc::new(BooleanArray::from(all(rows, |row| row.flag))),
        Arc::new(BinaryArray::from_iter(all(rows, |row| row.bytes.clone()))),
        Arc::new(lists.finish()),
        Arc::new(structs),
    ];
    let names = table.layout.arrow_schema();
    let names = names.fields().iter().map(|field| field.name().clone());
    RecordBatch::try_from_iter_with_nullable(names.zip(columns).map(|(n, c)| (n, c, true))).unwrap()
}

/// Statistics of one file, and the values that it has.
struct File<'a> {
    json: &'a str,
    stats: Value,
    rows: &'a [Row],
}

impl<'a> File<'a> {
    fn values<T>(&self, value: impl Fn(&'a Row) -> Option<T>) -> Vec<T> {
        self.rows.iter().filter_map(value).collect()
    }

    /// The bounds of a column, each where there is one.
    fn bounds(&self, path: &str) -> [Option<&Value>; 2] {
        ["minValues", "maxValues"].map(|group| self.stats.pointer(&format!("/{group}/{path}")))
    }

    fn check_nulls<T>(&self, path: &str, value: impl Fn(&'a Row) -> Option<T>) {
        let count = self.stats.pointer(&format!("/nullCount/{path}")).unwrap();
        assert_eq!(
            count.as_u64().unwrap() as usize,
            self.rows.len() - self.values(value).len(),
            "{path}"
        );
    }

    /// Checks a column whose bounds are its least and greatest value.
    fn check_exact<T: Ord>(
        &self,
        path: &str,
        value: impl Fn(&'a Row) -> Option<T>,
        json: impl Fn(&T) -> Option<Value>,
    ) {
        self.check_nulls(path, &value);
        let values = self.values(value);
        let [min, max] = self.bounds(path);
        assert_eq!(min.cloned(), values.iter().min().and_then(&json), "{path}");
        assert_eq!(max.cloned(), values.iter().max().and_then(&json), "{path}");
    }

    fn check_texts(&self, path: &str, value: impl Fn(&'a Row) -> Option<&'a String>) {
        self.check_nulls(path, &value);
        let values = self.values(value);
        let [min, max] = self
            .bounds(path)
            .map(|bound| bound.map(|bound| bound.as_str().unwrap()));
        let (Some(least), Some(greatest)) = (values.iter().min(), values.iter().max()) else {
            assert_eq!((min, max), (None, None));
            return;
        };
        let cut: String = least.chars().take(32).collect();
        assert_eq!(min, Some(cut.as_str()));
        match max {
            Some(max) if greatest.chars().count() <= 32 => assert_eq!(max, *greatest),
            Some(max) => {
                let prefix: String = greatest.chars().take(32).collect();
                assert!(
                    max > greatest.as_str()
                        && max.starts_with(&prefix)
                        && max.chars().count() == 33
                );
            }
            None => assert_eq!(greatest.chars().nth(32), Some(char::MAX)),
        }
    }

    fn check_numbers(&self, path: &str, value: impl Fn(&'a Row) -> Option<f64>) {
        self.check_nulls(path, &value);
        let values = self.values(value);
        // serde_json's doubles may be the next ones.
        let [min, max] = ["minValues", "maxValues"]
            .map(|group| raw(self.json, group, path).map(|text| text.parse::<f64>().unwrap()));
        // By Arrow's order, in which there are NaNs below and above all numbers, and -0.0 below 0.0.
        for value in &values {
            assert!(
                min.is_none_or(|min| min.total_cmp(value).is_le()),
                "{path}: {min:?} > {value}"
            );
            assert!(
                max.is_none_or(|max| max.total_cmp(value).is_ge()),
                "{path}: {max:?} < {value}"
            );
        }
        let is_known = !values.is_empty() && values.iter().all(|value| value.is_finite());
        if is_known {
            assert!(values.contains(&min.unwrap()) && values.contains(&max.unwrap()));
        }
    }

    fn check_times(&self, path: &str, micros: impl Fn(&str) -> i64) {
        self.check_nulls(path, |row| row.time);
        let values = self.values(|row| row.time);
        let [min, max] = self
            .bounds(path)
            .map(|bound| bound.map(|bound| micros(bound.as_str().unwrap())));
        if let Some(min) = min {
            assert!((0..1000).contains(&(values.iter().min().unwrap() - min)));
        }
        if let Some(max) = max {
            assert!((0..1000).contains(&(max - values.iter().max().unwrap())));
        }
        let years = -62_135_596_800_000_000..253_402_300_799_999_000;
        let is_known = !values.is_empty() && values.iter().all(|value| years.contains(value));
        assert!(!is_known || min.is_some() && max.is_some());
    }

    /// As JSON, for whoever reads it.
    fn check(&self) {
        assert_eq!(self.stats["numRecords"], json!(self.rows.len()));
        assert_eq!(self.stats["tightBounds"], json!(true));
        self.check_exact("long", |row| row.long, |value| Some(json!(value)));
        self.check_exact("tiny", |row| row.tiny, |value| Some(json!(value)));
        self.check_exact(
            "date",
            |row| row.date,
            |days| {
                let date = NaiveDate::default() + TimeDelta::days(i64::from(*days));
                let text = date.to_string();
                (text.len() == 10 && &text[..4] != "0000").then(|| json!(text))
            },
        );
        self.check_exact(
            "nested/x",
            |row| row.x.filter(|_| row.has_struct),
            |value| Some(json!(value)),
        );
        self.check_texts("text", |row| row.text.as_ref());
        self.check_texts("nested/s", |row| row.s.as_ref().filter(|_| row.has_struct));
        self.check_numbers("double", |row| row.double);
        self.check_numbers("float", |row| row.float.map(f64::from));
        self.check_times("time", |text| {
            DateTime::parse_from_rfc3339(text)
                .unwrap()
                .timestamp_micros()
        });
        self.check_times("ntz", |text| {
            text.parse::<NaiveDateTime>()
                .unwrap()
                .and_utc()
                .timestamp_micros()
        });
        self.check_nulls("large", |row| row.large);
        self.check_nulls("small", |row| row.small);
        self.check_nulls("flag", |row| row.flag);
        self.check_nulls("bytes", |row| row.bytes.as_ref());
        self.check_nulls("list", |row| row.list.as_ref());
        for path in ["flag", "bytes", "list"] {
            assert_eq!(self.bounds(path), [None, None]);
        }
    }
}

/// Checks that what delta-log makes of the statistics bounds the rows.
fn check_snapshot(snapshot: &Snapshot, rows: &RecordBatch) {
    let files = snapshot.files();
    for (field, array) in rows.schema().fields().iter().zip(rows.columns()) {
        let name = field.name();
        if let Some(counts) = files.null_counts(name) {
            assert_eq!(counts.value(0) as usize, array.null_count(), "{name}");
        }
        let (min, max) = (
            files.min_values(name).unwrap(),
            files.max_values(name).unwrap(),
        );
        for (bound, is_max) in [(min, false), (max, true)] {
            let Some(bound) = bound.filter(|bound| bound.is_valid(0)) else {
                continue;
            };
            let converter =
                RowConverter::new(vec![SortField::new(bound.data_type().clone())]).unwrap();
            let bounds = converter.convert_columns(&[bound]).unwrap();
            let values = converter
                .convert_columns(std::slice::from_ref(array))
                .unwrap();
            for row in (0..array.len()).filter(|row| array.is_valid(*row)) {
                let (value, bound) = (values.row(row), bounds.row(0));
                let is_bound = if is_max {
                    value <= bound
                } else {
                    value >= bound
                };
                assert!(is_bound, "{name}, row {row}");
            }
        }
    }
}

/// The text of a column's bound as it stands.
fn raw<'a>(stats: &'a str, group: &str, column: &str) -> Option<&'a str> {
    let (_, group) = stats.split_once(&format!("\"{group}\":{{"))?;
    let group = &group[..group.find("},\"").unwrap_or(group.len())];
    let (_, value) = group.split_once(&format!("\"{column}\":"))?;
    value.split([',', '}']).next()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn bounds_bound_all_rows_and_nulls_are_counted(rows in vec(row(), 1..12), split in 0usize..12) {
        let table = table();
        let (first, second) = rows.split_at(split.min(rows.len()));
        let batches = [batch(&table, first), batch(&table, second)];
        block_on(async {
            let files = table.write(&batches).await.unwrap();
            let stats = files[0].stats.as_deref().unwrap();
            File { json: stats, stats: serde_json::from_str(stats).unwrap(), rows: &rows }.check();
            check_snapshot(&*table.snapshot(&files).await, &batch(&table, &rows));
            // Decimals have more digits than a number of serde_json's.
            for (name, values, scale) in [
                ("large", rows.iter().filter_map(|row| row.large).collect::<Vec<_>>(), 6),
                ("small", rows.iter().filter_map(|row| row.small).collect(), 2),
            ] {
                let exact = |text: &str| {
                    let (whole, fraction) = text.split_once('.').unwrap();
                    assert_eq!(fraction.len(), scale);
                    format!("{whole}{fraction}").parse::<i128>().unwrap()
                };
                prop_assert_eq!(raw(stats, "minValues", name).map(exact), values.iter().min().copied());
                prop_assert_eq!(raw(stats, "maxValues", name).map(exact), values.iter().max().copied());
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn bounds_of_numbers_are_read_as_they_are() {
    let columns = [column("n", json!("long")), column("d", json!("double"))];
    let table = TestTable::new(&columns, &[], json!({}));
    let rows = table.rows(vec![
        Arc::new(Int64Array::from(vec![i64::MIN, i64::MAX])),
        Arc::new(Float64Array::from(vec![0.0, 5e-324])),
    ]);
    let files = table.write(&[rows]).await.unwrap();
    let snapshot = table.snapshot(&files).await;
    let min = |name: &str| snapshot.files().min_values(name).unwrap().unwrap();
    let max = snapshot.files().max_values("n").unwrap().unwrap();
    assert_eq!(min("n").as_primitive::<Int64Type>().value(0), i64::MIN);
    assert_eq!(max.as_primitive::<Int64Type>().value(0), i64::MAX);
    assert!(snapshot.files().bounds_are_exact("n"));
    assert!(
        min("d")
            .as_primitive::<Float64Type>()
            .value(0)
            .is_sign_negative()
    );
}
