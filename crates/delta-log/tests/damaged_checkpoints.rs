//! Checkpoints that cannot be read: what takes their place, and what is told of it.

mod support;

use delta_log::{ChangeBound, ChangeColumns, Error, Snapshot, TimeTravel, Warning};
use serde_json::json;
use support::*;

const CHECKPOINT_6: &str = "00000000000000000006.checkpoint.parquet";
const UUID: &str = "80a083e8-7026-4e79-81be-64bd76c43a11";

/// Files of [`TestTable::appends`] up to version 8, read as the latest version.
fn assert_whole(snapshot: &Snapshot) {
    assert_eq!(snapshot.version(), 8);
    let mut expected: Vec<String> = (0..=8).map(|version| format!("f{version}")).collect();
    expected.sort();
    assert_eq!(names(snapshot), expected);
}

async fn latest(t: &TestTable) -> Result<std::sync::Arc<Snapshot>, Error> {
    t.table.snapshot(TimeTravel::Latest).await
}

/// Versions 0 to 8, with checkpoints of 3 and 6.
async fn appends() -> TestTable {
    let t = TestTable::new();
    t.appends(8).await;
    t.checkpoint_of_appends(3).await;
    t.checkpoint_of_appends(6).await;
    t.hint(6).await;
    t
}

async fn clean_up(t: &TestTable, before: u64) {
    for version in 0..before {
        t.delete(&commit_name(version)).await;
    }
}

#[tokio::test]
async fn sound_log_has_no_warnings() {
    let t = appends().await;
    let snapshot = latest(&t).await.unwrap();
    assert_whole(&snapshot);
    assert_eq!(snapshot.warnings(), []);
    let unlisted = t.without_listing().snapshot(TimeTravel::Latest).await;
    assert_eq!(unlisted.unwrap().warnings(), []);
}

#[tokio::test]
async fn damaged_checkpoint_gives_way_to_an_older_one_with_a_warning() {
    let t = appends().await;
    clean_up(&t, 3).await;
    t.put(CHECKPOINT_6, "<html>not found</html>").await;
    let snapshot = latest(&t).await.unwrap();
    assert_whole(&snapshot);
    match snapshot.warnings() {
        [Warning::UnreadableCheckpoint { version: 6, reason }] => {
            assert!(reason.contains(CHECKPOINT_6), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    let text = snapshot.warnings()[0].to_string();
    assert!(
        text.starts_with("The checkpoint of version 6 cannot be read"),
        "{text}"
    );

    t.appends(8).await;
    t.commit(9, &[add("f9")]).await;
    let refreshed = t.table.refresh(&snapshot).await.unwrap();
    assert_eq!(refreshed.version(), 9);
    assert_eq!(refreshed.warnings(), snapshot.warnings());
}

#[tokio::test]
async fn damaged_checkpoints_give_way_to_the_commits() {
    for table_lists in [true, false] {
        let t = appends().await;
        t.put(CHECKPOINT_6, "PAR1").await;
        t.put("00000000000000000003.checkpoint.parquet", "").await;
        let table = match table_lists {
            true => t.table.clone(),
            false => t.without_listing(),
        };
        let snapshot = table.snapshot(TimeTravel::Latest).await.unwrap();
        assert_whole(&snapshot);
        let versions: Vec<u64> = snapshot
            .warnings()
            .iter()
            .map(|warning| match warning {
                Warning::UnreadableCheckpoint { version, .. } => *version,
                other => panic!("{other:?}"),
            })
            .collect();
        // A store that cannot list knows only the checkpoint of the hint.
        let expected: &[u64] = if table_lists { &[6, 3] } else { &[6] };
        assert_eq!(versions, expected);
        let at = table.snapshot(TimeTravel::Version(7)).await.unwrap();
        assert_eq!(at.files().len(), 8);
        assert_eq!(at.warnings().len(), expected.len());
    }
}

#[tokio::test]
async fn checkpoint_cut_on_its_way_or_gone_since_the_listing_is_passed_over() {
    for fault in [Fault::CutShort(1), Fault::Missing] {
        for table_lists in [true, false] {
            let t = appends().await;
            t.store.set_fault(CHECKPOINT_6, fault);
            let table = match table_lists {
                true => t.table.clone(),
                false => t.without_listing(),
            };
            let snapshot = table.snapshot(TimeTravel::Latest).await.unwrap();
            assert_whole(&snapshot);
            assert_eq!(snapshot.warnings().len(), 1, "{:?}", snapshot.warnings());
        }
    }
}

#[tokio::test]
async fn store_that_fails_on_a_checkpoint_is_an_error_and_no_reason_to_pass_it_over() {
    let t = appends().await;
    t.store.set_fault(CHECKPOINT_6, Fault::Fails);
    let error = latest(&t).await.unwrap_err();
    assert!(matches!(error, Error::Storage { .. }), "{error:?}");
}

#[tokio::test]
async fn damaged_checkpoint_that_nothing_replaces_is_the_error() {
    let t = appends().await;
    clean_up(&t, 6).await;
    t.delete("00000000000000000003.checkpoint.parquet").await;
    t.put(CHECKPOINT_6, "<html>not found</html>").await;
    let error = latest(&t).await.unwrap_err();
    assert!(error.to_string().contains(CHECKPOINT_6), "{error}");
    assert!(matches!(error, Error::CorruptLog { .. }), "{error:?}");

    let t = appends().await;
    clean_up(&t, 6).await;
    t.delete("00000000000000000003.checkpoint.parquet").await;
    t.store.set_fault(CHECKPOINT_6, Fault::CutShort(1));
    let error = latest(&t).await.unwrap_err();
    assert!(matches!(error, Error::Truncated { .. }), "{error:?}");
}

#[tokio::test]
async fn another_checkpoint_of_the_same_version_is_tried_first() {
    let t = appends().await;
    clean_up(&t, 6).await;
    t.delete("00000000000000000003.checkpoint.parquet").await;
    t.put(CHECKPOINT_6, "damaged").await;
    let mut actions = vec![protocol(), metadata()];
    actions.extend((0..=6).map(|version| add(&format!("f{version}"))));
    t.put(
        &format!("00000000000000000006.checkpoint.{UUID}.parquet"),
        parquet(&actions),
    )
    .await;
    let snapshot = latest(&t).await.unwrap();
    assert_whole(&snapshot);
    assert_eq!(snapshot.warnings().len(), 1);
}

#[tokio::test]
async fn checkpoint_without_its_sidecar_gives_way_to_the_commits() {
    let t = appends().await;
    t.delete(CHECKPOINT_6).await;
    let sidecar = json!({"sidecar": {"path": "gone.parquet", "sizeInBytes": 100}});
    t.put(
        &format!("00000000000000000006.checkpoint.{UUID}.parquet"),
        parquet(&[protocol(), metadata(), sidecar]),
    )
    .await;
    let snapshot = latest(&t).await.unwrap();
    assert_whole(&snapshot);
    match snapshot.warnings() {
        [Warning::UnreadableCheckpoint { version: 6, reason }] => {
            assert!(reason.contains("_sidecars/gone.parquet"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn checkpoint_without_protocol_or_metadata_gives_way_to_the_commits() {
    for actions in [vec![protocol(), add("f0")], vec![metadata(), add("f0")]] {
        let t = appends().await;
        t.put(CHECKPOINT_6, parquet(&actions)).await;
        let snapshot = latest(&t).await.unwrap();
        assert_whole(&snapshot);
        match snapshot.warnings() {
            [Warning::UnreadableCheckpoint { version: 6, reason }] => {
                assert!(reason.contains(CHECKPOINT_6), "{reason}");
            }
            other => panic!("{other:?}"),
        }
        clean_up(&t, 6).await;
        t.delete("00000000000000000003.checkpoint.parquet").await;
        let error = latest(&t).await.unwrap_err();
        assert!(matches!(error, Error::CorruptLog { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn checkpoint_that_lacks_a_part_is_passed_over_with_a_warning() {
    let t = appends().await;
    t.delete(CHECKPOINT_6).await;
    let part = "00000000000000000006.checkpoint.0000000001.0000000002.parquet";
    t.put(part, parquet(&[protocol(), metadata(), add("f0")]))
        .await;
    t.put(
        "_last_checkpoint",
        json!({"version": 6, "size": 9, "parts": 2}).to_string(),
    )
    .await;
    let snapshot = latest(&t).await.unwrap();
    assert_whole(&snapshot);
    let incomplete = Warning::IncompleteCheckpoint {
        version: 6,
        found: 1,
        expected: 2,
    };
    assert_eq!(snapshot.warnings(), [incomplete]);
    // Not of a version before it.
    let before = t.table.snapshot(TimeTravel::Version(5)).await.unwrap();
    assert_eq!(before.warnings(), []);
}

#[tokio::test]
async fn hint_of_a_checkpoint_that_is_not_there_is_told() {
    for version in [7, 20] {
        let t = appends().await;
        t.hint(version).await;
        let snapshot = latest(&t).await.unwrap();
        assert_whole(&snapshot);
        assert_eq!(
            snapshot.warnings(),
            [Warning::MissingCheckpoint { version }]
        );
        let unlisted = t.without_listing().snapshot(TimeTravel::Latest).await;
        let unlisted = unlisted.unwrap();
        assert_whole(&unlisted);
        assert_eq!(unlisted.warnings().len(), 1);
    }
}

#[tokio::test]
async fn changes_are_planned_around_a_damaged_checkpoint() {
    let t = TestTable::new();
    let on = metadata_with(
        &[("id", "long")],
        json!({"delta.enableChangeDataFeed": "true"}),
    );
    t.commit(0, &[protocol(), on.clone(), add("f0")]).await;
    for version in 1..=4 {
        t.commit(version, &[add(&format!("f{version}"))]).await;
    }
    t.checkpoint(2, &[protocol(), on, add("f0"), add("f1"), add("f2")])
        .await;
    t.put("00000000000000000002.checkpoint.parquet", "damaged")
        .await;
    let start = ChangeBound::Version(3);
    let plan = t.table.changes(start, None, ChangeColumns::OfEnd).await;
    let plan = plan.unwrap();
    assert_eq!(plan.versions.len(), 2);
    assert_eq!(plan.warnings.len(), 1);
}
