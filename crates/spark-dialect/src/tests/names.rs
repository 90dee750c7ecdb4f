//! What Spark calls unnamed columns.

use super::*;

#[test]
fn computed_columns_are_named_as_spark_names_them() {
    for (expression, name) in [
        ("COUNT(*)", "count(1)"),
        ("COUNT(1)", "count(1)"),
        ("count(DISTINCT t.account_id)", "count(DISTINCT account_id)"),
        ("SUM(t.amount)", "sum(amount)"),
        ("amount + 1", "(amount + 1)"),
        ("(amount * 2)", "(amount * 2)"),
        ("amount > 1 AND NOT b", "((amount > 1) AND (NOT b))"),
        ("-amount", "(- amount)"),
        ("-1", "-1"),
        ("'text'", "text"),
        ("250.0D", "250.0"),
        ("NULL", "NULL"),
        ("CAST(amount AS int)", "CAST(amount AS INT)"),
        ("amount::string", "CAST(amount AS STRING)"),
        ("a IS NULL", "(a IS NULL)"),
        ("a IN (1, 2)", "(a IN (1, 2))"),
        (
            "CASE WHEN a > 1 THEN 'x' ELSE 'y' END",
            "CASE WHEN (a > 1) THEN x ELSE y END",
        ),
        ("current_timestamp()", "current_timestamp()"),
        ("DATE'2024-05-01'", "DATE '2024-05-01'"),
        ("year(ts)", "year(ts)"),
        ("a DIV 2", "(a div 2)"),
        ("(SELECT 1)", "scalarsubquery()"),
    ] {
        let sql = resolved(&format!("SELECT {expression} FROM VALUES (1) AS t(x)"), &[]);
        assert!(
            sql.contains(&format!(" AS `{name}` FROM")),
            "{expression}: {sql}"
        );
    }
    assert_eq!(
        resolved("SELECT a, t.b, *, c AS d", &[]),
        "SELECT a, t.b, *, c AS d"
    );
}
