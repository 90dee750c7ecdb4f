//! `VACUUM`: what it deletes, what it says, and what it refuses.

use delta_log::TimeTravel;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use query_engine::Engine;

use crate::support::{Lake, Row, rows_of, run};

const HOUR: i64 = 3_600_000;

const UNCHECKED: &str = "SET spark.databricks.delta.retentionDurationCheck.enabled = false";

/// A lake whose clock is so many hours after the store's.
async fn writing(hours: i64) -> Lake {
    let lake = Lake {
        can_write: true,
        ..Lake::default()
    };
    set(&lake, hours).await;
    lake
}

async fn set(lake: &Lake, hours: i64) {
    let clock = Path::from("clock");
    lake.store.put(&clock, "x".into()).await.unwrap();
    let now = lake.store.head(&clock).await.unwrap().last_modified;
    // Objects that are put while the test runs are later than this by its own time.
    let now = now.timestamp_millis() + 1000;
    lake.environment.set(now + hours * HOUR);
}

async fn ok(engine: &Engine, sql: &str) -> Vec<Row> {
    match rows_of(engine, sql).await {
        Ok(rows) => rows,
        Err(error) => panic!("{sql}: {error}"),
    }
}

/// Keys below the table's folder, without the log's.
async fn files(lake: &Lake) -> Vec<String> {
    let objects = lake.store.list(Some(&Path::from("t")));
    let objects: Vec<_> = objects.try_collect().await.unwrap();
    let keys = objects.iter().map(|object| object.location.as_ref());
    let keys = keys.map(|key| key.strip_prefix("t/").unwrap().to_owned());
    let mut keys: Vec<String> = keys.filter(|key| !key.starts_with("_delta_log")).collect();
    keys.sort();
    keys
}

/// Partitions with names to be escaped, change data, deletion vectors.
async fn table(engine: &Engine) {
    for sql in [
        "CREATE TABLE lake.t (id BIGINT, p STRING) PARTITIONED BY (p) \
         TBLPROPERTIES (delta.enableChangeDataFeed = true)",
        "INSERT INTO t VALUES (1, 'a b'), (2, 'ä/%'), (3, NULL), (4, 'x=y')",
        "UPDATE t SET id = id + 10 WHERE id <> 4",
        "ALTER TABLE t SET TBLPROPERTIES (delta.enableDeletionVectors = true)",
        "INSERT INTO t SELECT id, 'v' FROM VALUES (5), (6), (7) AS v(id)",
        "DELETE FROM t WHERE id = 5",
        "DELETE FROM t WHERE id = 6",
    ] {
        ok(engine, sql).await;
    }
}

#[tokio::test]
async fn files_go_once_no_version_that_is_kept_needs_them() {
    let lake = writing(0).await;
    let engine = lake.engine();
    table(&engine).await;
    lake.store
        .put(&Path::from("t/p=v/left-over.parquet"), "x".into())
        .await
        .unwrap();
    let all = files(&lake).await;
    let rows = "SELECT id, p FROM t ORDER BY id";
    let before = ok(&engine, rows).await;
    // A week has not gone by.
    ok(&engine, "VACUUM t").await;
    assert_eq!(files(&lake).await, all);
    set(&lake, 24 * 7 + 1).await;
    let dry = ok(&engine, "VACUUM t DRY RUN").await;
    assert_eq!(files(&lake).await, all);
    let reader = Lake {
        can_write: false,
        ..lake.clone()
    };
    let (told, execution) = run(&reader.engine(), "VACUUM t DRY RUN").await.unwrap();
    assert_eq!((&told, execution.is_write()), (&dry, false));
    let (answer, execution) = run(&engine, "VACUUM t").await.unwrap();
    assert_eq!(answer, [["s3a://lake/t"]]);
    assert_eq!(execution.version(), Some(10));
    let left = files(&lake).await;
    let gone: Vec<Row> = all
        .iter()
        .filter(|key| !left.contains(key))
        .map(|key| vec![format!("s3a://lake/t/{key}")])
        .collect();
    assert_eq!(gone, dry);
    // Three files of before the update, its change data and the deletes', the first vector and the
    // left-over.
    assert_eq!(gone.len(), 3 + 3 + 2 + 1 + 1);
    assert_eq!(ok(&lake.engine(), rows).await, before);
    let history = ok(&engine, "DESCRIBE HISTORY t LIMIT 2").await;
    let (end, start) = (history[0].join(" "), history[1].join(" "));
    for (said, row) in [
        ("VACUUM END", &end),
        ("{status: COMPLETED}", &end),
        (
            "SnapshotIsolation true {numDeletedFiles: 10, numVacuumedDirectories: 11}",
            &end,
        ),
        ("VACUUM START", &start),
        (
            "{retentionCheckEnabled: true, defaultRetentionMillis: 604800000}",
            &start,
        ),
        ("numFilesToDelete: 10", &start),
    ] {
        assert!(row.contains(said), "{said} in {row}");
    }
    // Older versions can no longer be read, and say so.
    let old = rows_of(&lake.engine(), "SELECT * FROM t VERSION AS OF 1")
        .await
        .unwrap_err();
    assert_eq!(old.code, "FILE_NOT_FOUND");
    assert_eq!(ok(&engine, "VACUUM t DRY RUN").await, Vec::<Row>::new());
}

#[tokio::test]
async fn short_retention_is_refused_unless_the_check_is_off() {
    let lake = writing(0).await;
    let engine = lake.engine();
    table(&engine).await;
    let all = files(&lake).await;
    for sql in [
        "VACUUM t RETAIN 0 HOURS",
        "VACUUM t RETAIN 167.9 HOURS DRY RUN",
    ] {
        let error = rows_of(&engine, sql).await.unwrap_err();
        assert_eq!(error.code, "DELTA_VACUUM_RETENTION_PERIOD_TOO_SHORT");
        assert!(error.message.contains("168 hours"), "{error}");
    }
    ok(&engine, UNCHECKED).await;
    // What was removed an hour ago is younger than this.
    set(&lake, 1).await;
    ok(&engine, "VACUUM t RETAIN 2 HOURS").await;
    assert_eq!(files(&lake).await, all);
    ok(&engine, "VACUUM t RETAIN 0.5 HOURS").await;
    assert_eq!(files(&lake).await.len(), all.len() - 9);
    let start = ok(&engine, "DESCRIBE HISTORY t LIMIT 2")
        .await
        .remove(1)
        .join(" ");
    let said = "{retentionCheckEnabled: false, defaultRetentionMillis: 604800000, specifiedRetentionMillis: 1800000}";
    assert!(start.contains(said), "{start}");
    assert_eq!(ok(&engine, "SELECT count(*) FROM t").await, [["5"]]);
}

#[tokio::test]
async fn table_that_keeps_files_for_a_time_that_can_not_be_read_keeps_them() {
    let lake = writing(24 * 30).await;
    let engine = lake.engine();
    let mut actions = crate::support::metadata_with(
        &[("id", serde_json::json!("long"))],
        &[],
        serde_json::json!({"delta.deletedFileRetentionDuration": "a while"}),
    );
    actions.truncate(2);
    lake.commit("t", 0, "CREATE TABLE", actions).await;
    lake.store
        .put(&Path::from("t/left-over.parquet"), "x".into())
        .await
        .unwrap();
    let error = rows_of(&engine, "VACUUM t").await.unwrap_err();
    assert_eq!(error.code, "DELTA_VACUUM_FAILED");
    assert_eq!(files(&lake).await.len(), 1);
    let latest = lake.table("t").snapshot(TimeTravel::Latest).await.unwrap();
    assert_eq!(latest.version(), 0);
}
