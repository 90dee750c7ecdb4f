//! Partition values and paths: what the writer spells, delta-log reads back.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array,
    Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::executor::block_on;
use object_store::ObjectStoreExt;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::table::{TestTable, column};

/// 0001-01-01 and 9999-12-31 in days since the epoch.
const DAYS: std::ops::RangeInclusive<i32> = -719_162..=2_932_896;

/// The same years in microseconds.
const MICROS: std::ops::RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;

const LEN: usize = 5;

/// A type, and values of it.
type Column = (Value, ArrayRef);

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,8}",
        "[ %+:#?\"'/\\\\=&*{}\\[\\]^`~|<>;,@$!().-]{0,6}",
        proptest::collection::vec(any::<char>(), 0..6)
            .prop_map(|chars| chars.into_iter().collect()),
        Just("__HIVE_DEFAULT_PARTITION__".to_owned()),
        Just("..".to_owned()),
        Just("é %C3%A9 😈 s3://x\u{85}\u{FFFF}".to_owned()),
        Just("x".repeat(400)),
    ]
}

fn columns() -> impl Strategy<Value = Column> {
    fn of<S: Strategy + 'static>(
        data_type: &'static str,
        value: S,
        array: fn(Vec<Option<S::Value>>) -> ArrayRef,
    ) -> BoxedStrategy<Column>
    where
        S::Value: Clone,
    {
        let values = vec(option::weighted(0.8, value), LEN);
        values
            .prop_map(move |values| (json!(data_type), array(values)))
            .boxed()
    }
    let decimal = 10i128.pow(38) - 1;
    prop_oneof![
        of("boolean", any::<bool>(), |v| Arc::new(BooleanArray::from(
            v
        ))),
        of("byte", any::<i8>(), |v| Arc::new(Int8Array::from(v))),
        of("short", any::<i16>(), |v| Arc::new(Int16Array::from(v))),
        of("integer", any::<i32>(), |v| Arc::new(Int32Array::from(v))),
        of("long", any::<i64>(), |v| Arc::new(Int64Array::from(v))),
        of("float", proptest::num::f32::ANY, |v| Arc::new(
            Float32Array::from(v)
        )),
        of("double", proptest::num::f64::ANY, |v| Arc::new(
            Float64Array::from(v)
        )),
        of("decimal(38,6)", -decimal..=decimal, |v| {
            Arc::new(
                Decimal128Array::from(v)
                    .with_precision_and_scale(38, 6)
                    .unwrap(),
            )
        }),
        of("decimal(10,10)", -9_999_999_999i128..=9_999_999_999, |v| {
            Arc::new(
                Decimal128Array::from(v)
                    .with_precision_and_scale(10, 10)
                    .unwrap(),
            )
        }),
        of("string", texts(), |v| Arc::new(StringArray::from(v))),
        of("binary", texts(), |v| Arc::new(BinaryArray::from_iter(v))),
        of("date", DAYS, |v| Arc::new(Date32Array::from(v))),
        of("timestamp", MICROS, |v| {
            Arc::new(TimestampMicrosecondArray::from(v).with_timezone("UTC"))
        }),
        of("timestamp_ntz", MICROS, |v| Arc::new(
            TimestampMicrosecondArray::from(v)
        )),
        // Whole seconds have no fraction.
        of(
            "timestamp_ntz",
            (-1000i64..1000).prop_map(|s| s * 1_000_000),
            |v| { Arc::new(TimestampMicrosecondArray::from(v)) }
        ),
    ]
}

/// A value of a partition; the empty string and binary are null.
fn value(array: &ArrayRef, row: usize) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    if let Some(micros) = array.as_primitive_opt::<TimestampMicrosecondType>() {
        return Some(micros.value(row).to_string());
    }
    let text = ArrayFormatter::try_new(array.as_ref(), &FormatOptions::default()).unwrap();
    let text = text.value(row).to_string();
    let is_text = array.as_string_opt::<i32>().is_some() || array.as_binary_opt::<i32>().is_some();
    (!is_text || !text.is_empty()).then_some(text)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn every_row_is_in_a_file_of_its_partition_and_the_file_is_found(
        (p_type, p) in columns(),
        q in vec(option::of(texts()), LEN),
    ) {
        let columns = [column("p=:%", p_type), column("n", json!("long")), column("q", json!("string"))];
        let table = TestTable::new(&columns, &["q", "p=:%"], json!({}));
        let q: ArrayRef = Arc::new(StringArray::from(q));
        let n: ArrayRef = Arc::new(Int64Array::from_iter_values(0..LEN as i64));
        block_on(async {
            let files = table.write(&[table.rows(vec![p.clone(), n, q.clone()])]).await.unwrap();
            let snapshot = table.snapshot(&files).await;
            let read = snapshot.files();
            let p_read = read.partition_values("p=:%").unwrap();
            let q_read = read.partition_values("q").unwrap();
            let mut partitions = BTreeMap::new();
            for i in 0..read.len() {
                let file = files.iter().find(|file| file.path == read.raw_path(i)).unwrap();
                let object = table.store.head(&read.path(i).unwrap()).await.unwrap();
                prop_assert_eq!(object.size as i64, file.size);
                let rows = table.read(file).await;
                prop_assert_eq!(rows.num_columns(), 1);
                for row in rows.column(0).as_primitive::<Int64Type>().values() {
                    let row = *row as usize;
                    prop_assert_eq!(value(&p_read, i), value(&p, row));
                    prop_assert_eq!(value(&q_read, i), value(&q, row));
                    let partition = (value(&p, row), value(&q, row));
                    prop_assert_eq!(*partitions.entry(partition).or_insert(i), i);
                }
            }
            let rows: i64 = files.iter().map(|file| file.num_records).sum();
            prop_assert_eq!(rows, LEN as i64);
            prop_assert_eq!(partitions.len(), files.len());
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn values_are_spelt_as_spark_spells_them() {
    let columns = [
        column("t", json!("timestamp")),
        column("u", json!("timestamp_ntz")),
        column("d", json!("double")),
        column("b", json!("binary")),
        column("n", json!("long")),
    ];
    let table = TestTable::new(&columns, &["t", "u", "d", "b"], json!({}));
    let times = TimestampMicrosecondArray::from(vec![1_609_459_200_123_456]);
    let rows = table.rows(vec![
        Arc::new(times.clone().with_timezone("UTC")),
        Arc::new(times),
        Arc::new(Float64Array::from(vec![1e10])),
        Arc::new(BinaryArray::from_vec(vec!["é".as_bytes()])),
        Arc::new(Int64Array::from(vec![1])),
    ]);
    let [file] = table.write(&[rows]).await.unwrap().try_into().unwrap();
    let values: Vec<(&str, Option<&str>)> = file
        .partition_values
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_deref()))
        .collect();
    assert_eq!(
        values,
        [
            ("b", Some("é")),
            ("d", Some("1.0E10")),
            ("t", Some("2021-01-01T00:00:00.123456Z")),
            ("u", Some("2021-01-01 00:00:00.123456")),
        ]
    );
    let folder = "t=2021-01-01%2000%253A00%253A00.123456/u=2021-01-01%2000%253A00%253A00.123456/d=1.0E10/b=%C3%A9/part-00000-";
    assert!(file.path.starts_with(folder), "{}", file.path);
}
