//! `DROP TABLE`: all of the table's folder, and nothing else.

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use query_engine::Engine;

use crate::support::{Lake, Row, rows_of};

async fn ok(engine: &Engine, sql: &str) -> Vec<Row> {
    match rows_of(engine, sql).await {
        Ok(rows) => rows,
        Err(error) => panic!("{sql}: {error}"),
    }
}

async fn refused(engine: &Engine, sql: &str) -> String {
    rows_of(engine, sql).await.unwrap_err().code
}

async fn keys(lake: &Lake) -> Vec<String> {
    let objects: Vec<_> = lake.store.list(None).try_collect().await.unwrap();
    let keys = objects.iter().map(|object| object.location.to_string());
    let mut keys: Vec<String> = keys.collect();
    keys.sort();
    keys
}

async fn lake() -> (Lake, Engine) {
    let lake = Lake {
        can_write: true,
        ..Lake::default()
    };
    let engine = lake.engine();
    ok(
        &engine,
        "CREATE TABLE lake.t (id BIGINT, p STRING) PARTITIONED BY (p)",
    )
    .await;
    for _ in 0..12 {
        ok(&engine, "INSERT INTO t VALUES (1, 'x y'), (2, NULL)").await;
    }
    (lake, engine)
}

#[tokio::test]
async fn dropped_table_is_gone_for_all_and_its_name_is_free() {
    let (lake, engine) = lake().await;
    ok(&engine, "CREATE TABLE lake.t2 (id BIGINT)").await;
    let other = lake.engine();
    ok(&other, "SELECT * FROM t").await;
    let others: Vec<String> = keys(&lake)
        .await
        .into_iter()
        .filter(|key| key.starts_with("t2/"))
        .collect();
    assert_eq!(ok(&engine, "DROP TABLE t").await, Vec::<Row>::new());
    assert_eq!(keys(&lake).await, others);
    for engine in [&engine, &other] {
        let code = refused(engine, "SELECT * FROM delta.`s3a://lake/t`").await;
        assert_eq!(code, "PATH_NOT_FOUND");
    }
    assert_eq!(
        refused(&engine, "SELECT * FROM t").await,
        "TABLE_OR_VIEW_NOT_FOUND"
    );
    for table in ["t", "delta.`s3a://lake/t`"] {
        let code = refused(&engine, &format!("DROP TABLE {table}")).await;
        assert_eq!(code, "TABLE_OR_VIEW_NOT_FOUND");
        ok(&engine, &format!("DROP TABLE IF EXISTS {table}")).await;
    }
    ok(&engine, "CREATE TABLE lake.t (a STRING)").await;
    ok(&engine, "INSERT INTO t VALUES ('new')").await;
    assert_eq!(ok(&other, "SELECT * FROM t").await, [["new"]]);
    assert_eq!(ok(&other, "DESCRIBE HISTORY t").await.len(), 2);
}

#[tokio::test]
async fn what_is_no_table_of_its_own_is_not_dropped() {
    let (lake, engine) = lake().await;
    ok(&engine, "CREATE TEMPORARY VIEW v AS SELECT 1").await;
    assert_eq!(
        refused(&engine, "DROP TABLE v").await,
        "WRONG_COMMAND_FOR_OBJECT_TYPE"
    );
    lake.store
        .put(
            &Path::from("t/within/_delta_log/00000000000000000000.json"),
            "x".into(),
        )
        .await
        .unwrap();
    let before = keys(&lake).await;
    assert_eq!(
        refused(&engine, "DROP TABLE t").await,
        "DELTA_CANNOT_DROP_TABLE"
    );
    assert_eq!(
        refused(&engine, "DROP TABLE parquet.`s3a://lake/t`").await,
        "DELTA_TABLE_ONLY_OPERATION"
    );
    assert_eq!(keys(&lake).await, before);
    let reader = Lake {
        can_write: false,
        ..lake.clone()
    };
    assert_eq!(refused(&reader.engine(), "DROP TABLE t").await, "READ_ONLY");
}

#[tokio::test]
async fn table_of_an_unknown_kind_stays_and_half_a_log_goes() {
    let (lake, engine) = lake().await;
    // As a drop leaves it that was cut short.
    for version in 0..12 {
        lake.delete(&format!("t/_delta_log/{version:020}.json"))
            .await;
    }
    lake.delete("t/_delta_log/00000000000000000010.checkpoint.parquet")
        .await;
    assert!(
        rows_of(&engine, "SELECT * FROM delta.`s3a://lake/t`")
            .await
            .is_err()
    );
    ok(&engine, "DROP TABLE delta.`s3a://lake/t`").await;
    assert_eq!(keys(&lake).await, Vec::<String>::new());
    let protocol = r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["catalogManaged"],"writerFeatures":["catalogManaged"]}}"#;
    lake.store
        .put(
            &Path::from("u/_delta_log/00000000000000000000.json"),
            protocol.into(),
        )
        .await
        .unwrap();
    let code = refused(&engine, "DROP TABLE delta.`s3a://lake/u`").await;
    assert_eq!(code, "DELTA_UNSUPPORTED_FEATURES_FOR_READ");
    assert_eq!(keys(&lake).await.len(), 1);
}

#[tokio::test]
async fn drop_that_is_cut_short_shows_nobody_an_older_version_and_can_be_run_again() {
    let mut outcomes = [0, 0];
    for deletes in 0..40 {
        let (lake, engine) = lake().await;
        lake.store.limit_deletes(Some(deletes));
        let dropped = rows_of(&engine, "DROP TABLE t").await;
        let count = "SELECT count(*) FROM delta.`s3a://lake/t`";
        match rows_of(&lake.engine(), count).await {
            Ok(rows) => {
                assert_eq!(rows, [["24"]], "after {deletes} deletions");
                assert!(dropped.is_err());
                outcomes[0] += 1;
            }
            Err(_) => outcomes[1] += 1,
        }
        lake.store.limit_deletes(None);
        ok(&engine, "DROP TABLE IF EXISTS delta.`s3a://lake/t`").await;
        let log = keys(&lake).await;
        assert!(log.iter().all(|key| !key.contains("_delta_log")), "{log:?}");
    }
    assert!(outcomes.iter().all(|count| *count > 5), "{outcomes:?}");
}
