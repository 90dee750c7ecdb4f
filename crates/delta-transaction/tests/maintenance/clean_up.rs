//! Clean-up deletes what is old, and never what a version that stays is made of.

use std::collections::{BTreeMap, BTreeSet};

use delta_log::{Table, TimeTravel};
use delta_transaction::maintenance::{MaintenanceError, clean_up_log, write_checkpoint};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::*;

#[derive(Debug, Clone)]
struct Commit {
    /// Days since the commit before.
    days: i64,
    /// Hours into the day.
    hours: i64,
    checkpoint: Checkpoint,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Checkpoint {
    None,
    Classic,
    V2,
    Damaged,
    /// A top level that is whole, and a sidecar that is gone.
    WithoutSidecar,
}

fn commit() -> impl Strategy<Value = Commit> {
    let checkpoint = prop_oneof![
        5 => Just(Checkpoint::None),
        2 => Just(Checkpoint::Classic),
        2 => Just(Checkpoint::V2),
        1 => Just(Checkpoint::Damaged),
        1 => Just(Checkpoint::WithoutSidecar),
    ];
    (0i64..12, 0i64..24, checkpoint).prop_map(|(days, hours, checkpoint)| Commit {
        days,
        hours,
        checkpoint,
    })
}

fn settings(policy: &str) -> Value {
    metadata(json!({
        "delta.logRetentionDuration": "interval 30 days", "delta.checkpointPolicy": policy,
    }))
}

fn features() -> Value {
    let features = ["v2Checkpoint"];
    json!({"protocol": {
        "minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": features, "writerFeatures": features,
    }})
}

async fn build(t: &TestTable, commits: &[Commit]) -> Vec<i64> {
    let mut times = Vec::new();
    let age: i64 = commits.iter().map(|commit| commit.days).sum();
    let mut day = NOW - (age + 1) * DAY;
    for (version, commit) in commits.iter().enumerate() {
        day += commit.days * DAY;
        let time = day + commit.hours * DAY / 24;
        let policy = match commit.checkpoint {
            Checkpoint::V2 | Checkpoint::WithoutSidecar => "v2",
            Checkpoint::None | Checkpoint::Classic | Checkpoint::Damaged => "classic",
        };
        let mut actions = vec![settings(policy), add(&format!("f{version}"), None, 1)];
        if version == 0 {
            actions.push(features());
        }
        let version = version as u64;
        t.commit(version, &actions).await;
        t.store.date(&commit_name(version), time);
        times.push(time);
        if commit.checkpoint != Checkpoint::None {
            let snapshot = t.snapshot().await;
            let environment = StillLife::with_ids(time, version * 100 + 1);
            write_checkpoint(&t.table, &snapshot, &environment)
                .await
                .unwrap();
        }
        if commit.checkpoint == Checkpoint::WithoutSidecar {
            // Its id is the first that the checkpoint took.
            let id = uuid::Uuid::from_u128(u128::from(version * 100 + 1));
            t.delete(&format!("_sidecars/{id}.parquet")).await;
        }
        if commit.checkpoint == Checkpoint::Damaged {
            let file = t.get(&checkpoint_name(version)).await.unwrap();
            t.put(&checkpoint_name(version), file.slice(..file.len() / 2))
                .await;
        }
    }
    for name in t.names().await {
        if let Some(name) = name.strip_prefix("_sidecars/") {
            t.store.date(name, NOW - 3 * DAY);
        }
    }
    times
}

async fn readable(table: &Table, versions: u64) -> BTreeMap<u64, Seen> {
    let mut all = BTreeMap::new();
    for version in 0..versions {
        if let Ok(snapshot) = table.snapshot(TimeTravel::Version(version)).await {
            all.insert(version, seen(&snapshot, true));
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn versions_within_the_retention_stay_as_they_are(commits in proptest::collection::vec(commit(), 1..14)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let t = TestTable::new();
            let times = build(&t, &commits).await;
            let versions = commits.len() as u64;
            let before = readable(&t.table, versions).await;
            assert_eq!(before.len() as u64, versions);
            let names: BTreeSet<String> = t.names().await.into_iter().collect();
            let snapshot = t.snapshot().await;
            let result = clean_up_log(&t.table, &snapshot, &StillLife::at(NOW)).await;
            let left: BTreeSet<String> = t.names().await.into_iter().collect();
            let cutoff = NOW - 30 * DAY;
            let deleted: Vec<&String> = names.difference(&left).collect();
            if let Ok(count) = &result {
                assert_eq!(*count, deleted.len() as u64);
            }
            // The first version that stays, and all from there on, as they were.
            let after = readable(&t.table, versions).await;
            let first = left.iter().find_map(|name| {
                name.strip_suffix(".json").filter(|digits| digits.len() == 20)?.parse::<u64>().ok()
            });
            let first = first.unwrap();
            for version in first..versions {
                assert_eq!(after.get(&version), before.get(&version), "{version}, from {first}");
            }
            // The version that was current at the cutoff stays.
            let current = times.iter().rposition(|time| *time <= cutoff);
            let current = current.unwrap_or(0) as u64;
            assert!(first <= current, "{first} is after {current}");
            // And as much goes as may.
            let covers = |version: &u64| {
                matches!(commits[*version as usize].checkpoint, Checkpoint::Classic | Checkpoint::V2)
            };
            let best = (0..=current).rev().find(covers).filter(|_| times[0] <= cutoff).unwrap_or(0);
            let damaged_hint = result.is_err();
            assert!(damaged_hint || first == best, "{first} of {best}: {result:?}");
            // What was named and there still is.
            for (_, file) in t.table.log_files().await.unwrap().iter() {
                if file.path.as_ref().contains(".checkpoint.")
                    && let Ok(named) = t.table.sidecars(file).await
                {
                    for sidecar in named {
                        let name = format!("_sidecars/{}", sidecar.filename().unwrap());
                        assert_eq!(left.contains(&name), names.contains(&name), "{name}");
                    }
                }
            }
        });
    }
}

/// Commits of 100 days, one each ten, and checkpoints of all.
async fn old_table() -> TestTable {
    let t = TestTable::new();
    let commit = Commit {
        days: 10,
        hours: 0,
        checkpoint: Checkpoint::Classic,
    };
    build(&t, &vec![commit; 10]).await;
    t
}

#[tokio::test]
async fn everything_before_the_checkpoint_goes_and_nothing_else() {
    let t = old_table().await;
    for name in [
        "00000000000000000001.crc",
        "00000000000000000008.crc",
        "00000000000000000002.checkpoint.0000000001.0000000002.parquet",
        "00000000000000000001.00000000000000000003.compacted.json",
        "00000000000000000007.00000000000000000008.compacted.json",
        "notes.txt",
        "00000000000000000001.json.tmp",
        "_sidecars/old.parquet",
        "_sidecars/young.parquet",
    ] {
        t.put(name, "").await;
    }
    t.store.date("old.parquet", NOW - DAY - 1);
    t.store.date("young.parquet", NOW - DAY);
    let snapshot = t.snapshot().await;
    // Version 6 is of 31 days ago, version 7 of 21.
    clean_up_log(&t.table, &snapshot, &StillLife::at(NOW + DAY - 1))
        .await
        .unwrap();
    let mut expected: Vec<String> = (6..10).map(commit_name).collect();
    expected.extend((6..10).map(checkpoint_name));
    for name in [
        "00000000000000000008.crc",
        "00000000000000000007.00000000000000000008.compacted.json",
        "notes.txt",
        "00000000000000000001.json.tmp",
        "_sidecars/young.parquet",
        "_last_checkpoint",
    ] {
        expected.push(name.to_owned());
    }
    expected.sort();
    assert_eq!(t.names().await, expected);
}

#[tokio::test]
async fn nothing_goes_where_the_table_says_so_or_there_is_a_doubt() {
    let refused = [
        (
            "off",
            json!({"delta.enableExpiredLogCleanup": "false"}),
            None,
        ),
        (
            "no interval",
            json!({"delta.logRetentionDuration": "a while"}),
            None,
        ),
        (
            "longer",
            json!({"delta.logRetentionDuration": "interval 20 weeks"}),
            None,
        ),
        ("protected", json!({}), Some("checkpointProtection")),
        ("a catalog's", json!({}), Some("tomorrow")),
        ("stale hint", json!({}), None),
        ("gap", json!({}), None),
    ];
    for (name, configuration, feature) in refused {
        let t = old_table().await;
        let mut actions = vec![metadata(configuration)];
        if let Some(feature) = feature {
            actions.push(json!({"protocol": {
                "minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["v2Checkpoint"],
                "writerFeatures": ["v2Checkpoint", feature],
            }}));
        }
        t.commit(10, &actions).await;
        match name {
            "stale hint" => t.put("_last_checkpoint", r#"{"version":2,"size":1}"#).await,
            "gap" => t.delete(&commit_name(8)).await,
            _ => {}
        }
        let before = t.names().await;
        let snapshot = t.snapshot().await;
        let result = clean_up_log(&t.table, &snapshot, &StillLife::at(NOW)).await;
        match name {
            "off" | "longer" => assert_eq!(result.unwrap(), 0, "{name}"),
            _ => assert!(result.is_err(), "{name}"),
        }
        assert_eq!(t.names().await, before, "{name}");
    }
}

#[tokio::test]
async fn sidecars_stay_where_a_checkpoint_cannot_tell_which_it_has() {
    let t = old_table().await;
    t.put("_sidecars/old.parquet", "").await;
    t.store.date("old.parquet", NOW - 9 * DAY);
    t.put(&checkpoint_name(8), "damaged").await;
    let result = clean_up_log(&t.table, &t.snapshot().await, &StillLife::at(NOW)).await;
    assert!(
        matches!(result, Err(MaintenanceError::Log(_))),
        "{result:?}"
    );
    assert!(t.get("_sidecars/old.parquet").await.is_some());
}
