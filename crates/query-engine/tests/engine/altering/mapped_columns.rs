//! Columns that files have under other names.

use super::*;

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
