//! Names of columns that files can't have: with column mapping, and without.

use query_engine::Engine;

use crate::support::{Lake, Row, rows_of};

const PLAIN: [&str; 4] = [
    "CREATE TABLE lake.u (`a b` INT)",
    "CREATE TABLE lake.u (s ARRAY<STRUCT<`a,b`: INT>>)",
    "CREATE TABLE lake.u AS SELECT 1 AS `a=b`",
    "ALTER TABLE t ADD COLUMNS (`a(b)` INT)",
];

async fn ok(engine: &Engine, sql: &str) -> Vec<Row> {
    match rows_of(engine, sql).await {
        Ok(rows) => rows,
        Err(error) => panic!("{sql}: {error}"),
    }
}

#[tokio::test]
async fn names_are_free_where_columns_are_mapped_and_the_refusal_says_so() {
    let lake = Lake {
        can_write: true,
        ..Lake::default()
    };
    let engine = lake.engine();
    ok(&engine, "CREATE TABLE lake.t (id INT)").await;
    let evolving = "INSERT WITH SCHEMA EVOLUTION INTO t BY NAME SELECT 1 AS id, 2 AS `a;b`";
    let merging = "MERGE WITH SCHEMA EVOLUTION INTO t USING (SELECT 1 AS id, 2 AS `a{b`) AS s \
                   ON t.id = s.id WHEN NOT MATCHED THEN INSERT *";
    for sql in PLAIN.iter().chain([&evolving, &merging]) {
        let error = rows_of(&engine, sql).await.unwrap_err();
        assert_eq!(
            error.code, "DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES",
            "{sql}: {error}"
        );
        let hint = error.hint.unwrap_or_default();
        assert!(
            hint.contains("delta.columnMapping.mode = 'name'"),
            "{sql}: {hint}"
        );
    }

    let mapped = "ALTER TABLE t SET TBLPROPERTIES (delta.columnMapping.mode = 'name')";
    for sql in [mapped, PLAIN[3], evolving, merging] {
        ok(&engine, sql).await;
    }
    ok(&engine, "ALTER TABLE t RENAME COLUMN id TO ` ,;{}()\n\t=`").await;
    let sql = "CREATE TABLE lake.u (`a b` INT, s STRUCT<`c,d`: INT>, `p=q` STRING) \
               PARTITIONED BY (`p=q`) TBLPROPERTIES (delta.columnMapping.mode = 'id')";
    ok(&engine, sql).await;
    ok(
        &engine,
        "INSERT INTO u VALUES (1, named_struct('c,d', 2), 'x')",
    )
    .await;
    ok(
        &engine,
        "UPDATE u SET `a b` = `a b` + s.`c,d` WHERE `p=q` = 'x'",
    )
    .await;
    let engine = lake.engine();
    assert_eq!(
        ok(&engine, "SELECT `a b`, s.`c,d`, `p=q` FROM u").await,
        [["3", "2", "x"]]
    );
    let names = "SELECT ` ,;{}()\n\t=`, `a(b)`, `a;b`, `a{b` FROM t";
    assert_eq!(ok(&engine, names).await, [["1", "NULL", "2", "NULL"]]);
}
