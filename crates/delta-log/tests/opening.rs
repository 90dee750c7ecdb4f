//! How a table's latest version is found, and what that costs.

mod support;

use std::sync::Arc;

use arrow::array::Array;
use delta_log::{ChangeBound, ChangeColumns, Error, Table, TimeTravel};
use object_store::memory::InMemory;
use object_store::path::Path;
use serde_json::json;
use support::*;

#[tokio::test]
async fn opening_takes_one_list_no_head_and_three_round_trips() {
    let t = TestTable::new();
    t.appends(24).await;
    t.checkpoint_of_appends(20).await;
    t.hint(20).await;
    let snapshot = t.table.snapshot(TimeTravel::Latest).await.unwrap();
    assert_eq!((snapshot.version(), snapshot.files().len()), (24, 25));
    assert_eq!(snapshot.files().num_records_total(), Some(250));
    assert_eq!(snapshot.timestamp(), commit_time(24));
    let (requests, depth) = t.requests();
    assert_eq!(depth, 3, "{requests:?}");
    assert_eq!(requests.len(), 2 + 1 + 4, "{requests:?}");
    assert_eq!(
        requests.iter().filter(|request| *request == "LIST").count(),
        1
    );
    assert!(requests.iter().all(|request| !request.starts_with("HEAD")));
}

#[tokio::test]
async fn snapshot_with_stale_checkpoint_hint_uses_newer_checkpoint() {
    let t = TestTable::new();
    t.appends(12).await;
    t.checkpoint_of_appends(5).await;
    t.checkpoint_of_appends(10).await;
    t.hint(5).await;
    let snapshot = t.table.snapshot(TimeTravel::Latest).await.unwrap();
    assert_eq!(names(&snapshot).len(), 13);
    assert!(
        t.requests()
            .0
            .iter()
            .all(|request| !request.contains(&commit_name(7)))
    );
}

#[tokio::test]
async fn hint_that_is_missing_broken_or_ahead_of_the_log_changes_nothing() {
    for hint in [
        None,
        Some("{\"version\":"),
        Some("{\"version\":900}"),
        Some("{\"version\":-1}"),
    ] {
        let t = TestTable::new();
        t.appends(12).await;
        t.checkpoint_of_appends(10).await;
        if let Some(hint) = hint {
            t.put("_last_checkpoint", hint).await;
        }
        let snapshot = t.table.snapshot(TimeTravel::Latest).await.unwrap();
        assert_eq!(
            (snapshot.version(), snapshot.files().len()),
            (12, 13),
            "{hint:?}"
        );
        let probed = t
            .without_listing()
            .snapshot(TimeTravel::Latest)
            .await
            .unwrap();
        assert_eq!(
            (probed.version(), probed.files().len()),
            (12, 13),
            "{hint:?}"
        );
    }
}

#[tokio::test]
async fn store_that_cannot_list_is_probed_from_the_hint_on() {
    let t = TestTable::new();
    t.appends(24).await;
    t.checkpoint_of_appends(20).await;
    t.hint(20).await;
    let snapshot = t
        .without_listing()
        .snapshot(TimeTravel::Latest)
        .await
        .unwrap();
    assert_eq!((snapshot.version(), snapshot.files().len()), (24, 25));
    let (requests, depth) = t.requests();
    assert!(!requests.contains(&"LIST".to_owned()));
    assert_eq!(depth, 3, "{requests:?}");
    let old = t
        .without_listing()
        .snapshot(TimeTravel::Version(3))
        .await
        .unwrap();
    assert_eq!((old.version(), old.files().len()), (3, 4));
}

#[tokio::test]
async fn long_log_is_probed_in_growing_windows() {
    let t = TestTable::new();
    t.appends(120).await;
    let snapshot = t
        .without_listing()
        .snapshot(TimeTravel::Latest)
        .await
        .unwrap();
    assert_eq!((snapshot.version(), snapshot.files().len()), (120, 121));
    let (requests, depth) = t.requests();
    // The hint, then windows of 8, 16, 32, 64 and 64.
    assert_eq!((depth, requests.len()), (6, 1 + 8 + 16 + 32 + 64 + 64));
}

#[tokio::test]
async fn gap_is_an_error_whether_listed_or_probed() {
    for missing in [4, 7, 8] {
        let t = TestTable::new();
        t.appends(9).await;
        t.delete(&commit_name(missing)).await;
        for table in [t.table.clone(), t.without_listing()] {
            match table.snapshot(TimeTravel::Latest).await {
                Err(Error::MissingCommit { version, .. }) => assert_eq!(version, missing),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn probing_never_takes_a_cleaned_up_log_for_a_short_one() {
    let t = TestTable::new();
    t.appends(30).await;
    t.checkpoint_of_appends(10).await;
    t.checkpoint_of_appends(20).await;
    t.hint(10).await;
    for version in 0..20 {
        t.delete(&commit_name(version)).await;
    }
    let error = t
        .without_listing()
        .snapshot(TimeTravel::Latest)
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::MissingCommit { version: 10, .. }),
        "{error:?}"
    );
    let snapshot = t.table.snapshot(TimeTravel::Latest).await.unwrap();
    assert_eq!((snapshot.version(), snapshot.files().len()), (30, 31));
}

#[tokio::test]
async fn checkpoint_that_lacks_a_part_is_passed_over() {
    let t = TestTable::new();
    t.appends(4).await;
    t.put(
        "00000000000000000004.checkpoint.0000000001.0000000002.parquet",
        "not read",
    )
    .await;
    let snapshot = t.table.snapshot(TimeTravel::Latest).await.unwrap();
    assert_eq!(snapshot.files().len(), 5);
}

/// Version 3 of four appends, as a checkpoint of the V2 spec: half of the files in a sidecar.
async fn with_v2_checkpoint(name: &str) -> TestTable {
    let t = TestTable::new();
    t.appends(4).await;
    let sidecar = parquet(&[add("f2"), add("f3")]);
    let top = [
        json!({"checkpointMetadata": {"version": 3}}),
        protocol(),
        metadata(),
        add("f0"),
        add("f1"),
        json!({"sidecar": {"path": "a%20b.parquet", "sizeInBytes": sidecar.len(), "modificationTime": 1}}),
    ];
    t.put("_sidecars/a b.parquet", sidecar).await;
    match name.ends_with(".json") {
        true => {
            let lines: Vec<String> = top.iter().map(|action| action.to_string()).collect();
            t.put(name, lines.join("\n")).await;
        }
        false => t.put(name, parquet(&top[1..])).await,
    }
    for version in 0..3 {
        t.delete(&commit_name(version)).await;
    }
    t
}

#[tokio::test]
async fn checkpoint_of_the_v2_spec_is_read_under_any_name_with_its_sidecars() {
    for name in [
        "00000000000000000003.checkpoint.parquet",
        "00000000000000000003.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.parquet",
        "00000000000000000003.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json",
    ] {
        let t = with_v2_checkpoint(name).await;
        let hint = json!({"version": 3, "size": 1, "v2Checkpoint": {"path": name}});
        t.put("_last_checkpoint", hint.to_string()).await;
        for table in [t.table.clone(), t.without_listing()] {
            let snapshot = table.snapshot(TimeTravel::Latest).await.unwrap();
            assert_eq!(names(&snapshot), ["f0", "f1", "f2", "f3", "f4"], "{name}");
        }
    }
}

#[tokio::test]
async fn sidecar_that_is_gone_is_an_error_that_names_it() {
    let t = with_v2_checkpoint("00000000000000000003.checkpoint.parquet").await;
    t.delete("_sidecars/a b.parquet").await;
    match t.table.snapshot(TimeTravel::Latest).await {
        Err(Error::Storage { path, .. }) => assert_eq!(path.filename(), Some("a b.parquet")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn only_the_version_that_is_asked_for_must_be_readable() {
    let t = TestTable::new();
    t.appends(1).await;
    let upgrade = json!({"protocol": {
        "minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["timestampNtz", "catalogManaged"], "writerFeatures": [],
    }});
    t.commit(2, &[upgrade]).await;
    let error = t.table.snapshot(TimeTravel::Latest).await.unwrap_err();
    assert!(matches!(&error, Error::UnsupportedFeature(name) if name == "catalogManaged"));
    assert!(t.table.snapshot(TimeTravel::Version(1)).await.is_ok());
}

#[tokio::test]
async fn deleted_rows_do_not_count_and_are_known_of_the_checkpoint_too() {
    let vector = json!({
        "storageType": "i", "pathOrInlineDv": "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L",
        "sizeInBytes": 44, "cardinality": 6,
    });
    let mut file = add("f");
    file["add"]["deletionVector"] = vector;
    file["add"]["stats"] = json!("{\"numRecords\":30,\"nullCount\":{\"id\":4}}");
    let t = TestTable::new();
    t.commit(0, &[protocol(), metadata(), add("g"), file.clone()])
        .await;
    for _ in 0..2 {
        let snapshot = t.table.snapshot(TimeTravel::Latest).await.unwrap();
        let files = snapshot.files();
        assert_eq!(files.num_with_deletion_vector(), 1);
        assert_eq!(files.num_records_total(), Some(10 + 24));
        let with = (0..2)
            .find(|&i| files.deletion_vector(i).is_some())
            .unwrap();
        assert_eq!(files.num_stored_records(with), Some(30));
        // Four of which rows, nobody knows.
        assert!(files.null_counts("id").unwrap().is_null(with));
        let vector = files.deletion_vector(with).unwrap();
        let rows = t.table.deleted_rows(vector).await.unwrap();
        assert_eq!(rows.iter().collect::<Vec<_>>(), [3, 4, 7, 11, 18, 29]);
        // Now the same from a checkpoint.
        t.checkpoint(0, &[protocol(), metadata(), add("g"), file.clone()])
            .await;
        t.hint(0).await;
    }
}

#[tokio::test]
async fn nothing_there_is_not_a_table() {
    let t = TestTable::new();
    for table in [t.table.clone(), t.without_listing()] {
        let error = table.snapshot(TimeTravel::Latest).await.unwrap_err();
        assert!(matches!(error, Error::NotATable { .. }), "{error:?}");
        assert!(matches!(
            table.history(None).await,
            Err(Error::NotATable { .. })
        ));
    }
}

/// Query engines poll these from several threads.
#[test]
fn futures_can_change_threads() {
    fn assert_send(_: impl Send) {}
    let store = Arc::new(InMemory::new());
    let table = Table::new(store, Path::ROOT, "memory:///", true);
    assert_send(table.snapshot(TimeTravel::Latest));
    assert_send(table.history(None));
    assert_send(table.changes(ChangeBound::Version(0), None, ChangeColumns::OfEnd));
    assert_send(async {
        let snapshot = table.snapshot(TimeTravel::Latest).await?;
        table.refresh(&snapshot).await
    });
}
