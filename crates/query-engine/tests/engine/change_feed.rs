//! `table_changes`.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use serde_json::json;

use crate::support::{Lake, metadata_with, rows_of, run};

fn people(ids: Vec<i64>, names: Vec<&str>) -> RecordBatch {
    RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from(ids)) as ArrayRef),
        ("name", Arc::new(StringArray::from(names))),
    ])
    .unwrap()
}

/// Version 0 inserts 1 and 2, version 1 renames 1 with a change data file, version 2 deletes all.
async fn lake() -> Lake {
    let lake = Lake::default();
    let columns = [("id", json!("long")), ("name", json!("string"))];
    let mut actions = metadata_with(
        &columns,
        &[],
        json!({ "delta.enableChangeDataFeed": "true" }),
    );
    let first = lake
        .add("t", "0.parquet", &people(vec![1, 2], vec!["a", "b"]))
        .await;
    actions.push(first.clone());
    lake.commit("t", 0, "WRITE", actions).await;

    let changes = RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from(vec![1, 1])) as ArrayRef),
        ("name", Arc::new(StringArray::from(vec!["a", "A"]))),
        (
            "_change_type",
            Arc::new(StringArray::from(vec![
                "update_preimage",
                "update_postimage",
            ])),
        ),
    ])
    .unwrap();
    let size = lake
        .write_parquet("t", "_change_data/1.parquet", &changes)
        .await;
    let second = lake
        .add("t", "1.parquet", &people(vec![1, 2], vec!["A", "b"]))
        .await;
    let remove = |add: &serde_json::Value| {
        json!({ "remove": {
            "path": add["add"]["path"], "size": add["add"]["size"], "dataChange": true,
            "deletionTimestamp": 0, "extendedFileMetadata": true, "partitionValues": {},
        } })
    };
    let cdc = json!({ "cdc": {
        "path": "_change_data/1.parquet", "size": size, "partitionValues": {}, "dataChange": false,
    } });
    lake.commit("t", 1, "UPDATE", vec![remove(&first), second.clone(), cdc])
        .await;
    lake.commit("t", 2, "DELETE", vec![remove(&second)]).await;
    lake
}

#[tokio::test]
async fn changes_come_from_change_data_and_from_whole_files() {
    let lake = lake().await;
    let sql = "SELECT * FROM table_changes('t', 0) ORDER BY _commit_version, id, _change_type";
    let (rows, execution) = run(&lake.engine(), sql).await.unwrap();
    let types: Vec<_> = execution
        .columns()
        .into_iter()
        .map(|column| column.data_type)
        .collect();
    assert_eq!(types, ["bigint", "string", "string", "bigint", "timestamp"]);
    let short: Vec<_> = rows.iter().map(|row| row[..4].join(" ")).collect();
    assert_eq!(
        short,
        [
            "1 a insert 0",
            "2 b insert 0",
            "1 A update_postimage 1",
            "1 a update_preimage 1",
            "1 A delete 2",
            "2 b delete 2",
        ]
    );
    assert!(
        rows[5][4].starts_with("2026-11-23T10:00:02"),
        "{:?}",
        rows[5]
    );
}

#[tokio::test]
async fn a_range_a_projection_and_a_filter() {
    let lake = lake().await;
    let sql = "SELECT name FROM table_changes('t', 1, 1) WHERE _change_type = 'update_postimage'";
    assert_eq!(rows_of(&lake.engine(), sql).await.unwrap(), [["A"]]);
    let sql =
        "SELECT COUNT(*) FROM table_changes('t', '2026-11-23 10:00:01', '2026-11-23 10:00:02')";
    assert_eq!(rows_of(&lake.engine(), sql).await.unwrap(), [["4"]]);
}

#[tokio::test]
async fn columns_are_the_latest_ones_unless_those_of_the_last_version_are_asked_for() {
    let lake = lake().await;
    let columns = [("id", "long"), ("name", "string"), ("more", "string")]
        .map(|(name, data_type)| (name, json!(data_type)));
    let properties = json!({ "delta.enableChangeDataFeed": "true" });
    let actions = metadata_with(&columns, &[], properties).into_iter();
    let actions = actions.filter(|action| action.get("metaData").is_some());
    lake.commit("t", 3, "ADD COLUMNS", actions.collect()).await;

    let engine = lake.engine();
    let sql = "SELECT * EXCEPT (_commit_timestamp) FROM table_changes('t', 0, 0) ORDER BY id";
    let rows = rows_of(&engine, sql).await.unwrap();
    assert_eq!(rows[0], ["1", "a", "NULL", "insert", "0"]);
    let mode = "SET lakeglass.changeDataFeed.schemaMode = endVersion";
    rows_of(&engine, mode).await.unwrap();
    let rows = rows_of(&engine, sql).await.unwrap();
    assert_eq!(rows[0], ["1", "a", "insert", "0"]);
}

#[tokio::test]
async fn a_start_after_the_latest_version_is_refused() {
    let lake = lake().await;
    let error = rows_of(&lake.engine(), "SELECT * FROM table_changes('t', 50)")
        .await
        .unwrap_err();
    assert_eq!(error.code, "DELTA_CDC_START_VERSION_AFTER_LATEST");
    assert!(
        error.message.contains("50") && error.message.contains('2'),
        "{error}"
    );
}

#[tokio::test]
async fn a_column_may_become_a_partition_column_within_the_range() {
    let lake = Lake::default();
    let columns = [("id", json!("long")), ("name", json!("string"))];
    let properties = json!({ "delta.enableChangeDataFeed": "true" });
    let mut first = metadata_with(&columns, &[], properties.clone());
    let whole = lake
        .add("t", "0.parquet", &people(vec![1], vec!["a"]))
        .await;
    first.push(whole.clone());
    lake.commit("t", 0, "WRITE", first).await;
    let ids = people(vec![1], vec!["a"]).project(&[0]).unwrap();
    let part = lake
        .add_partition("t", "1.parquet", &ids, json!({ "name": "A" }))
        .await;
    let mut second = metadata_with(&columns, &["name"], properties);
    second.remove(0);
    second.push(json!({ "remove": {
        "path": "0.parquet", "dataChange": true, "deletionTimestamp": 0,
    } }));
    second.push(part);
    lake.commit("t", 1, "WRITE", second).await;
    for function in ["table_changes('t', 1)", "table_diff('t', 0, 1)"] {
        let sql = format!("SELECT name, _change_type FROM {function} ORDER BY name");
        let rows = rows_of(&lake.engine(), &sql).await.unwrap();
        assert_eq!(rows, [["A", "insert"], ["a", "delete"]], "{function}");
    }
}
