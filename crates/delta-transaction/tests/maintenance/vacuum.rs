//! What a VACUUM may delete: what nothing needs, and nothing else.

use delta_transaction::maintenance::{
    MaintenanceError, deleted_file_retention, unneeded_files, write_checkpoint,
};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde_json::{Value, json};

use crate::support::*;

fn file(path: &str, vector: Option<&str>) -> Value {
    let mut file = json!({
        "path": path, "partitionValues": {"day": null}, "size": 1, "modificationTime": 1,
        "dataChange": true,
    });
    if let Some(name) = vector {
        file["deletionVector"] = json!({
            "storageType": "p", "pathOrInlineDv": format!("s3a://bucket/t/{name}"), "offset": 1,
            "sizeInBytes": 4, "cardinality": 1,
        });
    }
    file
}

fn remove(path: &str, vector: Option<&str>, removed: Option<i64>) -> Value {
    let mut remove = file(path, vector);
    if let Some(time) = removed {
        remove["deletionTimestamp"] = json!(time);
    }
    json!({ "remove": remove })
}

fn add(path: &str, vector: Option<&str>) -> Value {
    json!({"add": file(path, vector)})
}

/// Objects by their keys in the bucket; those that may go after a week's retention are marked.
const OBJECTS: [(&str, bool); 24] = [
    ("t/a.parquet", false),
    ("t/vector_a.bin", false),
    ("t/day=2024-01-01/b c.parquet", false),
    ("t/day=12%3A30/d.parquet", false),
    ("t/old.parquet", true),
    ("t/vector_old.bin", true),
    ("t/undated.parquet", true),
    ("t/young.parquet", false),
    ("t/vector_young.bin", false),
    ("t/changed.parquet", false),
    ("t/orphan.parquet", true),
    ("t/day=2024-01-02/orphan_2.parquet", true),
    ("t/day=12:30/not_d.parquet", true),
    ("t/new_orphan.parquet", false),
    ("t/_change_data/old_change.parquet", true),
    ("t/_change_data/new_change.parquet", false),
    ("t/_change_data/committed_change.parquet", false),
    ("t/_hidden/x.parquet", false),
    ("t/.a.parquet.crc", false),
    ("t/day=2024-01-01/_started/y.parquet", false),
    ("t/sub/u/_delta_log/00000000000000000000.json", false),
    ("t/sub/u/v/z.parquet", false),
    ("t2/a.parquet", false),
    ("elsewhere.parquet", false),
];

async fn table(configuration: Value) -> TestTable {
    let t = TestTable::new();
    for (key, _) in OBJECTS {
        t.store
            .put(&Path::parse(key).unwrap(), "x".into())
            .await
            .unwrap();
        let name = key.rsplit('/').next().unwrap();
        let days = if name.starts_with("new_") { 1 } else { 30 };
        t.store.date(name, NOW - days * DAY);
    }
    let first = [
        protocol(),
        metadata(configuration),
        add("a.parquet", Some("vector_a.bin")),
        add("day=2024-01-01/b%20c.parquet", None),
        add("s3://bucket/t/day=12%253A30/d.parquet", None),
        add("old.parquet", Some("vector_old.bin")),
        add("undated.parquet", None),
        add("young.parquet", Some("vector_young.bin")),
        add("s3://other/t/orphan.parquet", None),
    ];
    t.commit(0, &first).await;
    t.store.date(&commit_name(0), NOW - 30 * DAY);
    let second = [
        remove("old.parquet", Some("vector_old.bin"), Some(NOW - 20 * DAY)),
        remove("undated.parquet", None, None),
    ];
    t.commit(1, &second).await;
    t.store.date(&commit_name(1), NOW - 20 * DAY);
    let third = [
        remove(
            "s3a://bucket/t/young.parquet",
            Some("vector_young.bin"),
            Some(NOW - DAY),
        ),
        // Written long before it was committed.
        add("changed.parquet", None),
        json!({"cdc": {"path": "_change_data/committed_change.parquet", "partitionValues": {}, "size": 1, "dataChange": false}}),
    ];
    t.commit(2, &third).await;
    t.store.date(&commit_name(2), NOW - DAY);
    t
}

async fn unneeded(t: &TestTable, cutoff: i64) -> Vec<String> {
    let found = unneeded_files(&t.table, &t.snapshot().await, cutoff).await;
    let found = found.unwrap();
    assert!(found.files.iter().all(|file| file.size == 1));
    // The table's, those of its change data and of five partitions' folders.
    assert!(found.folders >= 5, "{}", found.folders);
    let paths = found.files.into_iter();
    paths.map(|file| file.path.to_string()).collect()
}

fn expected(except: &[&str]) -> Vec<String> {
    let marked = OBJECTS.iter().filter(|(_, goes)| *goes);
    let keys = marked.map(|(key, _)| (*key).to_owned());
    let mut keys: Vec<String> = keys.filter(|key| !except.contains(&key.as_str())).collect();
    keys.sort_by_key(|key| key["t/".len()..].to_owned());
    keys
}

#[tokio::test]
async fn only_what_no_version_of_the_last_week_needs_may_go() {
    let t = table(json!({})).await;
    let week = NOW - 7 * DAY;
    assert_eq!(unneeded(&t, week).await, expected(&[]));
    // The same from a checkpoint, without the commits.
    let snapshot = t.snapshot().await;
    write_checkpoint(&t.table, &snapshot, &StillLife::at(NOW))
        .await
        .unwrap();
    assert_eq!(unneeded(&t, week).await, expected(&[]));
    t.delete_commits().await;
    let mut from_checkpoint = expected(&[]);
    from_checkpoint.insert(0, "t/_change_data/committed_change.parquet".to_owned());
    assert_eq!(unneeded(&t, week).await, from_checkpoint);
    // What was removed 20 days ago stays when a month is asked for, if it is known.
    let month = NOW - 25 * DAY;
    assert!(
        unneeded(&t, month)
            .await
            .contains(&"t/orphan.parquet".to_owned())
    );
}

#[tokio::test]
async fn tombstones_that_a_checkpoint_lacks_count_as_long_as_their_commits_are_there() {
    let t = table(json!({"delta.deletedFileRetentionDuration": "interval 0 hours"})).await;
    let snapshot = t.snapshot().await;
    assert_eq!(deleted_file_retention(snapshot.metadata()).unwrap(), 0);
    write_checkpoint(&t.table, &snapshot, &StillLife::at(NOW))
        .await
        .unwrap();
    let old = ["t/old.parquet", "t/undated.parquet", "t/vector_old.bin"];
    assert_eq!(unneeded(&t, NOW - 25 * DAY).await, expected(&old));
}

#[tokio::test]
async fn what_can_not_be_read_keeps_everything() {
    let t = table(json!({"delta.deletedFileRetentionDuration": "a while"})).await;
    let snapshot = t.snapshot().await;
    let retention = deleted_file_retention(snapshot.metadata()).unwrap_err();
    assert!(matches!(
        retention,
        MaintenanceError::InvalidInterval { .. }
    ));
    t.delete(&commit_name(1)).await;
    let found = unneeded_files(&t.table, &snapshot, NOW).await;
    assert!(found.is_err());
    let t = table(json!({})).await;
    let snapshot = t.snapshot().await;
    let unknown = json!({"deletionVector": {"storageType": "?", "pathOrInlineDv": "", "sizeInBytes": 1, "cardinality": 1}});
    let mut strange = file("a.parquet", None);
    strange["deletionVector"] = unknown["deletionVector"].clone();
    t.commit(3, &[json!({ "add": strange })]).await;
    let later = t.snapshot().await;
    assert!(unneeded_files(&t.table, &later, NOW).await.is_err());
    assert!(unneeded_files(&t.table, &snapshot, NOW - DAY).await.is_ok());
}
