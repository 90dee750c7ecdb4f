//! The guide's statements, and those of its neighbourhood, as Spark takes them.

use super::*;

#[test]
fn guides_script_parses_statement_by_statement() {
    let guide = ::guide::statements();
    let script: Vec<&str> = guide.iter().map(|statement| statement.sql).collect();
    let script = script.join(" -- a comment; of the guide\n");
    let statements = parse(&script);
    assert_eq!(statements.len(), guide.len());
    for (statement, written) in statements.iter().zip(&guide) {
        assert_eq!(format!("{};", statement.text), written.sql);
        assert_eq!(
            &script[statement.offset..][..statement.text.len()],
            statement.text
        );
    }
}

#[test]
fn guides_reads_name_their_table_and_its_version() {
    let raw = TableName::Path {
        format: TableFormat::Delta,
        url: "s3a://raw-data-bucket/financial_data_delta".to_owned(),
    };
    assert_eq!(raw.to_string(), RAW);
    let relation = |name| {
        query(::guide::statement(name))
            .references
            .remove(0)
            .relation
    };
    let table = |at| Relation::Table {
        table: raw.clone(),
        at,
    };
    assert_eq!(relation("count"), table(None));
    assert_eq!(relation("flagged"), table(None));
    let third = Some(VersionSpec::Version(3));
    assert_eq!(relation("count-at-version"), table(third));
    let ten = VersionSpec::Timestamp(TimestampExpr::Millis(1_795_428_000_000));
    assert_eq!(relation("count-at-time"), table(Some(ten)));
    let changes = Relation::Changes {
        table: TableName::Name {
            parts: vec!["financial_transactions_dim".to_owned()],
        },
        start: VersionSpec::Version(2),
        end: None,
    };
    assert_eq!(relation("changes"), changes);
    assert!(matches!(parse_one(::guide::statement("history")),
        StatementKind::DescribeHistory { table, limit: None } if table == raw));
}

#[test]
fn guides_writes_say_what_is_to_be_done() {
    let operation = |name| write(::guide::statement(name)).operation;
    assert!(matches!(
        operation("restore"),
        WriteOperation::Restore(VersionSpec::Version(3))
    ));
    let WriteOperation::SetTableProperties(properties) = operation("enable-change-feed") else {
        panic!("{:?}", operation("enable-change-feed"));
    };
    let property = ("delta.enableChangeDataFeed".to_owned(), "true".to_owned());
    assert_eq!(properties, [property].into());
    assert!(matches!(
        operation("overwrite"),
        WriteOperation::CreateTableAsSelect {
            mode: CreateMode::CreateOrReplace,
            ..
        }
    ));
    assert!(matches!(
        operation("five-hundred"),
        WriteOperation::Insert(_)
    ));
}

fn source_schema(columns: &[&str]) -> SchemaRef {
    let columns: Vec<_> = columns
        .iter()
        .map(|name| {
            let data_type = match *name {
                "amount" => DataType::Float64,
                "last_updated" => timestamp(),
                _ => DataType::Utf8,
            };
            (*name, data_type)
        })
        .collect();
    schema(&columns)
}

/// Columns of the rows that the guide's MERGE takes.
const COLUMNS: [&str; 7] = [
    "transaction_id",
    "date",
    "account_id",
    "amount",
    "currency",
    "type",
    "last_updated",
];

/// The expressions of a query of [`MergedRows`], where the source has these columns.
fn expressions(query: &Query, source: &SchemaRef) -> Vec<String> {
    let statement = query.resolve(&|placeholder| match placeholder {
        TARGET => Some(dimension()),
        SOURCE => Some(source.clone()),
        other => panic!("{other}"),
    });
    let planned = statement.unwrap().to_string();
    let (items, _) = planned.rsplit_once(" FROM ").unwrap();
    let items = items.trim_start_matches("SELECT ").split(", ").enumerate();
    let expression = |(i, item): (usize, &str)| {
        let name = format!(" AS `{}`", expression_name(i));
        item.strip_suffix(&name).unwrap_or(item).to_owned()
    };
    items.map(expression).collect()
}

fn columns(set: &[(String, usize)]) -> Vec<&str> {
    set.iter().map(|(column, _)| column.as_str()).collect()
}

#[test]
fn guides_merge_brings_its_audit_column_under_schema_evolution() {
    let merge = merge(::guide::statement("merge"));
    assert!(merge.schema_evolution);
    assert!(merge.source.references.is_empty());
    let source = source_schema(&COLUMNS);
    let merged = merge.rows(&dimension(), &source, false).unwrap();
    assert!(merged.schema_evolution);
    let aliases = (merged.target_alias.as_str(), merged.source_alias.as_str());
    assert_eq!(aliases, ("target", "source"));
    let [update, insert] = merged.clauses.as_slice() else {
        panic!("{:?}", merged.clauses)
    };
    assert_eq!(update.when, MergeWhen::Matched);
    let MergedAction::Update(set) = &update.action else {
        panic!("{update:?}")
    };
    assert_eq!(columns(set), COLUMNS[1..]);
    let matched = expressions(&merged.matched, &source);
    assert_eq!(
        matched[0],
        "`target`.transaction_id = `source`.transaction_id"
    );
    assert_eq!(matched[set[5].1], "`source`.last_updated");
    assert_eq!(insert.when, MergeWhen::NotMatched);
    let MergedAction::Insert(set) = &insert.action else {
        panic!("{insert:?}")
    };
    assert_eq!(columns(set), COLUMNS);
    let not_matched = expressions(merged.not_matched.as_ref().unwrap(), &source);
    assert_eq!(not_matched[set[0].1], "`source`.transaction_id");
}

#[test]
fn guides_original_merge_is_refused_with_both_ways_out() {
    let merge = merge(::guide::statement("merge-of-a-missing-column"));
    let source = source_schema(&COLUMNS[..6]);
    let error = merge.rows(&dimension(), &source, false).unwrap_err();
    assert_eq!(error.code, "DELTA_MERGE_UNRESOLVED_EXPRESSION");
    assert!(error.message.contains("`last_updated`"), "{error}");
    let hint = error.hint.unwrap();
    assert!(hint.contains("MERGE WITH SCHEMA EVOLUTION INTO"), "{hint}");
    assert!(
        hint.contains("current_timestamp() AS last_updated"),
        "{hint}"
    );
    let alter = format!("ALTER TABLE {DIM} ADD COLUMNS (last_updated TIMESTAMP);");
    assert!(hint.contains(&alter), "{hint}");
    // The hint's statement is one that runs.
    write(&alter);
}

#[test]
fn hint_repeats_a_value_only_where_it_stands_alone() {
    for (value, repeated, data_type) in [
        ("now()", "now()", "TIMESTAMP"),
        ("current_date()", "current_date()", "DATE"),
        ("'x'", "'x'", "type"),
        ("source.amount + 1", "…", "type"),
    ] {
        let sql = format!(
            "MERGE INTO {DIM} AS target USING s AS source ON target.transaction_id = source.transaction_id
             WHEN MATCHED THEN UPDATE SET seen = {value}"
        );
        let source = source_schema(&COLUMNS[..6]);
        let error = merge(&sql).rows(&dimension(), &source, false).unwrap_err();
        let hint = error.hint.unwrap();
        assert!(hint.contains(&format!("{repeated} AS seen")), "{hint}");
        assert!(hint.contains(&format!("(seen {data_type})")), "{hint}");
    }
}

#[test]
fn merge_column_of_the_source_alone_needs_schema_evolution() {
    let sql = format!(
        "MERGE INTO {DIM} t USING s ON t.transaction_id = s.transaction_id
         WHEN MATCHED THEN UPDATE SET last_updated = s.last_updated"
    );
    let source = source_schema(&COLUMNS);
    let error = merge(&sql).rows(&dimension(), &source, false).unwrap_err();
    assert_eq!(error.code, "DELTA_MERGE_UNRESOLVED_EXPRESSION");
    assert!(error.hint.unwrap().contains("(last_updated TIMESTAMP)"));
    assert!(merge(&sql).rows(&dimension(), &source, true).is_ok());
}

#[test]
fn merge_star_leaves_source_only_columns_out_unless_the_schema_evolves() {
    let sql = format!(
        "MERGE INTO {DIM} AS target USING src AS source ON target.transaction_id = source.transaction_id
         WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    );
    let columns = |evolve| {
        let merged = merge(&sql)
            .rows(&dimension(), &source_schema(&COLUMNS), evolve)
            .unwrap();
        let MergedAction::Insert(set) = &merged.clauses[1].action else {
            panic!("{:?}", merged.clauses)
        };
        set.iter()
            .map(|(column, _)| column.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(columns(false), COLUMNS[..6]);
    assert_eq!(columns(true), COLUMNS);
    let narrow = source_schema(&["transaction_id", "amount"]);
    let error = merge(&sql).rows(&dimension(), &narrow, false).unwrap_err();
    assert_eq!(error.code, "DELTA_MERGE_UNRESOLVED_EXPRESSION");
    assert!(error.message.contains("`currency`"), "{error}");
    assert!(merge(&sql).rows(&dimension(), &narrow, true).is_ok());
}

#[test]
fn merge_with_every_kind_of_clause_keeps_their_order() {
    let sql = format!(
        "MERGE INTO {DIM} AS t USING (SELECT * FROM VALUES ('T002','2024-05-01','A002',250.0D,'GBP','debit') AS s(transaction_id, date, account_id, amount, currency, type)) AS s ON t.transaction_id = s.transaction_id
         WHEN MATCHED AND s.currency = 'GBP' THEN UPDATE SET amount = s.amount WHEN MATCHED THEN DELETE WHEN NOT MATCHED BY TARGET THEN INSERT (transaction_id, amount) VALUES (s.transaction_id, s.amount) WHEN NOT MATCHED BY SOURCE AND t.currency = 'EUR' THEN UPDATE SET type = 'old' WHEN NOT MATCHED BY SOURCE THEN DELETE"
    );
    let source = source_schema(&COLUMNS[..6]);
    let merged = merge(&sql).rows(&dimension(), &source, false).unwrap();
    let matched = expressions(&merged.matched, &source);
    let by_source = merged.not_matched_by_source.as_ref().unwrap();
    let by_source = expressions(by_source, &source);
    let kinds: Vec<_> = merged
        .clauses
        .iter()
        .map(|clause| {
            let expressions = match clause.when {
                MergeWhen::Matched => matched.as_slice(),
                MergeWhen::NotMatched => &[],
                MergeWhen::NotMatchedBySource => by_source.as_slice(),
            };
            let condition = clause.condition.map(|i| expressions[i].as_str());
            (clause.when, condition, &clause.action)
        })
        .collect();
    use MergeWhen::{Matched, NotMatched, NotMatchedBySource};
    assert!(
        matches!(
            kinds[..],
            [
                (
                    Matched,
                    Some("`s`.currency = 'GBP'"),
                    MergedAction::Update(_)
                ),
                (Matched, None, MergedAction::Delete),
                (NotMatched, None, MergedAction::Insert(_)),
                (
                    NotMatchedBySource,
                    Some("`t`.currency = 'EUR'"),
                    MergedAction::Update(_)
                ),
                (NotMatchedBySource, None, MergedAction::Delete),
            ]
        ),
        "{kinds:?}"
    );
}

#[test]
fn merge_without_aliases_qualifies_by_table_name_or_path() {
    let sql = format!(
        "MERGE INTO {DIM} USING updates VERSION AS OF 4
         ON {DIM}.TRANSACTION_ID = updates.Transaction_Id AND financial_transactions_dim.amount > 1
         WHEN NOT MATCHED BY SOURCE AND date < '2024' THEN DELETE"
    );
    let merge = merge(&sql);
    assert_eq!(merge.source.references.len(), 1);
    let source = source_schema(&["Transaction_ID"]);
    let merged = merge.rows(&dimension(), &source, false).unwrap();
    assert_eq!(
        expressions(&merged.matched, &source)[0],
        "`financial_transactions_dim`.transaction_id = `updates`.Transaction_ID AND `financial_transactions_dim`.amount > 1"
    );
    let by_source = merged.not_matched_by_source.as_ref().unwrap();
    assert_eq!(expressions(by_source, &source)[0], "date < '2024'");
}

#[test]
fn merge_clause_sees_only_its_side() {
    let sql = |clause: &str| {
        format!("MERGE INTO {DIM} t USING s ON t.transaction_id = s.transaction_id {clause}")
    };
    let source = source_schema(&COLUMNS[..6]);
    for clause in [
        "WHEN NOT MATCHED THEN INSERT (amount) VALUES (t.amount)",
        "WHEN NOT MATCHED BY SOURCE THEN UPDATE SET amount = s.amount",
        "WHEN MATCHED THEN UPDATE SET amount = nope",
        "WHEN MATCHED THEN UPDATE SET amount = t.nope",
    ] {
        let error = merge(&sql(clause))
            .rows(&dimension(), &source, false)
            .unwrap_err();
        assert_eq!(error.code, "DELTA_MERGE_UNRESOLVED_EXPRESSION", "{clause}");
    }
    let ambiguous = merge(&sql("WHEN MATCHED THEN UPDATE SET amount = amount + 1"));
    let error = ambiguous.rows(&dimension(), &source, false).unwrap_err();
    assert_eq!(error.code, "AMBIGUOUS_REFERENCE");
    let twice = merge(&sql("WHEN MATCHED THEN UPDATE SET amount = 1, AMOUNT = 2"));
    let error = twice.rows(&dimension(), &source, false).unwrap_err();
    assert_eq!(error.code, "DUPLICATE_ASSIGNMENT");
}

#[test]
fn merge_source_needs_no_name() {
    for source in ["(SELECT 'T001' AS id)", "table_changes('t', 1)"] {
        let sql = format!(
            "MERGE INTO {DIM} t USING {source} ON transaction_id = id WHEN MATCHED THEN DELETE"
        );
        let source = source_schema(&["id"]);
        let merged = merge(&sql).rows(&dimension(), &source, false).unwrap();
        assert_eq!(
            expressions(&merged.matched, &source)[0],
            "transaction_id = id"
        );
    }
    let error = refusal("MERGE INTO t USING (a JOIN b ON true) ON true WHEN MATCHED THEN DELETE");
    assert_eq!(error.code, "UNSUPPORTED_FEATURE");
}
