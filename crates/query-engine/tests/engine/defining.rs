//! What a table's definition says beyond names and types: features of its protocol, defaults, generated
//! columns.

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

async fn latest(lake: &Lake) -> Arc<Snapshot> {
    lake.table("t").snapshot(TimeTravel::Latest).await.unwrap()
}

/// Statements that end in these errors; there is no table `u` afterwards, and no new version of `t`.
async fn refused(lake: &Lake, engine: &Engine, statements: &[(&str, &str)]) {
    let version = latest(lake).await.version();
    for (sql, code) in statements {
        match rows_of(engine, sql).await {
            Ok(rows) => panic!("{sql} is not refused: {rows:?}"),
            Err(error) => assert_eq!(error.code, *code, "{sql}: {error}"),
        }
    }
    assert_eq!(latest(lake).await.version(), version);
    assert!(rows_of(engine, "SELECT * FROM lake.u").await.is_err());
}

#[tokio::test]
async fn features_that_properties_name_are_in_the_protocol_and_no_properties() {
    let (lake, engine) = writing();
    let create = "CREATE TABLE lake.t (id INT) TBLPROPERTIES \
                  ('delta.feature.deletionvectors' = 'supported', 'a' = 'b')";
    ok(&engine, create).await;
    let snapshot = latest(&lake).await;
    let protocol = snapshot.protocol();
    assert_eq!(
        (protocol.min_reader_version, protocol.min_writer_version),
        (3, 7)
    );
    assert_eq!(
        protocol.reader_features.as_deref(),
        Some(&["deletionVectors".to_owned()][..])
    );
    let configuration = &snapshot.metadata().configuration;
    assert_eq!(configuration.keys().collect::<Vec<_>>(), ["a"]);
    let set = "ALTER TABLE t SET TBLPROPERTIES (delta.feature.allowColumnDefaults = 'supported')";
    ok(&engine, set).await;
    let shown = ok(&engine, "SHOW TBLPROPERTIES t").await;
    let names: Vec<&str> = shown.iter().map(|row| row[0].as_str()).collect();
    for feature in ["allowColumnDefaults", "deletionVectors", "appendOnly"] {
        assert!(
            names.contains(&format!("delta.feature.{feature}").as_str()),
            "{names:?}"
        );
    }
    refused(
        &lake,
        &engine,
        &[
            (
                "CREATE TABLE lake.u (id INT) TBLPROPERTIES (delta.feature.rowTracking = 'supported')",
                "DELTA_UNSUPPORTED_FEATURES_IN_CONFIG",
            ),
            (
                "ALTER TABLE t SET TBLPROPERTIES (delta.feature.clustering = 'supported')",
                "DELTA_UNSUPPORTED_FEATURES_IN_CONFIG",
            ),
            (
                "ALTER TABLE t SET TBLPROPERTIES (delta.feature.v2Checkpoint = 'enabled')",
                "DELTA_UNSUPPORTED_FEATURE_STATUS",
            ),
            (
                "ALTER TABLE t UNSET TBLPROPERTIES (delta.feature.allowColumnDefaults)",
                "DELTA_CANNOT_MODIFY_TABLE_PROPERTY",
            ),
        ],
    )
    .await;
    all_ok(
        &engine,
        &[
            "INSERT INTO t VALUES (1), (2)",
            "DELETE FROM t WHERE id = 1",
        ],
    )
    .await;
    assert_eq!(ok(&lake.engine(), "SELECT * FROM t").await, [["2"]]);
}

const DEFAULTS: &str = "TBLPROPERTIES ('delta.feature.allowColumnDefaults' = 'supported')";

#[tokio::test]
async fn defaults_are_values_of_new_rows_that_say_nothing_or_default() {
    let (lake, engine) = writing();
    let create = format!(
        "CREATE TABLE lake.t (id INT, name STRING DEFAULT concat('it''', 's') NOT NULL COMMENT 'x',
         at DATE DEFAULT DATE'2024-01-02', small TINYINT DEFAULT 1 + 2, other INT) {DEFAULTS}"
    );
    all_ok(
        &engine,
        &[
            &create,
            "INSERT INTO t (id) VALUES (1)",
            "INSERT INTO t VALUES (2, DEFAULT, '2020-05-05', 7, 8), (3, 'c', default, DEFAULT, DEFAULT)",
            "INSERT INTO t (small, id, other) VALUES (DEFAULT, 4, DEFAULT)",
            "INSERT INTO t VALUES (5, 'e', NULL, NULL, NULL)",
        ],
    )
    .await;
    let rows = "SELECT * FROM t ORDER BY id";
    assert_eq!(
        ok(&lake.engine(), rows).await,
        [
            ["1", "it's", "2024-01-02", "3", "NULL"],
            ["2", "it's", "2020-05-05", "7", "8"],
            ["3", "c", "2024-01-02", "3", "NULL"],
            ["4", "it's", "2024-01-02", "3", "NULL"],
            ["5", "e", "NULL", "NULL", "NULL"],
        ]
    );
    all_ok(
        &engine,
        &[
            "UPDATE t SET name = DEFAULT, other = DEFAULT, at = DATE'2000-01-01' WHERE id = 2",
            "MERGE INTO t USING (SELECT explode(array(3, 6)) AS id) AS s ON t.id = s.id \
             WHEN MATCHED THEN UPDATE SET name = DEFAULT, small = 9 \
             WHEN NOT MATCHED THEN INSERT (id, name, at, other) VALUES (s.id, DEFAULT, DEFAULT, DEFAULT)",
            "ALTER TABLE t ALTER COLUMN other SET DEFAULT -1",
            "ALTER TABLE t ALTER COLUMN AT SET DEFAULT current_date()",
            "ALTER TABLE t ALTER COLUMN small DROP DEFAULT",
            "INSERT INTO t (id, small) VALUES (7, DEFAULT)",
        ],
    )
    .await;
    let rows = "SELECT id, name, if(at = current_date(), 'now', CAST(at AS STRING)), small, other FROM t \
                WHERE id IN (2, 3, 6, 7) ORDER BY id";
    assert_eq!(
        ok(&lake.engine(), rows).await,
        [
            ["2", "it's", "2000-01-01", "7", "NULL"],
            ["3", "it's", "2024-01-02", "9", "NULL"],
            ["6", "it's", "2024-01-02", "3", "NULL"],
            ["7", "it's", "now", "NULL", "-1"],
        ]
    );
    let shown = ok(&engine, "SHOW CREATE TABLE t").await.remove(0).remove(0);
    for part in [
        "name STRING NOT NULL DEFAULT concat('it''', 's') COMMENT 'x'",
        "other INT DEFAULT -1",
        "'delta.feature.allowColumnDefaults' = 'supported'",
    ] {
        assert!(shown.contains(part), "{shown}");
    }
    let described = ok(&engine, "DESCRIBE EXTENDED t").await;
    let defaults = described
        .iter()
        .position(|row| row[0] == "# Column Default Values");
    let first = &described[defaults.unwrap() + 1];
    assert_eq!(first[..], ["name", "string", "concat('it''', 's')"]);
    let again = shown
        .replace("s3a://lake/t", "s3a://lake/v")
        .replace("TABLE t", "TABLE lake.v");
    all_ok(&engine, &[&again, "INSERT INTO lake.v (id) VALUES (1)"]).await;
    assert_eq!(
        ok(&engine, "SELECT name, other FROM lake.v").await,
        [["it's", "-1"]]
    );
}

#[tokio::test]
async fn default_that_is_no_value_of_its_column_is_refused() {
    let (lake, engine) = writing();
    ok(
        &engine,
        &format!("CREATE TABLE lake.t (id INT, s STRUCT<a: INT>) {DEFAULTS}"),
    )
    .await;
    let create = |column: &str| format!("CREATE TABLE lake.u (id INT, {column}) {DEFAULTS}");
    for (column, code) in [
        (
            "a INT DEFAULT id",
            "INVALID_DEFAULT_VALUE.UNRESOLVED_EXPRESSION",
        ),
        (
            "a INT DEFAULT nope + 1",
            "INVALID_DEFAULT_VALUE.UNRESOLVED_EXPRESSION",
        ),
        (
            "a INT DEFAULT (SELECT 1)",
            "INVALID_DEFAULT_VALUE.SUBQUERY_EXPRESSION",
        ),
        (
            "a DOUBLE DEFAULT rand()",
            "INVALID_DEFAULT_VALUE.NON_DETERMINISTIC",
        ),
        ("a INT DEFAULT 'x'", "INVALID_DEFAULT_VALUE.DATA_TYPE"),
        ("a TINYINT DEFAULT 300", "INVALID_DEFAULT_VALUE.DATA_TYPE"),
        ("a INT DEFAULT array(1)", "INVALID_DEFAULT_VALUE.DATA_TYPE"),
        ("a INT DEFAULT max(1)", "UNSUPPORTED_EXPR_FOR_OPERATOR"),
    ] {
        refused(&lake, &engine, &[(&create(column), code)]).await;
    }
    refused(
        &lake,
        &engine,
        &[
            (
                "CREATE TABLE lake.u (id INT DEFAULT 1)",
                "WRONG_COLUMN_DEFAULTS_FOR_DELTA_FEATURE_NOT_ENABLED",
            ),
            (
                "ALTER TABLE t ADD COLUMNS (a INT DEFAULT 1)",
                "WRONG_COLUMN_DEFAULTS_FOR_DELTA_ALTER_TABLE_ADD_COLUMN_NOT_SUPPORTED",
            ),
            (
                "ALTER TABLE t ALTER COLUMN id SET DEFAULT 'x'",
                "INVALID_DEFAULT_VALUE.DATA_TYPE",
            ),
            (
                "ALTER TABLE t ALTER COLUMN s.a SET DEFAULT 1",
                "UNSUPPORTED_FEATURE",
            ),
            (
                "INSERT INTO t VALUES (DEFAULT + 1, NULL)",
                "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION",
            ),
            (
                "INSERT INTO t VALUES (DEFAULT)",
                "DELTA_INSERT_COLUMN_ARITY_MISMATCH",
            ),
            (
                "UPDATE t SET nope = DEFAULT",
                "UNRESOLVED_COLUMN.WITH_SUGGESTION",
            ),
        ],
    )
    .await;
    let plain = "CREATE TABLE lake.u (id INT)";
    ok(&engine, plain).await;
    let error = rows_of(&engine, "ALTER TABLE lake.u ALTER COLUMN id SET DEFAULT 1").await;
    let code = error.unwrap_err().code;
    assert_eq!(code, "WRONG_COLUMN_DEFAULTS_FOR_DELTA_FEATURE_NOT_ENABLED");
    // A column that has none is NULL all the same.
    ok(&engine, "INSERT INTO lake.u VALUES (DEFAULT), (2)").await;
    let rows = ok(&engine, "SELECT * FROM lake.u ORDER BY id NULLS FIRST").await;
    assert_eq!(rows, [["NULL"], ["2"]]);
}

#[tokio::test]
async fn generated_columns_are_computed_whatever_writes_them() {
    let (lake, engine) = writing();
    all_ok(
        &engine,
        &[
            "CREATE TABLE lake.t (id INT, at DATE, \
             y INT GENERATED ALWAYS AS (year(at)) COMMENT 'its year', \
             twice INT GENERATED ALWAYS AS ( Id * 2 -- two\n )) PARTITIONED BY (y)",
            "INSERT INTO t (id, at) VALUES (1, '2024-05-05'), (2, NULL)",
            "INSERT INTO t VALUES (3, '2023-01-01', DEFAULT, DEFAULT)",
            "INSERT INTO t VALUES (4, '2023-01-01', 2023, 8)",
            "UPDATE t SET at = DATE'2022-02-02' WHERE id = 1",
            "UPDATE t SET twice = DEFAULT WHERE id = 2",
            "MERGE INTO t USING (SELECT explode(array(3, 5)) AS id) AS s ON t.id = s.id \
             WHEN MATCHED THEN UPDATE SET id = 30, twice = DEFAULT \
             WHEN NOT MATCHED THEN INSERT (id, y, at) VALUES (s.id, DEFAULT, DATE'2020-01-01')",
        ],
    )
    .await;
    assert_eq!(
        ok(&lake.engine(), "SELECT * FROM t ORDER BY id").await,
        [
            ["1", "2022-02-02", "2022", "2"],
            ["2", "NULL", "NULL", "4"],
            ["4", "2023-01-01", "2023", "8"],
            ["5", "2020-01-01", "2020", "10"],
            ["30", "2023-01-01", "2023", "60"],
        ]
    );
    let snapshot = latest(&lake).await;
    assert_eq!(snapshot.protocol().min_writer_version, 4);
    let metadata = &snapshot.schema().field("twice").unwrap().metadata;
    assert_eq!(metadata["delta.generationExpression"], "Id * 2 -- two");
    let shown = ok(&engine, "SHOW CREATE TABLE t").await.remove(0).remove(0);
    let y = "y INT GENERATED ALWAYS AS (year(at)) COMMENT 'its year'";
    assert!(shown.contains(y), "{shown}");
    let described = ok(&engine, "DESCRIBE EXTENDED t").await;
    let generated = described
        .iter()
        .position(|row| row[0] == "# Generated Columns");
    assert_eq!(
        described[generated.unwrap() + 1][..],
        ["y", "int", "year(at)"]
    );
    let again = shown
        .replace("s3a://lake/t", "s3a://lake/v")
        .replace("TABLE t", "TABLE lake.v");
    all_ok(
        &engine,
        &[&again, "INSERT INTO lake.v (id, at) SELECT id, at FROM t"],
    )
    .await;
    let same = "SELECT * FROM lake.v EXCEPT SELECT * FROM t";
    assert!(ok(&engine, same).await.is_empty());
    refused(
        &lake,
        &engine,
        &[
            (
                "INSERT INTO t VALUES (6, '2020-01-01', 2021, DEFAULT)",
                "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES",
            ),
            ("UPDATE t SET y = 1", "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES"),
            (
                "INSERT INTO t VALUES (6, '2020-01-01', 2020, DEFAULT), (7, '2020-01-01', 2020, 14)",
                "UNSUPPORTED_FEATURE",
            ),
            (
                "ALTER TABLE t ALTER COLUMN twice SET DEFAULT 1",
                "WRONG_COLUMN_DEFAULTS_FOR_DELTA_FEATURE_NOT_ENABLED",
            ),
            (
                "ALTER TABLE t ADD COLUMNS (z INT GENERATED ALWAYS AS (id))",
                "UNSUPPORTED_FEATURE",
            ),
            (
                "ALTER TABLE t DROP COLUMN at",
                "DELTA_UNSUPPORTED_DROP_COLUMN",
            ),
        ],
    )
    .await;
    for (column, code) in [
        (
            "b INT GENERATED ALWAYS AS (c)",
            "DELTA_INVALID_GENERATED_COLUMN_REFERENCES",
        ),
        (
            "b INT GENERATED ALWAYS AS (a), c INT GENERATED ALWAYS AS (b)",
            "DELTA_INVALID_GENERATED_COLUMN_REFERENCES",
        ),
        (
            "b INT GENERATED ALWAYS AS (b)",
            "DELTA_INVALID_GENERATED_COLUMN_REFERENCES",
        ),
        (
            "b INT GENERATED ALWAYS AS ((SELECT 1))",
            "DELTA_UNSUPPORTED_EXPRESSION_GENERATED_COLUMN",
        ),
        (
            "b INT GENERATED ALWAYS AS (max(a))",
            "DELTA_AGGREGATE_IN_GENERATED_COLUMN",
        ),
        (
            "b DOUBLE GENERATED ALWAYS AS (rand())",
            "DELTA_NON_DETERMINISTIC_EXPRESSION_IN_GENERATED_COLUMN",
        ),
        (
            "b DATE GENERATED ALWAYS AS (current_date())",
            "DELTA_NON_DETERMINISTIC_EXPRESSION_IN_GENERATED_COLUMN",
        ),
        (
            "b STRING GENERATED ALWAYS AS (a)",
            "DELTA_GENERATED_COLUMNS_EXPR_TYPE_MISMATCH",
        ),
        (
            "b BIGINT GENERATED ALWAYS AS (a)",
            "DELTA_GENERATED_COLUMNS_EXPR_TYPE_MISMATCH",
        ),
    ] {
        let create = format!("CREATE TABLE lake.u (a INT, {column})");
        refused(&lake, &engine, &[(&create, code)]).await;
    }
}
