//! Writes: what they answer, and what is refused before anything is put.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use delta_log::TimeTravel;
use serde_json::json;

use crate::support::{Lake, metadata, rows_of, run};

async fn lake() -> Lake {
    let lake = Lake {
        can_write: true,
        ..Lake::default()
    };
    let columns = [("id", json!("long")), ("name", json!("string"))];
    let mut actions = metadata(&columns, &[]);
    let ids = Int64Array::from(vec![1, 2]);
    let batch = RecordBatch::try_from_iter([("id", Arc::new(ids) as ArrayRef)]).unwrap();
    actions.push(lake.add("t", "a.parquet", &batch).await);
    lake.commit("t", 0, "WRITE", actions).await;
    lake
}

#[tokio::test]
async fn store_that_takes_no_puts_is_read_only() {
    let lake = Lake {
        can_write: false,
        ..lake().await
    };
    let error = rows_of(&lake.engine(), "DELETE FROM t WHERE id = 1")
        .await
        .unwrap_err();
    assert_eq!(error.code, "READ_ONLY");
    assert!(error.hint.is_some());
}

#[tokio::test]
async fn insert_answers_nothing_but_its_table_and_version() {
    let lake = lake().await;
    let sql = "INSERT INTO t SELECT id + 10, 'x' FROM t WHERE id = 2";
    let (rows, execution) = run(&lake.engine(), sql).await.unwrap();
    assert!(rows.is_empty() && execution.columns().is_empty());
    assert!(execution.is_write());
    assert_eq!(execution.version(), Some(1));
    assert_eq!(execution.table(), Some("s3a://lake/t"));
}

#[tokio::test]
async fn statement_that_is_refused_leaves_the_version() {
    let lake = lake().await;
    for (sql, code) in [
        (
            "INSERT INTO t VALUES (1)",
            "DELTA_INSERT_COLUMN_ARITY_MISMATCH",
        ),
        (
            "CREATE TABLE delta.`s3a://lake/u` AS SELECT 1 AS a, 2 AS a",
            "COLUMN_ALREADY_EXISTS",
        ),
        (
            "CREATE TABLE delta.`s3a://lake/u` AS SELECT 1 AS a, 2 AS A",
            "COLUMN_ALREADY_EXISTS",
        ),
        (
            "CREATE TABLE delta.`s3a://lake/u` AS SELECT count(1)",
            "DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES",
        ),
        (
            "CREATE TABLE delta.`s3a://lake/u` PARTITIONED BY (c) AS SELECT 1 AS a, 2 AS b",
            "DELTA_INVALID_PARTITION_COLUMN",
        ),
        (
            "CREATE TABLE delta.`s3a://lake/u` PARTITIONED BY (A) AS SELECT 1 AS a",
            "ALL_PARTITION_COLUMNS_NOT_ALLOWED",
        ),
        (
            "ALTER TABLE t ADD COLUMNS (Name STRING)",
            "FIELD_ALREADY_EXISTS",
        ),
        (
            "MERGE INTO t USING (SELECT 1 AS id, 2 AS id) AS s ON t.id = s.id WHEN MATCHED THEN DELETE",
            "COLUMN_ALREADY_EXISTS",
        ),
        ("CREATE TABLE t (id INT)", "TABLE_OR_VIEW_ALREADY_EXISTS"),
        (
            "ALTER TABLE t SET TBLPROPERTIES (delta.nonsense = 1)",
            "DELTA_UNKNOWN_CONFIGURATION",
        ),
        (
            "RESTORE TABLE t TO VERSION AS OF 7",
            "DELTA_VERSION_NOT_FOUND",
        ),
    ] {
        let error = rows_of(&lake.engine(), sql).await.unwrap_err();
        assert_eq!(error.code, code, "{sql}: {error}");
    }
    let latest = lake.table("t").snapshot(TimeTravel::Latest).await.unwrap();
    assert_eq!(latest.version(), 0);
}

#[tokio::test]
async fn column_that_a_merge_adds_holds_microseconds_of_utc() {
    let lake = lake().await;
    let engine = lake.engine();
    let sql = "MERGE WITH SCHEMA EVOLUTION INTO t AS target
               USING (SELECT *, current_timestamp() AS at FROM VALUES (1L, 'one') AS v(id, name)) AS source
               ON target.id = source.id
               WHEN MATCHED THEN UPDATE SET name = source.name, at = source.at";
    let (rows, execution) = run(&engine, sql).await.unwrap();
    assert_eq!(rows, [["1", "1", "0", "0"]]);
    assert_eq!(execution.columns()[0].name, "num_affected_rows");
    let types = rows_of(&engine, "DESCRIBE t").await.unwrap();
    assert_eq!(types[2][..2], ["at", "timestamp"]);
}

#[tokio::test]
async fn a_new_table_without_a_place_goes_into_a_bucket() {
    let lake = lake().await;
    let sql = "CREATE TABLE fresh USING DELTA AS SELECT 1 AS id";
    let (_, execution) = run(&lake.engine(), sql).await.unwrap();
    assert_eq!(execution.table(), Some("s3a://lake/fresh"));
}

#[tokio::test]
async fn rows_to_insert_may_repeat_a_value() {
    let lake = lake().await;
    let engine = lake.engine();
    run(&engine, "INSERT INTO t SELECT NULL, NULL")
        .await
        .unwrap();
    let count = rows_of(&engine, "SELECT COUNT(*) FROM t").await.unwrap();
    assert_eq!(count, [["3"]]);
}
