//! `ALTER TABLE`: properties, constraints and columns, over rows that are there before and after.

use std::sync::Arc;

use delta_log::{Snapshot, TimeTravel};
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

async fn all_ok(engine: &Engine, statements: &[&str]) {
    for sql in statements {
        ok(engine, sql).await;
    }
}

/// Statements that end in these errors, and leave the version.
async fn refused(lake: &Lake, engine: &Engine, statements: &[(&str, &str)]) {
    let version = latest(lake).await.version();
    for (sql, code) in statements {
        match rows_of(engine, sql).await {
            Ok(rows) => panic!("{sql} is not refused: {rows:?}"),
            Err(error) => assert_eq!(error.code, *code, "{sql}: {error}"),
        }
    }
    assert_eq!(latest(lake).await.version(), version);
}

async fn latest(lake: &Lake) -> Arc<Snapshot> {
    lake.table("t").snapshot(TimeTravel::Latest).await.unwrap()
}

/// Operation and parameters of the latest version.
async fn last(engine: &Engine) -> String {
    let row = ok(engine, "DESCRIBE HISTORY t LIMIT 1").await.remove(0);
    format!("{} {}", row[4], row[5])
}

#[tokio::test]
async fn constraint_holds_for_rows_that_are_there_and_for_those_that_come() {
    let (lake, engine) = writing();
    all_ok(
        &engine,
        &[
            "CREATE TABLE lake.t (id BIGINT, amount DOUBLE)",
            "INSERT INTO t VALUES (1, 5.0), (2, -5.0), (3, NULL)",
        ],
    )
    .await;
    let add = "ALTER TABLE t ADD CONSTRAINT Positive CHECK (amount > 0 /* or so */)";
    let error = rows_of(&engine, add).await.unwrap_err();
    assert_eq!(error.code, "DELTA_NEW_CHECK_CONSTRAINT_VIOLATION");
    assert!(error.message.contains("2 rows"), "{error}");
    ok(&engine, "DELETE FROM t WHERE id > 1").await;
    ok(&engine, add).await;
    let said = "ADD CONSTRAINT {name: Positive, expr: amount > 0 /* or so */}";
    assert_eq!(last(&engine).await, said);
    assert_eq!(latest(&lake).await.protocol().min_writer_version, 3);
    refused(
        &lake,
        &engine,
        &[
            (
                "INSERT INTO t VALUES (4, -1.0)",
                "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES",
            ),
            (
                "UPDATE t SET amount = NULL",
                "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES",
            ),
            (
                "ALTER TABLE t ADD CONSTRAINT POSITIVE CHECK (id > 0)",
                "DELTA_CONSTRAINT_ALREADY_EXISTS",
            ),
            (
                "ALTER TABLE t ADD CONSTRAINT c CHECK (id)",
                "DELTA_NON_BOOLEAN_CHECK_CONSTRAINT",
            ),
            (
                "ALTER TABLE t ADD CONSTRAINT c CHECK (nope > 0)",
                "UNRESOLVED_COLUMN.WITH_SUGGESTION",
            ),
            (
                "ALTER TABLE t ADD CONSTRAINT c CHECK (sum(id) > 0)",
                "UNSUPPORTED_EXPR_FOR_OPERATOR",
            ),
            (
                "ALTER TABLE t ADD CONSTRAINT c CHECK (id IN (SELECT id FROM t))",
                "UNSUPPORTED_FEATURE",
            ),
            (
                "ALTER TABLE t DROP CONSTRAINT c",
                "DELTA_CONSTRAINT_DOES_NOT_EXIST",
            ),
            (
                "ALTER TABLE t UNSET TBLPROPERTIES (delta.constraints.positive)",
                "DELTA_CANNOT_MODIFY_TABLE_PROPERTY",
            ),
        ],
    )
    .await;
    ok(&engine, "ALTER TABLE t DROP CONSTRAINT IF EXISTS c").await;
    ok(&engine, "ALTER TABLE t DROP CONSTRAINT positive").await;
    let said = "DROP CONSTRAINT {name: positive, expr: amount > 0 /* or so */, existed: true}";
    assert_eq!(last(&engine).await, said);
    ok(&engine, "INSERT INTO t VALUES (4, -1.0)").await;
}

#[tokio::test]
async fn row_that_comes_while_a_constraint_is_checked_is_looked_at_too() {
    let (lake, engine) = writing();
    all_ok(
        &engine,
        &[
            "CREATE TABLE lake.t (id BIGINT)",
            "INSERT INTO t VALUES (1)",
        ],
    )
    .await;
    let other = lake.engine();
    lake.store.before_put(move || {
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            runtime.block_on(async { ok(&other, "INSERT INTO t VALUES (-1)").await });
        };
        std::thread::spawn(run).join().unwrap();
    });
    let add = "ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0)";
    let error = rows_of(&engine, add).await.unwrap_err();
    assert_eq!(
        error.code, "DELTA_NEW_CHECK_CONSTRAINT_VIOLATION",
        "{error}"
    );
    assert!(error.message.contains("id = -1"), "{error}");
}

const MAPPING: &str = "ALTER TABLE t SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')";

#[tokio::test]
async fn columns_are_renamed_and_dropped_once_they_are_mapped() {
    let (lake, engine) = writing();
    all_ok(
        &engine,
        &[
            "CREATE TABLE lake.t (id BIGINT, p STRING, s STRUCT<x: INT, y: INT>, gone INT) PARTITIONED BY (p)",
            "INSERT INTO t SELECT 1, 'a', named_struct('x', 1, 'y', 2), 9",
        ],
    )
    .await;
    refused(
        &lake,
        &engine,
        &[
            (
                "ALTER TABLE t DROP COLUMN gone",
                "DELTA_UNSUPPORTED_DROP_COLUMN",
            ),
            (
                "ALTER TABLE t RENAME COLUMN gone TO g",
                "DELTA_UNSUPPORTED_RENAME_COLUMN",
            ),
            (
                "ALTER TABLE t SET TBLPROPERTIES ('delta.columnMapping.mode' = 'id')",
                "DELTA_UNSUPPORTED_COLUMN_MAPPING_MODE_CHANGE",
            ),
        ],
    )
    .await;
    ok(&engine, MAPPING).await;
    let mapped = latest(&lake).await;
    let protocol = mapped.protocol();
    assert_eq!(
        (protocol.min_reader_version, protocol.min_writer_version),
        (2, 5)
    );
    assert_eq!(
        mapped.metadata().configuration["delta.columnMapping.maxColumnId"],
        "6"
    );
    let all = "SELECT * FROM t ORDER BY 1";
    assert_eq!(ok(&engine, all).await, [["1", "a", "{x: 1, y: 2}", "9"]]);
    all_ok(
        &engine,
        &[
            "INSERT INTO t SELECT 2, 'b', named_struct('x', 3, 'y', 4), 8",
            "ALTER TABLE t RENAME COLUMN P TO `the p`",
            "ALTER TABLE t RENAME COLUMN s.X TO z",
            "ALTER TABLE t DROP COLUMNS (gone, s.y)",
        ],
    )
    .await;
    assert_eq!(
        last(&engine).await,
        r#"DROP COLUMNS {columns: ["gone","s.y"]}"#
    );
    assert_eq!(latest(&lake).await.partition_columns(), ["the p"]);
    let fresh = lake.engine();
    assert_eq!(
        ok(&fresh, all).await,
        [["1", "a", "{z: 1}"], ["2", "b", "{z: 3}"]]
    );
    assert_eq!(
        ok(&fresh, "SELECT id FROM t WHERE `the p` = 'b'").await,
        [["2"]]
    );
    // A new column of an old name has none of the old values.
    all_ok(
        &engine,
        &[
            "ALTER TABLE t ADD COLUMNS (gone STRING)",
            "INSERT INTO t BY NAME SELECT 3 AS id, 'c' AS `the p`, 'new' AS gone",
            "UPDATE t SET id = 20 WHERE id = 2",
        ],
    )
    .await;
    assert_eq!(
        ok(&lake.engine(), "SELECT id, `the p`, gone FROM t ORDER BY 1").await,
        [["1", "a", "NULL"], ["3", "c", "new"], ["20", "b", "NULL"]]
    );
    let then = "SELECT id, p, gone FROM t VERSION AS OF 3 ORDER BY 1";
    assert_eq!(ok(&engine, then).await, [["1", "a", "9"], ["2", "b", "8"]]);
    refused(
        &lake,
        &engine,
        &[
            (
                "ALTER TABLE t DROP COLUMN `the p`",
                "DELTA_UNSUPPORTED_DROP_PARTITION_COLUMN",
            ),
            (
                "ALTER TABLE t DROP COLUMN s.z",
                "DELTA_DROP_COLUMN_ON_SINGLE_FIELD_SCHEMA",
            ),
            (
                "ALTER TABLE t DROP COLUMN (id, s, gone)",
                "DELTA_DROP_COLUMN_ON_SINGLE_FIELD_SCHEMA",
            ),
            (
                "ALTER TABLE t DROP COLUMN nope",
                "UNRESOLVED_COLUMN.WITH_SUGGESTION",
            ),
            (
                "ALTER TABLE t RENAME COLUMN id TO GONE",
                "FIELD_ALREADY_EXISTS",
            ),
            (
                "ALTER TABLE t RENAME COLUMN id TO ``",
                "DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES",
            ),
            (
                "ALTER TABLE t SET TBLPROPERTIES ('delta.columnMapping.mode' = 'none')",
                "DELTA_UNSUPPORTED_COLUMN_MAPPING_MODE_CHANGE",
            ),
            (
                "ALTER TABLE t UNSET TBLPROPERTIES ('delta.columnMapping.mode')",
                "DELTA_CANNOT_MODIFY_TABLE_PROPERTY",
            ),
        ],
    )
    .await;
    let version = latest(&lake).await.version();
    ok(&engine, "ALTER TABLE t DROP COLUMN IF EXISTS nope").await;
    assert_eq!(latest(&lake).await.version(), version);
    ok(&engine, "ALTER TABLE t RENAME COLUMN id TO ID").await;
    assert_eq!(ok(&engine, "DESCRIBE t").await[0][0], "ID");
}

#[tokio::test]
async fn table_may_be_mapped_from_the_start_by_name_and_by_id() {
    for mode in ["name", "id"] {
        let (lake, engine) = writing();
        let create = format!(
            "CREATE TABLE lake.t TBLPROPERTIES (delta.columnMapping.mode = '{mode}') AS SELECT 1 AS `a b`, 'x' AS p"
        );
        ok(&engine, &create).await;
        all_ok(
            &engine,
            &[
                "INSERT INTO t VALUES (2, 'y')",
                "ALTER TABLE t RENAME COLUMN `a b` TO n",
                "ALTER TABLE t DROP COLUMN p",
                "ALTER TABLE t ADD COLUMNS (`p,q` STRING)",
                "OPTIMIZE t",
            ],
        )
        .await;
        assert_eq!(
            ok(&lake.engine(), "SELECT * FROM t ORDER BY 1").await,
            [["1", "NULL"], ["2", "NULL"]]
        );
        let replace = create.replace("CREATE TABLE", "CREATE OR REPLACE TABLE");
        ok(&engine, &replace).await;
        assert_eq!(ok(&lake.engine(), "SELECT * FROM t").await, [["1", "x"]]);
        let replaced = latest(&lake).await;
        assert_eq!(
            replaced.metadata().configuration["delta.columnMapping.maxColumnId"],
            "5"
        );
    }
}

#[tokio::test]
async fn column_that_others_depend_on_stays_as_it_is() {
    let (lake, engine) = writing();
    all_ok(
        &engine,
        &[
            "CREATE TABLE lake.t (id INT, amount INT, other INT)",
            "ALTER TABLE t ADD CONSTRAINT c CHECK (Amount + id > 0)",
            "ALTER TABLE t SET TBLPROPERTIES (delta.enableTypeWidening = true, delta.dataSkippingStatsColumns = 'other')",
            MAPPING,
        ],
    )
    .await;
    const DEPENDS: &str = "DELTA_CONSTRAINT_DEPENDENT_COLUMN_CHANGE";
    refused(
        &lake,
        &engine,
        &[
            ("ALTER TABLE t RENAME COLUMN amount TO a", DEPENDS),
            ("ALTER TABLE t DROP COLUMN id", DEPENDS),
            ("ALTER TABLE t ALTER COLUMN amount TYPE BIGINT", DEPENDS),
            (
                "ALTER TABLE t RENAME COLUMN other TO o",
                "UNSUPPORTED_FEATURE",
            ),
        ],
    )
    .await;
    ok(
        &engine,
        "ALTER TABLE t ALTER COLUMN amount COMMENT 'in cents'",
    )
    .await;
    ok(&engine, "ALTER TABLE t DROP CONSTRAINT c").await;
    ok(&engine, "ALTER TABLE t RENAME COLUMN amount TO a").await;
}

#[tokio::test]
async fn columns_are_changed_one_by_one() {
    let (lake, engine) = writing();
    all_ok(
        &engine,
        &[
            "CREATE TABLE lake.t (id INT, name STRING, day DATE)",
            "INSERT INTO t VALUES (1, 'a', DATE'2024-05-01'), (2, NULL, NULL)",
        ],
    )
    .await;
    refused(
        &lake,
        &engine,
        &[
            (
                "ALTER TABLE t ALTER COLUMN name SET NOT NULL",
                "DELTA_NEW_NOT_NULL_VIOLATION",
            ),
            (
                "ALTER TABLE t ALTER COLUMN id TYPE BIGINT",
                "DELTA_UNSUPPORTED_ALTER_TABLE_CHANGE_COL_OP",
            ),
            (
                "ALTER TABLE t ALTER COLUMN nope FIRST",
                "UNRESOLVED_COLUMN.WITH_SUGGESTION",
            ),
            (
                "ALTER TABLE t ALTER COLUMN id AFTER id",
                "UNRESOLVED_COLUMN.WITH_SUGGESTION",
            ),
        ],
    )
    .await;
    ok(&engine, "UPDATE t SET name = 'b' WHERE name IS NULL").await;
    ok(&engine, "ALTER TABLE t ALTER COLUMN name SET NOT NULL").await;
    let said = last(&engine).await;
    assert!(said.starts_with("CHANGE COLUMN {column: {"), "{said}");
    assert!(said.contains(r#""nullable":false"#), "{said}");
    refused(
        &lake,
        &engine,
        &[(
            "INSERT INTO t VALUES (3, NULL, NULL)",
            "DELTA_NOT_NULL_CONSTRAINT_VIOLATED",
        )],
    )
    .await;
    all_ok(
        &engine,
        &[
            "ALTER TABLE t ALTER COLUMN name DROP NOT NULL",
            "INSERT INTO t VALUES (3, NULL, NULL)",
            "ALTER TABLE t ALTER COLUMN ID COMMENT 'the key'",
            "ALTER TABLE t ALTER COLUMN day FIRST",
            "ALTER TABLE t ALTER COLUMN id AFTER name",
        ],
    )
    .await;
    assert!(last(&engine).await.ends_with("position: AFTER name}"));
    let columns = ok(&engine, "DESCRIBE t").await;
    assert_eq!(
        columns,
        [
            ["day", "date", "NULL"],
            ["name", "string", "NULL"],
            ["id", "int", "the key"]
        ]
    );
    ok(&engine, "INSERT INTO t VALUES (NULL, 'd', 4)").await;
    ok(
        &engine,
        "ALTER TABLE t SET TBLPROPERTIES (delta.enableTypeWidening = true)",
    )
    .await;
    refused(
        &lake,
        &engine,
        &[
            (
                "ALTER TABLE t ALTER COLUMN id TYPE STRING",
                "DELTA_UNSUPPORTED_ALTER_TABLE_CHANGE_COL_OP",
            ),
            (
                "ALTER TABLE t ALTER COLUMN id TYPE SMALLINT",
                "DELTA_UNSUPPORTED_ALTER_TABLE_CHANGE_COL_OP",
            ),
        ],
    )
    .await;
    all_ok(
        &engine,
        &[
            "ALTER TABLE t ALTER COLUMN id TYPE BIGINT",
            "ALTER TABLE t ALTER COLUMN day TYPE TIMESTAMP_NTZ",
            "INSERT INTO t VALUES (NULL, 'e', 5000000000)",
            "ALTER TABLE t ALTER COLUMN id TYPE DECIMAL(22, 2)",
            "UPDATE t SET name = 'A' WHERE id = 1",
        ],
    )
    .await;
    assert_eq!(
        ok(&lake.engine(), "SELECT id, name, day FROM t ORDER BY id").await,
        [
            ["1.00", "A", "2024-05-01T00:00:00"],
            ["2.00", "b", "NULL"],
            ["3.00", "NULL", "NULL"],
            ["4.00", "d", "NULL"],
            ["5000000000.00", "e", "NULL"]
        ]
    );
    assert_eq!(
        ok(&engine, "SELECT count(*) FROM t WHERE id > 3").await,
        [["2"]]
    );
}

#[tokio::test]
async fn properties_are_taken_away() {
    let (lake, engine) = writing();
    ok(
        &engine,
        "CREATE TABLE lake.t (id INT) TBLPROPERTIES (delta.appendOnly = true, team = 'blue')",
    )
    .await;
    refused(
        &lake,
        &engine,
        &[
            (
                "ALTER TABLE t UNSET TBLPROPERTIES (nope)",
                "DELTA_UNSET_NON_EXISTENT_PROPERTY",
            ),
            (
                "ALTER TABLE t UNSET TBLPROPERTIES (delta.minReaderVersion)",
                "DELTA_CANNOT_MODIFY_TABLE_PROPERTY",
            ),
        ],
    )
    .await;
    ok(
        &engine,
        "ALTER TABLE t UNSET TBLPROPERTIES IF EXISTS (DELTA.APPENDONLY, nope)",
    )
    .await;
    let said = r#"UNSET TBLPROPERTIES {properties: ["delta.appendOnly","nope"], ifExists: true}"#;
    assert_eq!(last(&engine).await, said);
    let left = latest(&lake).await.metadata().configuration.clone();
    assert_eq!(
        left.into_iter().collect::<Vec<_>>(),
        [("team".to_owned(), "blue".to_owned())]
    );
}

#[tokio::test]
async fn columns_come_where_they_are_wanted_and_partitions_widen() {
    let (lake, engine) = writing();
    all_ok(
        &engine,
        &[
            "CREATE TABLE lake.t (id INT, day DATE) PARTITIONED BY (day) TBLPROPERTIES (delta.enableTypeWidening = true)",
            "INSERT INTO t VALUES (1, DATE'2024-05-01'), (2, NULL)",
            "ALTER TABLE t ADD COLUMNS (score INT COMMENT 'risk' AFTER ID, flag BOOLEAN FIRST, extra STRUCT<a: INT>)",
        ],
    )
    .await;
    let said = last(&engine).await;
    assert!(said.contains(r#""position":"AFTER id""#), "{said}");
    let columns = ok(&engine, "DESCRIBE t").await;
    let names: Vec<&str> = columns[..5].iter().map(|row| row[0].as_str()).collect();
    assert_eq!(names, ["flag", "id", "score", "day", "extra"]);
    all_ok(
        &engine,
        &[
            "ALTER TABLE t ALTER COLUMN day TYPE TIMESTAMP_NTZ",
            "INSERT INTO t BY NAME SELECT 3 AS id, TIMESTAMP_NTZ'2024-05-02 10:00:00' AS day, 7 AS score",
            "UPDATE t SET score = 1 WHERE day = TIMESTAMP_NTZ'2024-05-01 00:00:00'",
        ],
    )
    .await;
    assert_eq!(
        ok(&lake.engine(), "SELECT id, score, day FROM t ORDER BY id").await,
        [
            ["1", "1", "2024-05-01T00:00:00"],
            ["2", "NULL", "NULL"],
            ["3", "7", "2024-05-02T10:00:00"]
        ]
    );
    refused(
        &lake,
        &engine,
        &[
            (
                "ALTER TABLE t ADD COLUMNS (x INT AFTER nope)",
                "UNRESOLVED_COLUMN.WITH_SUGGESTION",
            ),
            (
                "ALTER TABLE t ADD COLUMNS (ID INT FIRST)",
                "FIELD_ALREADY_EXISTS",
            ),
        ],
    )
    .await;
}
