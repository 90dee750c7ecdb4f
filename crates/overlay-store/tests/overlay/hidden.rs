//! Objects of the store below: which are taken for not there, and which are told from own ones.

use std::sync::Arc;

use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode};
use overlay_store::{Hidden, Snapshot, is_in_memory};

use crate::fixtures::{above, keys, path, put, read};

/// Hides what comes after the overlay's first object of the same folder.
fn after_own() -> Hidden {
    Arc::new(|held: &Snapshot, key: &Path| {
        let folder = key.parent().unwrap_or_default();
        let first = held.changes_in(&folder).next();
        first.is_some_and(|first| key > first.path())
    })
}

#[tokio::test]
async fn what_is_hidden_below_is_not_there() {
    let overlay = above(&[("t/0", "a"), ("t/1", "b"), ("t/3", "c"), ("u/9", "d")]).await;
    let overlay = overlay.hiding(after_own());
    assert_eq!(keys(&overlay).await, ["t/0", "t/1", "t/3", "u/9"]);
    put(&overlay, "t/2", "own").await;
    assert_eq!(keys(&overlay).await, ["t/0", "t/1", "t/2", "u/9"]);
    let listed = overlay.list_with_delimiter(Some(&path("t"))).await.unwrap();
    assert_eq!(listed.objects.len(), 3);
    assert_eq!(read(&overlay, "t/3").await, None);
    let first = std::slice::from_ref(&(0..1));
    let ranges = overlay.get_ranges(&path("t/3"), first).await;
    assert!(matches!(ranges, Err(Error::NotFound { .. })), "{ranges:?}");
    // So there is room for an own one.
    let created = overlay
        .put_opts(&path("t/3"), "own".into(), PutMode::Create.into())
        .await;
    assert!(created.is_ok(), "{created:?}");

    let fork = overlay.fork();
    fork.reset();
    assert_eq!(keys(&fork).await, ["t/0", "t/1", "t/3", "u/9"]);
    assert_eq!(read(&fork, "t/3").await.unwrap(), "c");
    assert_eq!(read(&overlay, "t/3").await.unwrap(), "own");
}

#[tokio::test]
async fn own_objects_are_told_from_those_below() {
    let overlay = above(&[("below", "1")]).await;
    put(&overlay, "own", "2").await;
    for (key, expected) in [("below", false), ("own", true)] {
        let found = overlay.get(&path(key)).await.unwrap();
        assert_eq!(is_in_memory(&found.meta), expected, "{key}");
    }
}
