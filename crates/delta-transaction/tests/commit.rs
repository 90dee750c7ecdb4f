//! One commit for one statement, whatever becomes of its puts.

mod support;

use std::sync::atomic::Ordering;

use delta_transaction::{ConflictKind, Error, Feature, find_commit};
use support::*;
use uuid::Uuid;

/// All fates of up to three puts, then success.
fn fates() -> Vec<Vec<Fate>> {
    use Fate::{AnswerLost, Lost, Made, Repeated};
    let mut all = vec![vec![Made], vec![AnswerLost], vec![Repeated]];
    for last in [Made, AnswerLost, Repeated] {
        all.push(vec![last, Lost]);
        all.push(vec![last, Lost, Lost]);
    }
    all
}

#[tokio::test]
async fn put_whose_answer_is_lost_is_found_again_and_made_once() {
    for fates in fates() {
        let t = TestTable::with_properties(&[]).await;
        t.store.fates.lock().unwrap().clone_from(&fates);
        let mut transaction = t.begin(2).await;
        transaction.add([add("a", 0, 9)]);
        let committed = transaction.commit().await.unwrap();
        assert_eq!(committed.version, 1, "{fates:?}");
        assert_eq!(t.latest().await.version(), 1, "{fates:?}");
        assert_eq!(t.files().await, ["a"], "{fates:?}");
        assert_eq!(committed.was_there, fates[0] != Fate::Made, "{fates:?}");
    }
}

#[tokio::test]
async fn answer_lost_after_another_writer_came_first_is_found_at_the_version_it_has() {
    let t = TestTable::with_properties(&[]).await;
    let mut transaction = t.begin(3).await;
    transaction.add([add("b", 0, 9)]);
    t.append(2, "a").await;
    *t.store.fates.lock().unwrap() = vec![Fate::AnswerLost, Fate::Made];
    let committed = transaction.commit().await.unwrap();
    assert_eq!((committed.version, committed.rebased_over), (2, 1));
    assert_eq!(t.files().await, ["a", "b"]);
}

#[tokio::test]
async fn silent_store_leaves_the_outcome_open_and_a_deaf_one_refuses() {
    let t = TestTable::with_properties(&[]).await;
    let mut transaction = t.begin(2).await;
    transaction.add([add("a", 0, 9)]);
    *t.store.fates.lock().unwrap() = vec![Fate::Lost; 9];
    *t.store.is_down.lock().unwrap() = true;
    let error = transaction.commit().await.unwrap_err();
    assert!(
        matches!(error, Error::OutcomeUnknown { version: 1, .. }),
        "{error}"
    );

    *t.store.is_down.lock().unwrap() = false;
    t.store.fates.lock().unwrap().clear();
    let mut transaction = t.begin(2).await;
    transaction.add([add("a", 0, 9)]);
    *t.store.fates.lock().unwrap() = vec![Fate::Refused];
    let error = transaction.commit().await.unwrap_err();
    assert!(matches!(error, Error::Storage { .. }), "{error}");
    assert_eq!(t.latest().await.version(), 0);
}

#[tokio::test]
async fn statement_finds_its_commit_by_its_id() {
    let t = TestTable::with_properties(&[]).await;
    t.append(2, "a").await;
    t.append(3, "b").await;
    t.append(4, "c").await;
    let found = |id, after| {
        let table = t.table.clone();
        async move {
            find_commit(&table, Uuid::from_u128(id), after)
                .await
                .unwrap()
        }
    };
    assert_eq!(found(3, Some(0)).await, Some(2));
    assert_eq!(found(3, None).await, Some(2));
    assert_eq!(found(3, Some(2)).await, None);
    assert_eq!(found(5, Some(0)).await, None);
}

#[tokio::test]
async fn one_of_many_creators_makes_the_table() {
    let t = TestTable::nowhere();
    let creations = (1..=8).map(|id| t.creation(id).commit());
    let outcomes = futures::future::join_all(creations).await;
    let made = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(made, 1);
    for refused in outcomes.into_iter().filter_map(Result::err) {
        let Error::Conflict(conflict) = refused else {
            panic!("{refused}");
        };
        assert_eq!(conflict.kind, ConflictKind::TableCreated);
        assert_eq!(conflict.operation.as_deref(), Some("CREATE TABLE"));
    }
    assert_eq!(t.latest().await.version(), 0);
}

#[tokio::test]
async fn many_appends_at_once_are_all_there_once() {
    let t = TestTable::with_properties(&[]).await;
    let base = t.latest().await;
    let appends = (0..40_u128).map(|n| {
        let mut transaction = t.begin_on(base.clone(), n + 10);
        transaction.add([add(&format!("f{n:02}"), 0, 9)]);
        transaction.commit()
    });
    let outcomes = futures::future::join_all(appends).await;
    let mut versions: Vec<u64> = outcomes
        .into_iter()
        .map(|one| one.unwrap().version)
        .collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=40).collect::<Vec<_>>());
    let expected: Vec<String> = (0..40).map(|n| format!("f{n:02}")).collect();
    assert_eq!(t.files().await, expected);
}

#[tokio::test]
async fn committed_snapshot_is_what_a_reader_opens() {
    let t = TestTable::with_properties(&[]).await;
    t.append(2, "a").await;
    let mut transaction = t.begin(3).await;
    let snapshot = t.latest().await;
    transaction.remove(snapshot.files().adds(&[0]).unwrap(), true);
    transaction.add([add("b%20c", 3, 4)]);
    let committed = transaction.commit().await.unwrap();
    let opened = t.latest().await;
    assert_eq!(committed.snapshot.version(), opened.version());
    assert_eq!(
        committed.snapshot.files().adds(&[0]).unwrap(),
        opened.files().adds(&[0]).unwrap()
    );
    assert_eq!(committed.snapshot.metadata(), opened.metadata());
    assert_eq!(committed.snapshot.protocol(), opened.protocol());
}

#[tokio::test]
async fn append_only_table_takes_rows_and_gives_none() {
    let t = TestTable::with_properties(&[("delta.appendOnly", "true")]).await;
    t.append(2, "a").await;
    let snapshot = t.latest().await;
    let mut transaction = t.begin(3).await;
    transaction.remove(snapshot.files().adds(&[0]).unwrap(), true);
    assert!(matches!(transaction.commit().await, Err(Error::AppendOnly)));
    // Moving rows from file to file changes none.
    let mut transaction = t.begin(4).await;
    transaction.remove(snapshot.files().adds(&[0]).unwrap(), false);
    let mut moved = add("b", 0, 9);
    moved.data_change = false;
    transaction.add([moved]);
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn in_commit_timestamps_rise_though_the_clock_stands_still() {
    let t = TestTable::with_properties(&[]).await;
    t.environment.now.store(1000, Ordering::Relaxed);
    let mut transaction = t.begin(2).await;
    transaction.enable(Feature::InCommitTimestamp);
    let mut metadata = metadata(&[("delta.enableInCommitTimestamps", "true")]);
    metadata.id = "f0a1".to_owned();
    transaction.set_metadata(metadata);
    let first = transaction.commit().await.unwrap();
    let base = t.latest().await;
    assert_eq!(base.timestamp(), first.timestamp);
    let properties = &base.metadata().configuration;
    assert_eq!(properties["delta.inCommitTimestampEnablementVersion"], "1");
    // Two that begin at the same version, with a clock that goes back.
    t.environment.now.store(0, Ordering::Relaxed);
    let mut times = vec![first.timestamp];
    for n in 0..3_u128 {
        let mut transaction = t.begin_on(base.clone(), 3 + n);
        transaction.add([add(&format!("f{n}"), 0, 9)]);
        times.push(transaction.commit().await.unwrap().timestamp);
        assert_eq!(t.latest().await.timestamp(), times[times.len() - 1]);
    }
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
}

#[tokio::test]
async fn commit_that_would_leave_an_unreadable_table_is_not_made() {
    let t = TestTable::with_properties(&[]).await;
    for broken in [
        "",
        "{\"type\":\"struct\"",
        "{\"type\":\"struct\",\"fields\":[{\"name\":\"x\",\"type\":\"nothing\",\"nullable\":true,\"metadata\":{}}]}",
    ] {
        let mut transaction = t.begin(2).await;
        let mut metadata = metadata(&[]);
        metadata.schema_string = broken.to_owned();
        transaction.set_metadata(metadata);
        transaction.commit().await.unwrap_err();
        assert_eq!(t.latest().await.version(), 0, "{broken}");
    }
}
