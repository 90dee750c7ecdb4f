//! The guide's statements, and those of its neighbourhood, as Spark takes them.

use super::*;

const MERGE: &str = "MERGE WITH SCHEMA EVOLUTION INTO delta.`s3a://curated-data-bucket/financial_transactions_dim` AS target
USING (SELECT *, current_timestamp() AS last_updated
       FROM VALUES ('T002','2024-05-01','A002',250.0D,'GBP','debit'), ('T004','2024-05-03','A003',150.0D,'USD','transfer'), ('T005','2024-05-03','A001',75.0D,'EUR','credit')
         AS v(transaction_id, date, account_id, amount, currency, type)) AS source
ON target.transaction_id = source.transaction_id
WHEN MATCHED THEN UPDATE SET date = source.date, account_id = source.account_id, amount = source.amount, currency = source.currency, type = source.type, last_updated = source.last_updated
WHEN NOT MATCHED THEN INSERT (transaction_id, date, account_id, amount, currency, type, last_updated)
  VALUES (source.transaction_id, source.date, source.account_id, source.amount, source.currency, source.type, source.last_updated)";

#[test]
fn guides_script_parses_statement_by_statement() {
    let script = format!(
        "SELECT COUNT(*) FROM {RAW};
         DESCRIBE HISTORY {RAW};
         SELECT COUNT(*) FROM {RAW} VERSION AS OF 3;
         SELECT COUNT(*) FROM {RAW} TIMESTAMP AS OF '2026-11-23 10:00:00';  -- a time between two; of its commits
         SELECT transaction_id, amount, is_flagged FROM {RAW} LIMIT 20;
         RESTORE TABLE {RAW} TO VERSION AS OF 3;
         ALTER TABLE {DIM} SET TBLPROPERTIES (delta.enableChangeDataFeed = true);
         {MERGE};
         SELECT * FROM table_changes('financial_transactions_dim', 2);"
    );
    let statements = parse(&script);
    assert_eq!(statements.len(), 9);
    for statement in &statements {
        assert_eq!(
            &script[statement.offset..][..statement.text.len()],
            statement.text
        );
    }
    let url = |bucket: &str, path: &str| format!("s3a://{bucket}/{path}");
    let raw = TableName::Path {
        format: TableFormat::Delta,
        url: url("raw-data-bucket", "financial_data_delta"),
    };
    assert_eq!(raw.to_string(), RAW);
    let relation = |i: usize| match &statements[i].kind {
        StatementKind::Query(query) => query.references[0].relation.clone(),
        other => panic!("{other:?}"),
    };
    let table = |at| Relation::Table {
        table: raw.clone(),
        at,
    };
    assert_eq!(relation(0), table(None));
    assert!(matches!(&statements[1].kind,
        StatementKind::DescribeHistory { table, limit: None } if *table == raw));
    assert_eq!(relation(2), table(Some(VersionSpec::Version(3))));
    let ten = TimestampExpr::Millis(1_795_428_000_000);
    assert_eq!(relation(3), table(Some(VersionSpec::Timestamp(ten))));
    assert!(statements[3].text.ends_with("'2026-11-23 10:00:00'"));
    assert!(
        matches!(&statements[5].kind, StatementKind::Write(Write { table, operation, .. })
        if *table == raw
            && matches!(operation, WriteOperation::Restore(VersionSpec::Version(3))))
    );
    let StatementKind::Write(Write {
        operation: WriteOperation::Bound(operation),
        ..
    }) = &statements[6].kind
    else {
        panic!("{:?}", statements[6].kind);
    };
    assert_eq!(
        *operation,
        Operation::SetTableProperties {
            properties: [("delta.enableChangeDataFeed".to_owned(), "true".to_owned())].into()
        }
    );
    assert_eq!(
        relation(8),
        Relation::Changes {
            table: TableName::Name {
                parts: vec!["financial_transactions_dim".to_owned()]
            },
            start: VersionSpec::Version(2),
            end: None,
        }
    );
}

fn merge(sql: &str) -> Box<Merge> {
    match write(sql).operation {
        WriteOperation::Merge(merge) => merge,
        other => panic!("{other:?}"),
    }
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

const SOURCE: [&str; 7] = [
    "transaction_id",
    "date",
    "account_id",
    "amount",
    "currency",
    "type",
    "last_updated",
];

#[test]
fn guides_merge_brings_its_audit_column_under_schema_evolution() {
    let merge = merge(MERGE);
    assert!(merge.schema_evolution);
    assert!(merge.source.references.is_empty());
    let Operation::Merge {
        target_alias,
        source_alias,
        on,
        schema_evolution,
        clauses,
    } = merge
        .bind(&dimension(), &source_schema(&SOURCE), false)
        .unwrap()
    else {
        panic!()
    };
    assert_eq!(
        (target_alias.as_str(), source_alias.as_str()),
        ("target", "source")
    );
    assert!(schema_evolution);
    assert_eq!(
        on,
        r#""target"."transaction_id" = "source"."transaction_id""#
    );
    assert_eq!(clauses.len(), 2);
    assert_eq!(clauses[0].when, MergeWhen::Matched);
    let MergeAction::Update { assignments } = &clauses[0].action else {
        panic!()
    };
    let columns: Vec<_> = assignments.iter().map(|a| a.column.as_str()).collect();
    assert_eq!(
        columns,
        [
            "date",
            "account_id",
            "amount",
            "currency",
            "type",
            "last_updated"
        ]
    );
    assert_eq!(assignments[5].expression, r#""source"."last_updated""#);
    let MergeAction::Insert { assignments } = &clauses[1].action else {
        panic!()
    };
    assert_eq!(assignments.len(), 7);
    assert_eq!(
        assignments[0],
        Assignment {
            column: "transaction_id".to_owned(),
            expression: r#""source"."transaction_id""#.to_owned()
        }
    );
}

#[test]
fn guides_original_merge_is_refused_with_both_ways_out() {
    let sql = format!(
        "MERGE INTO {DIM} AS target USING (SELECT * FROM VALUES ('T002', 250.0D) AS v(transaction_id, amount)) AS source
         ON target.transaction_id = source.transaction_id
         WHEN MATCHED THEN UPDATE SET amount = source.amount, last_updated = current_timestamp()"
    );
    let source = source_schema(&["transaction_id", "amount"]);
    let error = merge(&sql).bind(&dimension(), &source, false).unwrap_err();
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
fn merge_column_of_the_source_alone_needs_schema_evolution() {
    let sql = format!(
        "MERGE INTO {DIM} t USING s ON t.transaction_id = s.transaction_id
         WHEN MATCHED THEN UPDATE SET last_updated = s.last_updated"
    );
    let source = source_schema(&SOURCE);
    let error = merge(&sql).bind(&dimension(), &source, false).unwrap_err();
    assert_eq!(error.code, "DELTA_MERGE_UNRESOLVED_EXPRESSION");
    assert!(error.hint.unwrap().contains("(last_updated TIMESTAMP)"));
    assert!(merge(&sql).bind(&dimension(), &source, true).is_ok());
}

#[test]
fn merge_star_leaves_source_only_columns_out_unless_the_schema_evolves() {
    let sql = format!(
        "MERGE INTO {DIM} AS target USING src AS source ON target.transaction_id = source.transaction_id
         WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    );
    let columns = |evolve| {
        let operation = merge(&sql)
            .bind(&dimension(), &source_schema(&SOURCE), evolve)
            .unwrap();
        let Operation::Merge { clauses, .. } = operation else {
            panic!()
        };
        let MergeAction::Insert { assignments } = &clauses[1].action else {
            panic!()
        };
        assignments
            .iter()
            .map(|a| a.column.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(columns(false), SOURCE[..6]);
    assert_eq!(columns(true), SOURCE);
    let narrow = source_schema(&["transaction_id", "amount"]);
    let error = merge(&sql).bind(&dimension(), &narrow, false).unwrap_err();
    assert_eq!(error.code, "DELTA_MERGE_UNRESOLVED_EXPRESSION");
    assert!(error.message.contains("`currency`"), "{error}");
    assert!(merge(&sql).bind(&dimension(), &narrow, true).is_ok());
}

#[test]
fn merge_with_every_kind_of_clause_keeps_their_order() {
    let sql = format!(
        "MERGE INTO {DIM} AS t USING (SELECT * FROM VALUES ('T002','2024-05-01','A002',250.0D,'GBP','debit') AS s(transaction_id, date, account_id, amount, currency, type)) AS s ON t.transaction_id = s.transaction_id
         WHEN MATCHED AND s.currency = 'GBP' THEN UPDATE SET amount = s.amount WHEN MATCHED THEN DELETE WHEN NOT MATCHED BY TARGET THEN INSERT (transaction_id, amount) VALUES (s.transaction_id, s.amount) WHEN NOT MATCHED BY SOURCE AND t.currency = 'EUR' THEN UPDATE SET type = 'old' WHEN NOT MATCHED BY SOURCE THEN DELETE"
    );
    let operation = merge(&sql)
        .bind(&dimension(), &source_schema(&SOURCE[..6]), false)
        .unwrap();
    let Operation::Merge { clauses, .. } = operation else {
        panic!()
    };
    let kinds: Vec<_> = clauses
        .iter()
        .map(|clause| (clause.when, clause.condition.as_deref(), &clause.action))
        .collect();
    use MergeWhen::{Matched, NotMatched, NotMatchedBySource};
    assert!(matches!(
        kinds[..],
        [
            (
                Matched,
                Some(r#""s"."currency" = 'GBP'"#),
                MergeAction::Update { .. }
            ),
            (Matched, None, MergeAction::Delete),
            (NotMatched, None, MergeAction::Insert { .. }),
            (
                NotMatchedBySource,
                Some(r#""t"."currency" = 'EUR'"#),
                MergeAction::Update { .. }
            ),
            (NotMatchedBySource, None, MergeAction::Delete),
        ]
    ));
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
    let operation = merge
        .bind(&dimension(), &source_schema(&["Transaction_ID"]), false)
        .unwrap();
    let Operation::Merge { on, clauses, .. } = operation else {
        panic!()
    };
    assert_eq!(
        on,
        r#""financial_transactions_dim"."transaction_id" = "updates"."Transaction_ID" AND "financial_transactions_dim"."amount" > 1"#
    );
    assert_eq!(
        clauses[0].condition.as_deref(),
        Some(r#""financial_transactions_dim"."date" < '2024'"#)
    );
}

#[test]
fn merge_clause_sees_only_its_side() {
    let sql = |clause: &str| {
        format!("MERGE INTO {DIM} t USING s ON t.transaction_id = s.transaction_id {clause}")
    };
    let source = source_schema(&SOURCE[..6]);
    for clause in [
        "WHEN NOT MATCHED THEN INSERT (amount) VALUES (t.amount)",
        "WHEN NOT MATCHED BY SOURCE THEN UPDATE SET amount = s.amount",
        "WHEN MATCHED THEN UPDATE SET amount = nope",
        "WHEN MATCHED THEN UPDATE SET amount = t.nope",
    ] {
        let error = merge(&sql(clause))
            .bind(&dimension(), &source, false)
            .unwrap_err();
        assert_eq!(error.code, "DELTA_MERGE_UNRESOLVED_EXPRESSION", "{clause}");
    }
    let ambiguous = merge(&sql("WHEN MATCHED THEN UPDATE SET amount = amount + 1"));
    let error = ambiguous.bind(&dimension(), &source, false).unwrap_err();
    assert_eq!(error.code, "AMBIGUOUS_REFERENCE");
    let twice = merge(&sql("WHEN MATCHED THEN UPDATE SET amount = 1, AMOUNT = 2"));
    let error = twice.bind(&dimension(), &source, false).unwrap_err();
    assert_eq!(error.code, "DUPLICATE_ASSIGNMENT");
}
