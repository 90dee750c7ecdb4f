//! Versions and times.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use serde_json::json;

use crate::support::{Lake, metadata, rows_of, run};

fn ids(ids: Vec<i64>) -> RecordBatch {
    RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(ids)) as ArrayRef)]).unwrap()
}

/// Three versions with one, two and three rows, at 10:00:00, 10:00:01 and 10:00:02.
async fn lake() -> Lake {
    let lake = Lake::default();
    for version in 0..3 {
        let mut actions = match version {
            0 => metadata(&[("id", json!("long"))], &[]),
            _ => Vec::new(),
        };
        let file = format!("{version}.parquet");
        actions.push(lake.add("t", &file, &ids(vec![version as i64])).await);
        lake.commit("t", version, "WRITE", actions).await;
    }
    lake
}

#[tokio::test]
async fn several_versions_in_one_query() {
    let sql = "SELECT (SELECT COUNT(*) FROM delta.`s3a://lake/t` VERSION AS OF 0) AS then,
                      (SELECT COUNT(*) FROM delta.`s3a://lake/t` TIMESTAMP AS OF '2026-11-23 10:00:01.500') AS later,
                      (SELECT COUNT(*) FROM delta.`s3a://lake/t`) AS now";
    let lake = lake().await;
    let (rows, execution) = run(&lake.engine(), sql).await.unwrap();
    assert_eq!(rows, [["1", "2", "3"]]);
    assert_eq!(execution.version(), None, "no single version was read");
    let names: Vec<_> = execution
        .columns()
        .into_iter()
        .map(|column| column.name)
        .collect();
    assert_eq!(names, ["then", "later", "now"]);
}

#[tokio::test]
async fn a_time_that_is_computed_is_a_time() {
    let sql = "SELECT COUNT(*) FROM delta.`s3a://lake/t` \
               TIMESTAMP AS OF CAST('2026-11-23 10:00:00' AS TIMESTAMP) + INTERVAL '1' SECOND";
    let lake = lake().await;
    let (rows, execution) = run(&lake.engine(), sql).await.unwrap();
    assert_eq!(rows, [["2"]]);
    assert_eq!(execution.version(), Some(1));
}

#[tokio::test]
async fn versions_and_times_that_are_not_there_are_refused_with_those_that_are() {
    let lake = lake().await;
    let engine = lake.engine();
    for (at, code, says) in [
        ("VERSION AS OF 99", "DELTA_VERSION_NOT_FOUND", "[0, 2]"),
        (
            "TIMESTAMP AS OF '2001-01-01'",
            "DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION",
            "2026-11-23 10:00:00.000",
        ),
        (
            "TIMESTAMP AS OF '2100-01-01'",
            "DELTA_TIMESTAMP_GREATER_THAN_COMMIT",
            "2026-11-23 10:00:02.000",
        ),
    ] {
        let sql = format!("SELECT * FROM delta.`s3a://lake/t` {at}");
        let error = rows_of(&engine, &sql).await.unwrap_err();
        assert_eq!(error.code, code);
        assert!(error.message.contains(says), "{error}");
    }
    let error = rows_of(&engine, "SELECT * FROM delta.`s3a://lake/other`")
        .await
        .unwrap_err();
    assert_eq!(error.code, "PATH_NOT_FOUND");
}
