//! COUNT, MIN and MAX from the log: only where the log proves them.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use serde_json::json;

use crate::support::{Lake, metadata, run};

fn batch(ids: Vec<Option<i64>>) -> RecordBatch {
    let rows = ids.len();
    RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from(ids)) as ArrayRef),
        ("amount", Arc::new(Float64Array::from(vec![1.5; rows]))),
        ("name", Arc::new(StringArray::from(vec!["x"; rows]))),
    ])
    .unwrap()
}

async fn lake(change: impl Fn(&mut serde_json::Value)) -> Lake {
    let lake = Lake::default();
    let columns = [
        ("id", json!("long")),
        ("amount", json!("double")),
        ("name", json!("string")),
    ];
    let mut actions = metadata(&columns, &[]);
    actions.push(
        lake.add("t", "a.parquet", &batch(vec![Some(3), None, Some(7)]))
            .await,
    );
    actions.push(lake.add("t", "b.parquet", &batch(vec![None, None])).await);
    change(actions.last_mut().unwrap());
    lake.commit("t", 0, "WRITE", actions).await;
    lake.store.take();
    lake
}

#[tokio::test]
async fn count_min_and_max_come_from_the_log() {
    let lake = lake(|_| ()).await;
    let sql = "SELECT COUNT(*), COUNT(id), MIN(id), MAX(id) FROM delta.`s3a://lake/t`";
    let (rows, execution) = run(&lake.engine(), sql).await.unwrap();
    assert_eq!(rows, [["5", "2", "3", "7"]]);
    assert!(execution.metrics().from_log);
    assert!(!lake.store.take().iter().any(|request| request.is_data()));
}

#[tokio::test]
async fn bounds_that_may_be_rounded_are_not_taken_for_values() {
    let lake = lake(|_| ()).await;
    let sql = "SELECT MIN(name), MAX(amount) FROM delta.`s3a://lake/t`";
    let (rows, execution) = run(&lake.engine(), sql).await.unwrap();
    assert_eq!(rows, [["x", "1.5"]]);
    assert!(!execution.metrics().from_log);
    assert_eq!(execution.metrics().files_read, 2);
}

#[tokio::test]
async fn one_file_without_statistics_is_enough_to_read_the_files() {
    let lake = lake(|add| {
        add["add"].as_object_mut().unwrap().remove("stats");
    })
    .await;
    let sql = "SELECT COUNT(*), MAX(id) FROM delta.`s3a://lake/t`";
    let (rows, execution) = run(&lake.engine(), sql).await.unwrap();
    assert_eq!(rows, [["5", "7"]]);
    assert!(!execution.metrics().from_log);
}

#[tokio::test]
async fn aggregates_over_filters_and_limits_read_the_rows() {
    let lake = lake(|_| ()).await;
    let engine = lake.engine();
    for (sql, expected) in [
        (
            "SELECT COUNT(*) FROM delta.`s3a://lake/t` WHERE id > 3",
            "1",
        ),
        (
            "SELECT COUNT(*) FROM (SELECT * FROM delta.`s3a://lake/t` LIMIT 4)",
            "4",
        ),
        (
            "SELECT MAX(id) FROM (SELECT id FROM delta.`s3a://lake/t` WHERE id < 7)",
            "3",
        ),
        ("SELECT COUNT(DISTINCT id) FROM delta.`s3a://lake/t`", "2"),
    ] {
        let (rows, _) = run(&engine, sql).await.unwrap();
        assert_eq!(rows, [[expected]], "{sql}");
    }
}

#[tokio::test]
async fn a_table_without_files_has_no_rows() {
    let lake = Lake::default();
    lake.commit(
        "t",
        0,
        "CREATE TABLE",
        metadata(&[("id", json!("long"))], &[]),
    )
    .await;
    let engine = lake.engine();
    let (rows, _) = run(
        &engine,
        "SELECT COUNT(*), MAX(id) FROM delta.`s3a://lake/t`",
    )
    .await
    .unwrap();
    assert_eq!(rows, [["0", "NULL"]]);
    let (rows, execution) = run(&engine, "SELECT * FROM delta.`s3a://lake/t`")
        .await
        .unwrap();
    assert!(rows.is_empty());
    assert_eq!(execution.columns()[0].data_type, "bigint");
}
