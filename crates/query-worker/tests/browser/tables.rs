//! A table in the fake store.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;

use crate::fake;

/// A Delta table of two commits: a, b / 1, 'one'; 2, 'two' / 3, null.
pub fn put_table(root: &str) {
    let schema = r#"{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}},{\"name\":\"b\",\"type\":\"string\",\"nullable\":true,\"metadata\":{}}]}"#;
    let first = put_rows(
        root,
        "part-0.parquet",
        vec![1, 2],
        vec![Some("one"), Some("two")],
    );
    let second = put_rows(root, "part-1.parquet", vec![3], vec![None]);
    let created = format!(
        r#"{{"commitInfo":{{"timestamp":1767225600000,"operation":"WRITE","operationParameters":{{}}}}}}
{{"protocol":{{"minReaderVersion":1,"minWriterVersion":2}}}}
{{"metaData":{{"id":"6d5e4b0e-6f3a-4f6b-9a52-0d6a2e6f8b11","format":{{"provider":"parquet","options":{{}}}},"schemaString":"{schema}","partitionColumns":[],"configuration":{{}},"createdTime":1767225600000}}}}
{first}"#
    );
    let appended = format!(
        r#"{{"commitInfo":{{"timestamp":1767225601000,"operation":"WRITE","operationParameters":{{}}}}}}
{second}"#
    );
    for (version, commit) in [created, appended].iter().enumerate() {
        let path = format!("{root}/_delta_log/{version:020}.json");
        fake::put_object(&path, commit.as_bytes());
    }
}

/// Writes a data file; answers the action that adds it.
fn put_rows(root: &str, name: &str, a: Vec<i64>, b: Vec<Option<&str>>) -> String {
    let rows = a.len();
    let columns: [(&str, ArrayRef); 2] = [
        ("a", Arc::new(Int64Array::from(a))),
        ("b", Arc::new(StringArray::from(b))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    fake::put_object(&format!("{root}/{name}"), &bytes);
    let size = bytes.len();
    format!(
        r#"{{"add":{{"path":"{name}","partitionValues":{{}},"size":{size},"modificationTime":1767225600000,"dataChange":true,"stats":"{{\"numRecords\":{rows}}}"}}}}"#
    )
}
