//! Requests that it takes to find tables and to open them.

use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use futures::FutureExt;
use futures::future::{join, join3};
use messages::table::FolderListing;
use serde_json::{Value, json};

use crate::support::{Lake, Request, metadata, rows_of};

const TABLE: &str = "s3a://lake/t";

async fn add(lake: &Lake, name: &str) -> Value {
    let ids = Int64Array::from(vec![1, 2]);
    let batch = RecordBatch::try_from_iter([("id", Arc::new(ids) as ArrayRef)]).unwrap();
    lake.add("t", name, &batch).await
}

/// A table `t` of two versions, with four rows.
async fn lake() -> Lake {
    let lake = Lake::default();
    let mut actions = metadata(&[("id", json!("long"))], &[]);
    actions.push(add(&lake, "0.parquet").await);
    lake.commit("t", 0, "CREATE TABLE AS SELECT", actions).await;
    let more = vec![add(&lake, "1.parquet").await];
    lake.commit("t", 1, "WRITE", more).await;
    lake.store.take();
    lake
}

fn lists(requests: &[Request]) -> usize {
    requests.iter().filter(|request| request.is_list()).count()
}

/// Requests for the hint, and those for commits.
fn log_reads(requests: &[Request]) -> (usize, usize) {
    let of = |end: &str| {
        let is_one = |request: &&Request| matches!(request, Request::Get { path, .. } if path.ends_with(end));
        requests.iter().filter(is_one).count()
    };
    (of("_last_checkpoint"), of(".json"))
}

#[tokio::test]
async fn statements_at_the_same_time_open_a_table_once() {
    let lake = lake().await;
    let engine = lake.engine();
    let sql = format!("SELECT COUNT(*) FROM delta.`{TABLE}`");
    let rows = join3(
        rows_of(&engine, &sql),
        rows_of(&engine, &sql),
        rows_of(&engine, &sql),
    );
    let (first, second, third) = rows.await;
    for rows in [first, second, third] {
        assert_eq!(rows.unwrap(), [["4"]]);
    }
    let requests = lake.store.take();
    assert_eq!(
        (lists(&requests), log_reads(&requests)),
        (1, (1, 2)),
        "{requests:?}"
    );

    // Later ones look for newer commits, and read nothing again.
    rows_of(&engine, &sql).await.unwrap();
    let requests = lake.store.take();
    assert_eq!(
        (lists(&requests), log_reads(&requests)),
        (1, (0, 0)),
        "{requests:?}"
    );
}

#[tokio::test]
async fn a_table_is_described_from_one_listing_and_each_commit_is_read_once() {
    let lake = lake().await;
    let engine = lake.engine();
    let sql = format!("SELECT COUNT(*) FROM delta.`{TABLE}`");
    let (table, rows) = join(engine.describe(TABLE), rows_of(&engine, &sql)).await;
    let table = table.unwrap();
    assert_eq!(
        (table.version, table.history.len(), table.num_rows),
        (1, 2, Some(4))
    );
    assert_eq!(rows.unwrap(), [["4"]]);
    let requests = lake.store.take();
    assert_eq!(
        (lists(&requests), log_reads(&requests)),
        (1, (0, 2)),
        "{requests:?}"
    );

    // With a version that is known, only new commits count for it, and all for the history.
    let more = vec![add(&lake, "2.parquet").await];
    lake.commit("t", 2, "WRITE", more).await;
    let table = engine.describe(TABLE).await.unwrap();
    assert_eq!(
        (table.version, table.history.len(), table.num_rows),
        (2, 3, Some(6))
    );
    let requests = lake.store.take();
    assert_eq!(
        (lists(&requests), log_reads(&requests)),
        (1, (0, 3)),
        "{requests:?}"
    );
}

#[tokio::test]
async fn a_statement_after_a_write_reads_it_though_the_table_was_being_opened() {
    let lake = Lake {
        can_write: true,
        ..lake().await
    };
    let engine = lake.engine();
    let count = format!("SELECT COUNT(*) FROM delta.`{TABLE}`");
    let opening = Arc::new(Mutex::new(None));
    let (began, other, sql) = (Arc::clone(&opening), engine.clone(), count.clone());
    // Begun between what the write reads and its commit.
    lake.store.before_put(move || {
        let mut open = async move { rows_of(&other, &sql).await.unwrap()[0][0].clone() }.boxed();
        // The store has answered, and the answer is on its way.
        assert!(open.as_mut().now_or_never().is_none());
        *began.lock().unwrap() = Some(open);
    });
    let insert = format!("INSERT INTO delta.`{TABLE}` VALUES (1), (2)");
    rows_of(&engine, &insert).await.unwrap();
    assert_eq!(rows_of(&engine, &count).await.unwrap(), [["6"]]);
    let opening = opening.lock().unwrap().take().unwrap();
    assert_eq!(opening.await, "4");
}

async fn many_tables() -> Lake {
    let lake = Lake::default();
    for table in 0..300 {
        let actions = metadata(&[("id", json!("long"))], &[]);
        let name = format!("many{table}");
        lake.commit(&name, 0, "CREATE TABLE", actions).await;
    }
    let actions = metadata(&[("id", json!("long"))], &[]);
    lake.commit("deep/er/many7", 0, "CREATE TABLE", actions)
        .await;
    lake.store.take();
    lake
}

#[tokio::test]
async fn a_folder_is_listed_with_one_request() {
    let lake = many_tables().await;
    let engine = lake.engine();
    let root = engine.list_folder("lake", "").await.unwrap();
    assert!(!root.is_table);
    assert_eq!(root.folders.len(), 301);
    assert_eq!(lists(&lake.store.take()), 1);
    let folder = FolderListing {
        is_table: false,
        folders: vec!["er".to_owned()],
    };
    assert_eq!(engine.list_folder("lake", "deep").await.unwrap(), folder);
    let table = FolderListing {
        is_table: true,
        folders: Vec::new(),
    };
    assert_eq!(engine.list_folder("lake", "many12").await.unwrap(), table);
    assert_eq!(lists(&lake.store.take()), 2);
}

#[tokio::test]
async fn a_name_among_many_costs_a_list_of_the_bucket_and_of_the_folder() {
    let lake = many_tables().await;
    let engine = lake.engine();
    for (sql, count) in [
        ("DESCRIBE DETAIL many277", 3),
        // Known now: only the log is listed.
        ("DESCRIBE DETAIL Many277", 1),
        ("DESCRIBE DETAIL lake.many12", 3),
    ] {
        rows_of(&engine, sql).await.unwrap();
        let requests = lake.store.take();
        assert_eq!(lists(&requests), count, "{sql}: {requests:?}");
    }
}

#[tokio::test]
async fn a_name_means_the_table_in_the_fewest_folders_whatever_was_listed_before() {
    let lake = many_tables().await;
    for listed_before in [false, true] {
        let engine = lake.engine();
        if listed_before {
            assert_eq!(engine.tables().await.0.len(), 301);
        }
        let rows = rows_of(&engine, "DESCRIBE DETAIL many7").await.unwrap();
        assert_eq!(rows[0][4], "s3a://lake/many7");
    }
}
