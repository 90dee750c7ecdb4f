//! How a table's latest version is found, and what that costs.

mod support;

use delta_log::{Error, TimeTravel};
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

#[tokio::test]
async fn checkpoint_of_the_v2_spec_is_refused_by_name() {
    let t = TestTable::new();
    t.appends(2).await;
    t.checkpoint(
        2,
        &[
            protocol(),
            metadata(),
            json!({"sidecar": {"path": "a.parquet"}}),
        ],
    )
    .await;
    let error = t.table.snapshot(TimeTravel::Latest).await.unwrap_err();
    assert!(matches!(&error, Error::UnsupportedFeature(name) if name == "v2Checkpoint"));

    let t = TestTable::new();
    t.appends(2).await;
    t.put(
        "00000000000000000002.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.parquet",
        "",
    )
    .await;
    let error = t.table.snapshot(TimeTravel::Latest).await.unwrap_err();
    assert!(matches!(&error, Error::UnsupportedFeature(name) if name == "v2Checkpoint"));
}

#[tokio::test]
async fn only_the_version_that_is_asked_for_must_be_readable() {
    let t = TestTable::new();
    t.appends(1).await;
    let upgrade = json!({"protocol": {
        "minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["timestampNtz", "deletionVectors"], "writerFeatures": [],
    }});
    t.commit(2, &[upgrade]).await;
    let error = t.table.snapshot(TimeTravel::Latest).await.unwrap_err();
    assert!(matches!(&error, Error::UnsupportedFeature(name) if name == "deletionVectors"));
    assert!(t.table.snapshot(TimeTravel::Version(1)).await.is_ok());
}

#[tokio::test]
async fn deletion_vector_without_the_feature_is_refused() {
    let t = TestTable::new();
    let mut file = add("f");
    file["add"]["deletionVector"] = json!({"storageType": "i", "pathOrInlineDv": "x"});
    t.commit(0, &[protocol(), metadata(), file]).await;
    let error = t.table.snapshot(TimeTravel::Latest).await.unwrap_err();
    assert!(matches!(&error, Error::UnsupportedFeature(name) if name == "deletionVectors"));
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
