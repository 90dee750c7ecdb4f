//! `CREATE TABLE … SHALLOW CLONE`, and `SHOW CREATE TABLE`, whose answer makes the same table again.

use delta_log::TimeTravel;
use futures::TryStreamExt;
use object_store::ObjectStore;
use object_store::path::Path;
use query_engine::Engine;

use crate::support::{Lake, Row, rows_of};

fn writing() -> (Lake, Engine) {
    let lake = Lake {
        can_write: true,
        ..Lake::default()
    };
    let engine = lake.engine();
    (lake, engine)
}

async fn ok(engine: &Engine, sql: &str) -> Vec<Row> {
    match rows_of(engine, sql).await {
        Ok(rows) => rows,
        Err(error) => panic!("{sql}: {error}"),
    }
}

async fn data_files(lake: &Lake, table: &str) -> usize {
    let objects = lake.store.list(Some(&Path::from(table)));
    let objects: Vec<_> = objects.try_collect().await.unwrap();
    let is_data = |path: &Path| !path.as_ref().contains("_delta_log");
    objects
        .iter()
        .filter(|object| is_data(&object.location))
        .count()
}

#[tokio::test]
async fn clone_has_the_files_of_its_source_and_writes_its_own() {
    let (lake, engine) = writing();
    for sql in [
        "CREATE TABLE delta.`s3a://lake/a b/50%2520/s` (id BIGINT, p STRING) PARTITIONED BY (p) \
         TBLPROPERTIES (delta.enableDeletionVectors = true, delta.enableInCommitTimestamps = true)",
        "INSERT INTO s SELECT id, p FROM VALUES (1, 'ä/%'), (2, 'ä/%'), (3, NULL), (4, NULL) AS v(id, p)",
        "DELETE FROM s WHERE id = 2",
        "DELETE FROM s WHERE id = 3",
    ] {
        ok(&engine, sql).await;
    }
    let clone = "CREATE TABLE lake.c SHALLOW CLONE s VERSION AS OF 2 TBLPROPERTIES (team = 'blue')";
    let answer = ok(&engine, clone).await.remove(0);
    assert_eq!(answer[1..], ["2", "0", "0", "0", "0"]);
    let all = "SELECT id, p FROM c ORDER BY id";
    let rows = [["1", "ä/%"], ["3", "NULL"], ["4", "NULL"]];
    assert_eq!(ok(&lake.engine(), all).await, rows);
    assert_eq!(data_files(&lake, "c").await, 0);
    let history = ok(&engine, "DESCRIBE HISTORY c").await.remove(0);
    assert_eq!(history[4], "CLONE");
    assert!(
        history[5].contains("sourceVersion: 2, isShallow: true"),
        "{}",
        history[5]
    );
    let snapshot = lake.table("c").snapshot(TimeTravel::Latest).await.unwrap();
    let path = snapshot.files().raw_path(0);
    assert!(path.starts_with("s3a://lake/a%20b/50%2520/s/p="), "{path}");
    for sql in [
        "UPDATE c SET id = 10 WHERE id = 1",
        "DELETE FROM c WHERE id = 4",
        "INSERT INTO c VALUES (5, 'new')",
        "CREATE TABLE lake.cc SHALLOW CLONE c",
        "OPTIMIZE c",
    ] {
        ok(&engine, sql).await;
    }
    let rows = [["3", "NULL"], ["5", "new"], ["10", "ä/%"]];
    assert_eq!(ok(&lake.engine(), all).await, rows);
    assert_eq!(ok(&lake.engine(), &all.replace('c', "cc")).await.len(), 3);
    // The source is as it was.
    assert_eq!(
        ok(&lake.engine(), "SELECT id FROM s ORDER BY id").await,
        [["1"], ["4"]]
    );
    ok(
        &engine,
        "SET spark.databricks.delta.retentionDurationCheck.enabled = false",
    )
    .await;
    let before = data_files(&lake, "a b").await;
    ok(&engine, "VACUUM c RETAIN 0 HOURS").await;
    ok(&engine, "DROP TABLE c").await;
    assert_eq!(data_files(&lake, "a b").await, before);
    for (sql, code) in [
        (
            clone.replace("lake.c", "lake.cc"),
            "TABLE_OR_VIEW_ALREADY_EXISTS",
        ),
        (
            clone.replace("CREATE TABLE lake.c", "CREATE OR REPLACE TABLE lake.cc"),
            "UNSUPPORTED_FEATURE",
        ),
        (
            "CREATE TABLE delta.`s3a://other/c` SHALLOW CLONE s".to_owned(),
            "UNSUPPORTED_FEATURE",
        ),
        (
            "CREATE TABLE lake.d SHALLOW CLONE nope".to_owned(),
            "TABLE_OR_VIEW_NOT_FOUND",
        ),
    ] {
        let error = rows_of(&engine, &sql).await.unwrap_err();
        assert_eq!(error.code, code, "{sql}: {error}");
    }
    ok(
        &engine,
        "CREATE TABLE IF NOT EXISTS lake.cc SHALLOW CLONE s",
    )
    .await;
}

#[tokio::test]
async fn statement_that_is_shown_makes_the_same_table() {
    let (lake, engine) = writing();
    ok(
        &engine,
        "CREATE TABLE lake.t (id BIGINT NOT NULL COMMENT 'it\\'s \\\\ key', `a b` STRUCT<x: DECIMAL(10, 2), `y z`: ARRAY<MAP<STRING, INT>>>, p TIMESTAMP_NTZ) \
         PARTITIONED BY (p) COMMENT 'all of it' TBLPROPERTIES (delta.columnMapping.mode = 'name', team = 'blue')",
    )
    .await;
    ok(&engine, "ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0)").await;
    let shown = ok(&engine, "SHOW CREATE TABLE t").await.remove(0).remove(0);
    assert!(
        shown.ends_with("\n-- ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0);"),
        "{shown}"
    );
    assert!(shown.contains("LOCATION 's3a://lake/t'"), "{shown}");
    let again = shown
        .replace("s3a://lake/t", "s3a://lake/u")
        .replace("TABLE t", "TABLE u");
    ok(&engine, &again).await;
    let shown_again = ok(&engine, "SHOW CREATE TABLE u").await.remove(0).remove(0);
    let (statement, _) = again.split_once("\n--").unwrap();
    assert_eq!(shown_again, statement);
    let [t, u] = [lake.table("t"), lake.table("u")];
    let t = t.snapshot(TimeTravel::Latest).await.unwrap();
    let u = u.snapshot(TimeTravel::Latest).await.unwrap();
    assert_eq!(t.arrow_schema(), u.arrow_schema());
}
