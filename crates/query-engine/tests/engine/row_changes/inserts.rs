//! INSERT, and what every new row must meet.

use messages::Error;
use query_engine::RowKind;
use serde_json::{Value, json};

use crate::row_changes::tables::{deletion_vector, text_rows};
use crate::support::{Lake, metadata_with};

/// `t`: a table of two rows, (1, 'one', 10) in the partition 2024 and (2, 'two', 20) in 2025.
async fn lake(fields: Vec<Value>, configuration: Value) -> Lake {
    use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
    use std::sync::Arc;
    let lake = Lake::default();
    let mut actions = metadata_with(&[], &["year"], configuration);
    let schema = json!({ "type": "struct", "fields": fields });
    actions[1]["metaData"]["schemaString"] = json!(schema.to_string());
    for (id, name, amount, year) in [(1, "one", 10.0, "2024"), (2, "two", 20.0, "2025")] {
        let batch = RecordBatch::try_from_iter([
            ("id", Arc::new(Int64Array::from(vec![id])) as ArrayRef),
            ("name", Arc::new(StringArray::from(vec![name]))),
            ("amount", Arc::new(Float64Array::from(vec![amount]))),
        ])
        .unwrap();
        let file = format!("{year}.parquet");
        let partition = json!({ "year": year });
        actions.push(lake.add_partition("t", &file, &batch, partition).await);
    }
    lake.commit("t", 0, "WRITE", actions).await;
    lake
}

fn field(name: &str, data_type: &str, nullable: bool, metadata: Value) -> Value {
    json!({ "name": name, "type": data_type, "nullable": nullable, "metadata": metadata })
}

fn fields() -> Vec<Value> {
    vec![
        field("id", "long", false, json!({})),
        field("name", "string", true, json!({})),
        field("amount", "double", true, json!({})),
        field("year", "integer", true, json!({})),
    ]
}

pub async fn plain() -> Lake {
    lake(fields(), json!({})).await
}

async fn inserted(lake: &Lake, sql: &str) -> Result<Vec<String>, Error> {
    let (rows, _) = text_rows(lake, sql).await?;
    let inserted = rows
        .into_iter()
        .filter(|(kind, _)| *kind == RowKind::Insert);
    Ok(inserted.map(|(_, row)| row).collect())
}

pub async fn refusal(lake: &Lake, sql: &str) -> Error {
    match text_rows(lake, sql).await {
        Ok((rows, _)) => panic!("{sql}\n{rows:?}"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn rows_take_the_columns_order_and_types_of_the_table() {
    let lake = plain().await;
    let by_position = "INSERT INTO t VALUES (3, 'x', '1', 2026), (4, NULL, '2.5', 2026)";
    assert_eq!(
        inserted(&lake, by_position).await.unwrap(),
        ["3|x|1.0|2026", "4|NULL|2.5|2026"]
    );
    let by_list = "INSERT INTO t (YEAR, id) SELECT 2026, id + 10 FROM t WHERE id = 2";
    assert_eq!(
        inserted(&lake, by_list).await.unwrap(),
        ["12|NULL|NULL|2026"]
    );
    let by_name = "INSERT INTO t BY NAME SELECT 7 AS year, 1 AS ID";
    assert_eq!(inserted(&lake, by_name).await.unwrap(), ["1|NULL|NULL|7"]);
}

#[tokio::test]
async fn what_does_not_fit_names_the_column_what_is_expected_and_what_came() {
    let lake = plain().await;
    let sql = "INSERT INTO t VALUES (3, 'x', '1', 1), (4, 'x', 'FIVE HUNDRED', 2)";
    let error = refusal(&lake, sql).await;
    assert_eq!(error.code, "CAST_INVALID_INPUT");
    let problem = &error.columns[0];
    assert_eq!(problem.column, "amount");
    assert_eq!(problem.expected, "double");
    assert_eq!(problem.actual, "string 'FIVE HUNDRED'");
    let error = refusal(&lake, "INSERT INTO t VALUES (3, 'x', 1, 3000000000)").await;
    assert_eq!(error.code, "CAST_OVERFLOW_IN_TABLE_INSERT");
    let sql = "INSERT INTO t VALUES (DATE'2024-01-01', 'x', true, 1)";
    let error = refusal(&lake, sql).await;
    assert_eq!(error.code, "DELTA_FAILED_TO_MERGE_FIELDS");
    let named: Vec<_> = error.columns.iter().map(|p| p.column.as_str()).collect();
    assert_eq!(named, ["id", "amount"]);
    for sql in [
        "INSERT INTO t (name) VALUES ('x')",
        "UPDATE t SET id = NULL",
    ] {
        let error = refusal(&lake, sql).await;
        assert_eq!(error.code, "DELTA_NOT_NULL_CONSTRAINT_VIOLATED", "{sql}");
        assert_eq!(error.columns[0].column, "id");
    }
}

#[tokio::test]
async fn the_schema_evolves_where_the_statement_says_so() {
    let lake = plain().await;
    let sql = "INSERT WITH SCHEMA EVOLUTION INTO t BY NAME SELECT 3 AS id, true AS flag, 1 AS year";
    let (rows, change) = text_rows(&lake, sql).await.unwrap();
    assert_eq!(rows[0].1, "3|NULL|NULL|1|true");
    let names: Vec<_> = change.fields().iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["id", "name", "amount", "year", "flag"]);
    assert!(!change.fields()[0].nullable);
    let void = sql.replace("true AS flag", "NULL AS flag");
    assert_eq!(
        refusal(&lake, &void).await.code,
        "DELTA_FAILED_TO_MERGE_FIELDS"
    );
    let closed = sql.replace("WITH SCHEMA EVOLUTION ", "");
    assert_eq!(
        refusal(&lake, &closed).await.code,
        "DELTA_METADATA_MISMATCH"
    );
}

#[tokio::test]
async fn a_new_table_has_the_columns_of_its_query_in_types_that_tables_have() {
    let lake = plain().await;
    let sql = "CREATE TABLE u AS SELECT id, count(*) AS n, 1.50 AS d FROM t GROUP BY id LIMIT 1";
    let (rows, schema) = text_rows(&lake, sql).await.unwrap();
    assert!(rows[0].1.ends_with("|1|1.50"), "{rows:?}");
    let types: Vec<_> = schema
        .fields()
        .iter()
        .map(|f| f.data_type.to_string())
        .collect();
    assert_eq!(types, ["bigint", "bigint", "decimal(3,2)"]);
    let error = refusal(&lake, "CREATE TABLE u AS SELECT NULL AS x").await;
    assert_eq!(error.code, "DELTA_FAILED_TO_MERGE_FIELDS");
    let error = refusal(&lake, "SELECT 1").await;
    assert_eq!(error.code, "UNSUPPORTED_FEATURE");
}

#[tokio::test]
async fn constraints_are_spark_sql_and_null_does_not_meet_them() {
    let mut fields = fields();
    let invariant = json!({ "expression": { "expression": "length(name) <= 3" } }).to_string();
    fields[1] = field(
        "name",
        "string",
        true,
        json!({ "delta.invariants": invariant }),
    );
    // In Spark, `/` of whole numbers is no whole number.
    let lake = lake(fields, json!({ "delta.constraints.half": "ID / 2 > 0.5" })).await;
    let fine = "INSERT INTO t VALUES (3, 'x', 1, 1)";
    assert_eq!(inserted(&lake, fine).await.unwrap(), ["3|x|1.0|1"]);
    for (sql, message) in [
        (
            "INSERT INTO t VALUES (3, 'x', 1, 1), (1, 'y', 1, 1)",
            "half (ID / 2 > 0.5)",
        ),
        (
            "INSERT INTO t VALUES (3, 'long', 1, 1)",
            "length(name) <= 3",
        ),
        ("INSERT INTO t (id) VALUES (3)", "name = NULL"),
        ("UPDATE t SET id = 0", "id = 0"),
        (
            "MERGE INTO t USING (SELECT 0 AS id) AS s ON t.id = s.id WHEN NOT MATCHED THEN \
          INSERT (id, name) VALUES (s.id, 'a')",
            "id = 0",
        ),
    ] {
        let error = refusal(&lake, sql).await;
        assert_eq!(error.code, "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES", "{sql}");
        assert!(error.message.contains(message), "{sql}\n{error}");
    }
}

#[tokio::test]
async fn columns_are_generated_filled_in_and_padded() {
    let mut fields = fields();
    let generated = json!({ "delta.generationExpression": "CAST(amount AS INT) / 2 * 2 + 1" });
    fields[3] = field("year", "integer", true, generated);
    let default = json!({
        "CURRENT_DEFAULT": "concat('a', 'b')",
        "__CHAR_VARCHAR_TYPE_STRING": "char(4)",
    });
    fields[1] = field("name", "string", true, default);
    let lake = lake(fields, json!({})).await;
    for (sql, expected) in [
        ("INSERT INTO t (id, amount) VALUES (3, 7)", "3|ab  |7.0|8"),
        (
            "INSERT INTO t (id, amount, name, year) VALUES (3, 7, 'x', 8)",
            "3|x   |7.0|8",
        ),
        (
            "INSERT INTO t (id, amount, name) VALUES (3, NULL, NULL)",
            "3|NULL|NULL|NULL",
        ),
    ] {
        assert_eq!(inserted(&lake, sql).await.unwrap(), [expected], "{sql}");
    }
    let sql = "INSERT INTO t (id, amount, year) VALUES (3, 7, 9)";
    let error = refusal(&lake, sql).await;
    assert_eq!(error.code, "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES");
    let error = refusal(&lake, "INSERT INTO t (id, name) VALUES (3, 'abcde')").await;
    assert_eq!(error.code, "EXCEEDS_LIMIT_LENGTH");
    let (rows, _) = text_rows(&lake, "UPDATE t SET amount = 30 WHERE id = 1")
        .await
        .unwrap();
    assert_eq!(
        rows,
        [(RowKind::UpdatePostimage, "1|one|30.0|31".to_owned())]
    );
}

#[tokio::test]
async fn overwrite_replaces_all_files_or_those_of_its_partitions() {
    let lake = plain().await;
    let engine = lake.engine();
    let removed = async |script: &str| {
        let mut statements = engine.parse(script).unwrap();
        let last = statements.pop().unwrap();
        for statement in statements {
            engine.execute(&statement).await.unwrap();
        }
        let mut change = engine.changed_rows(&last).await.unwrap();
        while let Some(rows) = change.next().await {
            rows.unwrap();
        }
        change.finish().removed_files.len()
    };
    let overwrite = "INSERT OVERWRITE t VALUES (3, 'x', 1, 2025)";
    assert_eq!(removed(overwrite).await, 2);
    let set = "SET spark.sql.sources.partitionOverwriteMode = dynamic";
    assert_eq!(removed(&format!("{set}; {overwrite}")).await, 1);
    assert_eq!(
        removed("INSERT OVERWRITE t SELECT * FROM t WHERE id > 2").await,
        0
    );
    assert_eq!(removed("INSERT INTO t VALUES (3, 'x', 1, 2025)").await, 0);
}

#[tokio::test]
async fn replace_where_takes_rows_for_which_it_is_true_and_gives_no_others() {
    let feed = json!({ "delta.enableChangeDataFeed": "true" });
    let lake = lake(fields(), feed).await;
    let sql = "INSERT INTO t REPLACE WHERE amount >= 20 OR amount = NULL
               SELECT id + 10, name, amount + 1, year FROM t WHERE id = 2";
    let (rows, _) = text_rows(&lake, sql).await.unwrap();
    assert_eq!(
        rows,
        [
            (RowKind::Delete, "2|two|20.0|2025".to_owned()),
            (RowKind::Insert, "12|two|21.0|2025".to_owned()),
        ]
    );
    let error = refusal(&lake, &sql.replace("amount + 1", "7.0")).await;
    assert_eq!(error.code, "DELTA_REPLACE_WHERE_MISMATCH");
    assert!(error.message.contains("amount = 7.0"), "{error}");
    let subquery = "INSERT INTO t REPLACE WHERE id IN (SELECT id FROM t) SELECT * FROM t";
    let error = refusal(&lake, subquery).await;
    assert_eq!(error.code, "UNSUPPORTED_FEATURE");
    assert!(error.message.contains("in REPLACE WHERE"), "{error}");
}

#[tokio::test]
async fn what_a_file_no_longer_has_is_numbered_past() {
    let lake = plain().await;
    let actions = vec![
        json!({ "remove": { "path": "2024.parquet", "dataChange": true } }),
        json!({ "remove": { "path": "2025.parquet", "dataChange": true } }),
    ];
    lake.commit("t", 1, "DELETE", actions).await;
    // 2,500 rows in row groups of 1,000, the first three and one in each group deleted.
    let ids = arrow::array::Int64Array::from_iter_values(0..2500);
    let ids: arrow::array::ArrayRef = std::sync::Arc::new(ids);
    let batch = arrow::array::RecordBatch::try_from_iter([("id", ids)]).unwrap();
    let mut add = lake
        .add_partition("t", "b.parquet", &batch, json!({ "year": "1" }))
        .await;
    let gone = [0, 1, 2, 1500, 2400].into();
    add["add"]["deletionVector"] = deletion_vector(&gone);
    let protocol = json!({ "protocol": {
        "minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["deletionVectors"],
        "writerFeatures": ["deletionVectors", "inCommitTimestamp"],
    } });
    lake.commit("t", 2, "WRITE", vec![protocol, add]).await;
    let engine = lake.engine();
    let touched = async |sql: &str| {
        let statement = engine.parse(sql).unwrap().remove(0);
        let mut change = engine.changed_rows(&statement).await.unwrap();
        while let Some(rows) = change.next().await {
            rows.unwrap();
        }
        change.finish().deleted.remove(&0).unwrap_or_default()
    };
    let rows = touched("DELETE FROM t WHERE id % 7 = 3 AND id > 1400 AND id < 2420").await;
    let expected: Vec<u64> = (1401..2420)
        .filter(|id| id % 7 == 3 && *id != 2400)
        .collect();
    assert!(!expected.contains(&1500));
    assert_eq!(rows.iter().collect::<Vec<_>>(), expected);
    lake.store.take();
    let rows = touched("DELETE FROM t WHERE year = 1").await;
    assert_eq!(rows.len(), 2495);
    assert!(!rows.contains(1500) && rows.contains(2499));
    assert!(lake.store.take().iter().all(|request| !request.is_data()));
    assert_eq!(touched("DELETE FROM t").await, rows);
    assert!(touched("DELETE FROM t WHERE year = NULL").await.is_empty());
}
