//! What is refused rather than written wrongly.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch,
    StringArray, StructArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field};
use delta_transaction::FileError;
use serde_json::{Value, json};

use crate::table::{TestTable, column, layout};

#[test]
fn tables_whose_files_would_be_wrong_are_refused_by_name() {
    let refused = |columns: &[Value], partitions: &[&str], configuration: Value| {
        layout(columns, partitions, &configuration)
            .unwrap_err()
            .to_string()
    };
    let long = || column("a", json!("long"));
    let array = json!({"type": "array", "elementType": "void", "containsNull": true});
    let empty = json!({"type": "struct", "fields": [column("x", json!("void"))]});
    for (error, expected) in [
        (
            refused(&[column("v", json!("variant"))], &[], json!({})),
            "variantType",
        ),
        (
            refused(
                &[long()],
                &[],
                json!({"delta.enableIcebergCompatV2": "true"}),
            ),
            "icebergCompatV2",
        ),
        (
            refused(&[long(), column("l", array)], &[], json!({})),
            "column l has the type void",
        ),
        (
            refused(&[long(), column("s", empty)], &[], json!({})),
            "column s has no fields",
        ),
        (
            refused(&[long(), column("v", json!("void"))], &["a"], json!({})),
            "no column is stored",
        ),
        (
            refused(&[long()], &["b"], json!({})),
            "no partition column b",
        ),
        (
            refused(&[long()], &[], json!({"delta.targetFileSize": "0"})),
            "delta.targetFileSize",
        ),
        (
            refused(
                &[long()],
                &[],
                json!({"delta.parquet.compression.codec": "lzo"}),
            ),
            "lzo",
        ),
        (
            refused(
                &[long()],
                &[],
                json!({"delta.parquet.format.version": "3.0.0"}),
            ),
            "3.0.0",
        ),
        (
            refused(
                &[long()],
                &[],
                json!({"delta.dataSkippingNumIndexedCols": "-2"}),
            ),
            "-2",
        ),
    ] {
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn rows_that_are_not_the_tables_are_refused() {
    let columns = [
        column("a", json!("long")),
        column("d", json!("decimal(9,2)")),
    ];
    let table = TestTable::new(&columns, &[], json!({}));
    let longs: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let decimals = |unscaled: i128| -> ArrayRef {
        let values = Decimal128Array::from(vec![unscaled]);
        Arc::new(values.with_precision_and_scale(9, 2).unwrap())
    };
    for columns in [
        vec![("a", longs.clone())],
        vec![("d", decimals(1)), ("a", longs.clone())],
        vec![
            ("a", longs.clone()),
            ("d", decimals(1)),
            ("e", longs.clone()),
        ],
        vec![
            ("a", Arc::new(Int32Array::from(vec![1])) as ArrayRef),
            ("d", decimals(1)),
        ],
        // Four bytes would hold it, but not as a decimal of nine digits.
        vec![("a", longs.clone()), ("d", decimals(1_000_000_000))],
    ] {
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        let refused = table.write(&[rows]).await;
        assert!(
            matches!(refused, Err(FileError::InvalidRows { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(table.keys().await, Vec::<String>::new());
}

#[tokio::test]
async fn null_is_refused_where_the_schema_does_and_nowhere_else() {
    let required = |name: &str, data_type: Value| {
        let mut column = column(name, data_type);
        column["nullable"] = json!(false);
        column
    };
    let inner = json!({"type": "struct", "fields": [required("x", json!("long"))]});
    let columns = [
        required("a", json!("long")),
        column("s", inner),
        required("p", json!("string")),
    ];
    let table = TestTable::new(&columns, &["p"], json!({}));
    let rows = |a: Option<i64>, s_is_null: bool, x: Option<i64>, p: &str| {
        let x: ArrayRef = Arc::new(Int64Array::from(vec![x]));
        let fields = vec![Field::new("x", DataType::Int64, true)];
        let nulls = NullBuffer::from(vec![!s_is_null]);
        let s = StructArray::try_new(fields.into(), vec![x], Some(nulls)).unwrap();
        table.rows(vec![
            Arc::new(Int64Array::from(vec![a])),
            Arc::new(s),
            Arc::new(StringArray::from(vec![p])),
        ])
    };
    table
        .write(&[rows(Some(1), false, Some(1), "p")])
        .await
        .unwrap();
    table
        .write(&[rows(Some(1), true, None, "p")])
        .await
        .unwrap();
    for (rows, column) in [
        (rows(None, false, Some(1), "p"), "a"),
        (rows(Some(1), false, None, "p"), "s (x)"),
        // The protocol makes it null.
        (rows(Some(1), false, Some(1), ""), "p"),
    ] {
        match table.write(&[rows]).await {
            Err(FileError::NullValue(name)) => assert_eq!(name, column),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn partition_values_that_readers_would_misread_are_refused() {
    for (data_type, values) in [
        (
            "binary",
            Arc::new(BinaryArray::from_vec(vec![&[0xFF]])) as ArrayRef,
        ),
        ("binary", Arc::new(BinaryArray::from_vec(vec![b"\\u0041"]))),
        ("date", Arc::new(Date32Array::from(vec![2_932_897]))),
        ("date", Arc::new(Date32Array::from(vec![i32::MIN]))),
    ] {
        let columns = [column("p", json!(data_type)), column("n", json!("long"))];
        let table = TestTable::new(&columns, &["p"], json!({}));
        let rows = table.rows(vec![values, Arc::new(Int64Array::from(vec![1]))]);
        let refused = table.write(&[rows]).await;
        assert!(
            matches!(refused, Err(FileError::UnwritablePartitionValue { .. })),
            "{refused:?}"
        );
    }
}
