//! What a statement that changes rows says and refuses, apart from which rows it changes.

use query_engine::RowKind;

use crate::row_changes::inserts::{plain, refusal};
use crate::row_changes::tables::text_rows;
use crate::support::Lake;

const SOURCE: &str = "(SELECT * FROM VALUES (1, 'eins', true), (3, 'drei', false)
                       AS v(id, name, flag)) AS s";

async fn rows(lake: &Lake, sql: &str) -> Vec<(RowKind, String)> {
    match text_rows(lake, sql).await {
        Ok((mut rows, _)) => {
            rows.sort();
            rows
        }
        Err(error) => panic!("{sql}\n{error}"),
    }
}

#[tokio::test]
async fn all_columns_are_the_tables_or_under_schema_evolution_the_sources() {
    let lake = plain().await;
    let sql = format!(
        "MERGE WITH SCHEMA EVOLUTION INTO t USING {SOURCE} ON t.id = s.id
         WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    );
    let (mut changed, schema) = text_rows(&lake, &sql).await.unwrap();
    changed.sort();
    let expected = [
        (RowKind::Insert, "3|drei|NULL|NULL|false".to_owned()),
        (RowKind::UpdatePostimage, "1|eins|10.0|2024|true".to_owned()),
    ];
    assert_eq!(changed, expected);
    assert_eq!(schema.fields()[4].name, "flag");
    let closed = sql.replace("WITH SCHEMA EVOLUTION ", "");
    let error = refusal(&lake, &closed).await;
    assert_eq!(error.code, "DELTA_MERGE_UNRESOLVED_EXPRESSION");
}

#[tokio::test]
async fn a_source_that_reads_the_table_sees_the_same_version() {
    let lake = plain().await;
    let sql = "MERGE INTO t USING (SELECT id + 1 AS id, name FROM t) AS s ON t.id = s.id
               WHEN MATCHED THEN UPDATE SET name = s.name
               WHEN NOT MATCHED THEN INSERT (id, name) VALUES (id, name)
               WHEN NOT MATCHED BY SOURCE THEN DELETE";
    let expected = [
        (RowKind::Insert, "3|two|NULL|NULL".to_owned()),
        (RowKind::UpdatePostimage, "2|one|20.0|2025".to_owned()),
    ];
    assert_eq!(rows(&lake, sql).await, expected);
}

#[tokio::test]
async fn a_value_is_computed_only_for_the_rows_of_its_clause() {
    let lake = plain().await;
    let sql = format!(
        "MERGE INTO t USING {SOURCE} ON t.id = s.id
         WHEN MATCHED AND t.id = 0 AND 1 DIV (t.id - 1) = 1 THEN DELETE
         WHEN MATCHED THEN UPDATE SET amount = 1 DIV (2 - t.id)
         WHEN NOT MATCHED THEN INSERT (id, amount) VALUES (s.id, 6 DIV (s.id - 1))
         WHEN NOT MATCHED BY SOURCE AND 1 DIV (t.id - 1) = 1 THEN UPDATE SET amount = 1 DIV (t.id - 1)"
    );
    let expected = [
        (RowKind::Insert, "3|NULL|3.0|NULL".to_owned()),
        (RowKind::UpdatePostimage, "1|one|1.0|2024".to_owned()),
        (RowKind::UpdatePostimage, "2|two|1.0|2025".to_owned()),
    ];
    assert_eq!(rows(&lake, &sql).await, expected);
}

#[tokio::test]
async fn names_are_those_that_a_clause_sees() {
    let lake = plain().await;
    let merge = |clause: &str| format!("MERGE INTO t USING {SOURCE} ON t.id = s.id {clause}");
    for (clause, code) in [
        (
            "WHEN MATCHED THEN UPDATE SET name = nope",
            "DELTA_MERGE_UNRESOLVED_EXPRESSION",
        ),
        (
            "WHEN MATCHED THEN UPDATE SET amount = id",
            "AMBIGUOUS_REFERENCE",
        ),
        (
            "WHEN NOT MATCHED THEN INSERT (id) VALUES (t.id)",
            "DELTA_MERGE_UNRESOLVED_EXPRESSION",
        ),
        (
            "WHEN NOT MATCHED BY SOURCE THEN UPDATE SET name = s.name",
            "DELTA_MERGE_UNRESOLVED_EXPRESSION",
        ),
        (
            "WHEN MATCHED THEN UPDATE SET id = 'x'",
            "CAST_INVALID_INPUT",
        ),
        (
            "WHEN MATCHED AND rand() < 2 THEN DELETE",
            "DELTA_NON_DETERMINISTIC_FUNCTION_NOT_SUPPORTED",
        ),
        (
            "WHEN MATCHED THEN UPDATE SET amount = row_number() OVER (ORDER BY s.id)",
            "UNSUPPORTED_EXPR_FOR_OPERATOR",
        ),
        (
            "WHEN MATCHED AND s.id IN (SELECT id FROM t) THEN DELETE",
            "UNSUPPORTED_FEATURE",
        ),
    ] {
        let sql = merge(clause);
        assert_eq!(refusal(&lake, &sql).await.code, code, "{sql}");
    }
    for sql in [
        "DELETE FROM t WHERE rand() < 2",
        "UPDATE t SET amount = 1 WHERE id < 3 AND rand() < 2",
    ] {
        let error = refusal(&lake, sql).await;
        assert_eq!(
            error.code, "DELTA_NON_DETERMINISTIC_FUNCTION_NOT_SUPPORTED",
            "{sql}"
        );
    }
    let error = refusal(&lake, "DELETE FROM t WHERE nope = 1").await;
    assert_eq!(error.code, "UNRESOLVED_COLUMN.WITH_SUGGESTION");
    let window = "UPDATE t SET amount = row_number() OVER (ORDER BY id)";
    assert_eq!(
        refusal(&lake, window).await.code,
        "UNSUPPORTED_EXPR_FOR_OPERATOR"
    );
    // Both sides go by one name, and their columns by their full ones.
    let sql =
        "MERGE INTO delta.`s3a://lake/t` USING lake.t ON delta.`s3a://lake/t`.id = lake.t.id + 1
               WHEN MATCHED THEN UPDATE SET amount = lake.t.amount";
    assert_eq!(
        rows(&lake, sql).await,
        [(RowKind::UpdatePostimage, "2|two|10.0|2025".to_owned())]
    );
}

#[tokio::test]
async fn tables_in_conditions_are_read_at_the_statements_version() {
    let lake = plain().await;
    let sql = "DELETE FROM t WHERE amount = (SELECT max(amount) FROM t) AND EXISTS
               (SELECT 1 FROM t AS u WHERE u.id < t.id)";
    let statement = "UPDATE t SET amount = (SELECT max(id) + 0.5 FROM t) WHERE id NOT IN
                     (SELECT id FROM t VERSION AS OF 0 WHERE id = 2)";
    assert_eq!(
        rows(&lake, statement).await,
        [(RowKind::UpdatePostimage, "1|one|2.5|2024".to_owned())]
    );
    let engine = lake.engine();
    let statement = engine.parse(sql).unwrap().remove(0);
    let mut change = engine.changed_rows(&statement).await.unwrap();
    while let Some(rows) = change.next().await {
        rows.unwrap();
    }
    assert_eq!(change.finish().counts.deleted, 1);
}

#[tokio::test]
async fn places_of_rows_count_against_the_memory_limit() {
    let lake = plain().await;
    let engine = lake.engine_with(1);
    let statement = engine.parse("DELETE FROM t").unwrap().remove(0);
    let mut change = engine.changed_rows(&statement).await.unwrap();
    let error = change.next().await.unwrap().unwrap_err();
    assert_eq!(error.code, "QUERY_MEMORY_EXCEEDED");
}

#[tokio::test]
async fn columns_that_files_have_under_other_names_are_found_beside_the_rows_number() {
    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use serde_json::json;
    use std::sync::Arc;
    let lake = Lake::default();
    let mut actions = crate::support::metadata_with(
        &[],
        &["part"],
        json!({ "delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "2" }),
    );
    actions[0] = json!({ "protocol": {
        "minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["columnMapping"],
        "writerFeatures": ["columnMapping", "inCommitTimestamp"],
    } });
    let field = |name: &str, physical: &str, id: i64| {
        json!({ "name": name, "type": "long", "nullable": true, "metadata": {
            "delta.columnMapping.id": id, "delta.columnMapping.physicalName": physical,
        } })
    };
    let schema = json!({ "type": "struct",
        "fields": [field("id", "col-1", 1), field("part", "col-2", 2)] });
    actions[1]["metaData"]["schemaString"] = json!(schema.to_string());
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![5, 6, 7]));
    let batch = RecordBatch::try_from_iter([("col-1", ids)]).unwrap();
    let partition = json!({ "col-2": "9" });
    actions.push(
        lake.add_partition("t", "a.parquet", &batch, partition)
            .await,
    );
    lake.commit("t", 0, "WRITE", actions).await;
    let engine = lake.engine();
    let statement = engine
        .parse("UPDATE t SET part = part + id WHERE id > 5")
        .unwrap();
    let mut change = engine.changed_rows(&statement[0]).await.unwrap();
    let mut parts = Vec::new();
    while let Some(changed) = change.next().await {
        parts.extend(crate::support::as_text(&changed.unwrap().rows));
    }
    assert_eq!(parts, [["6", "15"], ["7", "16"]]);
    let updated = change.finish().updated;
    assert_eq!(updated[&0].iter().collect::<Vec<_>>(), [1, 2]);
}
