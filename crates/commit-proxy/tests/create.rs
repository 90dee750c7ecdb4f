//! CREATE, CREATE OR REPLACE, ALTER and RESTORE, read back by delta-rs.

mod common;

use std::fs::File;
use std::sync::Arc;

use arrow::array::{StringArray, StringViewArray, TimestampNanosecondArray};
use arrow::datatypes::{DataType, TimeUnit};
use common::{Fixture, TABLE, ipc, keys, numbers, payments, text};
use deltalake::kernel::engine::arrow_conversion::TryIntoArrow;
use messages::commit::{
    ColumnDefinition, CommitRequest, CreateMode, Operation, RestoreTarget, TableOptions,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::json;

fn column(name: &str, data_type: serde_json::Value) -> ColumnDefinition {
    ColumnDefinition {
        name: name.into(),
        data_type,
        nullable: true,
        comment: None,
    }
}

#[tokio::test]
async fn created_table_reads_like_one_of_sparks() {
    let fixture = Fixture::new().await;
    let operation = Operation::CreateTable {
        mode: CreateMode::Create,
        columns: vec![
            ColumnDefinition {
                nullable: false,
                comment: Some("key".into()),
                ..column("id", json!("string"))
            },
            column("amount", json!("decimal(10,2)")),
            column(
                "tags",
                json!({"type": "array", "elementType": "string", "containsNull": true}),
            ),
        ],
        options: TableOptions {
            partition_by: vec!["ID".into()],
            properties: [("delta.enableChangeDataFeed".to_owned(), "true".to_owned())].into(),
            comment: Some("payments".into()),
        },
    };
    let outcome = fixture.run(operation.clone(), None).await.unwrap();
    assert_eq!(
        (outcome.version, outcome.operation.as_str()),
        (Some(0), "CREATE TABLE")
    );
    assert!(outcome.result.is_empty());

    let info = fixture.commit_info(0);
    assert_eq!(info["operation"], "CREATE TABLE");
    assert_eq!(
        info["operationParameters"],
        json!({"partitionBy": "[\"id\"]", "description": "payments", "properties": "{\"delta.enableChangeDataFeed\":\"true\"}", "clusterBy": "[]", "isManaged": "false"})
    );
    assert_eq!(
        (&info["isBlindAppend"], &info["isolationLevel"]),
        (&json!(true), &json!("Serializable"))
    );
    assert!(info.get("readVersion").is_none());
    assert_eq!(info["operationMetrics"], json!({}));
    assert!(
        info["engineInfo"]
            .as_str()
            .unwrap()
            .starts_with("Lakeglass/")
    );

    let table = fixture.table().await;
    let snapshot = table.snapshot().unwrap();
    assert_eq!(snapshot.metadata().partition_columns(), ["id"]);
    assert_eq!(snapshot.protocol().min_writer_version(), 4);
    assert_eq!(
        snapshot.schema().field("id").unwrap().metadata()["comment"].to_string(),
        "key"
    );

    let again = fixture.run(operation, None).await.unwrap_err();
    assert_eq!(again.code, "TABLE_OR_VIEW_ALREADY_EXISTS");
    let if_not_exists = Operation::CreateTable {
        mode: CreateMode::CreateIfNotExists,
        columns: vec![column("a", json!("integer"))],
        options: TableOptions::default(),
    };
    assert_eq!(
        fixture.run(if_not_exists, None).await.unwrap().version,
        None
    );
    assert_eq!(fixture.version().await, 0);
}

#[tokio::test]
async fn rows_make_a_table_with_plain_types() {
    let fixture = Fixture::new().await;
    let rows = ipc(vec![
        ("id", Arc::new(StringViewArray::from(vec!["a", "b"]))),
        (
            "at",
            Arc::new(
                TimestampNanosecondArray::from(vec![1_700_000_000_000_001_000, 0])
                    .with_timezone("+00:00"),
            ),
        ),
    ]);
    let outcome = fixture.create(CreateMode::Create, rows).await;
    assert_eq!(outcome.operation, "CREATE TABLE AS SELECT");
    assert_eq!(outcome.metrics["numOutputRows"], "2");
    assert_eq!(outcome.metrics["numFiles"], "1");
    assert_eq!(
        fixture.commit_info(0)["operation"],
        "CREATE TABLE AS SELECT"
    );
    assert_eq!(
        keys(&fixture.commit_info(0)["operationMetrics"]),
        ["numFiles", "numOutputBytes", "numOutputRows"]
    );

    let table = fixture.table().await;
    let schema: arrow::datatypes::Schema = table
        .snapshot()
        .unwrap()
        .schema()
        .as_ref()
        .try_into_arrow()
        .unwrap();
    let timestamp = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    assert_eq!(schema.field(1).data_type(), &timestamp);
    let files = fixture.data_files();
    assert_eq!(files.len(), 1);
    let file = ParquetRecordBatchReaderBuilder::try_new(File::open(&files[0]).unwrap()).unwrap();
    assert_eq!(file.schema().field(0).data_type(), &DataType::Utf8);
    assert_eq!(file.schema().field(1).data_type(), &timestamp);
    assert_eq!(
        fixture.rows("id, at").await,
        ["a 2023-11-14T22:13:20.000001Z", "b 1970-01-01T00:00:00Z"]
    );
}

#[tokio::test]
async fn partition_values_survive_special_characters_and_null() {
    let fixture = Fixture::new().await;
    let rows = ipc(vec![
        ("id", text(&["1", "2", "3"])),
        (
            "kind",
            Arc::new(StringArray::from(vec![Some("a b/c=d%20"), None, Some("ä")])),
        ),
    ]);
    let operation = Operation::CreateTableAsSelect {
        mode: CreateMode::Create,
        options: TableOptions {
            partition_by: vec!["kind".into()],
            ..TableOptions::default()
        },
    };
    fixture.run(operation, Some(rows.clone())).await.unwrap();
    fixture.append(rows).await.unwrap();
    let expected = ["1 a b/c=d%20", "1 a b/c=d%20", "2", "2", "3 ä", "3 ä"];
    let rows: Vec<String> = fixture
        .rows("id, kind")
        .await
        .into_iter()
        .map(|row| row.trim().to_owned())
        .collect();
    assert_eq!(rows, expected);

    fixture
        .create(CreateMode::CreateOrReplace, payments(&[("x", 1.0)]))
        .await;
    fixture
        .run(
            Operation::Restore {
                to: RestoreTarget::Version(1),
            },
            None,
        )
        .await
        .unwrap();
    let rows: Vec<String> = fixture
        .rows("id, kind")
        .await
        .into_iter()
        .map(|row| row.trim().to_owned())
        .collect();
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn restore_undoes_an_accidental_replace() {
    let fixture = Fixture::new().await;
    fixture
        .create(CreateMode::Create, payments(&[("a", 1.0), ("b", 2.0)]))
        .await;
    fixture.set("delta.appendOnly", "false").await.unwrap();
    let accident = ipc(vec![
        ("transaction_id", text(&["OVERWRITE-001"])),
        ("remark", text(&["oops"])),
    ]);
    let outcome = fixture.create(CreateMode::CreateOrReplace, accident).await;
    assert_eq!(outcome.version, Some(2));
    assert_eq!(outcome.metrics["numRemovedFiles"], "1");
    assert_eq!(fixture.rows("*").await, ["OVERWRITE-001 oops"]);
    let info = fixture.commit_info(2);
    assert_eq!(info["operation"], "CREATE OR REPLACE TABLE AS SELECT");
    assert_eq!(
        (&info["readVersion"], &info["isBlindAppend"]),
        (&json!(1), &json!(false))
    );
    let table = fixture.table().await;
    assert!(
        table
            .snapshot()
            .unwrap()
            .metadata()
            .configuration()
            .is_empty()
    );

    let restore = Operation::Restore {
        to: RestoreTarget::Version(1),
    };
    let outcome = fixture.run(restore, None).await.unwrap();
    assert_eq!(outcome.version, Some(3));
    let names: Vec<&str> = outcome
        .result
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "table_size_after_restore",
            "num_of_files_after_restore",
            "num_removed_files",
            "num_restored_files",
            "removed_files_size",
            "restored_files_size"
        ]
    );
    let values: Vec<i64> = outcome.result.iter().map(|(_, value)| *value).collect();
    assert_eq!(
        (values[0], values[1], values[2], values[3]),
        (values[5], 1, 1, 1)
    );
    assert_eq!(fixture.rows("*").await, ["a 1.0", "b 2.0"]);
    let info = fixture.commit_info(3);
    assert_eq!(
        info["operationParameters"],
        json!({"version": 1, "timestamp": null})
    );
    assert_eq!(
        keys(&info["operationMetrics"]),
        [
            "numOfFilesAfterRestore",
            "numRemovedFiles",
            "numRestoredFiles",
            "removedFilesSize",
            "restoredFilesSize",
            "tableSizeAfterRestore"
        ]
    );
    let table = fixture.table().await;
    assert_eq!(
        table.snapshot().unwrap().metadata().configuration()["delta.appendOnly"],
        "false"
    );
}

#[tokio::test]
async fn restore_to_what_is_not_there_is_refused() {
    let fixture = Fixture::new().await;
    fixture
        .create(CreateMode::Create, payments(&[("a", 1.0)]))
        .await;
    fixture
        .create(CreateMode::CreateOrReplace, payments(&[("b", 1.0)]))
        .await;
    let restore = |to| fixture.run(Operation::Restore { to }, None);
    for (to, code) in [
        (RestoreTarget::Version(9), "DELTA_VERSION_NOT_FOUND"),
        (RestoreTarget::Version(1), "DELTA_RESTORE_TO_LATEST"),
        (
            RestoreTarget::Timestamp(0),
            "DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION",
        ),
        (
            RestoreTarget::Timestamp(i64::MAX / 2_000_000),
            "DELTA_TIMESTAMP_GREATER_THAN_COMMIT",
        ),
    ] {
        assert_eq!(restore(to).await.unwrap_err().code, code);
    }
    let add = fixture
        .actions(0)
        .into_iter()
        .find_map(|a| Some(a.get("add")?["path"].clone()));
    std::fs::remove_file(fixture.path().join(add.unwrap().as_str().unwrap())).unwrap();
    let error = restore(RestoreTarget::Version(0)).await.unwrap_err();
    assert_eq!(error.code, "DELTA_FILE_NOT_FOUND");
    assert_eq!(fixture.version().await, 1);
}

#[tokio::test]
async fn columns_are_added_once_and_null_in_old_rows() {
    let fixture = Fixture::new().await;
    fixture
        .create(CreateMode::Create, payments(&[("a", 1.0)]))
        .await;
    let nested = json!({"type": "struct", "fields": [
        {"name": "a", "type": "integer", "nullable": true, "metadata": {}}]});
    let columns = vec![
        ColumnDefinition {
            comment: Some("risk".into()),
            ..column("score", json!("integer"))
        },
        column("extra", nested),
    ];
    fixture
        .run(Operation::AddColumns { columns }, None)
        .await
        .unwrap();
    let info = fixture.commit_info(1);
    assert_eq!(info["operation"], "ADD COLUMNS");
    assert_eq!(
        info["operationParameters"]["columns"],
        r#"[{"column":{"name":"score","type":"integer","nullable":true,"metadata":{"comment":"risk"}}},{"column":{"name":"extra","type":"struct","nullable":true,"metadata":{}}}]"#
    );
    assert_eq!(
        fixture.rows("id, score IS NULL, extra IS NULL").await,
        ["a true true"]
    );

    let again = Operation::AddColumns {
        columns: vec![column("Amount", json!("integer"))],
    };
    assert_eq!(
        fixture.run(again, None).await.unwrap_err().code,
        "FIELD_ALREADY_EXISTS"
    );
    assert_eq!(fixture.version().await, 1);
}

#[tokio::test]
async fn property_upgrades_the_protocol_and_unknown_ones_are_refused() {
    let fixture = Fixture::new().await;
    fixture
        .create(CreateMode::Create, payments(&[("a", 1.0)]))
        .await;
    let outcome = fixture
        .set("delta.enableChangeDataFeed", "true")
        .await
        .unwrap();
    assert_eq!(outcome.operation, "SET TBLPROPERTIES");
    let info = fixture.commit_info(1);
    assert_eq!(
        info["operationParameters"]["properties"],
        r#"{"delta.enableChangeDataFeed":"true"}"#
    );
    assert_eq!(
        (&info["readVersion"], &info["isBlindAppend"]),
        (&json!(0), &json!(true))
    );
    let table = fixture.table().await;
    assert_eq!(table.snapshot().unwrap().protocol().min_writer_version(), 4);

    fixture.set("team", "blue").await.unwrap();
    let error = fixture
        .set("delta.enableChangeDataFed", "true")
        .await
        .unwrap_err();
    assert_eq!(error.code, "DELTA_UNKNOWN_CONFIGURATION");
    assert!(error.message.contains("delta.enableChangeDataFed"));
    assert_eq!(fixture.version().await, 2);
}

#[tokio::test]
async fn table_with_an_unknown_writer_feature_is_refused_by_name() {
    let fixture = Fixture::new().await;
    fixture
        .create(CreateMode::Create, payments(&[("a", 1.0)]))
        .await;
    let protocol = json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["appendOnly", "invariants", "rowTracking", "domainMetadata"]}});
    let path = fixture.path().join("_delta_log/00000000000000000001.json");
    std::fs::write(path, format!("{protocol}\n")).unwrap();
    let error = fixture.append(payments(&[("b", 2.0)])).await.unwrap_err();
    assert_eq!(error.code, "DELTA_UNSUPPORTED_FEATURES_FOR_WRITE");
    assert!(error.message.contains("rowTracking"), "{}", error.message);
    assert_eq!(fixture.version().await, 1);
}

#[tokio::test]
async fn writing_where_there_is_no_table_or_no_bucket_is_refused() {
    let fixture = Fixture::new().await;
    let error = fixture.append(payments(&[("a", 1.0)])).await.unwrap_err();
    assert_eq!(error.code, "DELTA_TABLE_NOT_FOUND");
    let elsewhere = CommitRequest {
        table: TABLE.replace("raw", "other"),
        operation: Operation::Delete { predicate: None },
    };
    let error = fixture.proxy.commit(elsewhere, None).await.unwrap_err();
    assert_eq!(error.code, "TABLE_LOCATION_NOT_ALLOWED");
}

#[tokio::test]
async fn checkpoints_come_as_the_table_asks_and_are_read_again() {
    let fixture = Fixture::new().await;
    fixture
        .create(CreateMode::Create, payments(&[("a", 1.0)]))
        .await;
    fixture.set("delta.checkpointInterval", "3").await.unwrap();
    for _ in 0..6 {
        fixture.append(payments(&[("b", 2.0)])).await.unwrap();
    }
    assert!(
        fixture
            .path()
            .join("_delta_log/00000000000000000005.checkpoint.parquet")
            .exists()
    );
    assert_eq!(fixture.rows("count(*), sum(amount)").await, ["7 13.0"]);
    let evolve = Operation::Insert {
        mode: messages::commit::InsertMode::Append,
        merge_schema: true,
    };
    let rows = ipc(vec![("id", text(&["c"])), ("extra", numbers(&[3.0]))]);
    fixture.run(evolve, Some(rows)).await.unwrap();
    assert_eq!(fixture.rows("count(*), sum(extra)").await, ["8 3.0"]);
}
