//! The change feed's plan, and the history.

mod support;

use delta_log::{
    ChangeBound, ChangeColumns, ChangeKind, ChangePlan, Error, Result, SchemaChange, TimeTravel,
};
use serde_json::{Value, json};
use support::*;

const VERSION: fn(u64) -> ChangeBound = ChangeBound::Version;

fn recording(columns: &[(&str, &str)]) -> Value {
    metadata_with(columns, json!({"delta.enableChangeDataFeed": "true"}))
}

fn cdc(path: &str) -> Value {
    json!({"cdc": {"path": path, "partitionValues": {}, "size": 7, "dataChange": false}})
}

/// Version, kind, file name and size of each source.
fn sources(plan: &ChangePlan) -> Vec<(u64, ChangeKind, String, u64)> {
    let versions = plan.versions.iter();
    versions
        .flat_map(|version| {
            version.sources.iter().map(|source| {
                let name = source.path.filename().unwrap_or_default().to_owned();
                (version.version, source.kind, name, source.size)
            })
        })
        .collect()
}

async fn changes(t: &TestTable, start: u64, end: Option<u64>) -> Result<ChangePlan> {
    t.table
        .changes(VERSION(start), end.map(VERSION), ChangeColumns::OfEnd)
        .await
}

/// Version 0 without the feed, 1 switches it on, 2 appends, 3 updates, 4 only rearranges, 5 deletes.
async fn table_with_changes() -> TestTable {
    let t = TestTable::new();
    t.commit(0, &[protocol(), metadata(), add("a")]).await;
    t.commit(1, &[recording(&[("id", "long")])]).await;
    t.commit(2, &[add("b")]).await;
    t.commit(3, &[remove("a"), add("a2"), cdc("c")]).await;
    let (mut removed, mut added) = (remove("b"), add("b2"));
    removed["remove"]["dataChange"] = json!(false);
    added["add"]["dataChange"] = json!(false);
    t.commit(4, &[removed, added]).await;
    t.commit(5, &[remove("a2"), remove("b2")]).await;
    t
}

#[tokio::test]
async fn change_files_stand_for_the_whole_commit_else_data_files_do() {
    let t = table_with_changes().await;
    let plan = changes(&t, 1, None).await.unwrap();
    assert_eq!((plan.start, plan.end), (1, 5));
    assert_eq!(
        sources(&plan),
        [
            (2, ChangeKind::Insert, "b".to_owned(), 100),
            (3, ChangeKind::Cdc, "c".to_owned(), 7),
            // The removes do not say how large the files are; the adds did.
            (5, ChangeKind::Delete, "a2".to_owned(), 100),
            (5, ChangeKind::Delete, "b2".to_owned(), 100),
        ]
    );
    assert_eq!(plan.versions[0].timestamp_ms, commit_time(2));
    assert_eq!(plan.versions[2].sources[0].num_records, Some(10));
    let late = changes(&t, 5, Some(99)).await.unwrap();
    assert_eq!(sources(&late), sources(&plan)[2..]);
}

#[tokio::test]
async fn version_without_recorded_changes_is_refused() {
    let t = table_with_changes().await;
    let error = changes(&t, 0, None).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::ChangeDataNotRecorded {
                version: 0,
                start: 0,
                end: 5
            }
        ),
        "{error:?}"
    );
    t.commit(6, &[metadata()]).await;
    t.commit(7, &[recording(&[("id", "long")])]).await;
    let error = changes(&t, 1, None).await.unwrap_err();
    assert!(
        matches!(error, Error::ChangeDataNotRecorded { version: 6, .. }),
        "{error:?}"
    );
    assert!(changes(&t, 7, None).await.is_ok());
}

#[tokio::test]
async fn ranges_that_are_no_ranges_are_refused() {
    let t = table_with_changes().await;
    let error = changes(&t, 6, None).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::ChangesStartAfterLatest {
                start: 6,
                latest: 5
            }
        ),
        "{error:?}"
    );
    let error = changes(&t, 3, Some(2)).await.unwrap_err();
    assert!(
        matches!(error, Error::InvalidChangeRange { start: 3, end: 2 }),
        "{error:?}"
    );
}

#[tokio::test]
async fn times_enclose_the_commits_between_them() {
    let t = table_with_changes().await;
    let range = async |start: i64, end: i64| {
        let end = Some(ChangeBound::Timestamp(end));
        let plan = t
            .table
            .changes(ChangeBound::Timestamp(start), end, ChangeColumns::OfEnd)
            .await?;
        Ok::<_, Error>((plan.start, plan.end, plan.versions.len()))
    };
    assert_eq!(
        range(commit_time(2), commit_time(3)).await.unwrap(),
        (2, 3, 2)
    );
    assert_eq!(
        range(commit_time(1) + 1, commit_time(4) - 1).await.unwrap(),
        (2, 3, 2)
    );
    // Between two commits there is nothing.
    assert_eq!(
        range(commit_time(2) + 1, commit_time(3) - 1).await.unwrap(),
        (3, 2, 0)
    );
    // A start before the first commit is the first commit, which recorded no changes.
    let error = range(0, commit_time(3)).await.unwrap_err();
    assert!(
        matches!(error, Error::ChangeDataNotRecorded { version: 0, .. }),
        "{error:?}"
    );
    let error = range(commit_time(6), commit_time(7)).await.unwrap_err();
    assert!(
        matches!(error, Error::TimestampAfterLastCommit { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn added_column_is_fine_and_dropped_column_is_refused() {
    let t = TestTable::new();
    t.commit(0, &[protocol(), recording(&[("id", "long")]), add("a")])
        .await;
    t.commit(
        1,
        &[recording(&[("id", "long"), ("n", "string")]), add("b")],
    )
    .await;
    let plan = changes(&t, 0, None).await.unwrap();
    assert_eq!(plan.schema.fields().len(), 2);
    assert_eq!(
        changes(&t, 0, Some(0)).await.unwrap().schema.fields().len(),
        1
    );
    t.commit(2, &[recording(&[("n", "string")]), add("c")])
        .await;
    let error = changes(&t, 0, None).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::IncompatibleSchemaInChanges {
                version: 0,
                end: 2,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(changes(&t, 2, None).await.is_ok());
}

#[tokio::test]
async fn feature_that_came_and_went_within_the_range_is_refused() {
    let t = TestTable::new();
    t.commit(0, &[protocol(), recording(&[("id", "long")]), add("a")])
        .await;
    let upgrade = json!({"protocol": {
        "minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["catalogManaged"], "writerFeatures": [],
    }});
    t.commit(1, &[upgrade]).await;
    t.commit(2, &[protocol()]).await;
    let error = changes(&t, 0, None).await.unwrap_err();
    assert!(matches!(&error, Error::UnsupportedFeature(name) if name == "catalogManaged"));
    assert!(changes(&t, 2, None).await.is_ok());
    assert!(t.table.snapshot(TimeTravel::Latest).await.is_ok());
}

#[tokio::test]
async fn history_tells_what_each_commit_did() {
    let t = TestTable::new();
    let info = json!({"commitInfo": {
        "operation": "WRITE", "engineInfo": "test", "readVersion": 1, "isBlindAppend": true,
        "operationParameters": {"mode": "Append", "partitionBy": "[]", "n": 1, "none": null},
        "operationMetrics": {"numFiles": "1"},
    }});
    t.commit(0, &[protocol(), metadata(), add("a"), add("b")])
        .await;
    t.commit(
        1,
        &[metadata_with(&[("id", "long"), ("n", "string")], json!({}))],
    )
    .await;
    t.commit(2, &[info, remove("a"), add("c")]).await;
    t.commit(
        3,
        &[metadata_with(&[("n", "string")], json!({})), remove("b")],
    )
    .await;
    let history = t.table.history(None).await.unwrap();
    let counts: Vec<_> = history
        .iter()
        .map(|c| {
            (
                c.version,
                c.files_added,
                c.files_removed,
                c.rows_added,
                c.rows_removed,
            )
        })
        .collect();
    assert_eq!(
        counts,
        [
            (3, 0, 1, Some(0), Some(10)),
            (2, 1, 1, Some(10), Some(10)),
            (1, 0, 0, Some(0), Some(0)),
            (0, 2, 0, Some(20), Some(0)),
        ]
    );
    let totals: Vec<_> = history.iter().map(|c| (c.num_files, c.num_rows)).collect();
    let expected = [(1, 10), (2, 20), (2, 20), (2, 20)].map(|(f, r)| (Some(f), Some(r)));
    assert_eq!(totals, expected);
    let changes: Vec<_> = history.iter().map(|c| c.schema_change.clone()).collect();
    let added = SchemaChange::Added(vec!["n".to_owned()]);
    let created = Some(SchemaChange::Created);
    assert_eq!(
        changes,
        [Some(SchemaChange::Replaced), None, Some(added), created]
    );

    let write = &history[1];
    assert_eq!(
        (write.operation(), write.engine_info()),
        (Some("WRITE"), Some("test"))
    );
    assert_eq!(
        (write.read_version(), write.is_blind_append()),
        (Some(1), Some(true))
    );
    let parameters = [
        ("mode", Some("Append")),
        ("partitionBy", Some("[]")),
        ("n", Some("1")),
        ("none", None),
    ];
    let parameters = parameters.map(|(key, value)| (key.to_owned(), value.map(str::to_owned)));
    assert_eq!(write.operation_parameters(), parameters);
    assert_eq!(history[3].operation(), None);

    let newest = t.table.history(Some(2)).await.unwrap();
    assert_eq!(newest.len(), 2);
    // What was before is not known, and not guessed.
    assert_eq!(
        (newest[0].num_rows, newest[0].schema_change.clone()),
        (None, None)
    );
    assert_eq!(newest[1].rows_removed, None);
}

#[tokio::test]
async fn history_of_a_cleaned_up_log_counts_from_its_checkpoint() {
    let t = TestTable::new();
    t.appends(8).await;
    t.checkpoint_of_appends(5).await;
    for version in 0..5 {
        t.delete(&commit_name(version)).await;
    }
    let history = t.table.history(None).await.unwrap();
    let totals: Vec<_> = history.iter().map(|c| (c.version, c.num_rows)).collect();
    assert_eq!(
        totals,
        [(8, Some(90)), (7, Some(80)), (6, Some(70)), (5, Some(60))]
    );
}

#[tokio::test]
async fn columns_that_came_later_are_there_as_in_spark_where_the_rows_fit_them() {
    let names = |plan: &ChangePlan| {
        let fields = plan.schema.fields().iter();
        fields.map(|field| field.name.clone()).collect::<Vec<_>>()
    };
    let t = TestTable::new();
    t.commit(0, &[protocol(), recording(&[("id", "long")]), add("a")])
        .await;
    t.commit(1, &[recording(&[("id", "long"), ("more", "string")])])
        .await;
    t.commit(2, &[remove("a")]).await;
    let latest = t
        .table
        .changes(VERSION(0), Some(VERSION(0)), ChangeColumns::OfLatest)
        .await
        .unwrap();
    assert_eq!(names(&latest), ["id", "more"]);
    assert_eq!(names(&changes(&t, 0, Some(0)).await.unwrap()), ["id"]);
    assert_eq!(
        names(&changes(&t, 0, Some(1)).await.unwrap()),
        ["id", "more"]
    );

    // Its rows would not fit.
    t.commit(3, &[recording(&[("id", "string")])]).await;
    let latest = t
        .table
        .changes(VERSION(0), Some(VERSION(0)), ChangeColumns::OfLatest)
        .await
        .unwrap();
    assert_eq!(names(&latest), ["id"]);
}
