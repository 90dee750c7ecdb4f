//! What a query reads, and what it does not.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use serde_json::json;

use crate::support::{Lake, Request, metadata, rows_of, run};

/// Ids `from..to`, amounts ten times that, a name of 40 bytes.
fn payments(from: i64, to: i64) -> RecordBatch {
    let ids = Int64Array::from_iter_values(from..to);
    let amounts = Float64Array::from_iter_values((from..to).map(|id| id as f64 * 10.0));
    // Different in each row, so that they are not small in the file.
    let names = StringArray::from_iter_values((from..to).map(|id| format!("{:040x}", id * 7919)));
    RecordBatch::try_from_iter([
        ("id", Arc::new(ids) as ArrayRef),
        ("amount", Arc::new(amounts)),
        ("name", Arc::new(names)),
    ])
    .unwrap()
}

fn payment_columns() -> Vec<(&'static str, serde_json::Value)> {
    vec![
        ("id", json!("long")),
        ("amount", json!("double")),
        ("name", json!("string")),
    ]
}

/// Two versions, a large file each.
async fn payments_lake() -> Lake {
    let lake = Lake::default();
    let mut actions = metadata(&payment_columns(), &[]);
    actions.push(
        lake.add("payments", "a.parquet", &payments(0, 20_000))
            .await,
    );
    lake.commit("payments", 0, "WRITE", actions).await;
    let add = lake
        .add("payments", "b.parquet", &payments(20_000, 40_000))
        .await;
    lake.commit("payments", 1, "WRITE", vec![add]).await;
    lake.store.take();
    lake
}

#[tokio::test]
async fn a_data_file_costs_one_footer_and_the_columns_asked_for_and_no_footer_again() {
    let lake = payments_lake().await;
    let engine = lake.engine();
    let sql = "SELECT SUM(amount) FROM delta.`s3a://lake/payments` WHERE id % 2 = 0";

    let (rows, execution) = run(&engine, sql).await.unwrap();
    assert_eq!(rows, [["3999800000.0"]]);
    let requests = lake.store.take();
    assert!(
        !requests
            .iter()
            .any(|request| matches!(request, Request::Head { .. }))
    );
    assert_eq!(
        requests.iter().filter(|request| request.is_list()).count(),
        1,
        "{requests:?}"
    );
    let data: Vec<_> = requests
        .iter()
        .filter(|request| request.is_data())
        .collect();
    let metrics = execution.metrics();
    assert_eq!(metrics.requests, requests.len() as u64);
    assert_eq!(
        (
            metrics.files_total,
            metrics.files_read,
            metrics.files_skipped
        ),
        (2, 2, 0)
    );
    assert_eq!(metrics.row_groups_total, 40);
    // Names are most of the files, and were not asked for.
    assert!(metrics.bytes < metrics.table_bytes / 2, "{metrics:?}");
    assert_eq!(execution.version(), Some(1));
    assert_eq!(execution.table(), Some("s3a://lake/payments"));

    let (again, _) = run(&engine, sql).await.unwrap();
    assert_eq!(again, rows);
    let requests = lake.store.take();
    let data_again = requests.iter().filter(|request| request.is_data()).count();
    assert_eq!(data_again, data.len() - 2, "two footers less: {requests:?}");
}

#[tokio::test]
async fn files_and_row_groups_without_matching_rows_are_skipped() {
    let lake = payments_lake().await;
    let engine = lake.engine();
    let sql = "SELECT name FROM delta.`s3a://lake/payments` WHERE amount < 10";
    let (rows, execution) = run(&engine, sql).await.unwrap();
    assert_eq!(rows.len(), 1);
    let metrics = execution.metrics();
    assert_eq!((metrics.files_read, metrics.files_skipped), (1, 1));
    assert_eq!(metrics.skipped_by, ["min(amount)"]);
    assert_eq!(
        (metrics.row_groups_total, metrics.row_groups_skipped),
        (20, 19)
    );
    assert!(!lake.store.take().iter().any(|request| {
        matches!(request, Request::Get { path, .. } if path.ends_with("b.parquet"))
    }));
}

#[tokio::test]
async fn nan_is_above_all_numbers_whatever_the_statistics_say() {
    let lake = Lake::default();
    let ratios = Float64Array::from(vec![1.0, f64::NAN, 2.0]);
    let batch = RecordBatch::try_from_iter([("ratio", Arc::new(ratios) as ArrayRef)]).unwrap();
    let mut actions = metadata(&[("ratio", json!("double"))], &[]);
    let mut file = lake.add("ratios", "a.parquet", &batch).await;
    let stats = json!({"numRecords": 3, "minValues": {"ratio": 1.0}, "maxValues": {"ratio": 2.0}});
    file["add"]["stats"] = json!(stats.to_string());
    actions.push(file);
    lake.commit("ratios", 0, "WRITE", actions).await;
    let engine = lake.engine();
    for filter in ["ratio > 2", "ratio = double('NaN')", "NOT (ratio < 3)"] {
        let sql = format!("SELECT * FROM delta.`s3a://lake/ratios` WHERE {filter}");
        let (rows, _) = run(&engine, &sql).await.unwrap();
        assert_eq!(rows, [["NaN"]], "{filter}");
    }
}

#[tokio::test]
async fn partition_columns_are_typed_and_keep_their_place_and_skip_files() {
    let lake = Lake::default();
    let columns = [
        ("day", json!("date")),
        ("id", json!("long")),
        ("kind", json!("string")),
    ];
    let mut actions = metadata(&columns, &["kind", "day"]);
    let ids = |ids: Vec<i64>| {
        RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(ids)) as ArrayRef)]).unwrap()
    };
    for (name, kind, day, values) in [
        ("1.parquet", json!("a b"), json!("2024-05-01"), vec![1, 2]),
        ("2.parquet", json!(null), json!("2024-05-02"), vec![3]),
    ] {
        let values = ids(values);
        let partition = json!({ "kind": kind, "day": day });
        actions.push(lake.add_partition("days", name, &values, partition).await);
    }
    lake.commit("days", 0, "WRITE", actions).await;
    let engine = lake.engine();

    let all = rows_of(&engine, "SELECT * FROM delta.`s3a://lake/days` ORDER BY id")
        .await
        .unwrap();
    assert_eq!(
        all,
        [
            ["2024-05-01", "1", "a b"],
            ["2024-05-01", "2", "a b"],
            ["2024-05-02", "3", "NULL"]
        ]
    );
    let sql = "SELECT id FROM delta.`s3a://lake/days` WHERE day > DATE'2024-05-01'";
    let (rows, execution) = run(&engine, sql).await.unwrap();
    assert_eq!(rows, [["3"]]);
    assert_eq!(execution.metrics().skipped_by, ["partition day"]);
    let sql = "SELECT COUNT(*) FROM delta.`s3a://lake/days` WHERE kind IS NULL";
    let (rows, execution) = run(&engine, sql).await.unwrap();
    assert_eq!(rows, [["1"]]);
    assert!(execution.metrics().from_log, "partition values decide it");
}

#[tokio::test]
async fn columns_that_old_files_lack_are_null() {
    let lake = payments_lake().await;
    let mut columns = payment_columns();
    columns.push(("flagged", json!("boolean")));
    let mut actions = metadata(&columns, &[]);
    let flagged = arrow::array::BooleanArray::from(vec![Some(true), None]);
    let new = RecordBatch::try_from_iter([
        ("flagged", Arc::new(flagged) as ArrayRef),
        ("id", Arc::new(Int64Array::from(vec![-1, -2]))),
    ])
    .unwrap();
    actions.push(lake.add("payments", "c.parquet", &new).await);
    lake.commit("payments", 2, "WRITE", actions).await;
    let sql = "SELECT id, amount, flagged FROM delta.`s3a://lake/payments` \
               WHERE flagged OR id IN (-2, 5) ORDER BY id";
    let rows = rows_of(&lake.engine(), sql).await.unwrap();
    assert_eq!(
        rows,
        [
            ["-2", "NULL", "NULL"],
            ["-1", "NULL", "true"],
            ["5", "50.0", "NULL"]
        ]
    );
}

#[tokio::test]
async fn a_new_commit_is_seen_by_the_next_query_and_costs_only_itself() {
    let lake = payments_lake().await;
    let engine = lake.engine();
    let sql = "SELECT COUNT(*) FROM delta.`s3a://lake/payments`";
    assert_eq!(rows_of(&engine, sql).await.unwrap(), [["40000"]]);
    let add = lake
        .add("payments", "c.parquet", &payments(40_000, 40_010))
        .await;
    lake.commit("payments", 2, "WRITE", vec![add]).await;
    lake.store.take();
    assert_eq!(rows_of(&engine, sql).await.unwrap(), [["40010"]]);
    let gets = lake
        .store
        .take()
        .into_iter()
        .filter(|request| !request.is_list())
        .count();
    assert!(gets <= 1, "the new commit alone");
}

#[tokio::test]
async fn a_response_that_is_cut_short_is_an_error_and_the_next_query_works() {
    let lake = payments_lake().await;
    let engine = lake.engine();
    let sql = "SELECT SUM(id) FROM delta.`s3a://lake/payments` WHERE id > 10";
    lake.store.cut_responses(true);
    let error = rows_of(&engine, sql).await.unwrap_err();
    assert_eq!(error.code, "STORAGE_ERROR", "{error}");
    assert!(error.message.contains("ended after"), "{error}");
    lake.store.cut_responses(false);
    assert_eq!(rows_of(&engine, sql).await.unwrap(), [["799979945"]]);
}

#[tokio::test]
async fn a_data_file_that_is_gone_is_an_error_that_names_it() {
    let lake = payments_lake().await;
    lake.delete("payments/b.parquet").await;
    let sql = "SELECT SUM(amount) FROM delta.`s3a://lake/payments`";
    let error = rows_of(&lake.engine(), sql).await.unwrap_err();
    assert_eq!(error.code, "FILE_NOT_FOUND", "{error}");
    assert!(error.message.contains("payments/b.parquet"), "{error}");
}

#[tokio::test]
async fn parquet_files_and_folders_are_tables() {
    let lake = payments_lake().await;
    let engine = lake.engine();
    let one = "SELECT COUNT(*), MAX(id) FROM parquet.`s3a://lake/payments/a.parquet`";
    assert_eq!(rows_of(&engine, one).await.unwrap(), [["20000", "19999"]]);
    let folder = "SELECT COUNT(*), MAX(id) FROM parquet.`s3a://lake/payments`";
    assert_eq!(
        rows_of(&engine, folder).await.unwrap(),
        [["40000", "39999"]]
    );
    let none = rows_of(&engine, "SELECT * FROM parquet.`s3a://lake/nothing`")
        .await
        .unwrap_err();
    assert_eq!(none.code, "PATH_NOT_FOUND");
}

#[test]
fn unions_and_joins_run_without_a_runtime_to_spawn_on() {
    let count = futures::executor::block_on(async {
        let lake = payments_lake().await;
        let sql = "SELECT COUNT(*) FROM (
                     SELECT id FROM delta.`s3a://lake/payments` WHERE id < 10
                     UNION ALL SELECT id FROM delta.`s3a://lake/payments` WHERE id >= 39990
                   ) u JOIN delta.`s3a://lake/payments` p ON u.id = p.id";
        rows_of(&lake.engine(), sql).await.unwrap()
    });
    assert_eq!(count, [["20"]]);
}

#[tokio::test]
async fn a_column_can_be_shown_more_than_once() {
    let lake = payments_lake().await;
    let engine = lake.engine();
    let names = |sql: &'static str| {
        let engine = &engine;
        async move {
            let (rows, execution) = run(engine, sql).await.unwrap();
            let columns = execution.columns().into_iter();
            (columns.map(|c| c.name).collect::<Vec<_>>(), rows)
        }
    };
    let (columns, rows) = names("SELECT 1, 1, NULL, NULL").await;
    assert_eq!(columns, ["1", "1", "NULL", "NULL"]);
    assert_eq!(rows, [["1", "1", "NULL", "NULL"]]);

    let (columns, rows) =
        names("SELECT *, id, amount AS id FROM payments ORDER BY id LIMIT 1").await;
    assert_eq!(columns, ["id", "amount", "name", "id", "id"]);
    assert_eq!(rows[0][3..], ["0", "0.0"]);

    let (columns, rows) = names(
        "WITH p AS (SELECT a.id, b.id, 7 AS n FROM payments a JOIN payments b ON a.id = b.id + 1) \
         SELECT * FROM p WHERE n = 7 ORDER BY 1 LIMIT 1",
    )
    .await;
    assert_eq!(columns, ["id", "id", "n"]);
    assert_eq!(rows, [["1", "0", "7"]]);

    let sql = "SELECT id FROM (SELECT id, amount AS id FROM payments)";
    let error = run(&engine, sql).await.err().unwrap();
    assert_eq!(error.code, "AMBIGUOUS_REFERENCE");
}

#[tokio::test]
async fn types_of_results_are_those_of_spark_also_inside_of_maps() {
    let engine = Lake::default().engine();
    let sql = "SELECT map(arrow_cast('a', 'Utf8View'), row_number() OVER ()) AS m";
    let (rows, execution) = run(&engine, sql).await.unwrap();
    assert_eq!(rows, [["{a: 1}"]]);
    let schema = execution.schema();
    let DataType::Map(entries, _) = schema.field(0).data_type() else {
        panic!("{schema}");
    };
    let DataType::Struct(parts) = entries.data_type() else {
        panic!("{entries}");
    };
    let types: Vec<_> = parts.iter().map(|part| part.data_type()).collect();
    assert_eq!(types, [&DataType::Utf8, &DataType::Int64]);
}
