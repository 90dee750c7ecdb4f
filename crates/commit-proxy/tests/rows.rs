//! INSERT, UPDATE, DELETE and MERGE, read back by delta-rs.

mod common;

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Int32Array, StringArray, StructArray};
use arrow::datatypes::{DataType, Field};
use bytes::Bytes;
use common::{Fixture, flags, ipc, keys, numbers, payments, set, text};
use messages::commit::{
    CreateMode, InsertMode, MergeAction, MergeClause, MergeWhen, Operation, RestoreTarget,
};
use serde_json::json;

const FIELDS: [&str; 6] = [
    "transaction_id",
    "date",
    "account_id",
    "amount",
    "currency",
    "type",
];

/// The dimension that the guide starts from.
async fn dimension() -> Fixture {
    let fixture = Fixture::new().await;
    let rows = ipc(vec![
        ("transaction_id", text(&["T001", "T002", "T003"])),
        ("date", text(&["2024-05-01", "2024-05-01", "2024-05-02"])),
        ("account_id", text(&["A001", "A002", "A001"])),
        ("amount", numbers(&[100.0, 200.0, 50.0])),
        ("currency", text(&["USD", "USD", "EUR"])),
        ("type", text(&["credit", "debit", "payment"])),
    ]);
    fixture.create(CreateMode::Create, rows).await;
    fixture
        .set("delta.enableChangeDataFeed", "true")
        .await
        .unwrap();
    fixture
}

/// What the guide merges into it, the audit column included.
fn news(audited: bool) -> Bytes {
    let mut columns = vec![
        ("transaction_id", text(&["T002", "T004", "T005"])),
        ("date", text(&["2024-05-01", "2024-05-03", "2024-05-03"])),
        ("account_id", text(&["A002", "A003", "A001"])),
        ("amount", numbers(&[250.0, 150.0, 75.0])),
        ("currency", text(&["GBP", "USD", "EUR"])),
        ("type", text(&["debit", "transfer", "credit"])),
    ];
    if audited {
        columns.push(("last_updated", text(&["now", "now", "now"])));
    }
    ipc(columns)
}

fn guides_merge(last_updated: &str) -> Operation {
    let from_source: Vec<(String, String)> = FIELDS
        .iter()
        .map(|f| ((*f).to_owned(), format!("source.{f}")))
        .collect();
    let mut pairs: Vec<(&str, &str)> = from_source
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    pairs.push(("last_updated", last_updated));
    merge(
        true,
        "target.transaction_id = source.transaction_id",
        vec![
            clause(
                MergeWhen::Matched,
                None,
                MergeAction::Update {
                    assignments: set(&pairs[1..]),
                },
            ),
            clause(
                MergeWhen::NotMatched,
                None,
                MergeAction::Insert {
                    assignments: set(&pairs),
                },
            ),
        ],
    )
}

fn merge(schema_evolution: bool, on: &str, clauses: Vec<MergeClause>) -> Operation {
    Operation::Merge {
        target_alias: "target".into(),
        source_alias: "source".into(),
        on: on.into(),
        schema_evolution,
        clauses,
    }
}

fn clause(when: MergeWhen, condition: Option<&str>, action: MergeAction) -> MergeClause {
    MergeClause {
        when,
        condition: condition.map(str::to_owned),
        action,
    }
}

fn update(pairs: &[(&str, &str)]) -> MergeAction {
    MergeAction::Update {
        assignments: set(pairs),
    }
}

#[tokio::test]
async fn guides_merge_evolves_the_schema_and_feeds_four_changes() {
    let fixture = dimension().await;
    let outcome = fixture
        .run(guides_merge("source.last_updated"), Some(news(true)))
        .await
        .unwrap();
    assert_eq!(
        (outcome.version, outcome.operation.as_str()),
        (Some(2), "MERGE")
    );
    let result: Vec<(&str, i64)> = outcome
        .result
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    assert_eq!(
        result,
        [
            ("num_affected_rows", 3),
            ("num_updated_rows", 1),
            ("num_deleted_rows", 0),
            ("num_inserted_rows", 2)
        ]
    );
    assert_eq!(
        fixture.rows("*").await,
        [
            "T001 2024-05-01 A001 100.0 USD credit ",
            "T002 2024-05-01 A002 250.0 GBP debit now",
            "T003 2024-05-02 A001 50.0 EUR payment ",
            "T004 2024-05-03 A003 150.0 USD transfer now",
            "T005 2024-05-03 A001 75.0 EUR credit now",
        ]
    );
    assert_eq!(
        fixture
            .changes(2, "transaction_id, amount, last_updated")
            .await,
        [
            "T002 200.0  update_preimage",
            "T002 250.0 now update_postimage",
            "T004 150.0 now insert",
            "T005 75.0 now insert",
        ]
    );
    let info = fixture.commit_info(2);
    assert_eq!(info["operation"], "MERGE");
    assert_eq!(
        info["operationParameters"],
        json!({
            "predicate": "[\"(target.transaction_id = source.transaction_id)\"]",
            "matchedPredicates": "[{\"actionType\":\"update\"}]",
            "notMatchedPredicates": "[{\"actionType\":\"insert\"}]",
            "notMatchedBySourcePredicates": "[]",
        })
    );
    let metrics = &info["operationMetrics"];
    for (name, value) in [
        ("numSourceRows", "3"),
        ("numOutputRows", "5"),
        ("numTargetRowsInserted", "2"),
        ("numTargetRowsUpdated", "1"),
        ("numTargetRowsMatchedUpdated", "1"),
        ("numTargetRowsNotMatchedBySourceUpdated", "0"),
        ("numTargetRowsCopied", "2"),
        ("numTargetRowsDeleted", "0"),
        ("numTargetFilesRemoved", "1"),
    ] {
        assert_eq!(metrics[name], value, "{name}");
    }
    let created = fixture
        .actions(0)
        .into_iter()
        .find_map(|a| a.get("metaData").cloned())
        .unwrap();
    let evolved = fixture
        .actions(2)
        .into_iter()
        .find_map(|a| a.get("metaData").cloned())
        .unwrap();
    assert_eq!(created["id"], evolved["id"]);
    assert_eq!(
        evolved["configuration"]["delta.enableChangeDataFeed"],
        "true"
    );

    fixture
        .run(
            Operation::Restore {
                to: RestoreTarget::Version(1),
            },
            None,
        )
        .await
        .unwrap();
    assert_eq!(
        fixture
            .table()
            .await
            .snapshot()
            .unwrap()
            .schema()
            .fields()
            .count(),
        6
    );
}

#[tokio::test]
async fn guides_original_merge_is_refused_with_the_two_ways_out() {
    let fixture = dimension().await;
    let error = fixture
        .run(guides_merge("now()"), Some(news(false)))
        .await
        .unwrap_err();
    assert_eq!(error.code, "DELTA_MERGE_UNRESOLVED_EXPRESSION");
    assert_eq!(error.columns[0].column, "last_updated");
    let hint = error.hint.unwrap();
    assert!(
        hint.contains("MERGE WITH SCHEMA EVOLUTION") && hint.contains("ADD COLUMNS"),
        "{hint}"
    );
    assert_eq!(fixture.version().await, 1);
}

#[tokio::test]
async fn new_column_is_null_in_matched_rows_that_no_clause_changes() {
    let fixture = dimension().await;
    let operation = merge(
        true,
        "TARGET.transaction_id = SOURCE.transaction_id",
        vec![
            clause(
                MergeWhen::Matched,
                Some("source.amount > 1000"),
                update(&[("last_updated", "'changed'")]),
            ),
            clause(
                MergeWhen::NotMatched,
                None,
                MergeAction::Insert {
                    assignments: set(&[
                        ("transaction_id", "source.transaction_id"),
                        ("last_updated", "concat(source.last_updated, '!')"),
                    ]),
                },
            ),
        ],
    );
    fixture.run(operation, Some(news(true))).await.unwrap();
    assert_eq!(
        fixture.rows("transaction_id, last_updated, amount").await,
        [
            "T001  100.0",
            "T002  200.0",
            "T003  50.0",
            "T004 now! ",
            "T005 now! "
        ]
    );
}

#[tokio::test]
async fn merge_with_all_clauses_answers_as_spark_does() {
    let fixture = dimension().await;
    let rows = ipc(vec![
        ("transaction_id", text(&["T002", "T004"])),
        ("amount", numbers(&[250.0, 150.0])),
        ("currency", text(&["GBP", "USD"])),
    ]);
    let insert = MergeAction::Insert {
        assignments: set(&[
            ("transaction_id", "source.transaction_id"),
            ("amount", "source.amount"),
        ]),
    };
    let operation = merge(
        false,
        "target.transaction_id = source.transaction_id",
        vec![
            clause(
                MergeWhen::Matched,
                Some("source.currency = 'GBP'"),
                update(&[("amount", "source.amount")]),
            ),
            clause(MergeWhen::Matched, None, MergeAction::Delete),
            clause(MergeWhen::NotMatched, None, insert),
            clause(
                MergeWhen::NotMatchedBySource,
                Some("target.currency = 'EUR'"),
                update(&[("type", "'old'")]),
            ),
        ],
    );
    let outcome = fixture.run(operation, Some(rows)).await.unwrap();
    let result: Vec<i64> = outcome.result.iter().map(|(_, value)| *value).collect();
    assert_eq!(result, [3, 2, 0, 1]);
    assert_eq!(
        fixture.changes(2, "transaction_id, amount, type").await,
        [
            "T002 200.0 debit update_preimage",
            "T002 250.0 debit update_postimage",
            "T003 50.0 old update_postimage",
            "T003 50.0 payment update_preimage",
            "T004 150.0  insert",
        ]
    );
    assert_eq!(
        fixture.commit_info(2)["operationParameters"]["matchedPredicates"],
        r#"[{"predicate":"(source.currency = 'GBP')","actionType":"update"},{"actionType":"delete"}]"#
    );

    let delete_rest = merge(
        false,
        "target.transaction_id = source.transaction_id",
        vec![
            clause(MergeWhen::Matched, None, MergeAction::Delete),
            clause(MergeWhen::NotMatchedBySource, None, MergeAction::Delete),
        ],
    );
    let outcome = fixture.run(delete_rest, Some(news(false))).await.unwrap();
    assert_eq!(outcome.result[2], ("num_deleted_rows".to_owned(), 4));
    assert!(fixture.rows("*").await.is_empty());
    let changes = fixture.changes(3, "transaction_id").await;
    assert_eq!(
        changes,
        ["T001 delete", "T002 delete", "T003 delete", "T004 delete"]
    );
}

#[tokio::test]
async fn two_source_rows_for_one_target_row_are_refused() {
    let fixture = dimension().await;
    let files = fixture.data_files();
    let rows = ipc(vec![
        ("transaction_id", text(&["T002", "T002"])),
        ("amount", numbers(&[1.0, 2.0])),
    ]);
    let operation = merge(
        false,
        "target.transaction_id = source.transaction_id",
        vec![clause(
            MergeWhen::Matched,
            None,
            update(&[("amount", "source.amount")]),
        )],
    );
    let error = fixture.run(operation, Some(rows)).await.unwrap_err();
    assert_eq!(
        error.code,
        "DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE"
    );
    assert_eq!(fixture.version().await, 1);
    assert_eq!(fixture.data_files(), files);
}

#[tokio::test]
async fn merge_names_the_column_that_a_value_does_not_fit() {
    let fixture = dimension().await;
    let rows = ipc(vec![
        ("transaction_id", text(&["T002"])),
        ("amount", text(&["FIVE HUNDRED"])),
    ]);
    let operation = merge(
        false,
        "target.transaction_id = source.transaction_id",
        vec![clause(
            MergeWhen::Matched,
            None,
            update(&[("amount", "source.amount")]),
        )],
    );
    let error = fixture.run(operation, Some(rows)).await.unwrap_err();
    assert_eq!(error.code, "CAST_INVALID_INPUT");
    assert_eq!(error.columns[0].column, "amount");
    assert!(error.columns[0].actual.contains("FIVE HUNDRED"));
    assert_eq!(fixture.version().await, 1);
}

#[tokio::test]
async fn appended_rows_are_there_and_counted_as_in_spark() {
    let fixture = Fixture::new().await;
    fixture
        .create(CreateMode::Create, payments(&[("a", 1.0)]))
        .await;
    let rows = ipc(vec![("AMOUNT", text(&["2.5"])), ("id", text(&["b"]))]);
    let outcome = fixture.append(rows).await.unwrap();
    assert_eq!(
        (outcome.version, outcome.operation.as_str()),
        (Some(1), "WRITE")
    );
    assert!(outcome.result.is_empty());
    assert_eq!(fixture.rows("*").await, ["a 1.0", "b 2.5"]);
    let info = fixture.commit_info(1);
    assert_eq!(
        info["operationParameters"],
        json!({"mode": "Append", "partitionBy": "[]"})
    );
    assert_eq!(
        (&info["readVersion"], &info["isBlindAppend"]),
        (&json!(0), &json!(true))
    );
    assert_eq!(
        keys(&info["operationMetrics"]),
        ["numFiles", "numOutputBytes", "numOutputRows"]
    );
    assert_eq!(info["operationMetrics"]["numOutputRows"], "1");
}

#[tokio::test]
async fn five_hundred_in_words_is_refused_and_leaves_nothing() {
    let fixture = Fixture::new().await;
    fixture
        .create(CreateMode::Create, payments(&[("a", 1.0)]))
        .await;
    let files = fixture.data_files();
    let rows = ipc(vec![
        ("id", text(&["b"])),
        ("amount", text(&["FIVE HUNDRED"])),
    ]);
    let error = fixture.append(rows).await.unwrap_err();
    assert_eq!(error.code, "CAST_INVALID_INPUT");
    assert_eq!(error.columns.len(), 1);
    assert_eq!(error.columns[0].column, "amount");
    assert_eq!(error.columns[0].expected, "double");
    assert_eq!(error.columns[0].actual, "string 'FIVE HUNDRED' in row 1");
    assert_eq!(fixture.version().await, 0);
    assert_eq!(fixture.data_files(), files);
}

#[tokio::test]
async fn column_that_the_table_lacks_needs_schema_evolution() {
    let fixture = Fixture::new().await;
    fixture
        .create(CreateMode::Create, payments(&[("a", 1.0)]))
        .await;
    let rows = ipc(vec![("id", text(&["b"])), ("is_flagged", flags(&[true]))]);
    let error = fixture.append(rows.clone()).await.unwrap_err();
    assert_eq!(error.code, "DELTA_METADATA_MISMATCH");
    assert_eq!(error.columns[0].column, "is_flagged");
    let evolve = Operation::Insert {
        mode: InsertMode::Append,
        merge_schema: true,
    };
    fixture.run(evolve.clone(), Some(rows)).await.unwrap();
    assert_eq!(fixture.rows("*").await, ["a 1.0 ", "b  true"]);
    assert_eq!(
        fixture.commit_info(1)["operationParameters"]["canMergeSchema"],
        "true"
    );
    fixture
        .run(evolve, Some(payments(&[("c", 3.0)])))
        .await
        .unwrap();
    assert!(
        fixture
            .actions(2)
            .iter()
            .all(|action| action.get("metaData").is_none())
    );
    assert_eq!(fixture.rows("count(*), count(is_flagged)").await, ["3 1"]);
}

#[tokio::test]
async fn overwrite_replaces_rows_and_the_schema_on_request() {
    let fixture = Fixture::new().await;
    fixture
        .create(CreateMode::Create, payments(&[("a", 1.0), ("b", 2.0)]))
        .await;
    let overwrite = |overwrite_schema| Operation::Insert {
        mode: InsertMode::Overwrite { overwrite_schema },
        merge_schema: false,
    };
    fixture
        .run(overwrite(false), Some(payments(&[("c", 3.0)])))
        .await
        .unwrap();
    assert_eq!(fixture.rows("*").await, ["c 3.0"]);
    let info = fixture.commit_info(1);
    assert_eq!(
        info["operationParameters"],
        json!({"mode": "Overwrite", "partitionBy": "[]"})
    );
    assert_eq!(
        keys(&info["operationMetrics"]),
        [
            "numFiles",
            "numOutputBytes",
            "numOutputRows",
            "numRemovedBytes",
            "numRemovedFiles"
        ]
    );
    let other = ipc(vec![
        ("name", text(&["x"])),
        ("n", Arc::new(Int32Array::from(vec![7]))),
    ]);
    let error = fixture
        .run(overwrite(false), Some(other.clone()))
        .await
        .unwrap_err();
    assert_eq!(error.code, "DELTA_METADATA_MISMATCH");
    fixture.run(overwrite(true), Some(other)).await.unwrap();
    assert_eq!(fixture.rows("name, n").await, ["x 7"]);
}

#[tokio::test]
async fn replace_where_takes_matching_rows_only() {
    let fixture = Fixture::new().await;
    fixture
        .create(
            CreateMode::Create,
            payments(&[("a", 1.0), ("b", 2.0), ("c", 3.0)]),
        )
        .await;
    fixture
        .set("delta.enableChangeDataFeed", "true")
        .await
        .unwrap();
    let replace = |predicate: &str| Operation::Insert {
        mode: InsertMode::ReplaceWhere {
            predicate: predicate.into(),
        },
        merge_schema: false,
    };
    let error = fixture
        .run(replace("amount < 3"), Some(payments(&[("d", 7.0)])))
        .await
        .unwrap_err();
    assert_eq!(error.code, "DELTA_REPLACE_WHERE_MISMATCH");
    assert_eq!(error.columns[0].column, "amount");
    assert_eq!(fixture.version().await, 1);
    fixture
        .run(replace("Amount < 3"), Some(payments(&[("d", 0.5)])))
        .await
        .unwrap();
    assert_eq!(fixture.rows("*").await, ["c 3.0", "d 0.5"]);
    assert_eq!(
        fixture.changes(2, "id").await,
        ["a delete", "b delete", "d insert"]
    );
    fixture
        .run(replace("id = 'nobody'"), Some(payments(&[])))
        .await
        .unwrap();
    assert_eq!(fixture.rows("*").await, ["c 3.0", "d 0.5"]);
}

#[tokio::test]
async fn update_feeds_both_images_also_where_rows_become_equal() {
    let fixture = Fixture::new().await;
    fixture
        .create(
            CreateMode::Create,
            payments(&[("a", 1.0), ("a", 2.0), ("b", 5.0)]),
        )
        .await;
    fixture
        .set("delta.enableChangeDataFeed", "true")
        .await
        .unwrap();
    let operation = |pairs: &[(&str, &str)], predicate: Option<&str>| Operation::Update {
        assignments: set(pairs),
        predicate: predicate.map(str::to_owned),
    };
    let outcome = fixture
        .run(
            operation(
                &[("AMOUNT", "amount + 1")],
                Some("id = 'a' AND amount < 1.5"),
            ),
            None,
        )
        .await
        .unwrap();
    assert_eq!(outcome.result, [("num_affected_rows".to_owned(), 1)]);
    assert_eq!(fixture.rows("*").await, ["a 2.0", "a 2.0", "b 5.0"]);
    assert_eq!(
        fixture.changes(2, "id, amount").await,
        ["a 1.0 update_preimage", "a 2.0 update_postimage"]
    );
    let info = fixture.commit_info(2);
    assert_eq!(info["operation"], "UPDATE");
    assert_eq!(
        info["operationParameters"],
        json!({"predicate": "[\"(id = 'a' AND amount < 1.5)\"]"})
    );
    for (name, value) in [
        ("numUpdatedRows", "1"),
        ("numCopiedRows", "2"),
        ("numAddedFiles", "1"),
        ("numRemovedFiles", "1"),
        ("numAddedChangeFiles", "1"),
    ] {
        assert_eq!(info["operationMetrics"][name], value, "{name}");
    }

    let nobody = fixture
        .run(operation(&[("amount", "0")], Some("id = 'x'")), None)
        .await
        .unwrap();
    assert_eq!((nobody.version, nobody.result[0].1), (None, 0));
    let all = fixture
        .run(operation(&[("amount", "0")], None), None)
        .await
        .unwrap();
    assert_eq!((all.version, all.result[0].1), (Some(3), 3));
    assert_eq!(fixture.rows("DISTINCT amount").await, ["0.0"]);

    let error = fixture
        .run(operation(&[("amount", "'FIVE HUNDRED'")], None), None)
        .await
        .unwrap_err();
    assert_eq!(error.code, "CAST_INVALID_INPUT");
    assert_eq!(error.columns[0].column, "amount");
    let error = fixture
        .run(operation(&[("nope", "1")], None), None)
        .await
        .unwrap_err();
    assert_eq!(error.code, "UNRESOLVED_COLUMN.WITH_SUGGESTION");
    let subquery = operation(&[("amount", "(SELECT 1)")], None);
    assert_eq!(
        fixture.run(subquery, None).await.unwrap_err().code,
        "UNSUPPORTED_EXPRESSION"
    );
}

#[tokio::test]
async fn expressions_compute_exactly_and_resolve_quoted_and_nested_names() {
    let fixture = Fixture::new().await;
    let price = Decimal128Array::from(vec![1999, 100])
        .with_precision_and_scale(10, 2)
        .unwrap();
    let inner: ArrayRef = Arc::new(StringArray::from(vec!["x", "y"]));
    let nested = StructArray::from(vec![(
        Arc::new(Field::new("Kind", DataType::Utf8, true)),
        inner,
    )]);
    let rows = ipc(vec![
        ("Name", text(&["it's", "b"])),
        ("price", Arc::new(price)),
        ("detail", Arc::new(nested)),
    ]);
    fixture.create(CreateMode::Create, rows).await;
    let update = Operation::Update {
        assignments: set(&[("price", "price * 1.1"), ("NAME", "\"Name\" || '\"!'")]),
        predicate: Some("\"detail\".\"Kind\" = 'x' AND name = 'it''s'".into()),
    };
    let outcome = fixture.run(update, None).await.unwrap();
    assert_eq!(outcome.result[0].1, 1);
    assert_eq!(
        fixture.rows("\"Name\", price").await,
        ["b 1.00", "it's\"! 21.99"]
    );
    let delete = Operation::Delete {
        predicate: Some("price BETWEEN 21.985 AND 21.995".into()),
    };
    assert_eq!(fixture.run(delete, None).await.unwrap().result[0].1, 1);
}

#[tokio::test]
async fn delete_takes_the_rows_that_match_and_nothing_else() {
    let fixture = Fixture::new().await;
    let rows = ipc(vec![
        (
            "id",
            Arc::new(StringArray::from(vec![Some("a"), Some("b"), None])),
        ),
        ("n", Arc::new(Int32Array::from(vec![2, 3, 4]))),
    ]);
    fixture.create(CreateMode::Create, rows).await;
    fixture
        .set("delta.enableChangeDataFeed", "true")
        .await
        .unwrap();
    let delete = |predicate: &str| {
        fixture.run(
            Operation::Delete {
                predicate: Some(predicate.into()),
            },
            None,
        )
    };
    // The literal is not an integer: comparing as integers would delete nothing.
    let outcome = delete("n < 2.5").await.unwrap();
    assert_eq!((outcome.version, outcome.result[0].1), (Some(2), 1));
    assert_eq!(fixture.rows("n").await, ["3", "4"]);
    assert_eq!(fixture.changes(2, "id, n").await, ["a 2 delete"]);
    let info = fixture.commit_info(2);
    assert_eq!(info["operation"], "DELETE");
    assert_eq!(info["operationParameters"]["predicate"], "[\"(n < 2.5)\"]");
    for (name, value) in [
        ("numDeletedRows", "1"),
        ("numCopiedRows", "2"),
        ("numAddedChangeFiles", "1"),
    ] {
        assert_eq!(info["operationMetrics"][name], value, "{name}");
    }
    // Null is not 'b', and not different from it either.
    assert_eq!(delete("id <> 'b'").await.unwrap().version, None);
    let all = fixture
        .run(Operation::Delete { predicate: None }, None)
        .await
        .unwrap();
    assert_eq!(all.result, [("num_affected_rows".to_owned(), 2)]);
    assert!(fixture.rows("*").await.is_empty());
}

#[tokio::test]
async fn constraints_are_enforced_by_name() {
    let fixture = Fixture::new().await;
    fixture
        .create(CreateMode::Create, payments(&[("a", 1.0)]))
        .await;
    fixture
        .table()
        .await
        .add_constraint()
        .with_constraint("positive", "amount > 0")
        .await
        .unwrap();
    let files = fixture.data_files();
    let error = fixture
        .append(payments(&[("b", 2.0), ("c", -5.0)]))
        .await
        .unwrap_err();
    assert_eq!(error.code, "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES");
    assert!(error.message.contains("positive"), "{}", error.message);
    assert_eq!(error.columns[0].actual, "-5.0 in row 2");
    let update = Operation::Update {
        assignments: set(&[("amount", "-1")]),
        predicate: None,
    };
    let error = fixture.run(update, None).await.unwrap_err();
    assert_eq!(error.code, "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES");
    assert_eq!(fixture.version().await, 1);
    assert_eq!(fixture.data_files(), files);
    fixture.append(payments(&[("b", 2.0)])).await.unwrap();
}

#[tokio::test]
async fn concurrent_appends_land_exactly_once() {
    let fixture = Arc::new(Fixture::new().await);
    fixture
        .create(CreateMode::Create, payments(&[("start", 0.0)]))
        .await;
    // A second proxy on the same folder knows nothing of the first one's locks.
    let folder = fixture.folder.path().to_owned();
    let other = commit_proxy::Proxy::start(common::options(folder))
        .await
        .unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..12 {
        let proxy = if n % 2 == 0 {
            fixture.proxy.clone()
        } else {
            other.clone()
        };
        tasks.spawn(async move {
            let id = format!("row-{n:02}");
            let request = messages::commit::CommitRequest {
                table: common::TABLE.into(),
                operation: Operation::Insert {
                    mode: InsertMode::Append,
                    merge_schema: false,
                },
            };
            proxy
                .commit(request, Some(payments(&[(&id, f64::from(n))])))
                .await
                .unwrap()
                .version
        });
    }
    let mut versions: Vec<u64> = tasks.join_all().await.into_iter().flatten().collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=12).collect::<Vec<u64>>());
    let expected: Vec<String> = (0..12)
        .map(|n| format!("row-{n:02}"))
        .chain(["start".to_owned()])
        .collect();
    assert_eq!(fixture.rows("id").await, expected);
}
