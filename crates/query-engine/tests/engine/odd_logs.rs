//! Logs that are damaged, or that old and other writers left: the rows are right all the same.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde_json::json;

use crate::support::{Lake, metadata, metadata_with, rows_of, run};

fn column(name: &str, values: ArrayRef) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([(name, values, true)]).unwrap()
}

#[tokio::test]
async fn columns_are_found_where_only_writers_are_told_of_column_mapping() {
    let lake = Lake::default();
    let batch = column("col-1", Arc::new(Int64Array::from(vec![7, 8])));
    let mode = json!({ "delta.columnMapping.mode": "name" });
    let mut actions = metadata_with(&[("id", json!("long"))], &[], mode);
    actions[0] = json!({ "protocol": {
        "minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": [],
        "writerFeatures": ["columnMapping", "icebergCompatV1", "inCommitTimestamp"],
    } });
    let schema = json!({ "type": "struct", "fields": [{
        "name": "id", "type": "long", "nullable": true, "metadata": {
            "delta.columnMapping.id": 1, "delta.columnMapping.physicalName": "col-1",
        },
    }] });
    actions[1]["metaData"]["schemaString"] = json!(schema.to_string());
    actions.push(lake.add("t", "0.parquet", &batch).await);
    lake.commit("t", 0, "WRITE", actions).await;
    let sql = "SELECT id FROM delta.`s3a://lake/t` WHERE id > 7";
    assert_eq!(rows_of(&lake.engine(), sql).await.unwrap(), [["8"]]);
}

/// A table of one row, whose file has these statistics.
async fn of_one_row(data_type: &str, value: ArrayRef, min: &str, max: &str) -> Lake {
    let lake = Lake::default();
    let mut actions = metadata(&[("x", json!(data_type))], &[]);
    let mut add = lake.add("t", "0.parquet", &column("x", value)).await;
    add["add"]["stats"] = json!(
        json!({
            "numRecords": 1, "nullCount": { "x": 0 },
            "minValues": { "x": min }, "maxValues": { "x": max },
        })
        .to_string()
    );
    actions.push(add);
    lake.commit("t", 0, "WRITE", actions).await;
    lake
}

#[tokio::test]
async fn row_beyond_a_maximum_that_was_cut_is_found() {
    let text = "0123456789abcdefghijklmnopqrstuv\u{1F33C}\u{1F33C}";
    let (min, max) = (&text[..32], format!("{}\u{FFFD}", &text[..32]));
    let value = Arc::new(StringArray::from(vec![text]));
    let lake = of_one_row("string", value, min, &max).await;
    for filter in [format!("x = '{text}'"), format!("x > '{max}'")] {
        let sql = format!("SELECT x FROM delta.`s3a://lake/t` WHERE {filter}");
        let rows = rows_of(&lake.engine(), &sql).await.unwrap();
        assert_eq!(rows, [[text]], "{filter}");
    }
}

#[tokio::test]
async fn row_beside_a_time_whose_offset_was_cut_to_minutes_is_found() {
    // 1850-01-01 00:00:00 in Berlin, then 53 minutes and 28 seconds ahead of UTC.
    let micros = -3_786_828_808_000_000;
    let value = TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC");
    let stats = "1850-01-01T00:00:00.000+00:53";
    let lake = of_one_row("timestamp", Arc::new(value), stats, stats).await;
    let sql = "SELECT COUNT(*) FROM delta.`s3a://lake/t` \
               WHERE x = TIMESTAMP '1849-12-31 23:06:32Z'";
    assert_eq!(rows_of(&lake.engine(), sql).await.unwrap(), [["1"]]);
}

#[tokio::test]
async fn statements_tell_of_a_damaged_checkpoint_that_they_read_around() {
    let lake = Lake::default();
    let on = json!({ "delta.enableChangeDataFeed": "true" });
    let actions = metadata_with(&[("id", json!("long"))], &[], on);
    lake.commit("t", 0, "CREATE TABLE", actions).await;
    for version in 1..=2 {
        let batch = column("id", Arc::new(Int64Array::from(vec![version])));
        let add = lake.add("t", &format!("{version}.parquet"), &batch).await;
        let version = u64::try_from(version).unwrap();
        lake.commit("t", version, "WRITE", vec![add]).await;
    }
    let checkpoint = Path::from("t/_delta_log/00000000000000000001.checkpoint.parquet");
    lake.store.put(&checkpoint, "PAR1".into()).await.unwrap();
    let engine = lake.engine();
    for (from, rows) in [
        ("delta.`s3a://lake/t`", "2"),
        ("delta.`s3a://lake/t` VERSION AS OF 1", "1"),
        ("table_changes('delta.`s3a://lake/t`', 2)", "1"),
        ("table_diff('delta.`s3a://lake/t`', 1, 2)", "1"),
    ] {
        let sql = format!("SELECT COUNT(*) FROM {from}");
        let (counted, execution) = run(&engine, &sql).await.unwrap();
        assert_eq!(counted, [[rows]], "{from}");
        let warnings = execution.warnings();
        assert_eq!(warnings.len(), 1, "{from}: {warnings:?}");
        let expected = "s3a://lake/t: The checkpoint of version 1 cannot be read";
        assert!(warnings[0].starts_with(expected), "{from}: {warnings:?}");
    }
    let (_, execution) = run(&engine, "SELECT 1").await.unwrap();
    assert_eq!(execution.warnings(), Vec::<String>::new());
    // Version 0 comes before the checkpoint.
    let before = "SELECT COUNT(*) FROM delta.`s3a://lake/t` VERSION AS OF 0";
    let (_, execution) = run(&engine, before).await.unwrap();
    assert_eq!(execution.warnings(), Vec::<String>::new());
}
