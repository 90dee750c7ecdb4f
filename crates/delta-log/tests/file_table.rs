//! What a snapshot says about its files.

mod support;

use std::sync::Arc;

use arrow::array::{Array, AsArray, Date32Array, Decimal128Array, Int64Array, UInt64Array};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use delta_log::{Error, Snapshot, TimeTravel};
use serde_json::{Value, json};
use support::*;

async fn latest(t: &TestTable) -> Arc<Snapshot> {
    t.table.snapshot(TimeTravel::Latest).await.unwrap()
}

fn partitioned(columns: &[(&str, &str)]) -> Value {
    let mut metadata = metadata_with(columns, json!({}));
    metadata["metaData"]["partitionColumns"] = columns.iter().map(|(name, _)| *name).collect();
    metadata
}

fn add_with(path: &str, partition_values: Value, stats: Value) -> Value {
    let mut file = add(path);
    file["add"]["partitionValues"] = partition_values;
    file["add"]["stats"] = json!(stats.to_string());
    file
}

#[tokio::test]
async fn statistics_of_commits_and_of_typed_checkpoint_columns_are_one() {
    let t = TestTable::new();
    let typed = json!({"add": {
        "path": "typed", "size": 5, "modificationTime": 9,
        "partitionValues_parsed": {"day": "2024-02-29"},
        "stats_parsed": {
            "numRecords": 4, "minValues": {"id": -1}, "maxValues": {"id": 8}, "nullCount": {"id": 2},
        },
    }});
    let bare = json!({"add": {"path": "bare", "size": 6, "partitionValues": {"day": null}}});
    let mut metadata = metadata_with(&[("id", "long"), ("day", "date")], json!({}));
    metadata["metaData"]["partitionColumns"] = json!(["day"]);
    t.appends(0).await;
    t.checkpoint(1, &[protocol(), metadata, typed, bare]).await;
    let stats = json!({"numRecords": 3, "minValues": {"id": 5}, "maxValues": {"id": 6}, "nullCount": {"id": 0}});
    t.commit(2, &[add_with("json", json!({"day": "2024-03-01"}), stats)])
        .await;

    let snapshot = latest(&t).await;
    let files = snapshot.files();
    let names: Vec<&str> = (0..files.len()).map(|i| files.raw_path(i)).collect();
    assert_eq!(names, ["typed", "bare", "json"]);
    let records: Vec<_> = (0..3).map(|i| files.num_records(i)).collect();
    assert_eq!(records, [Some(4), None, Some(3)]);
    assert_eq!(files.num_records_total(), None);
    assert_eq!(files.size_in_bytes(), 111);
    assert_eq!(files.modification_time(0), 9);
    let min = files.min_values("id").unwrap().unwrap();
    assert_eq!(
        min.as_ref(),
        &Int64Array::from(vec![Some(-1), None, Some(5)])
    );
    let max = files.max_values("id").unwrap().unwrap();
    assert_eq!(
        max.as_ref(),
        &Int64Array::from(vec![Some(8), None, Some(6)])
    );
    let nulls = files.null_counts("id").unwrap();
    assert_eq!(nulls, UInt64Array::from(vec![Some(2), None, Some(0)]));
    let days = files.partition_values("day").unwrap();
    assert_eq!(
        days.as_ref(),
        &Date32Array::from(vec![Some(19782), None, Some(19783)])
    );
    assert!(files.min_values("day").unwrap().is_none());
    assert!(!files.bounds_are_exact("id"));
    assert!(matches!(
        files.partition_values("id"),
        Err(Error::UnknownColumn(_))
    ));
}

#[tokio::test]
async fn bounds_are_exact_only_where_no_value_can_be_beyond_them() {
    let columns = [
        ("id", "long"),
        ("name", "string"),
        ("price", "decimal(10,2)"),
        ("x", "double"),
    ];
    let t = TestTable::new();
    let stats = json!({
        "numRecords": 2,
        "minValues": {"id": 1, "name": "a", "price": 0.10, "x": 0.5},
        "maxValues": {"id": 2, "name": "b", "price": 0.30, "x": 0.5},
        "nullCount": {"id": 0, "name": 0, "price": 0, "x": 0},
    });
    let nulls = json!({"numRecords": 2, "nullCount": {"id": 2, "name": 2, "price": 2, "x": 2}});
    let actions = [
        protocol(),
        metadata_with(&columns, json!({})),
        add_with("a", json!({}), stats),
        add_with("nulls", json!({}), nulls),
    ];
    t.commit(0, &actions).await;
    let snapshot = latest(&t).await;
    let exact = columns.map(|(name, _)| snapshot.files().bounds_are_exact(name));
    assert_eq!(exact, [true, false, true, false]);
    let price = snapshot.files().min_values("price").unwrap().unwrap();
    let expected = Decimal128Array::from(vec![Some(10), None]);
    let expected = expected.with_precision_and_scale(10, 2).unwrap();
    assert_eq!(price.as_ref(), &expected);

    t.commit(
        1,
        &[add_with("unknown", json!({}), json!({"numRecords": 2}))],
    )
    .await;
    assert!(!latest(&t).await.files().bounds_are_exact("id"));
    let wide = json!({"numRecords": 1, "tightBounds": false, "minValues": {"id": 1}, "maxValues": {"id": 1}});
    t.commit(1, &[add_with("wide", json!({}), wide)]).await;
    assert!(!latest(&t).await.files().bounds_are_exact("id"));
}

#[tokio::test]
async fn partition_values_of_each_type() {
    let columns = [
        ("s", "string"),
        ("l", "long"),
        ("b", "boolean"),
        ("ts", "timestamp"),
        ("ntz", "timestamp_ntz"),
        ("d", "decimal(5,2)"),
        ("bin", "binary"),
        ("f", "float"),
    ];
    let t = TestTable::new();
    let values = json!({
        "s": "a/b", "l": "-7", "b": "true", "ts": "2021-09-08 11:11:11",
        "ntz": "2021-09-08 11:11:11.5", "d": "1.5", "bin": "\u{1}x", "f": "NaN",
    });
    let nothing = json!({"s": "", "l": "__HIVE_DEFAULT_PARTITION__", "b": null});
    let actions = [
        protocol(),
        partitioned(&columns),
        add_with("a", values, json!({})),
        add_with("b", nothing, json!({})),
    ];
    t.commit(0, &actions).await;
    let snapshot = latest(&t).await;
    for field in snapshot.schema().fields() {
        let values = snapshot.files().partition_values(&field.name).unwrap();
        assert_eq!(*values.data_type(), field.data_type.to_arrow());
        assert!(values.is_valid(0) && values.is_null(1), "{}", field.name);
    }
    let values = |name: &str| snapshot.files().partition_values(name).unwrap();
    assert_eq!(values("s").as_string::<i32>().value(0), "a/b");
    assert_eq!(values("l").as_primitive::<Int64Type>().value(0), -7);
    let micros = |name: &str| {
        values(name)
            .as_primitive::<TimestampMicrosecondType>()
            .value(0)
    };
    assert_eq!(micros("ntz") - micros("ts"), 500_000);
    assert_eq!(values("bin").as_binary::<i32>().value(0), [1, b'x']);
}

#[tokio::test]
async fn hives_name_for_null_is_a_text_like_others_and_an_empty_text_is_null() {
    let t = TestTable::new();
    let hive = "__HIVE_DEFAULT_PARTITION__";
    let columns = [("s", "string"), ("bin", "binary"), ("day", "date")];
    let actions = [
        protocol(),
        partitioned(&columns),
        add_with("a", json!({"s": hive, "bin": hive, "day": hive}), json!({})),
        add_with("b", json!({"s": "", "bin": "", "day": ""}), json!({})),
        add_with("c", json!({"s": null, "bin": null}), json!({})),
    ];
    t.commit(0, &actions).await;
    let snapshot = latest(&t).await;
    let values = |name: &str| snapshot.files().partition_values(name).unwrap();
    let (texts, bytes) = (values("s"), values("bin"));
    assert_eq!(
        texts.as_string::<i32>().iter().collect::<Vec<_>>(),
        [Some(hive), None, None]
    );
    assert_eq!(bytes.as_binary::<i32>().value(0), hive.as_bytes());
    assert_eq!(bytes.null_count(), 2);
    // Where it is not of the column's type, it can only mean null.
    assert_eq!(values("day").null_count(), 3);
}

#[tokio::test]
async fn partition_value_of_another_type_is_an_error_that_names_column_and_value() {
    let t = TestTable::new();
    let file = add_with("a", json!({"day": "yesterday"}), json!({}));
    t.commit(0, &[protocol(), partitioned(&[("day", "date")]), file])
        .await;
    match latest(&t).await.files().partition_values("day") {
        Err(Error::InvalidPartitionValue {
            column,
            value,
            expected,
        }) => {
            assert_eq!([column, value, expected], ["day", "yesterday", "date"]);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn file_of_another_store_does_not_keep_a_table_from_opening() {
    let t = TestTable::new();
    t.commit(
        0,
        &[
            protocol(),
            metadata(),
            add("s3://elsewhere/f"),
            add("s3://bucket/t/g"),
        ],
    )
    .await;
    let snapshot = latest(&t).await;
    assert!(matches!(
        snapshot.files().path(0),
        Err(Error::ForeignPath { .. })
    ));
    assert_eq!(snapshot.files().path(1).unwrap().as_ref(), "t/g");
    t.commit(1, &[remove("g")]).await;
    assert_eq!(latest(&t).await.files().len(), 1);
}

#[tokio::test]
async fn large_checkpoint_is_read_by_ranges() {
    let t = TestTable::new();
    let mut actions = vec![protocol(), metadata()];
    let mut seed = 1u64;
    for i in 0..9_000 {
        // Statistics that do not compress.
        let mut noise = String::with_capacity(2_400);
        for _ in 0..150 {
            seed = seed
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            noise.push_str(&format!("{seed:016x}"));
        }
        actions.push(add_with(
            &format!("f{i}"),
            json!({}),
            json!({"numRecords": 1, "x": noise}),
        ));
    }
    let file = parquet(&actions);
    assert!(file.len() > 16 * 1024 * 1024, "{}", file.len());
    t.appends(0).await;
    t.put("00000000000000000001.checkpoint.parquet", file).await;
    t.commit(1, &[]).await;
    t.commit(2, &[remove("f8999")]).await;
    t.requests();
    let snapshot = latest(&t).await;
    assert_eq!((snapshot.version(), snapshot.files().len()), (2, 8_999));
    assert_eq!(snapshot.files().num_records_total(), Some(8_999));
    let (requests, _) = t.requests();
    assert!(
        requests.iter().any(|request| request.contains("ranges")),
        "{requests:?}"
    );
    assert!(
        requests.iter().all(|request| !request.starts_with("HEAD")),
        "{requests:?}"
    );
}
