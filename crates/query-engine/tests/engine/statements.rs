//! Everything that is neither a query of rows nor a write.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use serde_json::json;

use crate::support::{FIRST_COMMIT, Lake, metadata_with, rows_of, run};

async fn lake() -> Lake {
    let lake = Lake::default();
    let columns = [
        ("id", json!("long")),
        (
            "tags",
            json!({
                "type": "array", "elementType": "string", "containsNull": true
            }),
        ),
    ];
    let mut actions = metadata_with(&columns, &[], json!({ "owner": "me" }));
    let ids = Int64Array::from(vec![1, 2]);
    let batch = RecordBatch::try_from_iter([("id", Arc::new(ids) as ArrayRef)]).unwrap();
    actions.push(lake.add("shop/orders", "a.parquet", &batch).await);
    lake.commit("shop/orders", 0, "CREATE TABLE AS SELECT", actions)
        .await;
    lake
}

#[tokio::test]
async fn describe_history_has_the_columns_of_spark() {
    let lake = lake().await;
    let (rows, execution) = run(&lake.engine(), "DESCRIBE HISTORY orders")
        .await
        .unwrap();
    let columns: Vec<_> = execution
        .columns()
        .into_iter()
        .map(|column| format!("{} {}", column.name, column.data_type))
        .collect();
    assert_eq!(
        columns,
        [
            "version bigint",
            "timestamp timestamp",
            "userId string",
            "userName string",
            "operation string",
            "operationParameters map<string,string>",
            "job struct<jobId:string,jobName:string,jobRunId:string,runId:string,jobOwnerId:string,triggerType:string>",
            "notebook struct<notebookId:string>",
            "clusterId string",
            "readVersion bigint",
            "isolationLevel string",
            "isBlindAppend boolean",
            "operationMetrics map<string,string>",
            "userMetadata string",
            "engineInfo string",
        ]
    );
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0][4], "CREATE TABLE AS SELECT");
    assert_eq!(rows[0][5], "{mode: Append, partitionBy: [], nothing: NULL}");
    assert_eq!(rows[0][6], "NULL");
}

#[tokio::test]
async fn describe_detail_and_properties_and_columns() {
    let lake = lake().await;
    let engine = lake.engine();
    let (rows, execution) = run(&engine, "DESCRIBE DETAIL orders").await.unwrap();
    assert_eq!(execution.columns().len(), 15);
    assert_eq!(rows[0][0], "delta");
    assert_eq!(rows[0][4], "s3a://lake/shop/orders");
    assert_eq!(rows[0][9], "1");
    let properties = rows_of(&engine, "SHOW TBLPROPERTIES orders").await.unwrap();
    assert!(properties.contains(&vec!["owner".to_owned(), "me".to_owned()]));
    let columns = rows_of(&engine, "DESCRIBE orders").await.unwrap();
    assert_eq!(
        columns,
        [["id", "bigint", "NULL"], ["tags", "array<string>", "NULL"]]
    );
    let extended = rows_of(&engine, "DESCRIBE EXTENDED orders").await.unwrap();
    assert!(
        extended
            .iter()
            .any(|row| row[..2] == ["Location", "s3a://lake/shop/orders"])
    );
}

#[tokio::test]
async fn tables_are_found_in_folders_and_by_name() {
    let lake = lake().await;
    let engine = lake.engine();
    let (tables, problems) = engine.tables().await;
    assert!(problems.is_empty());
    assert_eq!(tables.len(), 1);
    assert_eq!(tables[0].path, "shop/orders");
    assert_eq!(
        rows_of(&engine, "SHOW TABLES").await.unwrap(),
        [["lake", "orders", "false"]]
    );
    for name in ["orders", "ORDERS", "lake.orders", "default.orders"] {
        let sql = format!("SELECT COUNT(*) FROM {name}");
        assert_eq!(rows_of(&engine, &sql).await.unwrap(), [["2"]], "{name}");
    }
    let error = rows_of(&engine, "SELECT * FROM nothing").await.unwrap_err();
    assert_eq!(error.code, "TABLE_OR_VIEW_NOT_FOUND");
}

#[tokio::test]
async fn a_table_whose_folder_reads_like_an_escape_is_found_by_name_and_by_location() {
    let lake = Lake::default();
    let actions = metadata_with(&[("id", json!("long"))], &[], json!({}));
    lake.commit("50 % off?", 0, "CREATE TABLE", actions).await;
    let engine = lake.engine();
    let (tables, _) = engine.tables().await;
    let [table] = tables.as_slice() else {
        panic!("{tables:?}")
    };
    for sql in [
        format!("SELECT COUNT(*) FROM delta.`{}`", table.location),
        format!("SELECT COUNT(*) FROM `{}`", table.path),
    ] {
        assert_eq!(rows_of(&engine, &sql).await.unwrap(), [["0"]], "{sql}");
    }
    assert_eq!(engine.describe(&table.location).await.unwrap().version, 0);
}

#[tokio::test]
async fn a_name_that_two_tables_have_is_refused_with_both_places() {
    let lake = lake().await;
    let actions = metadata_with(&[("id", json!("long"))], &[], json!({}));
    lake.commit("archive/orders", 0, "CREATE TABLE", actions)
        .await;
    let error = rows_of(&lake.engine(), "SELECT * FROM orders")
        .await
        .unwrap_err();
    assert_eq!(error.code, "AMBIGUOUS_TABLE_NAME");
    for place in ["s3a://lake/archive/orders", "s3a://lake/shop/orders"] {
        assert!(error.message.contains(place), "{error}");
    }
}

#[tokio::test]
async fn the_page_gets_a_table_with_its_history() {
    let lake = lake().await;
    let table = lake
        .engine()
        .describe("s3a://lake/shop/orders")
        .await
        .unwrap();
    assert_eq!(
        (table.version, table.num_files, table.num_rows),
        (0, 1, Some(2))
    );
    assert_eq!(table.history.len(), 1);
    assert_eq!(table.history[0].timestamp, FIRST_COMMIT);
    assert_eq!(table.history[0].rows_added, Some(2));
    assert!(!table.has_older_history);
}

#[tokio::test]
async fn the_page_gets_the_newest_commits_of_a_long_log() {
    let lake = lake().await;
    for version in 1..=250 {
        lake.commit("shop/orders", version, "OPTIMIZE", vec![])
            .await;
    }
    lake.store.take();
    let engine = lake.engine();
    let table = engine.describe("s3a://lake/shop/orders").await.unwrap();
    assert_eq!((table.version, table.history.len()), (250, 200));
    assert!(table.has_older_history);
    assert_eq!(table.history[199].version, 51);
    // Those that the version itself is made of, and those that are shown.
    let requests = lake.store.take().len();
    assert!(requests < 251 + 200 + 10, "{requests}");
}

#[tokio::test]
async fn views_live_in_the_session_and_see_new_versions() {
    let lake = lake().await;
    let engine = lake.engine();
    rows_of(
        &engine,
        "CREATE TEMPORARY VIEW big (n) AS SELECT id * 10 FROM orders",
    )
    .await
    .unwrap();
    assert_eq!(
        rows_of(&engine, "SELECT n FROM big ORDER BY n")
            .await
            .unwrap(),
        [["10"], ["20"]]
    );
    let again = "CREATE TEMPORARY VIEW big AS SELECT 1";
    let error = rows_of(&engine, again).await.unwrap_err();
    assert_eq!(error.code, "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS");
    rows_of(
        &engine,
        "CREATE OR REPLACE TEMP VIEW big AS SELECT * FROM big",
    )
    .await
    .unwrap();
    let error = rows_of(&engine, "SELECT * FROM big").await.unwrap_err();
    assert_eq!(error.code, "RECURSIVE_VIEW");
    rows_of(&engine, "DROP VIEW big").await.unwrap();
    assert!(rows_of(&engine, "SELECT * FROM big").await.is_err());
}

#[tokio::test]
async fn explain_shows_the_scan_and_analyze_what_it_did() {
    let lake = lake().await;
    let engine = lake.engine();
    let plan = rows_of(&engine, "EXPLAIN SELECT * FROM orders WHERE id > 1")
        .await
        .unwrap();
    assert!(plan[0][0].contains("DataSourceExec"), "{plan:?}");
    let plan = rows_of(&engine, "EXPLAIN ANALYZE SELECT * FROM orders WHERE id > 1")
        .await
        .unwrap();
    assert!(plan[0][0].contains("output_rows=1"), "{plan:?}");
}

#[tokio::test]
async fn options_are_kept_and_those_that_would_change_answers_refused() {
    let engine = lake().await.engine();
    let set = "SET spark.databricks.delta.schema.autoMerge.enabled = true";
    assert_eq!(rows_of(&engine, set).await.unwrap()[0][1], "true");
    let get = "SET spark.databricks.delta.schema.autoMerge.enabled";
    assert_eq!(rows_of(&engine, get).await.unwrap()[0][1], "true");
    let zone = "SET spark.sql.session.timeZone = America/New_York";
    assert_eq!(
        rows_of(&engine, zone).await.unwrap_err().code,
        "UNSUPPORTED_FEATURE"
    );
}

#[tokio::test]
async fn a_wrong_column_is_refused_with_those_that_are_near() {
    let engine = lake().await.engine();
    let error = rows_of(&engine, "SELECT idd FROM orders")
        .await
        .unwrap_err();
    assert_eq!(error.code, "UNRESOLVED_COLUMN.WITH_SUGGESTION", "{error}");
    assert!(
        error
            .hint
            .as_deref()
            .is_some_and(|hint| hint.contains("`id`")),
        "{error}"
    );
}
