//! Writes: what reaches the committer, and what is answered.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::DataType;
use messages::commit::{InsertMode, Operation};
use serde_json::json;

use crate::support::{Lake, NotingCommitter, metadata, rows_of, run};

async fn lake() -> Lake {
    let lake = Lake::default();
    let columns = [("id", json!("long")), ("name", json!("string"))];
    let mut actions = metadata(&columns, &[]);
    let ids = Int64Array::from(vec![1, 2]);
    let batch = RecordBatch::try_from_iter([("id", Arc::new(ids) as ArrayRef)]).unwrap();
    actions.push(lake.add("t", "a.parquet", &batch).await);
    lake.commit("t", 0, "WRITE", actions).await;
    lake
}

#[tokio::test]
async fn without_a_committer_tables_are_read_only() {
    let lake = lake().await;
    let error = rows_of(&lake.engine(), "DELETE FROM t WHERE id = 1")
        .await
        .unwrap_err();
    assert_eq!(error.code, "READ_ONLY");
    assert!(error.hint.is_some());
}

#[tokio::test]
async fn insert_sends_the_rows_under_the_names_of_the_table() {
    let lake = lake().await;
    let committer = Arc::new(NotingCommitter::default());
    let engine = lake.engine_with(64 << 20, Some(committer.clone()));
    let sql = "INSERT INTO t SELECT id + 10, 'x' FROM t WHERE id = 2";
    let (rows, execution) = run(&engine, sql).await.unwrap();
    assert!(rows.is_empty() && execution.columns().is_empty());
    assert!(execution.is_write());
    assert_eq!(execution.version(), Some(7));
    assert_eq!(execution.table(), Some("s3a://lake/t"));
    let requests = committer.requests.lock().unwrap();
    let (request, rows) = &requests[0];
    assert_eq!(request.table, "s3a://lake/t");
    let insert = Operation::Insert {
        mode: InsertMode::Append,
        merge_schema: false,
    };
    assert_eq!(request.operation, insert);
    let rows = rows.as_ref().unwrap();
    assert_eq!(rows[0].schema().field(0).name(), "id");
    assert_eq!(rows[0].schema().field(1).name(), "name");
    assert_eq!(
        rows[0]
            .column(0)
            .as_primitive::<arrow::datatypes::Int64Type>()
            .value(0),
        12
    );
}

#[tokio::test]
async fn insert_with_too_few_columns_is_refused_before_anything_is_sent() {
    let lake = lake().await;
    let committer = Arc::new(NotingCommitter::default());
    let engine = lake.engine_with(64 << 20, Some(committer.clone()));
    let error = rows_of(&engine, "INSERT INTO t VALUES (1)")
        .await
        .unwrap_err();
    assert_eq!(error.code, "DELTA_INSERT_COLUMN_ARITY_MISMATCH");
    assert!(committer.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_merge_source_has_timestamps_in_microseconds_of_utc() {
    let lake = lake().await;
    let result = vec![("num_affected_rows".to_owned(), 3)];
    let committer = Arc::new(NotingCommitter {
        result,
        ..NotingCommitter::default()
    });
    let engine = lake.engine_with(64 << 20, Some(committer.clone()));
    let sql = "MERGE WITH SCHEMA EVOLUTION INTO t AS target
               USING (SELECT *, current_timestamp() AS at FROM VALUES (1, 'one') AS v(id, name)) AS source
               ON target.id = source.id
               WHEN MATCHED THEN UPDATE SET name = source.name, at = source.at";
    let (rows, execution) = run(&engine, sql).await.unwrap();
    assert_eq!(rows, [["3"]]);
    assert_eq!(execution.columns()[0].name, "num_affected_rows");
    let requests = committer.requests.lock().unwrap();
    let source = requests[0].1.as_ref().unwrap()[0].schema();
    let at = source.field_with_name("at").unwrap().data_type().clone();
    assert_eq!(
        at,
        DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into()))
    );
}

#[tokio::test]
async fn a_new_table_without_a_place_goes_into_a_bucket() {
    let lake = lake().await;
    let committer = Arc::new(NotingCommitter::default());
    let engine = lake.engine_with(64 << 20, Some(committer.clone()));
    rows_of(&engine, "CREATE TABLE fresh USING DELTA AS SELECT 1 AS id")
        .await
        .unwrap();
    assert_eq!(
        committer.requests.lock().unwrap()[0].0.table,
        "s3a://lake/fresh"
    );
}

#[tokio::test]
async fn rows_to_insert_may_repeat_a_value_and_a_new_table_no_name() {
    let lake = lake().await;
    let committer = Arc::new(NotingCommitter::default());
    let engine = lake.engine_with(64 << 20, Some(committer.clone()));
    run(&engine, "INSERT INTO t SELECT NULL, NULL")
        .await
        .unwrap();
    let requests = committer.requests.lock().unwrap().len();
    assert_eq!(requests, 1);
    for sql in [
        "CREATE TABLE delta.`s3a://lake/u` AS SELECT 1 AS a, 2 AS a",
        "MERGE INTO t USING (SELECT 1 AS id, 2 AS id) AS s ON t.id = s.id WHEN MATCHED THEN DELETE",
    ] {
        let error = rows_of(&engine, sql).await.unwrap_err();
        assert_eq!(error.code, "COLUMN_ALREADY_EXISTS", "{sql}");
    }
}
