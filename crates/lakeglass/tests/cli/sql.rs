use std::io::Write;
use std::process::Stdio;

use serde_json::json;

use crate::{DIMENSION, lakeglass, query, run, seeded, shared, stderr, stdout};

#[test]
fn table_prints_the_result_of_each_statement() {
    let sql = "SELECT transaction_id, amount, CAST(NULL AS STRING) AS note
               FROM financial_transactions_dim ORDER BY amount; SELECT 1 AS one";
    assert_eq!(
        stdout(&["sql", sql], shared()),
        "\
┌────────────────┬────────┬────────┐
│ transaction_id │ amount │ note   │
│ string         │ double │ string │
├────────────────┼────────┼────────┤
│ T003           │   50.0 │ NULL   │
│ T001           │  100.0 │ NULL   │
│ T002           │  200.0 │ NULL   │
└────────────────┴────────┴────────┘
3 rows, version 0
┌─────┐
│ one │
│ int │
├─────┤
│   1 │
└─────┘
1 row
"
    );
}

#[test]
fn csv_prints_the_last_result() {
    let sql = "SELECT 1; SELECT 'a,b' AS \"a\", CAST(NULL AS STRING) AS b, '' AS c, 250.0D AS d";
    let sql = sql.replace('"', "`");
    assert_eq!(
        stdout(&["sql", &sql, "--format", "csv"], shared()),
        "a,b,c,d\r\n\"a,b\",,\"\",250.0\r\n"
    );
}

#[test]
fn json_has_the_shape_of_the_page() {
    let result = query(
        "SELECT CAST(9007199254740993 AS BIGINT) AS id, 12.50 AS price",
        shared(),
    );
    assert_eq!(result["rows"], json!([["9007199254740993", "12.50"]]));
    assert_eq!(
        result["columns"],
        json!([{"name": "id", "type": "bigint"}, {"name": "price", "type": "decimal(4,2)"}])
    );
    assert_eq!(result["rowCount"], 1);
    assert!(result["version"].is_null());
    assert!(result["metrics"]["elapsed_ms"].is_number());
}

#[test]
fn table_can_be_named_by_a_local_path_or_a_file_url() {
    let path = shared().join("curated-data-bucket/financial_transactions_dim");
    let path = path.to_str().unwrap();
    let nowhere = tempfile::tempdir().unwrap();
    for name in [path.to_owned(), format!("file://{path}")] {
        let result = query(
            &format!("SELECT COUNT(*) FROM delta.`{name}`"),
            nowhere.path(),
        );
        assert_eq!(result["rows"], json!([["3"]]), "{name}");
    }
}

#[test]
fn writes_are_committed_without_a_server() {
    let data = seeded();
    let sql = format!("UPDATE delta.`{DIMENSION}` SET amount = 1.0 WHERE transaction_id = 'T001'");
    assert_eq!(query(&sql, data.path())["rows"], json!([["1"]]));
    let sql = format!("SELECT amount FROM delta.`{DIMENSION}` WHERE transaction_id = 'T001'");
    let result = query(&sql, data.path());
    assert_eq!(
        (&result["rows"], &result["version"]),
        (&json!([[1.0]]), &json!(1))
    );
}

#[test]
fn script_is_read_from_standard_input() {
    let mut process = lakeglass()
        .args(["sql", "-", "--format", "csv"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    process
        .stdin
        .take()
        .unwrap()
        .write_all(b"SELECT 1 AS one;\n")
        .unwrap();
    assert_eq!(process.wait_with_output().unwrap().stdout, b"one\r\n1\r\n");
}

#[test]
fn failed_statement_ends_the_script_with_its_error() {
    for (sql, code) in [
        ("SELECT FROM WHERE", "PARSE_SYNTAX_ERROR"),
        ("SELECT * FROM no_such_table", "TABLE_OR_VIEW_NOT_FOUND"),
        (
            "SELECT * FROM delta.`s3a://no-such-bucket/t`",
            "BUCKET_NOT_FOUND",
        ),
    ] {
        let error = stderr(&["sql", sql], shared());
        assert!(
            error.starts_with(&format!("error: [{code}] ")),
            "{sql}: {error}"
        );
    }
}

#[test]
fn refused_insert_names_the_column_and_leaves_the_version() {
    let data = seeded();
    let sql = format!(
        "INSERT INTO delta.`{DIMENSION}` VALUES ('T9', '2024-05-01', 'A1', 'FIVE HUNDRED', 'USD', 'debit')"
    );
    let error = stderr(&["sql", &sql], data.path());
    assert!(
        error.contains("amount") && error.contains("FIVE HUNDRED"),
        "{error}"
    );
    let count = query(
        &format!("SELECT COUNT(*) FROM delta.`{DIMENSION}`"),
        data.path(),
    );
    assert_eq!(
        (&count["rows"], &count["version"]),
        (&json!([["3"]]), &json!(0))
    );
}

#[test]
fn damaged_checkpoint_is_told_beside_the_rows() {
    let data = seeded();
    let log = data
        .path()
        .join("curated-data-bucket/financial_transactions_dim/_delta_log");
    std::fs::write(log.join("00000000000000000000.checkpoint.parquet"), "PAR1").unwrap();
    for from in [
        format!("delta.`{DIMENSION}`"),
        format!("delta.`{DIMENSION}` VERSION AS OF 0"),
        format!("(SELECT * FROM delta.`{DIMENSION}` UNION SELECT * FROM delta.`{DIMENSION}`)"),
    ] {
        let sql = format!("SELECT COUNT(*) AS n FROM {from}");
        let output = run(&["sql", &sql, "--format", "csv"], data.path());
        assert_eq!(output.stdout, b"n\r\n3\r\n", "{from}");
        let warnings = String::from_utf8(output.stderr).unwrap();
        let expected = format!("warning: {DIMENSION}: The checkpoint of version 0 cannot be read");
        assert!(warnings.starts_with(&expected), "{from}: {warnings}");
        assert_eq!(warnings.lines().count(), 1, "{from}: {warnings}");
    }
}
