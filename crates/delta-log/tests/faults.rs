//! A log that cannot be read whole is an error, never a shorter log.

mod support;

use delta_log::{Error, TimeTravel};
use support::*;

#[tokio::test]
async fn commit_that_comes_incomplete_is_an_error() {
    let t = TestTable::new();
    t.appends(3).await;
    // Also where what is left would parse.
    let last_line = add("f2").to_string().len();
    for cut in [1, last_line / 2, last_line] {
        t.store.set_fault(&commit_name(2), Fault::CutShort(cut));
        for table in [t.table.clone(), t.without_listing()] {
            match table.snapshot(TimeTravel::Latest).await {
                Err(Error::Truncated { path, .. }) => {
                    assert_eq!(path.filename(), Some(commit_name(2).as_str()));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn commit_that_fails_is_an_error_that_names_it() {
    let t = TestTable::new();
    t.appends(3).await;
    t.store.set_fault(&commit_name(2), Fault::Fails);
    for table in [t.table.clone(), t.without_listing()] {
        match table.snapshot(TimeTravel::Latest).await {
            Err(Error::Storage { path, .. }) => {
                assert_eq!(path.filename(), Some(commit_name(2).as_str()));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn store_that_is_down_fails_the_first_request_and_not_the_second() {
    let t = TestTable::new();
    t.appends(3).await;
    t.store.set_fault("_last_checkpoint", Fault::Fails);
    for table in [t.table.clone(), t.without_listing()] {
        t.requests();
        let error = table.snapshot(TimeTravel::Latest).await.unwrap_err();
        assert!(matches!(error, Error::Storage { .. }), "{error:?}");
        assert_eq!(t.requests().0, ["GET _last_checkpoint"]);
    }
}

#[tokio::test]
async fn broken_commit_names_file_and_line() {
    let t = TestTable::new();
    t.appends(3).await;
    t.put(&commit_name(2), format!("{}\n<html>", add("f2")))
        .await;
    let error = t.table.snapshot(TimeTravel::Latest).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("00000000000000000002.json line 2"),
        "{error}"
    );
}

#[tokio::test]
async fn refresh_reads_only_what_is_new() {
    let t = TestTable::new();
    t.appends(3).await;
    let first = t.table.snapshot(TimeTravel::Latest).await.unwrap();
    t.requests();
    let same = t.table.refresh(&first).await.unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &same));
    assert_eq!(t.requests().0, ["LIST"]);

    t.commit(4, &[remove("f1"), add("f4")]).await;
    let newer = t.table.refresh(&first).await.unwrap();
    assert_eq!(names(&newer), ["f0", "f2", "f3", "f4"]);
    assert_eq!(newer.timestamp(), commit_time(4));
    assert_eq!(
        t.requests().0,
        ["LIST".to_owned(), format!("GET {}", commit_name(4))]
    );
    assert_eq!(names(&first), ["f0", "f1", "f2", "f3"]);
}

#[tokio::test]
async fn refresh_notices_a_table_that_was_replaced() {
    let t = TestTable::new();
    t.appends(3).await;
    let first = t.table.snapshot(TimeTravel::Latest).await.unwrap();
    t.commit(0, &[protocol(), metadata(), add("other")]).await;
    for version in 1..=3 {
        t.delete(&commit_name(version)).await;
    }
    let replaced = t.table.refresh(&first).await.unwrap();
    assert_eq!(
        (replaced.version(), names(&replaced)),
        (0, vec!["other".to_owned()])
    );

    t.appends(5).await;
    let again = t.table.refresh(&replaced).await.unwrap();
    assert_eq!((again.version(), names(&again).len()), (5, 6));
}

#[tokio::test]
async fn refresh_after_schema_evolution_reads_statistics_by_the_new_schema() {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Int64Type;

    let stats = |path: &str, stats: &str| {
        let mut file = add(path);
        file["add"]["stats"] = serde_json::json!(stats);
        file
    };
    let t = TestTable::new();
    let old = stats("a", r#"{"numRecords":1,"minValues":{"id":1}}"#);
    t.commit(0, &[protocol(), metadata(), old]).await;
    let first = t.table.snapshot(TimeTravel::Latest).await.unwrap();
    assert!(first.files().min_values("id").unwrap().is_some());
    assert!(matches!(
        first.files().min_values("n"),
        Err(Error::UnknownColumn(_))
    ));

    let evolved = metadata_with(&[("id", "long"), ("n", "long")], serde_json::json!({}));
    t.commit(
        1,
        &[
            evolved,
            stats("b", r#"{"numRecords":1,"minValues":{"id":2,"n":7}}"#),
        ],
    )
    .await;
    let second = t.table.refresh(&first).await.unwrap();
    let minimum = second.files().min_values("n").unwrap().unwrap();
    let minimum = minimum.as_primitive::<Int64Type>();
    assert!(minimum.is_null(0));
    assert_eq!(minimum.value(1), 7);
}
