use axum::http::{Method, StatusCode};
use messages::proxy::{DELETE, DeletedObjects, TABLES, object_url};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use serde_json::{Value, json};
use uuid::Uuid;

use super::lake::*;

async fn delete(lake: &Lake, keys: &[&str]) -> DeletedObjects {
    let url = object_url(DELETE, "raw", "t");
    let body = json!({ "keys": keys }).to_string();
    let answer = lake.send(Method::POST, &url, &[], body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    serde_json::from_value(answer.body).unwrap()
}

/// A table whose version 1 has lost the file of version 0, with these properties.
async fn table(configuration: Value) -> Lake {
    let lake = Lake::new().await;
    let first = lake.create_table().await;
    let second = lake.stage("b.parquet", &[4]).await;
    let txn = Uuid::new_v4();
    let fields = [field("id", "long"), field("name", "string")];
    let actions = [
        info(txn),
        metadata_of(&fields, &[], configuration),
        remove(&first),
        second,
    ];
    let answer = lake.commit(1, txn, lines(&actions)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    lake.put("t/staged.parquet", "x").await;
    lake.put("t/_hidden/x", "x").await;
    lake
}

#[tokio::test]
async fn what_may_still_be_asked_for_stays() {
    let lake = table(json!({})).await;
    let keys = [
        "a.parquet",
        "b.parquet",
        "staged.parquet",
        "_hidden/x",
        "gone.parquet",
        "../u/x",
        "_delta_log/00000000000000000000.json",
        "_delta_log/_last_checkpoint",
    ];
    let answer = delete(&lake, &keys).await;
    assert_eq!(answer.deleted, ["gone.parquet"]);
    assert_eq!(answer.refused.len(), keys.len() - 1);
    // Not because of its age alone: a file may have been removed long after it was written.
    assert!(
        answer.refused[0].reason.contains("a version of after"),
        "{answer:?}"
    );
    assert_eq!(answer.refused[1].reason, "the table uses it");
    for key in [
        "a.parquet",
        "b.parquet",
        "staged.parquet",
        "_hidden/x",
        "_delta_log/00000000000000000000.json",
    ] {
        assert!(lake.has(&format!("t/{key}")).await, "{key}");
    }
}

#[tokio::test]
async fn files_that_no_version_needs_go_when_the_table_does_not_keep_them() {
    let lake = table(json!({"delta.deletedFileRetentionDuration": "interval 0 hours"})).await;
    let answer = delete(
        &lake,
        &["a.parquet", "b.parquet", "staged.parquet", "_hidden/x"],
    )
    .await;
    assert_eq!(answer.deleted, ["a.parquet", "staged.parquet"]);
    assert!(!lake.has("t/a.parquet").await && lake.has("t/b.parquet").await);
    // A property that can't be read keeps everything.
    let lake = table(json!({"delta.deletedFileRetentionDuration": "a while"})).await;
    assert_eq!(
        delete(&lake, &["a.parquet"]).await.deleted,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn commits_stay_until_a_checkpoint_that_can_be_read_stands_for_them() {
    let lake = table(json!({"delta.logRetentionDuration": "interval 0 hours"})).await;
    let first = "_delta_log/00000000000000000000.json";
    let answer = delete(&lake, &[first]).await;
    assert!(answer.refused[0].reason.contains("no checkpoint"));
    let key = Path::from("t/_delta_log/00000000000000000001.checkpoint.parquet");
    lake.store
        .put(&key, "not a checkpoint".into())
        .await
        .unwrap();
    let answer = delete(&lake, &[first]).await;
    assert!(
        answer.refused[0].reason.contains("can't be read"),
        "{answer:?}"
    );
    assert!(lake.has(&format!("t/{first}")).await);
}

#[tokio::test]
async fn commits_go_once_a_checkpoint_stands_for_them() {
    let lake = table(json!({"delta.logRetentionDuration": "interval 0 hours"})).await;
    let fields = [field("id", "long"), field("name", "string")];
    let configuration = json!({"delta.logRetentionDuration": "interval 0 hours"});
    let snapshot = lake.snapshot().await;
    let size = usize::try_from(snapshot.files().size(0)).unwrap();
    let actions = [
        json!({"checkpointMetadata": {"version": 1}}),
        protocol(),
        metadata_of(&fields, &[], configuration),
        add("b.parquet", size, 1),
    ];
    let name = format!("{:020}.checkpoint.{}.json", 1, Uuid::new_v4());
    let answer = lake
        .put(&format!("t/_delta_log/{name}"), lines(&actions))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let commits = [0, 1].map(|version: u64| format!("_delta_log/{version:020}.json"));
    let checkpoint = format!("_delta_log/{name}");
    let answer = delete(&lake, &[&commits[0], &commits[1], &checkpoint]).await;
    assert_eq!(answer.deleted, [commits[0].clone()]);
    assert_eq!(lake.snapshot().await.files().num_records_total(), Some(1));
}

#[tokio::test]
async fn files_of_a_table_in_the_tables_folder_stay() {
    let lake = table(json!({"delta.deletedFileRetentionDuration": "interval 0 hours"})).await;
    for key in ["t/u/_delta_log/00000000000000000000.json", "t/u/x.parquet"] {
        lake.store.put(&Path::from(key), "x".into()).await.unwrap();
    }
    let answer = delete(&lake, &["u/x.parquet"]).await;
    assert!(
        answer.refused[0].reason.contains("another table"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn tables_are_dropped_only_where_that_is_allowed() {
    let lake = table(json!({})).await;
    let url = object_url(TABLES, "raw", "t");
    let answer = lake.send(Method::DELETE, &url, &[], "").await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::FORBIDDEN, "DROP_NOT_ALLOWED")
    );
    assert_eq!(lake.snapshot().await.version(), 1);
    let mut options = options();
    options.allow_drop = true;
    let lake = Lake::over(lake.store.clone() as _, lake.store, options).await;
    let answer = lake.send(Method::DELETE, &url, &[], "").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert!(!lake.has("t/b.parquet").await);
    let answer = lake.send(Method::DELETE, &url, &[], "").await;
    assert_eq!(answer.code(), "DELTA_TABLE_NOT_FOUND");
}
