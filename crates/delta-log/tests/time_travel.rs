//! Which version a time means.

mod support;

use delta_log::{Error, TimeTravel};
use serde_json::{Value, json};
use support::*;

async fn version_at(t: &TestTable, timestamp: i64) -> u64 {
    t.table
        .snapshot(TimeTravel::Timestamp(timestamp))
        .await
        .unwrap()
        .version()
}

#[tokio::test]
async fn time_between_two_commits_means_the_earlier_one() {
    let t = TestTable::new();
    t.appends(5).await;
    assert_eq!(version_at(&t, commit_time(0)).await, 0);
    assert_eq!(version_at(&t, commit_time(3) - 1).await, 2);
    assert_eq!(version_at(&t, commit_time(3)).await, 3);
    assert_eq!(version_at(&t, commit_time(5)).await, 5);
}

#[tokio::test]
async fn times_outside_of_the_log_are_refused_with_the_commit_at_that_end() {
    let t = TestTable::new();
    t.appends(5).await;
    match t
        .table
        .snapshot(TimeTravel::Timestamp(commit_time(0) - 1))
        .await
    {
        Err(Error::TimestampBeforeFirstCommit {
            earliest, version, ..
        }) => {
            assert_eq!((earliest, version), (commit_time(0), 0));
        }
        other => panic!("{other:?}"),
    }
    match t
        .table
        .snapshot(TimeTravel::Timestamp(commit_time(5) + 1))
        .await
    {
        Err(Error::TimestampAfterLastCommit {
            latest, version, ..
        }) => {
            assert_eq!((latest, version), (commit_time(5), 5));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn first_commit_that_counts_is_the_first_that_can_be_rebuilt() {
    let t = TestTable::new();
    t.appends(8).await;
    t.checkpoint_of_appends(5).await;
    for version in 0..4 {
        t.delete(&commit_name(version)).await;
    }
    match t
        .table
        .snapshot(TimeTravel::Timestamp(commit_time(4)))
        .await
    {
        Err(Error::TimestampBeforeFirstCommit {
            earliest, version, ..
        }) => {
            assert_eq!((earliest, version), (commit_time(5), 5));
        }
        other => panic!("{other:?}"),
    }
    match t.table.snapshot(TimeTravel::Version(4)).await {
        Err(Error::VersionNotFound {
            earliest: 5,
            latest: 8,
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn file_times_that_go_back_do_not_reorder_versions() {
    let t = TestTable::new();
    t.appends(4).await;
    t.store.set_time(&commit_name(2), commit_time(0));
    let snapshot = t.table.snapshot(TimeTravel::Version(2)).await.unwrap();
    assert_eq!(snapshot.timestamp(), commit_time(1) + 1);
    assert_eq!(version_at(&t, commit_time(1)).await, 1);
    assert_eq!(version_at(&t, commit_time(1) + 1).await, 2);
    let history = t.table.history(None).await.unwrap();
    assert_eq!(history[2].timestamp_ms, commit_time(1) + 1);
}

/// In-commit timestamps from version `enabled` on, at 10,000 ms times the version: far from the
/// files' times.
async fn with_in_commit_timestamps(t: &TestTable, last: u64, enabled: u64) {
    let protocol = json!({"protocol": {
        "minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["inCommitTimestamp"],
    }});
    let mut configuration = json!({"delta.enableInCommitTimestamps": "true"});
    if enabled > 0 {
        configuration["delta.inCommitTimestampEnablementVersion"] = json!(enabled.to_string());
        configuration["delta.inCommitTimestampEnablementTimestamp"] =
            json!(own_time(enabled).to_string());
    }
    for version in 0..=last {
        let mut actions: Vec<Value> = Vec::new();
        if version >= enabled {
            actions.push(json!({"commitInfo": {"inCommitTimestamp": own_time(version)}}));
        }
        if version == enabled {
            actions.push(protocol.clone());
            actions.push(metadata_with(&[("id", "long")], configuration.clone()));
        } else if version == 0 {
            actions.extend([support::protocol(), metadata()]);
        }
        actions.push(add(&format!("f{version}")));
        t.commit(version, &actions).await;
    }
}

fn own_time(version: u64) -> i64 {
    commit_time(1_000) + version as i64 * 10_000
}

#[tokio::test]
async fn commits_own_times_count_where_they_are_enabled() {
    let t = TestTable::new();
    with_in_commit_timestamps(&t, 70, 0).await;
    for version in [0, 1, 35, 69, 70] {
        assert_eq!(version_at(&t, own_time(version)).await, version);
        let snapshot = t
            .table
            .snapshot(TimeTravel::Version(version))
            .await
            .unwrap();
        assert_eq!(snapshot.timestamp(), own_time(version));
    }
    assert_eq!(version_at(&t, own_time(35) - 1).await, 34);
    match t
        .table
        .snapshot(TimeTravel::Timestamp(own_time(0) - 1))
        .await
    {
        Err(Error::TimestampBeforeFirstCommit { earliest, .. }) => {
            assert_eq!(earliest, own_time(0));
        }
        other => panic!("{other:?}"),
    }
    match t
        .table
        .snapshot(TimeTravel::Timestamp(own_time(70) + 1))
        .await
    {
        Err(Error::TimestampAfterLastCommit { latest, .. }) => assert_eq!(latest, own_time(70)),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        t.table.history(Some(1)).await.unwrap()[0].timestamp_ms,
        own_time(70)
    );
}

#[tokio::test]
async fn before_the_switch_to_own_times_the_files_times_count() {
    let t = TestTable::new();
    with_in_commit_timestamps(&t, 9, 4).await;
    assert_eq!(version_at(&t, commit_time(2)).await, 2);
    // After the last of them, and before the switch.
    assert_eq!(version_at(&t, own_time(4) - 1).await, 3);
    assert_eq!(version_at(&t, own_time(4)).await, 4);
    assert_eq!(version_at(&t, own_time(7) + 5).await, 7);
    let history = t.table.history(None).await.unwrap();
    assert_eq!(history[0].timestamp_ms, own_time(9));
    assert_eq!(history[9 - 3].timestamp_ms, commit_time(3));
}

#[tokio::test]
async fn own_time_is_read_from_the_commit_where_the_state_comes_from_a_checkpoint() {
    let t = TestTable::new();
    with_in_commit_timestamps(&t, 3, 0).await;
    let configuration = json!({"delta.enableInCommitTimestamps": "true"});
    let protocol = json!({"protocol": {
        "minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["inCommitTimestamp"],
    }});
    t.checkpoint(
        3,
        &[protocol, metadata_with(&[("id", "long")], configuration)],
    )
    .await;
    let snapshot = t.table.snapshot(TimeTravel::Latest).await.unwrap();
    assert_eq!(snapshot.timestamp(), own_time(3));
}
