//! No input makes the parser panic, hang or overflow its stack.

use proptest::prelude::*;

use super::*;

const VALID: [&str; 12] = [
    "SELECT COUNT(*) FROM delta.`s3a://b/t` VERSION AS OF 3 AS x WHERE a RLIKE 'x' ORDER BY 1 LIMIT 2",
    "SELECT * FROM VALUES (1, 'a'), (2, \"b\") AS v(a, b) JOIN t ON v.a <=> t.a",
    "WITH c AS (SELECT 1.5F, -128Y, INTERVAL 1 DAY 2 HOURS) SELECT * FROM c, table_changes('t', 0, 5), table_diff('t', 0, 5, 'id')",
    "VALUES 1, 2, DATE'2024-01-01'",
    "INSERT INTO t REPLACE WHERE a = 1 SELECT 1, 2",
    "INSERT WITH SCHEMA EVOLUTION INTO t BY NAME SELECT TIMESTAMP'2024-05-01' AS a",
    "MERGE INTO t USING (SELECT 1 AS a) s ON t.a = s.a WHEN MATCHED AND x THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT (a) VALUES (s.a)",
    "CREATE TABLE t (a ARRAY<STRUCT<b: MAP<STRING, INT>>> NOT NULL COMMENT 'x', b INT) USING DELTA PARTITIONED BY (b) TBLPROPERTIES (a.b = 1)",
    "ALTER TABLE t ADD COLUMNS (a DECIMAL(10, 2), b STRUCT<c: INT>)",
    "UPDATE t AS x SET a = CASE WHEN b THEN 1 ELSE 2 END, x.c = a DIV 2 WHERE a IS NOT NULL",
    "SELECT CAST(a AS TIMESTAMP)::STRING, a[0], m['k'], s.f, x -> x + 1, sum(a) OVER (PARTITION BY b ORDER BY c)",
    "SET a.b = c; DESCRIBE HISTORY t LIMIT 3; SHOW TBLPROPERTIES t; RESTORE t TO TIMESTAMP AS OF '2024-05-01'",
];

/// Parses, and goes on as the engine would.
fn exercise(sql: &str) {
    let Ok(statements) = parse_script(sql) else {
        return;
    };
    let schema = dimension();
    for statement in statements {
        assert_eq!(
            &sql[statement.offset..][..statement.text.len()],
            statement.text
        );
        match statement.kind {
            StatementKind::Query(query) => {
                let _ = query.resolve(&|_| Some(schema.clone()));
            }
            StatementKind::Write(write) => match write.operation {
                WriteOperation::Insert(insert) => drop(insert.bind(&schema, &schema, true)),
                WriteOperation::Update(update) => drop(update.bind(&schema)),
                WriteOperation::Delete(delete) => drop(delete.bind(&schema)),
                WriteOperation::Merge(merge) => drop(merge.bind(&schema, &schema, true)),
                WriteOperation::AddColumns(add) => drop(add.bind(&schema)),
                _ => {}
            },
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_is_parsed_or_refused(sql in "\\PC{0,60}|[ -~\n]{0,80}") {
        exercise(&sql);
    }

    #[test]
    fn mutated_statements_are_parsed_or_refused(
        which in 0..VALID.len(),
        cut in any::<prop::sample::Index>(),
        length in 0..12usize,
        insert in "[-a-zA-Z0-9'\"`();,.<>:@*\\[\\] \n]{0,6}|SELECT|VALUES|AS OF|é|NULL",
    ) {
        let sql = VALID[which];
        let start = cut.index(sql.len() + 1);
        let end = (start + length).min(sql.len());
        exercise(&format!("{}{insert}{}", &sql[..start], &sql[end..]));
    }
}

#[test]
fn valid_statements_of_this_module_are_valid() {
    for sql in VALID {
        parse(sql);
        exercise(sql);
    }
}

#[test]
fn deep_nesting_is_refused_in_time() {
    let deep =
        |open: &str, close: &str| format!("SELECT {}1{}", open.repeat(5_000), close.repeat(5_000));
    for sql in [
        deep("(", ")"),
        deep("(SELECT ", ")"),
        deep("CAST(", " AS INT)"),
        deep("CAST(", ""),
        format!("SELECT {}", "CAST(".repeat(40)),
        deep("f(", ""),
        deep("CASE WHEN ", " THEN 1 END"),
        deep("NOT ", ""),
        deep("- ", ""),
        deep("[", "]"),
        format!("SELECT * FROM {}t{}", "(".repeat(5_000), ")".repeat(5_000)),
        format!("SELECT * FROM {}t", "(".repeat(40)),
        format!(
            "CREATE TABLE t (a {}INT{})",
            "ARRAY<".repeat(5_000),
            ">".repeat(5_000)
        ),
        format!(
            "SELECT CAST(a AS {}INT{})",
            "ARRAY<".repeat(5_000),
            ">".repeat(5_000)
        ),
        format!("SELECT 1{}", " + 1".repeat(50_000)),
        format!("SELECT a FROM t WHERE {}false", "a = 1 OR ".repeat(50_000)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(20_000)),
        format!("SELECT 1{}", "::INT".repeat(20_000)),
        format!("SELECT a{}", " IS NULL".repeat(20_000)),
        format!(
            "{}SELECT 1{}",
            "WITH a AS (".repeat(3_000),
            ") SELECT 1".repeat(3_000)
        ),
        "/*".repeat(20_000),
    ] {
        exercise(&sql);
    }
    let long = format!("SELECT a FROM t WHERE {}false", "a = 1 OR ".repeat(50_000));
    assert_eq!(refusal(&long).code, "STATEMENT_TOO_COMPLEX");
    // What is long, but not deep, is fine.
    let wide = format!(
        "SELECT * FROM VALUES {}(1, 'x')",
        "(1, 'x'), ".repeat(20_000)
    );
    parse(&wide);
    let bare = format!("SELECT * FROM VALUES {}1", "1, ".repeat(20_000));
    parse(&bare);
    let many = "SELECT 1; ".repeat(5_000);
    assert_eq!(parse(&many).len(), 5_000);
}
