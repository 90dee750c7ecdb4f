//! No input makes the parser panic, hang or overflow its stack.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const VALID: [&str; 15] = [
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
    "OPTIMIZE t WHERE date >= '2024' AND date < '2025' ZORDER BY (amount, `a b`.c)",
    "VACUUM t RETAIN 168.5 HOURS DRY RUN; VACUUM delta.`s3a://b/t` FULL; DROP TABLE IF EXISTS b.t PURGE; CREATE TABLE u SHALLOW CLONE b.t VERSION AS OF 3 TBLPROPERTIES (a = 1) LOCATION 's3a://b/u'; SHOW CREATE TABLE u",
    "ALTER TABLE t ADD CONSTRAINT c CHECK (amount > 0 AND type <=> 'a)'); ALTER TABLE t RENAME COLUMN a.b TO c; ALTER TABLE t DROP COLUMNS IF EXISTS (a, b.c); ALTER TABLE t ALTER COLUMN a TYPE BIGINT; ALTER TABLE t UNSET TBLPROPERTIES IF EXISTS ('a')",
    "SET a.b = c; DESCRIBE HISTORY t LIMIT 3; SHOW TBLPROPERTIES t; RESTORE t TO TIMESTAMP AS OF '2024-05-01'",
];

fn resolve(queries: impl IntoIterator<Item = Query>) {
    for query in queries {
        drop(query.resolve(&|_| Some(dimension())));
    }
}

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
            StatementKind::Query(query) => resolve([query]),
            StatementKind::Write(write) => match write.operation {
                WriteOperation::Insert(insert) => {
                    drop(insert.column_names(&schema, &schema, true));
                    resolve(insert.replaced_rows(&schema).ok().flatten());
                    let condition = insert.replace_condition(&schema).ok().flatten();
                    resolve(condition.map(|(query, _)| query));
                    resolve([insert.source]);
                }
                WriteOperation::Update(update) => {
                    resolve(update.rows(&schema).map(|rows| rows.query));
                }
                WriteOperation::Delete(delete) => resolve(delete.rows(&schema)),
                WriteOperation::Merge(merge) => {
                    if let Ok(rows) = merge.rows(&schema, &schema, true) {
                        resolve([rows.matched]);
                        resolve(rows.not_matched);
                        resolve(rows.not_matched_by_source);
                    }
                    resolve([merge.source]);
                }
                WriteOperation::AddColumns(add) => drop(add.columns(&schema).map(<[_]>::len)),
                WriteOperation::CreateTableAsSelect { source, .. } => resolve([source]),
                WriteOperation::Maintain(Maintenance::Optimize(optimize)) => {
                    resolve(optimize.partition_condition(&schema).ok().flatten());
                }
                WriteOperation::CreateTable { .. }
                | WriteOperation::SetTableProperties(_)
                | WriteOperation::Alter(_)
                | WriteOperation::Clone(_)
                | WriteOperation::Maintain(Maintenance::Vacuum(_) | Maintenance::Drop(_))
                | WriteOperation::Restore(_) => {}
            },
            StatementKind::Explain { query, .. } | StatementKind::CreateView { query, .. } => {
                resolve([query]);
            }
            StatementKind::DescribeHistory { .. }
            | StatementKind::DescribeDetail { .. }
            | StatementKind::DescribeTable { .. }
            | StatementKind::ShowTables
            | StatementKind::ShowCreateTable { .. }
            | StatementKind::ShowTableProperties { .. }
            | StatementKind::DropView { .. }
            | StatementKind::SetOption { .. }
            | StatementKind::ShowOption { .. } => {}
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

/// Long enough for any of these statements on a busy machine, and short for one that takes
/// exponential time.
const LIMIT: Duration = Duration::from_secs(60);

/// The code of the error in which a statement ends, or `parsed`.
fn outcome(sql: String) -> String {
    let (sender, receiver) = mpsc::channel();
    let start = sql.chars().take(40).collect::<String>();
    let run = move || {
        let code = match parse_script(&sql) {
            Ok(_) => "parsed".to_owned(),
            Err(error) => error.code,
        };
        exercise(&sql);
        // Nobody listens any more if it took too long.
        let _ = sender.send(code);
    };
    thread::spawn(run);
    receiver
        .recv_timeout(LIMIT)
        .unwrap_or_else(|_| panic!("{start}… takes too long, or panics"))
}

#[test]
fn deep_nesting_is_refused_in_time() {
    let deep =
        |open: &str, close: &str| format!("SELECT {}1{}", open.repeat(5_000), close.repeat(5_000));
    const DEEP: &str = "STATEMENT_TOO_COMPLEX";
    const SYNTAX: &str = "PARSE_SYNTAX_ERROR";
    for (sql, code) in [
        (deep("(", ")"), DEEP),
        (deep("(SELECT ", ")"), DEEP),
        (deep("CAST(", " AS INT)"), DEEP),
        (deep("CAST(", ""), DEEP),
        (format!("SELECT {}", "CAST(".repeat(30)), SYNTAX),
        (deep("f(", ""), DEEP),
        (deep("CASE WHEN ", " THEN 1 END"), DEEP),
        (deep("NOT ", ""), DEEP),
        (deep("- ", ""), DEEP),
        (deep("[", "]"), DEEP),
        (
            format!("SELECT * FROM {}t{}", "(".repeat(5_000), ")".repeat(5_000)),
            DEEP,
        ),
        (format!("SELECT * FROM {}t", "(".repeat(15)), SYNTAX),
        (
            format!(
                "CREATE TABLE t (a {}INT{})",
                "ARRAY<".repeat(5_000),
                ">".repeat(5_000)
            ),
            DEEP,
        ),
        (
            format!(
                "SELECT CAST(a AS {}INT{})",
                "ARRAY<".repeat(5_000),
                ">".repeat(5_000)
            ),
            DEEP,
        ),
        (format!("SELECT 1{}", " + 1".repeat(50_000)), DEEP),
        (
            format!("SELECT a FROM t WHERE {}false", "a = 1 OR ".repeat(50_000)),
            DEEP,
        ),
        (
            format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(20_000)),
            DEEP,
        ),
        (format!("SELECT 1{}", "::INT".repeat(20_000)), DEEP),
        (format!("SELECT a{}", " IS NULL".repeat(20_000)), DEEP),
        (
            format!(
                "{}SELECT 1{}",
                "WITH a AS (".repeat(3_000),
                ") SELECT 1".repeat(3_000)
            ),
            DEEP,
        ),
        ("/*".repeat(20_000), SYNTAX),
    ] {
        let start: String = sql.chars().take(40).collect();
        assert_eq!(outcome(sql), code, "{start}…");
    }
}

#[test]
fn nesting_is_parsed_up_to_the_limits_and_refused_beyond() {
    let nested = |n: usize, open: &str, close: &str| {
        format!("SELECT {}1{}", open.repeat(n), close.repeat(n))
    };
    let from = |n: usize, open: &str, close: &str| {
        format!("SELECT 1 FROM {}t{}", open.repeat(n), close.repeat(n))
    };
    for (limit, statement) in [
        (47, &(|n| nested(n, "(", ")")) as &dyn Fn(usize) -> String),
        (47, &|n| nested(n, "CASE WHEN ", " THEN 1 END")),
        (47, &|n| nested(n, "CASE WHEN a = 1 THEN 2 ELSE ", " END")),
        (47, &|n| nested(n, "NOT ", "")),
        (31, &|n| nested(n, "CAST(", " AS INT)")),
        (31, &|n| nested(n, "f(", ")")),
        (31, &|n| nested(n, "date_add(0, ", ")")),
        (18, &|n| nested(n, "f(CASE WHEN ", " THEN 1 END)")),
        (15, &|n| nested(n, "(SELECT ", ")")),
        (15, &|n| nested(n, "a IN (SELECT ", ")")),
        (15, &|n| from(n, "(SELECT * FROM ", ") a")),
        (15, &|n| from(n, "(a JOIN ", " ON true)")),
        (15, &|n| from(n, "(", ")")),
    ] {
        let sql = statement(limit);
        assert_eq!(outcome(sql.clone()), "parsed", "{sql}");
        let sql = statement(limit + 1);
        assert_eq!(outcome(sql.clone()), "STATEMENT_TOO_COMPLEX", "{sql}");
    }
    for (limit, statement) in [
        (
            200,
            &(|n| format!("SELECT 1{}", " + 1".repeat(n))) as &dyn Fn(usize) -> String,
        ),
        (200, &|n| {
            format!("SELECT a FROM t WHERE b{}", " OR a = 1".repeat(n))
        }),
        (50, &|n| {
            format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(n))
        }),
        (50, &|n| {
            format!("SELECT 1 FROM t{}", " NATURAL JOIN t".repeat(n))
        }),
    ] {
        let sql = statement(limit);
        assert_eq!(outcome(sql.clone()), "parsed", "{sql}");
        let sql = statement(limit + 1);
        assert_eq!(outcome(sql.clone()), "STATEMENT_TOO_COMPLEX", "{sql}");
    }
}

/// `case` and `end` are names as well.
#[test]
fn columns_named_case_nest_nothing() {
    let columns = "f(case), (end), `case`, ".repeat(100);
    assert_eq!(outcome(format!("SELECT {columns}1 FROM t")), "parsed");
    let cases = "CASE WHEN a THEN 1 END, ".repeat(100);
    assert_eq!(outcome(format!("SELECT {cases}1 FROM t")), "parsed");
}

#[test]
fn what_is_long_but_not_deep_is_parsed() {
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
