//! Logs whose numbers cannot be right: they never overflow into a wrong answer.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use serde_json::{Value, json};

use crate::support::{Lake, metadata_with, rows_of, run};

/// A table `t` of three files, the `add` actions of which are changed before they are committed.
async fn lake(change: impl Fn(&mut Value)) -> Lake {
    let lake = Lake::default();
    let feed = json!({ "delta.enableChangeDataFeed": "true" });
    let mut actions = metadata_with(&[("id", json!("long"))], &[], feed);
    for file in 0..3 {
        let ids = Int64Array::from(vec![Some(file), None, Some(file + 10)]);
        let batch = RecordBatch::try_from_iter([("id", Arc::new(ids) as ArrayRef)]).unwrap();
        let mut add = lake.add("t", &format!("{file}.parquet"), &batch).await;
        change(&mut add["add"]);
        actions.push(add);
    }
    lake.commit("t", 0, "WRITE", actions).await;
    lake
}

fn with_statistics(add: &mut Value, change: impl Fn(&mut Value)) {
    let mut statistics = serde_json::from_str(add["stats"].as_str().unwrap()).unwrap();
    change(&mut statistics);
    add["stats"] = json!(statistics.to_string());
}

#[tokio::test]
async fn a_row_count_that_overflows_is_not_answered() {
    let lake =
        lake(|add| with_statistics(add, |stats| stats["numRecords"] = json!(i64::MAX))).await;
    for sql in ["SELECT COUNT(*) FROM t", "SELECT id FROM t LIMIT 2"] {
        let error = rows_of(&lake.engine(), sql).await.unwrap_err();
        assert_eq!(error.code, "FAILED_READ_FILE", "{sql}: {error}");
        assert!(error.message.contains("the log says"), "{sql}: {error}");
    }
}

#[tokio::test]
async fn more_nulls_than_rows_prove_nothing() {
    let sql = "SELECT COUNT(*), COUNT(id), MIN(id), MAX(id) FROM t";
    for nulls in [4, 1000, i64::MAX] {
        let damaged = |stats: &mut Value| stats["nullCount"]["id"] = json!(nulls);
        let lake = lake(|add| with_statistics(add, damaged)).await;
        let (rows, execution) = run(&lake.engine(), sql).await.unwrap();
        assert_eq!(rows, [["9", "6", "0", "12"]], "{nulls} nulls in 3 rows");
        assert!(!execution.metrics().from_log);
    }
}

#[tokio::test]
async fn a_scan_of_more_bytes_than_there_can_be_is_refused() {
    let lake = lake(|add| add["size"] = json!(i64::MAX)).await;
    for sql in [
        "EXPLAIN SELECT id FROM t WHERE id > 1",
        "SELECT id FROM t",
        "EXPLAIN SELECT id FROM table_changes('t', 0)",
    ] {
        let error = rows_of(&lake.engine(), sql).await.unwrap_err();
        assert_eq!(error.code, "INVALID_FILE_SIZE", "{sql}: {error}");
    }
}

#[tokio::test]
async fn bytes_of_scans_that_overflow_together_are_the_greatest_number() {
    let lake = lake(|add| {
        if add["path"] == "0.parquet" {
            add["size"] = json!(i64::MAX);
        }
    })
    .await;
    let sql = "EXPLAIN SELECT a.id FROM t a JOIN t b ON a.id = b.id JOIN t c ON a.id = c.id";
    let (_, execution) = run(&lake.engine(), sql).await.unwrap();
    assert_eq!(execution.metrics().table_bytes, u64::MAX);
}
