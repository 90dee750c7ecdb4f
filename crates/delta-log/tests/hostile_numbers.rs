//! Numbers that a damaged or hostile log has, at the ends of their ranges: no answer may come of an
//! overflow.

mod support;

use delta_log::TimeTravel;
use serde_json::{Value, json};
use support::*;

fn add_with_records(path: &str, size: i64, records: u64) -> Value {
    let mut action = add(path);
    action["add"]["size"] = json!(size);
    action["add"]["stats"] = json!(json!({ "numRecords": records }).to_string());
    action
}

#[tokio::test]
async fn counts_that_add_up_to_more_than_fits_are_not_known() {
    let t = TestTable::new();
    let files = [
        protocol(),
        metadata(),
        add_with_records("a", i64::MAX, u64::MAX),
        add_with_records("b", i64::MAX, 3),
    ];
    t.commit(0, &files).await;
    let snapshot = t.table.snapshot(TimeTravel::Latest).await.unwrap();
    let files = snapshot.files();
    assert_eq!(files.num_records(0), Some(u64::MAX));
    assert_eq!(files.num_records_total(), None);
    assert_eq!(files.size_in_bytes(), 2 * i64::MAX as u64);
    let history = t.table.history(None).await.unwrap();
    assert_eq!((history[0].rows_added, history[0].num_rows), (None, None));
}

#[tokio::test]
async fn commit_at_the_end_of_time_is_read_and_followed() {
    let t = TestTable::new();
    let protocol = json!({"protocol": {
        "minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["inCommitTimestamp"],
    }});
    let on = metadata_with(
        &[("id", "long")],
        json!({"delta.enableInCommitTimestamps": "true"}),
    );
    let at = |time: i64| json!({"commitInfo": {"inCommitTimestamp": time}});
    t.commit(0, &[at(i64::MAX), protocol, on, add("f0")]).await;
    let first = t.table.snapshot(TimeTravel::Latest).await.unwrap();
    assert_eq!(first.timestamp(), i64::MAX);
    t.commit(1, &[at(i64::MIN), add("f1")]).await;
    let second = t.table.refresh(&first).await.unwrap();
    assert_eq!((second.version(), second.timestamp()), (1, i64::MIN));
    for time in [i64::MIN, 0, i64::MAX] {
        // Which of the two it is, is for the log's writer to answer; that it ends, for us.
        let _ = t.table.snapshot(TimeTravel::Timestamp(time)).await;
    }
}

#[tokio::test]
async fn files_whose_size_cannot_be_summed_match_no_checksum() {
    let t = TestTable::new();
    t.commit(0, &[protocol(), metadata(), add("f0")]).await;
    for version in [1, 2] {
        let path = format!("f{version}");
        t.commit(version, &[add_with_records(&path, i64::MAX, 1)])
            .await;
    }
    // The compaction lacks a file. Its checksum has the sum as it would be if it stopped at the end
    // of the range.
    let compacted = [
        add_with_records("f1", i64::MAX, 1),
        add_with_records("g", i64::MAX, 1),
    ];
    t.compaction(1, 2, &compacted).await;
    let checksum =
        json!({"numFiles": 3, "tableSizeBytes": i64::MAX, "numMetadata": 1, "numProtocol": 1});
    t.put("00000000000000000002.crc", checksum.to_string())
        .await;
    let snapshot = t.table.snapshot(TimeTravel::Latest).await.unwrap();
    assert_eq!(names(&snapshot), ["f0", "f1", "f2"]);
}
