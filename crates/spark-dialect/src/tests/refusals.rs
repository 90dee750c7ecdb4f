//! What is refused, under which code, and with what advice.

use super::*;

#[test]
fn errors_name_line_and_column_of_the_script() {
    for (sql, place) in [
        ("SELECT 1;\n SELECT FROM", "line 2, column 9"),
        ("SELECT 'open", "line 1, column 8"),
        ("SELECT (1", "line 1, column 10"),
        ("FROB x", "line 1, column 1"),
        ("SELECT 1 AS \"x\"", "line 1, column 13"),
        ("SELECT 12abc", "line 1, column 8"),
        ("SELECT a AS", "line 1, column 12"),
        ("SELECT INTERVAL '1' DAY TO HOUR", "line 1, column 8"),
        ("UPDATE t SET a 1", "line 1, column 16"),
        ("CREATE TABLE t (a INT", "line 1, column 22"),
        ("VACUUM t RETAIN -1 HOURS", "line 1, column 17"),
        ("VACUUM t RETAIN 5 DAYS", "line 1, column 19"),
    ] {
        let error = refusal(sql);
        assert_eq!(error.code, "PARSE_SYNTAX_ERROR", "{sql}: {error}");
        assert!(error.message.contains(place), "{sql}: {error}");
    }
}

#[test]
fn what_spark_refuses_is_refused() {
    for (sql, code, advice) in [
        (
            format!("SELECT COUNT(*) FROM {RAW}@v2"),
            "PARSE_SYNTAX_ERROR",
            "VERSION AS OF 2",
        ),
        (
            format!("SELECT COUNT(*) FROM (DESCRIBE HISTORY {RAW})"),
            "PARSE_SYNTAX_ERROR",
            "",
        ),
        (
            format!(
                "MERGE INTO {DIM} AS t USING (VALUES ('T002', 1.0D)) AS source(id, amount) ON t.id = source.id WHEN MATCHED THEN UPDATE SET *"
            ),
            "COLUMN_ALIASES_NOT_ALLOWED",
            "AS v(id, amount)) AS source",
        ),
        (
            "MERGE INTO t USING s ON true".to_owned(),
            "MERGE_WITHOUT_WHEN",
            "WHEN MATCHED",
        ),
        (
            "MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE WHEN MATCHED THEN UPDATE SET *"
                .to_owned(),
            "NON_LAST_CLAUSE_OMIT_CONDITION",
            "AND",
        ),
        (
            "SELECT * FROM t TIMESTAMP AS OF 'yesterday'".to_owned(),
            "DELTA_TIMESTAMP_INVALID",
            "2024-05-01",
        ),
        (
            "SELECT * FROM t TIMESTAMP AS OF now() - x".to_owned(),
            "DELTA_TIMESTAMP_INVALID",
            "",
        ),
        (
            "SELECT * FROM t VERSION AS OF 1.5".to_owned(),
            "DELTA_VERSION_INVALID",
            "",
        ),
        (
            "SELECT * FROM `s3a://b/t`".to_owned(),
            "TABLE_OR_VIEW_NOT_FOUND",
            "delta.`s3a://b/t`",
        ),
        (
            "SELECT * FROM 's3a://b/t'".to_owned(),
            "PARSE_SYNTAX_ERROR",
            "backticks",
        ),
        ("SELECT 128Y".to_owned(), "PARSE_SYNTAX_ERROR", ""),
        (
            "SELECT CAST(1 AS frob)".to_owned(),
            "UNSUPPORTED_DATATYPE",
            "bigint",
        ),
        ("SELECT DATE'x'".to_owned(), "INVALID_TYPED_LITERAL", ""),
        (
            "SELECT * FROM table_changes('s3a://b/t', 0)".to_owned(),
            "TABLE_OR_VIEW_NOT_FOUND",
            "delta.`",
        ),
        (
            "SELECT * FROM table_changes('t')".to_owned(),
            "WRONG_NUM_ARGS",
            "table_changes(",
        ),
        (
            "SELECT * FROM table_diff('t', 1)".to_owned(),
            "WRONG_NUM_ARGS",
            "table_diff(",
        ),
        (
            "SELECT * FROM table_diff('t', 1, 2, id)".to_owned(),
            "WRONG_NUM_ARGS",
            "'account_id'",
        ),
        (
            "INSERT INTO t VERSION AS OF 1 VALUES (1)".to_owned(),
            "UNSUPPORTED_FEATURE",
            "RESTORE",
        ),
        (
            "CREATE TABLE t (a INT, A INT)".to_owned(),
            "COLUMN_ALREADY_EXISTS",
            "",
        ),
        (
            "CREATE TABLE t (a INT) AS SELECT 1".to_owned(),
            "PARSE_SYNTAX_ERROR",
            "CAST",
        ),
        (
            "CREATE TABLE t".to_owned(),
            "PARSE_SYNTAX_ERROR",
            "AS SELECT",
        ),
        (
            "CREATE TABLE t (a DECIMAL(40))".to_owned(),
            "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION",
            "",
        ),
        ("SELECT ?".to_owned(), "UNBOUND_SQL_PARAMETER", ""),
    ] {
        let error = refusal(&sql);
        assert_eq!(error.code, code, "{sql}: {error}");
        let hint = error.hint.unwrap_or_default();
        assert!(hint.contains(advice), "{sql}: {hint}");
    }
}

#[test]
fn statements_of_later_versions_are_refused_by_name() {
    for (sql, name) in [
        ("OPTIMIZE t FULL", "OPTIMIZE … FULL"),
        ("VACUUM t LITE", "VACUUM … LITE"),
        (
            "ALTER TABLE t ADD CONSTRAINT k PRIMARY KEY (a)",
            "A constraint that is a PRIMARY",
        ),
        ("ALTER TABLE t RENAME TO u", "RENAME TO"),
        (
            "ALTER TABLE t ALTER COLUMN a SYNC IDENTITY",
            "SYNC IDENTITY",
        ),
        ("TRUNCATE TABLE t", "TRUNCATE"),
        ("CREATE VIEW v AS SELECT 1", "view"),
        ("CREATE TABLE t USING parquet AS SELECT 1 AS a", "parquet"),
        ("SHOW DATABASES", "SHOW DATABASES"),
        ("EXPLAIN DELETE FROM t", "EXPLAIN"),
        ("SELECT * FROM csv.`s3a://b/x.csv`", "csv"),
        ("SELECT * FROM t TABLESAMPLE (10 PERCENT)", "TABLESAMPLE"),
        ("SELECT * FROM t FOR UPDATE", "FOR"),
        ("INSERT OVERWRITE DIRECTORY 'x' SELECT 1", "DIRECTORY"),
        ("INSERT OVERWRITE LOCAL DIRECTORY 'x' SELECT 1", "DIRECTORY"),
        ("INSERT INTO t PARTITION (a = 1) VALUES (2)", "PARTITION"),
    ] {
        let error = refusal(sql);
        assert_eq!(error.code, "UNSUPPORTED_FEATURE", "{sql}: {error}");
        assert!(error.message.contains(name), "{sql}: {error}");
        assert!(error.hint.is_some(), "{sql}");
    }
}
