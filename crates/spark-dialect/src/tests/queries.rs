//! Queries: what they read, and how names and literals reach DataFusion.

use super::*;

fn relations(sql: &str) -> Vec<(TableName, Option<VersionSpec>)> {
    query(sql)
        .references
        .into_iter()
        .map(|reference| match reference.relation {
            Relation::Table { table, at } => (table, at),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn named(parts: &[&str]) -> TableName {
    TableName::Name {
        parts: parts.iter().map(|part| (*part).to_owned()).collect(),
    }
}

#[test]
fn each_reference_keeps_its_own_version_and_alias() {
    let sql = format!(
        "SELECT (SELECT COUNT(*) FROM {RAW} VERSION AS OF 1) AS then, n.amount
         FROM {RAW} FOR VERSION AS OF '2' AS n
         JOIN `bucket`.`dim` FOR SYSTEM_TIME AS OF '2024-05-01' d ON n.id = d.id, other
         WHERE EXISTS (SELECT 1 FROM {DIM} TIMESTAMP AS OF current_timestamp() - INTERVAL 1 DAY AS x WHERE x.id = n.id)"
    );
    let found = relations(&sql);
    assert_eq!(found.len(), 5);
    assert_eq!(found[0].1, Some(VersionSpec::Version(1)));
    assert_eq!(found[1].1, Some(VersionSpec::Version(2)));
    assert_eq!(found[2].0, named(&["bucket", "dim"]));
    assert_eq!(
        found[2].1,
        Some(VersionSpec::Timestamp(TimestampExpr::Millis(
            1_714_521_600_000
        )))
    );
    assert_eq!(found[3], (named(&["other"]), None));
    let Some(VersionSpec::Timestamp(moment)) = &found[4].1 else {
        panic!()
    };
    assert_eq!(
        moment.to_statement().to_string(),
        r#"SELECT arrow_cast(arrow_cast(now(), 'Timestamp(Microsecond, Some("UTC"))') - INTERVAL '1 DAY', 'Timestamp(Millisecond, Some("UTC"))')"#
    );
}

#[test]
fn path_without_alias_goes_by_its_last_part() {
    let sql =
        format!("SELECT financial_data_delta.Amount, {RAW}.amount FROM {RAW} VERSION AS OF 1");
    assert_eq!(
        resolved(&sql, &[dimension()]),
        "SELECT `financial_data_delta`.amount AS `Amount`, `financial_data_delta`.amount FROM __lakeglass_0 AS `financial_data_delta`"
    );
    // The same table twice: each gets a name of its own.
    let sql = format!("SELECT COUNT(*) FROM {RAW} VERSION AS OF 1, {RAW} VERSION AS OF 2");
    assert!(resolved(&sql, &[dimension(), dimension()]).contains("AS `financial_data_delta_2`"));
}

#[test]
fn common_table_expressions_are_no_tables() {
    let sql = "WITH recent AS (SELECT * FROM recent), b AS (SELECT * FROM Recent)
               SELECT * FROM B JOIN (WITH c AS (SELECT 1) SELECT * FROM c) c ON true, c";
    let found = relations(sql);
    let names: Vec<_> = found.iter().map(|(table, _)| table.to_string()).collect();
    assert_eq!(names, ["recent", "c"]);
    assert!(resolved(sql, &[dimension(), dimension()]).contains("FROM `b`"));
}

#[test]
fn names_are_found_in_any_case_and_shown_as_asked() {
    let mixed = schema(&[
        ("Transaction_ID", DataType::Utf8),
        ("Amount", DataType::Float64),
        (
            "Info",
            DataType::Struct(vec![Field::new("Region", DataType::Utf8, true)].into()),
        ),
    ]);
    let sql = "SELECT transaction_id, SUM(AMOUNT) AS Total, T.info.region FROM t
               WHERE amount > 0 GROUP BY TRANSACTION_ID, info.REGION ORDER BY TOTAL";
    assert_eq!(
        resolved(sql, std::slice::from_ref(&mixed)),
        "SELECT Transaction_ID AS `transaction_id`, SUM(Amount) AS Total, `t`.Info.Region AS `region` \
         FROM __lakeglass_0 AS `t` WHERE Amount > 0 GROUP BY Transaction_ID, Info.Region ORDER BY Total"
    );
    let nested = "SELECT x.AMOUNT FROM (SELECT amount, upper(transaction_id) FROM t) AS X";
    assert_eq!(
        resolved(nested, std::slice::from_ref(&mixed)),
        "SELECT `X`.amount AS `AMOUNT` FROM (SELECT Amount AS `amount`, upper(Transaction_ID) AS `upper(transaction_id)` FROM __lakeglass_0 AS `t`) AS X"
    );
    // Through a subquery, and a join with an alias of its own.
    let inner = "SELECT x.INFO.region FROM (SELECT info FROM t) AS x";
    assert_eq!(
        resolved(inner, std::slice::from_ref(&mixed)),
        "SELECT `x`.info.Region AS `region` FROM (SELECT Info AS `info` FROM __lakeglass_0 AS `t`) AS x"
    );
    let joined = "SELECT amount FROM (t CROSS JOIN VALUES (1) AS v(b)) AS j";
    assert_eq!(
        resolved(joined, std::slice::from_ref(&mixed)),
        "SELECT Amount AS `amount` FROM (__lakeglass_0 AS `t` CROSS JOIN (VALUES (CAST(1 AS INT))) AS v (b)) AS j"
    );
    let lower = schema(&[("transaction_id", DataType::Utf8)]);
    let error = try_resolve("SELECT transaction_id FROM a, b", &[mixed, lower]).unwrap_err();
    assert_eq!(error.code, "AMBIGUOUS_REFERENCE");
}

#[test]
fn literals_keep_sparks_types() {
    for (sql, expected) in [
        (
            "SELECT 250.0D AS x",
            "SELECT CAST('250.0' AS DOUBLE PRECISION) AS x",
        ),
        ("SELECT 1L AS x", "SELECT 1L AS x"),
        (
            "SELECT 1S, -128Y AS y",
            "SELECT CAST(1L AS SMALLINT) AS `1`, CAST(-128L AS TINYINT) AS y",
        ),
        ("SELECT 1.5F AS x", "SELECT CAST('1.5' AS FLOAT4) AS x"),
        (
            "SELECT 2.5BD AS x",
            "SELECT CAST('2.5' AS DECIMAL(2,1)) AS x",
        ),
        (
            "SELECT 1e3 AS x",
            "SELECT CAST('1e3' AS DOUBLE PRECISION) AS x",
        ),
        (
            "SELECT 1 AS x, -2 AS y, 3000000000 AS z",
            "SELECT CAST(1 AS INT) AS x, CAST(-2 AS INT) AS y, 3000000000 AS z",
        ),
        ("SELECT x'1F' AS x", "SELECT X'1F' AS x"),
        (
            "SELECT \"it's\" AS x, 'a' 'b' AS y",
            "SELECT 'it''s' AS x, 'ab' AS y",
        ),
        (
            "SELECT DATE'2024-5-1' AS x",
            "SELECT CAST('2024-05-01' AS DATE) AS x",
        ),
        (
            "SELECT TIMESTAMP'2024-05-01 10:00:00' AS x",
            r#"SELECT arrow_cast('2024-05-01T10:00:00.000000Z', 'Timestamp(Microsecond, Some("UTC"))') AS x"#,
        ),
        (
            "SELECT timestamp_ntz'2024-05-01 10:00' AS x",
            "SELECT arrow_cast('2024-05-01T10:00:00.000000', 'Timestamp(Microsecond, None)') AS x",
        ),
        (
            "SELECT TIMESTAMP_NTZ'2024-05-01 10:00:00+02:00' AS x",
            "SELECT arrow_cast('2024-05-01T10:00:00.000000', 'Timestamp(Microsecond, None)') AS x",
        ),
        (
            "SELECT TIMESTAMP'2024-05-01 10:00:00+02:00' AS x",
            r#"SELECT arrow_cast('2024-05-01T08:00:00.000000Z', 'Timestamp(Microsecond, Some("UTC"))') AS x"#,
        ),
        (
            "SELECT INTERVAL 90 YEARS AS x",
            "SELECT INTERVAL '90 YEAR' AS x",
        ),
        (
            "SELECT INTERVAL '1' DAY AS x",
            "SELECT INTERVAL '1 DAY' AS x",
        ),
        (
            "SELECT INTERVAL 1 DAY -2 HOURS AS x",
            "SELECT INTERVAL '1 DAY -2 HOUR' AS x",
        ),
    ] {
        assert_eq!(resolved(sql, &[]), expected, "{sql}");
    }
}

#[test]
fn operators_and_types_reach_datafusion_in_its_words() {
    for (sql, expected) in [
        ("a <=> b", "(a IS NOT DISTINCT FROM b)"),
        ("a RLIKE '^x'", "regexp_like(a, '^x')"),
        ("a NOT RLIKE 'x'", "(NOT regexp_like(a, 'x'))"),
        ("a == b", "a = b"),
        ("! a", "NOT a"),
        ("a DIV b", "a DIV b"),
        ("a::string", "a::STRING"),
        (
            "a::timestamp",
            r#"arrow_cast(a, 'Timestamp(Microsecond, Some("UTC"))')"#,
        ),
        (
            "CAST(a AS TIMESTAMP_NTZ)",
            "arrow_cast(a, 'Timestamp(Microsecond, None)')",
        ),
        (
            "try_cast(a AS TIMESTAMP)",
            r#"arrow_try_cast(a, 'Timestamp(Microsecond, Some("UTC"))')"#,
        ),
        ("try_cast(a AS INT)", "TRY_CAST(a AS INT)"),
        ("CAST(a AS DECIMAL)", "CAST(a AS DECIMAL(10,0))"),
        ("CAST(a AS BINARY)", "CAST(a AS BYTEA)"),
        ("CAST(a AS LONG)", "CAST(a AS BIGINT)"),
        ("concat(a, b)", "('' || a || b)"),
        (
            "regexp_replace(a, 'x', 'y')",
            "regexp_replace(a, 'x', 'y', 'g')",
        ),
        ("log(a)", "ln(a)"),
        ("year(a)", "CAST(date_part('year', a) AS INT)"),
        (
            "date_format(a, 'yyyy-MM-dd''T''HH:mm')",
            r#"to_char(arrow_cast(a, 'Timestamp(Microsecond, Some("UTC"))'), '%Y-%m-%dT%H:%M')"#,
        ),
        ("if(a, b, c)", "CASE WHEN a THEN b ELSE c END"),
        (
            "collect_set(a)",
            "array_agg(DISTINCT a) FILTER (WHERE (a) IS NOT NULL)",
        ),
    ] {
        let sql = format!("SELECT {sql} AS x");
        assert_eq!(
            resolved(&sql, &[]),
            format!("SELECT {expected} AS x"),
            "{sql}"
        );
    }
}

#[test]
fn distinct_rows_can_be_ordered_by_what_they_show() {
    assert_eq!(
        resolved(
            "SELECT DISTINCT upper(a), b FROM t ORDER BY upper(a) DESC, b",
            &[schema(&[("A", DataType::Utf8)])]
        ),
        "SELECT DISTINCT upper(A) AS `upper(a)`, b FROM __lakeglass_0 AS `t` ORDER BY `upper(a)` DESC, b"
    );
    assert_eq!(
        resolved("SELECT ID FROM range(3)", &[]),
        "SELECT id AS `ID` FROM range(3) AS `range` (id)"
    );
}

#[test]
fn inline_tables_stand_alone_and_in_from() {
    assert_eq!(
        resolved("SELECT * FROM VALUES ('a', 1), ('b', 2) AS v(x, y)", &[]),
        "SELECT * FROM (VALUES ('a', CAST(1 AS INT)), ('b', CAST(2 AS INT))) AS v (x, y)"
    );
    assert_eq!(
        resolved("VALUES 1, 2", &[]),
        "SELECT * FROM (VALUES (CAST(1 AS INT)), (CAST(2 AS INT))) AS `inline_table` (col1)"
    );
    assert_eq!(
        resolved(
            "SELECT * FROM VALUES 'x', (upper('y')) AS v(a) WHERE a = 'x'",
            &[]
        ),
        "SELECT * FROM (VALUES ('x'), (upper('y'))) AS v (a) WHERE a = 'x'"
    );
    assert_eq!(
        resolved("SELECT COL2 FROM VALUES (1L, 'x')", &[]),
        "SELECT col2 AS `COL2` FROM (VALUES (1L, 'x')) AS `inline_table` (col1, col2)"
    );
}

#[test]
fn table_changes_takes_names_paths_versions_and_times() {
    let changes = |sql: &str| match query(sql).references.remove(0).relation {
        Relation::Changes { table, start, end } => (table, start, end),
        other => panic!("{other:?}"),
    };
    let (table, start, end) = changes(
        "SELECT _change_type, COUNT(*) FROM table_changes('curated.dim', '2024-05-01', '2024-05-02 10:00:00') c GROUP BY 1",
    );
    assert_eq!(table, named(&["curated", "dim"]));
    assert_eq!(
        start,
        VersionSpec::Timestamp(TimestampExpr::Millis(1_714_521_600_000))
    );
    assert_eq!(
        end,
        Some(VersionSpec::Timestamp(TimestampExpr::Millis(
            1_714_644_000_000
        )))
    );
    let (table, start, end) =
        changes("SELECT * FROM (SELECT * FROM table_changes('delta.`s3a://b/t`', 0, 5))");
    assert_eq!(table.to_string(), "delta.`s3a://b/t`");
    assert_eq!(
        (start, end),
        (VersionSpec::Version(0), Some(VersionSpec::Version(5)))
    );
    let (table, ..) = changes("SELECT * FROM table_changes_by_path('s3a://b/t', 0)");
    assert_eq!(table.to_string(), "delta.`s3a://b/t`");
}

#[test]
fn table_diff_takes_two_versions_or_times_and_key_columns() {
    let diff = |sql: &str| match query(sql).references.remove(0).relation {
        Relation::Diff {
            table,
            from,
            to,
            keys,
        } => (table.to_string(), from, to, keys),
        other => panic!("{other:?}"),
    };
    let (table, from, to, keys) =
        diff("SELECT name FROM TABLE_DIFF('curated.dim', 5, '2024-05-01', 'id', 'a b') d");
    assert_eq!(table, "curated.dim");
    assert_eq!(from, VersionSpec::Version(5));
    let day = TimestampExpr::Millis(1_714_521_600_000);
    assert_eq!(to, VersionSpec::Timestamp(day));
    assert_eq!(keys, ["id", "a b"]);
    let (table, .., keys) = diff("SELECT * FROM table_diff_by_path('s3a://b/t', 0, 1)");
    assert_eq!(table, "delta.`s3a://b/t`");
    assert!(keys.is_empty());
}

#[test]
fn parquet_and_http_paths_are_tables() {
    assert_eq!(
        relations("SELECT * FROM parquet.`https://x.org/a.parquet`")[0].0,
        TableName::Path {
            format: TableFormat::Parquet,
            url: "https://x.org/a.parquet".to_owned()
        }
    );
    assert_eq!(
        relations("SELECT * FROM `bucket`.`dir/table`")[0].0,
        named(&["bucket", "dir/table"])
    );
}

#[test]
fn describe_show_explain_and_set_are_recognised() {
    use StatementKind as K;
    assert!(matches!(
        parse_one(&format!("DESCRIBE HISTORY {RAW} LIMIT 1")),
        K::DescribeHistory { limit: Some(1), .. }
    ));
    assert!(matches!(
        parse_one(&format!("DESC DETAIL {RAW}")),
        K::DescribeDetail { .. }
    ));
    assert!(matches!(
        parse_one(&format!("DESCRIBE {RAW}")),
        K::DescribeTable {
            extended: false,
            ..
        }
    ));
    assert!(matches!(
        parse_one("DESCRIBE TABLE EXTENDED t"),
        K::DescribeTable { extended: true, .. }
    ));
    assert!(
        matches!(parse_one("DESCRIBE history"), K::DescribeTable { table, .. }
        if table == named(&["history"]))
    );
    assert!(matches!(parse_one("show tables"), K::ShowTables));
    assert!(
        matches!(parse_one("SHOW TBLPROPERTIES t ('delta.appendOnly')"),
        K::ShowTableProperties { key: Some(key), .. } if key == "delta.appendOnly")
    );
    assert!(matches!(
        parse_one("EXPLAIN SELECT 1"),
        K::Explain {
            mode: ExplainMode::Plan,
            ..
        }
    ));
    assert!(matches!(
        parse_one("EXPLAIN ANALYZE SELECT 1"),
        K::Explain {
            mode: ExplainMode::Analyze,
            ..
        }
    ));
    assert!(
        matches!(parse_one("SET spark.databricks.delta.schema.autoMerge.enabled = true"),
        K::SetOption { key, value }
            if key == "spark.databricks.delta.schema.autoMerge.enabled" && value == "true")
    );
    assert!(matches!(parse_one("SET spark.x"), K::ShowOption { key } if key == "spark.x"));
    assert!(
        matches!(parse_one("CREATE OR REPLACE TEMP VIEW v (a, b) AS SELECT 1, 2"),
        K::CreateView { or_replace: true, columns, .. } if columns == ["a", "b"])
    );
    assert!(matches!(
        parse_one("DROP VIEW IF EXISTS v"),
        K::DropView {
            if_exists: true,
            ..
        }
    ));
}

#[test]
fn semicolons_split_only_outside_strings_names_and_comments() {
    let script = "\n-- first;\nSELECT ';' AS `a;b` /* ; */;;\n SELECT \"ü;\" -- last\n;";
    let statements = parse(script);
    assert_eq!(statements.len(), 2);
    assert_eq!(statements[0].text, "SELECT ';' AS `a;b`");
    assert_eq!(statements[1].text, "SELECT \"ü;\"");
    assert_eq!(
        &script[statements[1].offset..][..statements[1].text.len()],
        statements[1].text
    );
    assert!(parse(" ; -- nothing\n;").is_empty());
}

#[test]
fn columns_shown_twice_have_names_of_their_own_until_they_leave() {
    let two = schema(&[("a", DataType::Int32), ("b", DataType::Int32)]);
    let one = std::slice::from_ref(&two);
    let names = |sql: &str, schemas: &[SchemaRef]| {
        let sql = resolved(sql, schemas).replace('\u{1f}', "#");
        let (list, _) = sql.split_once(" FROM ").unwrap_or((&sql, ""));
        list.to_owned()
    };
    assert_eq!(names("SELECT a, b FROM t", one), "SELECT a, b");
    assert_eq!(names("SELECT a, a FROM t", one), "SELECT a, a AS `a#1`");
    assert_eq!(
        names("SELECT 1 AS a, a FROM t", one),
        "SELECT CAST(1 AS INT) AS a, a AS `a#1`"
    );
    // The same column twice, and two columns of one name, which can be ordered by.
    assert_eq!(
        names("SELECT t.a, t.a FROM t", one),
        "SELECT `t`.a, `t`.a AS `a#1`"
    );
    let both = [two.clone(), two.clone()];
    assert_eq!(
        names("SELECT t.a, s.a FROM t, s", &both),
        "SELECT `t`.a, `s`.a"
    );
    // A wildcard's columns have their names first.
    assert_eq!(names("SELECT *, a FROM t", one), "SELECT *, a AS `a#1`");
    assert_eq!(
        names("SELECT a, * EXCEPT (a) FROM t", one),
        "SELECT a, * EXCEPT (a)"
    );
    assert_eq!(strip_duplicate_suffixes(&two), None);
    let shown = schema(&[("a", DataType::Int32), ("a\u{1f}1", DataType::Utf8)]);
    let left = schema(&[("a", DataType::Int32), ("a", DataType::Utf8)]);
    assert_eq!(strip_duplicate_suffixes(&shown), Some(left));
}

#[test]
fn syntax_that_few_dialects_have_is_parsed() {
    for (sql, translated) in [
        (r"SELECT 'a\'b' AS x", r"SELECT 'a''b' AS x"),
        (r"SELECT 'a\%b' AS x", r"SELECT 'a\%b' AS x"),
        ("SELECT 'a' 'b' AS x", "SELECT 'ab' AS x"),
        ("SELECT /* a /* b */ c */ 1L AS x", "SELECT 1L AS x"),
        (
            "SELECT CAST(1L AS LONG) AS x",
            "SELECT CAST(1L AS BIGINT) AS x",
        ),
        ("SELECT !true AS x", "SELECT NOT true AS x"),
        (
            "WITH c (SELECT 1L AS x) SELECT x FROM c",
            "WITH c AS (SELECT 1L AS x) SELECT x FROM `c`",
        ),
    ] {
        assert_eq!(resolved(sql, &[]), translated);
    }
    for sql in [
        "SELECT a FROM t ORDER BY ALL",
        "SELECT a, count(*) FROM t GROUP BY ROLLUP (a)",
        "SELECT a, count(*) FROM t GROUP BY a WITH ROLLUP",
        "SELECT count(*) FILTER (WHERE a > 1) FROM t",
        "SELECT transform(a, x -> x + 1) FROM t",
        "SELECT * EXCEPT (a) FROM t",
        "SELECT struct(1 AS a, 2 AS b)",
        "SELECT first_value(a IGNORE NULLS) OVER (ORDER BY b) FROM t",
        "SELECT sum(a) OVER v FROM t WINDOW w AS (ORDER BY b), v AS w",
        "SELECT * FROM (t)",
    ] {
        parse_one(sql);
    }
}

#[test]
fn explain_takes_sparks_modes() {
    for (mode, expected) in [
        ("", ExplainMode::Plan),
        ("FORMATTED", ExplainMode::Plan),
        ("CODEGEN", ExplainMode::Plan),
        ("COST", ExplainMode::Plan),
        ("EXTENDED", ExplainMode::Verbose),
        ("VERBOSE", ExplainMode::Verbose),
        ("ANALYZE", ExplainMode::Analyze),
    ] {
        let sql = format!("EXPLAIN {mode} SELECT 1");
        assert!(
            matches!(parse_one(&sql), StatementKind::Explain { mode, .. } if mode == expected),
            "{sql}"
        );
    }
}

#[test]
fn sparks_functions_reach_datafusion_in_its_words() {
    let table = schema(&[("a", DataType::Int32), ("b", DataType::Int32)]);
    for (sparks, datafusions) in [
        ("any_value(a)", "first_value(a)"),
        ("first(a)", "first_value(a)"),
        ("last(a)", "last_value(a)"),
        ("approx_count_distinct(a)", "approx_distinct(a)"),
        ("std(a)", "stddev(a)"),
        ("stddev_samp(a)", "stddev(a)"),
        ("variance(a)", "var_samp(a)"),
        ("every(a)", "bool_and(a)"),
        ("some(a)", "bool_or(a)"),
        ("ucase(a)", "upper(a)"),
        ("lcase(a)", "lower(a)"),
        ("len(a)", "length(a)"),
        ("rand()", "random()"),
        ("array(a, b)", "make_array(a, b)"),
        ("explode(a)", "unnest(a)"),
        (
            "collect_list(a)",
            "array_agg(a) FILTER (WHERE (a) IS NOT NULL)",
        ),
        (
            "collect_set(a)",
            "array_agg(DISTINCT a) FILTER (WHERE (a) IS NOT NULL)",
        ),
        (
            "datediff(a, b)",
            "(CAST(CAST(a AS DATE) AS INT) - CAST(CAST(b AS DATE) AS INT))",
        ),
        (
            "date_add(a, b)",
            "CAST(CAST(CAST(CAST(a AS DATE) AS INT) + CAST(b AS INT) AS INT) AS DATE)",
        ),
        (
            "date_sub(a, b)",
            "CAST(CAST(CAST(CAST(a AS DATE) AS INT) - CAST(b AS INT) AS INT) AS DATE)",
        ),
        ("year(a)", "CAST(date_part('year', a) AS INT)"),
        ("dayofmonth(a)", "CAST(date_part('day', a) AS INT)"),
        ("dayofyear(a)", "CAST(date_part('doy', a) AS INT)"),
        ("weekofyear(a)", "CAST(date_part('week', a) AS INT)"),
        ("second(a)", "CAST(date_part('second', a) AS INT)"),
        ("to_date(a)", "CAST(a AS DATE)"),
        ("to_date(a, 'dd.MM.yyyy')", "to_date(a, '%d.%m.%Y')"),
        ("string(a)", "CAST(a AS STRING)"),
        ("int(a)", "CAST(a AS INT)"),
        ("bigint(a)", "CAST(a AS BIGINT)"),
        ("double(a)", "CAST(a AS DOUBLE PRECISION)"),
        ("boolean(a)", "CAST(a AS BOOLEAN)"),
        ("isnull(a)", "(a IS NULL)"),
        ("isnotnull(a)", "(a IS NOT NULL)"),
        ("if(a, b, 1)", "CASE WHEN a THEN b ELSE 1 END"),
        ("count_if(a)", "count(CASE WHEN a THEN 1 END)"),
        ("concat(a, b)", "('' || a || b)"),
        (
            "regexp_replace(a, 'x', 'y')",
            "regexp_replace(a, 'x', 'y', 'g')",
        ),
        ("log(a)", "ln(a)"),
        ("mod(a, b)", "(a % b)"),
        ("size(a)", "CAST(array_length(a) AS INT)"),
        ("CAST(a AS DECIMAL(5))", "CAST(a AS DECIMAL(5,0))"),
        ("CAST(a AS DEC)", "CAST(a AS DECIMAL(10,0))"),
    ] {
        let sql = format!("SELECT {sparks} AS x FROM t");
        let translated = resolved(&sql, std::slice::from_ref(&table));
        let expected = format!("SELECT {datafusions} AS x FROM __lakeglass_0 AS `t`");
        assert_eq!(translated, expected, "{sparks}");
    }
}
