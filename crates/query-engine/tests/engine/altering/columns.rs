//! Columns that are changed, and those that come.

use super::*;

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
