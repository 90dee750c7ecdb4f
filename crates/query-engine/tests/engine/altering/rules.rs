//! Constraints and properties.

use super::*;

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
