//! Files of the right size, put once and whole.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use delta_transaction::{DataFile, DataFileWriter, Environment, FileWriterOptions};
use serde_json::json;
use uuid::Uuid;

use crate::table::{TestTable, column};

fn options(memory_limit: usize, target_file_size: u64) -> FileWriterOptions {
    FileWriterOptions {
        memory_limit,
        target_file_size: Some(target_file_size),
    }
}

fn table() -> TestTable {
    let columns = [
        column("p", json!("long")),
        column("n", json!("long")),
        column("s", json!("string")),
    ];
    TestTable::new(&columns, &["p"], json!({}))
}

/// Rows whose strings don't compress, a hundred bytes each; the partitions take turns.
fn batch(table: &TestTable, start: i64, len: i64, partitions: i64) -> RecordBatch {
    let n = || start..start + len;
    let text = |n: i64| {
        let mut state = (n as u64)
            .wrapping_add(1)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let letter = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(b' ' + (state >> 32) as u8 % 94)
        };
        (0..100).map(letter).collect::<String>()
    };
    table.rows(vec![
        Arc::new(Int64Array::from_iter_values(n().map(|n| n % partitions))),
        Arc::new(Int64Array::from_iter_values(n())),
        Arc::new(StringArray::from_iter_values(n().map(text))),
    ])
}

/// Checks that each row is in one of the files, once.
async fn check(table: &TestTable, files: &[DataFile], len: i64) {
    let mut seen = HashSet::new();
    for file in files {
        let rows = table.read(file).await;
        assert_eq!(rows.num_rows() as i64, file.num_records);
        for n in rows.column(0).as_primitive::<Int64Type>().values() {
            assert!(seen.insert(*n), "{n}");
        }
    }
    assert_eq!(seen.len() as i64, len);
    assert_eq!(table.keys().await.len(), files.len());
}

#[tokio::test]
async fn file_is_closed_at_the_target_size() {
    let table = table();
    let mut writer = table.writer(options(usize::MAX, 4 << 20));
    for start in 0..5 {
        writer
            .write(&batch(&table, start * 40_000, 40_000, 1))
            .await
            .unwrap();
    }
    let files = writer.finish().await.unwrap();
    check(&table, &files, 200_000).await;
    // 200,000 rows are 20 MB; of the last file there is what was left.
    for file in &files[..files.len() - 1] {
        assert!((3 << 20..7 << 20).contains(&file.size), "{}", file.size);
    }
}

#[tokio::test]
async fn memory_is_bounded_however_many_partitions_there_are() {
    let table = table();
    let limit = 4 << 20;
    let mut writer = table.writer(options(limit, 128 << 20));
    for start in 0..10 {
        writer
            .write(&batch(&table, start * 10_000, 10_000, 50))
            .await
            .unwrap();
        assert!(writer.buffered_bytes() <= limit);
    }
    assert!(writer.buffered_bytes() > limit / 4);
    let files = writer.finish().await.unwrap();
    assert_eq!(writer.buffered_bytes(), 0);
    check(&table, &files, 100_000).await;
    assert!(files.len() > 50);
}

#[tokio::test]
async fn large_file_is_uploaded_in_parts_while_it_is_written() {
    let table = table();
    let mut writer = table.writer(options(usize::MAX, 1 << 30));
    let mut most = 0;
    for start in 0..12 {
        writer
            .write(&batch(&table, start * 80_000, 80_000, 1))
            .await
            .unwrap();
        most = writer.buffered_bytes().max(most);
    }
    let files = writer.finish().await.unwrap();
    check(&table, &files, 960_000).await;
    let [file] = &files[..] else {
        panic!("{} files", files.len());
    };
    assert!(file.size > 80 << 20, "{}", file.size);
    assert!(most < 80 << 20, "{most}");
}

#[tokio::test]
async fn aborted_writer_leaves_nothing_behind() {
    let table = table();
    let mut writer = table.writer(options(1 << 20, 128 << 20));
    writer.write(&batch(&table, 0, 50_000, 3)).await.unwrap();
    assert!(!table.keys().await.is_empty());
    writer.abort().await;
    assert_eq!(table.keys().await, Vec::<String>::new());
}

/// Ids that are none.
#[derive(Debug)]
struct Repeating(std::sync::atomic::AtomicU64);

impl Environment for Repeating {
    fn now(&self) -> i64 {
        0
    }

    fn uuid(&self) -> Uuid {
        let number = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Uuid::from_u64_pair(0, number / 2)
    }
}

#[tokio::test]
async fn object_that_is_there_is_never_overwritten() {
    let table = table();
    let environment = Arc::new(Repeating(0.into()));
    let mut all = Vec::new();
    for start in 0..4 {
        let mut writer = DataFileWriter::new(
            table.layout.clone(),
            table.store.clone(),
            table.root.clone(),
            environment.clone(),
            FileWriterOptions::default(),
        )
        .unwrap();
        writer
            .write(&batch(&table, start * 10, 10, 1))
            .await
            .unwrap();
        all.extend(writer.finish().await.unwrap());
    }
    check(&table, &all, 40).await;
}

#[tokio::test]
async fn no_rows_make_no_files() {
    let table = table();
    let empty: ArrayRef = Arc::new(Int64Array::from(Vec::<i64>::new()));
    let texts: ArrayRef = Arc::new(StringArray::from(Vec::<&str>::new()));
    let rows = table.rows(vec![empty.clone(), empty, texts]);
    assert_eq!(table.write(&[rows]).await.unwrap(), []);
}
