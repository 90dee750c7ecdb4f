//! Checkpoints: what they are read from, what lies beside them, and what keeps them from being written.

use std::sync::atomic::Ordering;

use arrow::array::Array;
use delta_log::TimeTravel;
use delta_transaction::maintenance::{
    MaintenanceError, after_commit, should_checkpoint, write_checkpoint, write_checksum,
};
use serde_json::{Value, json};

use crate::support::*;

/// Versions 0 to `last`, each with a file of its own.
async fn appends(last: u64, configuration: Value) -> TestTable {
    let t = TestTable::new();
    for version in 0..=last {
        let mut actions = vec![add(&format!("f{version}"), None, version as i64)];
        if version == 0 {
            actions.extend([protocol(), metadata(configuration.clone())]);
        }
        t.commit(version, &actions).await;
    }
    t
}

#[tokio::test]
async fn a_checkpoint_is_due_each_ten_commits_or_as_the_table_says() {
    let due = async |configuration: Value| {
        let t = appends(0, configuration).await;
        let snapshot = t.snapshot().await;
        let versions = (0..=40).filter(|version| should_checkpoint(*version, snapshot.metadata()));
        versions.collect::<Vec<u64>>()
    };
    assert_eq!(due(json!({})).await, [10, 20, 30, 40]);
    assert_eq!(
        due(json!({"delta.checkpointInterval": "20"})).await,
        [20, 40]
    );
    assert_eq!(
        due(json!({"delta.checkpointInterval": "0"})).await,
        [10, 20, 30, 40]
    );
}

#[tokio::test]
async fn the_newest_checkpoint_that_can_be_read_is_what_the_next_one_is_made_of() {
    for damaged in [false, true] {
        let t = appends(20, json!({})).await;
        for version in [5, 10] {
            let at = t
                .table
                .snapshot(TimeTravel::Version(version))
                .await
                .unwrap();
            write_checkpoint(&t.table, &at, &StillLife::at(NOW))
                .await
                .unwrap();
        }
        for version in 0..5 {
            t.delete(&commit_name(version)).await;
        }
        if damaged {
            // Its columns of files alone: what is read first is whole.
            let mut file = t.get(&checkpoint_name(10)).await.unwrap().to_vec();
            let path = file.windows(3).position(|text| text == b"f10");
            assert!(path.is_none_or(|at| at > 4));
            for byte in &mut file[4..600] {
                *byte = !*byte;
            }
            t.put(&checkpoint_name(10), file).await;
        }
        let snapshot = t.snapshot().await;
        assert_eq!(snapshot.warnings().is_empty(), !damaged);
        write_checkpoint(&t.table, &snapshot, &StillLife::at(NOW))
            .await
            .unwrap();
        t.delete_commits().await;
        for version in [5, 10] {
            t.delete(&checkpoint_name(version)).await;
        }
        assert_eq!(seen(&t.snapshot().await, true), seen(&snapshot, true));
    }
}

#[tokio::test]
async fn the_last_checkpoint_never_goes_back_and_survives_damage() {
    let t = appends(6, json!({})).await;
    let environment = StillLife::at(NOW);
    write_checkpoint(&t.table, &t.at(5).await, &environment)
        .await
        .unwrap();
    let hint = t.json("_last_checkpoint").await;
    let size = t.get(&checkpoint_name(5)).await.unwrap().len();
    let (version, files) = (hint["version"].as_u64(), hint["numOfAddFiles"].as_u64());
    assert_eq!((version, files), (Some(5), Some(6)));
    assert_eq!(
        (hint["size"].as_u64(), hint["sizeInBytes"].as_u64()),
        (Some(8), Some(size as u64))
    );
    write_checkpoint(&t.table, &t.at(3).await, &environment)
        .await
        .unwrap();
    assert_eq!(t.json("_last_checkpoint").await, hint);
    t.put("_last_checkpoint", "{\"version\":").await;
    write_checkpoint(&t.table, &t.at(6).await, &environment)
        .await
        .unwrap();
    assert_eq!(t.json("_last_checkpoint").await["version"], 6);
}

#[tokio::test]
async fn a_checkpoint_that_someone_else_wrote_stays() {
    let t = appends(3, json!({})).await;
    t.put(&checkpoint_name(3), "theirs").await;
    write_checkpoint(&t.table, &t.snapshot().await, &StillLife::at(NOW))
        .await
        .unwrap();
    assert_eq!(t.get(&checkpoint_name(3)).await.unwrap(), "theirs");
    let hint = t.json("_last_checkpoint").await;
    assert_eq!(
        (&hint["version"], &hint["sizeInBytes"]),
        (&json!(3), &Value::Null)
    );
}

#[tokio::test]
async fn a_table_with_unknown_features_or_another_history_gets_nothing() {
    let t = appends(1, json!({})).await;
    let snapshot = t.snapshot().await;
    let unknown = json!({"protocol": {
        "minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["tomorrow"],
    }});
    t.commit(2, &[unknown]).await;
    let newer = t.snapshot().await;
    let result = write_checkpoint(&t.table, &newer, &StillLife::at(NOW)).await;
    assert!(
        matches!(result, Err(MaintenanceError::UnsupportedFeature(name)) if name == "tomorrow")
    );
    // The table was replaced behind the snapshot's back.
    t.commit(1, &[json!({"commitInfo": {}})]).await;
    let result = write_checkpoint(&t.table, &snapshot, &StillLife::at(NOW)).await;
    assert!(
        matches!(result, Err(MaintenanceError::Doubt { version: 1, .. })),
        "{result:?}"
    );
    assert_eq!(t.names().await.len(), 3);
}

#[tokio::test]
async fn a_v2_checkpoint_is_a_top_level_and_sidecars() {
    let t = TestTable::new();
    let features = json!({"protocol": {
        "minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["v2Checkpoint"], "writerFeatures": ["v2Checkpoint"],
    }});
    let settings = metadata(json!({"delta.checkpointPolicy": "v2"}));
    // More files than one sidecar takes.
    let files = (0..60_000).map(|n| {
        let path = format!("f{n}");
        json!({"add": {
            "path": path, "partitionValues": {"day": null}, "size": 1, "modificationTime": 1,
            "dataChange": true,
        }})
    });
    t.commit(0, &[vec![features, settings], files.collect()].concat())
        .await;
    let snapshot = t.snapshot().await;
    write_checkpoint(&t.table, &snapshot, &StillLife::at(NOW))
        .await
        .unwrap();
    let names = t.names().await;
    let sidecars = names.iter().filter(|name| name.starts_with("_sidecars/"));
    assert_eq!(sidecars.count(), 2, "{names:?}");
    let hint = t.json("_last_checkpoint").await;
    // Metadata, protocol, the checkpoint's own, and two sidecars.
    assert_eq!(hint["size"], 60_005);
    let top = hint["v2Checkpoint"]["path"].as_str().unwrap();
    assert!(names.iter().any(|name| name == top));
    t.delete_commits().await;
    assert_eq!(seen(&t.snapshot().await, false), seen(&snapshot, false));
    let actions = t.table.reconcile(0).await.unwrap();
    assert_eq!(actions.checkpoint_version(), Some(0));
}

#[tokio::test]
async fn transactions_and_tombstones_go_when_their_time_is_over() {
    let t = TestTable::new();
    let settings = json!({
        "delta.setTransactionRetentionDuration": "interval 2 days",
        "delta.deletedFileRetentionDuration": "interval 1 day",
    });
    let txn = |app: &str, updated: Option<i64>| json!({"txn": {"appId": app, "version": 1, "lastUpdated": updated}});
    let remove = |path: &str, time: i64| json!({"remove": {"path": path, "deletionTimestamp": time, "dataChange": true}});
    let actions = [
        protocol(),
        metadata(settings),
        txn("old", Some(NOW - 2 * DAY)),
        txn("young", Some(NOW - 2 * DAY + 1)),
        txn("undated", None),
        remove("old", NOW - DAY),
        remove("young", NOW - DAY + 1),
    ];
    t.commit(0, &actions).await;
    let before = t.table.reconcile(0).await.unwrap();
    assert_eq!(
        (before.transaction("old"), before.transaction("none")),
        (Some(1), None)
    );
    write_checkpoint(&t.table, &t.snapshot().await, &StillLife::at(NOW))
        .await
        .unwrap();
    t.delete_commits().await;
    let after = t.table.reconcile(0).await.unwrap();
    let apps: Vec<_> = after.transactions().keys().collect();
    assert_eq!(apps, ["undated", "young"]);
    let (_, removes) = file_actions(&t.table, 0).await;
    assert_eq!(removes.len(), 1);
    assert_eq!(removes[0]["path"], "young");
}

#[tokio::test]
async fn a_checksum_says_what_the_version_is_and_is_never_overwritten() {
    let t = TestTable::new();
    let protocol = json!({
        "minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["inCommitTimestamp"],
    });
    let settings = metadata(json!({"delta.enableInCommitTimestamps": "true"}));
    let actions = [
        json!({"commitInfo": {"inCommitTimestamp": 77, "txnId": "me"}}),
        json!({ "protocol": protocol }),
        settings.clone(),
        add("a", None, 1),
        add("b", None, 2),
        json!({"txn": {"appId": "app", "version": 5}}),
        json!({"domainMetadata": {"domain": "d", "configuration": "{}", "removed": false}}),
    ];
    t.commit(0, &actions).await;
    let snapshot = t.snapshot().await;
    assert!(
        after_commit(&t.table, &snapshot, &StillLife::at(NOW))
            .await
            .is_empty()
    );
    let name = "00000000000000000000.crc";
    let expected = json!({
        "txnId": "me", "tableSizeBytes": 203, "numFiles": 2, "numMetadata": 1, "numProtocol": 1,
        "inCommitTimestampOpt": 77, "setTransactions": [{"appId": "app", "version": 5}],
        "domainMetadata": [{"domain": "d", "configuration": "{}", "removed": false}],
        "metadata": settings["metaData"], "protocol": protocol,
    });
    assert_eq!(t.json(name).await, expected);
    t.put(name, "theirs").await;
    let actions = t.table.reconcile(0).await.unwrap();
    write_checksum(&t.table, &snapshot, &actions).await.unwrap();
    assert_eq!(t.get(name).await.unwrap(), "theirs");
}

#[tokio::test]
async fn a_checksum_of_sizes_in_doubt_is_not_written() {
    let t = appends(0, json!({})).await;
    let mut broken = add("x", None, 1);
    broken["add"]["size"] = json!(-5);
    t.commit(1, &[broken]).await;
    let actions = t.table.reconcile(1).await.unwrap();
    let result = write_checksum(&t.table, &t.snapshot().await, &actions).await;
    assert!(matches!(result, Err(MaintenanceError::Doubt { .. })));
    assert_eq!(t.get("00000000000000000001.crc").await, None);
}

#[tokio::test]
async fn after_a_commit_all_is_done_that_is_due_and_a_refused_delete_is_only_told() {
    let t = appends(10, json!({"delta.logRetentionDuration": "interval 1 day"})).await;
    for version in 0..=10 {
        t.store
            .date(&commit_name(version), NOW - (20 - version as i64) * DAY);
    }
    let early = t.table.snapshot(TimeTravel::Version(5)).await.unwrap();
    write_checkpoint(&t.table, &early, &StillLife::at(NOW))
        .await
        .unwrap();
    t.store.refuses_deletes.store(true, Ordering::Relaxed);
    let snapshot = t.snapshot().await;
    let faults = after_commit(&t.table, &snapshot, &StillLife::at(NOW)).await;
    assert!(
        matches!(faults[..], [MaintenanceError::Delete { deleted: 0, .. }]),
        "{faults:?}"
    );
    assert!(t.get(&checkpoint_name(10)).await.is_some());
    assert!(t.get("00000000000000000010.crc").await.is_some());
    let actions = t.table.reconcile(10).await.unwrap();
    assert_eq!(actions.file_actions_len().await, 11);
}

trait Count {
    async fn file_actions_len(&self) -> usize;
}

impl Count for delta_log::Reconciliation {
    async fn file_actions_len(&self) -> usize {
        use futures::TryStreamExt;
        let batches: Vec<_> = self.file_actions().try_collect().await.unwrap();
        batches
            .iter()
            .map(|batch| batch.adds.len() + batch.removes.len())
            .sum()
    }
}
