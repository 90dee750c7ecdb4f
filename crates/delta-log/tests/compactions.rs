//! Commits that were compacted into one file, and the checksums that such a shortcut is held to.

mod support;

use delta_log::{Snapshot, TimeTravel};
use serde_json::{Value, json};
use support::*;

/// Versions 0 to 9: each adds a file, each but the first removes the one before; 2 to 7 compacted.
async fn table_with_compaction() -> TestTable {
    let t = TestTable::new();
    for version in 0..10 {
        let mut actions = vec![add(&format!("f{version}"))];
        match version {
            0 => actions.extend([protocol(), metadata()]),
            _ => actions.push(remove(&format!("f{}", version - 1))),
        }
        t.commit(version, &actions).await;
    }
    let mut actions: Vec<Value> = (1..7)
        .map(|version| remove(&format!("f{version}")))
        .collect();
    actions.push(add("f7"));
    t.compaction(2, 7, &actions).await;
    t
}

async fn latest(t: &TestTable) -> (Snapshot, Vec<String>) {
    t.requests();
    let snapshot = t.table.snapshot(TimeTravel::Latest).await.unwrap();
    let snapshot = std::sync::Arc::into_inner(snapshot).unwrap();
    (snapshot, t.requests().0)
}

fn reads(requests: &[String], name: &str) -> bool {
    requests.contains(&format!("GET {name}"))
}

#[tokio::test]
async fn compaction_is_read_instead_of_its_commits() {
    let t = table_with_compaction().await;
    // A shorter one with the same start.
    t.compaction(2, 3, &[remove("f1"), remove("f2"), add("f3")])
        .await;
    let (snapshot, requests) = latest(&t).await;
    assert_eq!(names(&snapshot), ["f9"]);
    assert_eq!(snapshot.timestamp(), commit_time(9));
    assert!(reads(&requests, &compaction_name(2, 7)));
    assert!(!reads(&requests, &compaction_name(2, 3)));
    for version in 0..10 {
        let is_read = reads(&requests, &commit_name(version));
        assert_eq!(is_read, !(2..8).contains(&version), "{requests:?}");
    }
    let snapshot = t.table.snapshot(TimeTravel::Version(6)).await.unwrap();
    assert_eq!(names(&snapshot), ["f6"]);
    let requests = t.requests().0;
    assert!(reads(&requests, &compaction_name(2, 3)));
    assert!(!reads(&requests, &compaction_name(2, 7)));
}

#[tokio::test]
async fn refresh_reads_a_compaction_too() {
    let t = table_with_compaction().await;
    let first = t.table.snapshot(TimeTravel::Version(1)).await.unwrap();
    t.requests();
    let refreshed = t.table.refresh(&first).await.unwrap();
    assert_eq!(
        (refreshed.version(), names(&refreshed)),
        (9, vec!["f9".to_owned()])
    );
    assert_eq!(t.requests().0.len(), 1 + 3);
}

#[tokio::test]
async fn compaction_of_no_use_is_replaced_by_its_commits() {
    let name = compaction_name(2, 7);
    let intact = table_with_compaction().await;
    let expected = names(&latest(&intact).await.0);
    let spoils = [
        "broken",
        "cut short",
        "gone",
        "not reconciled",
        "older than its commits",
    ];
    for spoil in spoils {
        let t = table_with_compaction().await;
        match spoil {
            "not reconciled" => {
                // Newest first, as some writers have them.
                let actions = [add("f7"), remove("f6"), add("f6"), remove("f1")];
                t.compaction(2, 7, &actions).await;
            }
            "broken" => t.put(&name, "{\"add\":{\"path\":").await,
            "cut short" => t.store.set_fault(&name, Fault::CutShort(1)),
            "gone" => t.store.set_fault(&name, Fault::Missing),
            _ => t.store.set_time(&name, commit_time(7) - 1),
        }
        let (snapshot, requests) = latest(&t).await;
        assert_eq!(names(&snapshot), expected, "{spoil}");
        assert!(reads(&requests, &commit_name(2)), "{spoil}: {requests:?}");
    }
}

#[tokio::test]
async fn version_inside_a_compaction_keeps_its_in_commit_timestamp() {
    let t = TestTable::new();
    let protocol = json!({"protocol": {
        "minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["inCommitTimestamp"],
    }});
    let enabled = json!({"delta.enableInCommitTimestamps": "true"});
    let metadata = metadata_with(&[("id", "long")], enabled);
    for version in 0..3u64 {
        let info = json!({"commitInfo": {"inCommitTimestamp": 1000 + version}});
        let mut actions = vec![info, add(&format!("f{version}"))];
        if version == 0 {
            actions.extend([protocol.clone(), metadata.clone()]);
        }
        t.commit(version, &actions).await;
    }
    let mut actions = vec![protocol, metadata];
    actions.extend((0..3).map(|version| add(&format!("f{version}"))));
    t.compaction(0, 2, &actions).await;
    let (snapshot, requests) = latest(&t).await;
    assert_eq!((snapshot.timestamp(), names(&snapshot).len()), (1002, 3));
    assert!(!reads(&requests, &commit_name(1)));
}

#[tokio::test]
async fn compaction_counts_only_if_it_leads_to_what_the_checksum_says() {
    let action = |action: Value, name: &str| action[name].clone();
    let right = json!({
        "numFiles": 1, "tableSizeBytes": 100, "numMetadata": 1, "numProtocol": 1,
        "protocol": action(protocol(), "protocol"), "metadata": action(metadata(), "metaData"),
    });
    let mut wrong = right.clone();
    wrong["tableSizeBytes"] = json!(99);
    for (checksum, forgets_a_remove, reads_commits) in [
        (right.to_string(), false, false),
        (right.to_string(), true, true),
        // The log counts, whatever the checksum says.
        (wrong.to_string(), false, true),
        ("{".to_owned(), false, false),
    ] {
        let t = table_with_compaction().await;
        t.put("00000000000000000009.crc", checksum.clone()).await;
        if forgets_a_remove {
            t.compaction(2, 7, &[add("f7")]).await;
        }
        let (snapshot, requests) = latest(&t).await;
        assert_eq!(names(&snapshot), ["f9"], "{checksum}");
        assert_eq!(
            reads(&requests, &commit_name(4)),
            reads_commits,
            "{checksum}"
        );
    }
}
