//! Puts on a condition, where the store below has a say, and what comes of errors.

use std::sync::Arc;

use object_store::{
    Attribute, Attributes, Error, GetOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    PutResult, Result, UpdateVersion,
};
use overlay_store::{Change, OverlayStore};

use crate::fixtures::{Below, Fault, above, clock, in_memory, keys, path, put, read};

async fn put_as(store: &OverlayStore, key: &str, mode: PutMode) -> Result<PutResult> {
    store.put_opts(&path(key), "new".into(), mode.into()).await
}

fn version(e_tag: Option<&str>, version: Option<&str>) -> PutMode {
    PutMode::Update(UpdateVersion {
        e_tag: e_tag.map(ToOwned::to_owned),
        version: version.map(ToOwned::to_owned),
    })
}

#[tokio::test]
async fn create_fails_where_the_store_below_has_an_object_until_it_is_deleted() {
    let overlay = above(&[("t/0.json", "old")]).await;
    let taken = put_as(&overlay, "t/0.json", PutMode::Create).await;
    assert!(
        matches!(taken, Err(Error::AlreadyExists { .. })),
        "{taken:?}"
    );
    assert_eq!(read(&overlay, "t/0.json").await.unwrap(), "old");
    overlay.delete(&path("t/0.json")).await.unwrap();
    assert_eq!(keys(&overlay).await, [""; 0]);
    put_as(&overlay, "t/0.json", PutMode::Create).await.unwrap();
    assert_eq!(read(&overlay, "t/0.json").await.unwrap(), "new");
}

#[tokio::test]
async fn what_the_store_below_cannot_decide_is_an_error_and_nothing_is_written() {
    for fault in [Fault::Broken, Fault::Forbidden] {
        let overlay = OverlayStore::above(Arc::new(Below::failing(fault)), clock());
        for mode in [PutMode::Create, version(Some("x"), None)] {
            let error = put_as(&overlay, "a", mode).await.unwrap_err();
            assert_eq!(
                matches!(error, Error::PermissionDenied { .. }),
                fault == Fault::Forbidden,
                "{error:?}"
            );
            assert!(error.to_string().contains("could not tell"), "{error}");
        }
        assert!(overlay.is_empty());
        // What the overlay knows itself needs nobody below.
        put(&overlay, "a", "1").await;
        let taken = put_as(&overlay, "a", PutMode::Create).await;
        assert!(matches!(taken, Err(Error::AlreadyExists { .. })));
        overlay.delete(&path("a")).await.unwrap();
        put_as(&overlay, "a", PutMode::Create).await.unwrap();
        let copied = overlay.copy_if_not_exists(&path("a"), &path("b")).await;
        assert!(copied.is_err());
        assert_eq!(overlay.changes().len(), 1);
    }
}

#[tokio::test]
async fn errors_of_the_store_below_are_not_taken_for_absence() {
    let overlay = OverlayStore::above(Arc::new(Below::failing(Fault::Forbidden)), clock());
    put(&overlay, "t/a", "1").await;
    let denied = |error: Error| assert!(matches!(error, Error::PermissionDenied { .. }));
    denied(overlay.get(&path("t/b")).await.unwrap_err());
    denied(overlay.get_range(&path("t/b"), 0..1).await.unwrap_err());
    denied(overlay.list_with_delimiter(None).await.unwrap_err());
    denied(overlay.copy(&path("t/b"), &path("t/c")).await.unwrap_err());
    let listed = futures::TryStreamExt::try_collect::<Vec<_>>(overlay.list(None)).await;
    denied(listed.unwrap_err());
    assert_eq!(read(&overlay, "t/a").await.unwrap(), "1");
}

#[tokio::test]
async fn update_replaces_only_the_version_that_was_seen() {
    let overlay = above(&[("a", "old")]).await;
    let below = overlay.get(&path("a")).await.unwrap().meta.e_tag;
    let refused = |result: Result<PutResult>| match result {
        Err(Error::Precondition { .. }) => {}
        other => panic!("{other:?}"),
    };
    refused(put_as(&overlay, "a", version(Some("x"), None)).await);
    refused(put_as(&overlay, "a", version(below.as_deref(), Some("1"))).await);
    refused(put_as(&overlay, "a", version(None, Some("1"))).await);
    refused(put_as(&overlay, "b", version(below.as_deref(), None)).await);
    let without = put_as(&overlay, "a", version(None, None)).await;
    assert!(matches!(without, Err(Error::Generic { .. })), "{without:?}");
    assert!(overlay.is_empty());

    let first = put_as(&overlay, "a", version(below.as_deref(), None))
        .await
        .unwrap();
    refused(put_as(&overlay, "a", version(below.as_deref(), None)).await);
    put_as(&overlay, "a", PutMode::Update(first.clone().into()))
        .await
        .unwrap();
    refused(put_as(&overlay, "a", PutMode::Update(first.into())).await);
}

#[tokio::test]
async fn no_e_tag_names_two_contents_through_restores_and_forks() {
    let overlay = OverlayStore::new(Arc::new(|| chrono::DateTime::UNIX_EPOCH));
    let fork = overlay.fork();
    let mut seen = std::collections::BTreeSet::new();
    for store in [&overlay, &fork, &overlay] {
        let put = store.put(&path("a"), "1".into()).await.unwrap();
        assert!(seen.insert(put.e_tag), "{seen:?}");
        store.reset();
    }
}

#[tokio::test]
async fn attributes_stay_with_an_object_and_its_copy() {
    let overlay = above(&[]).await;
    let attributes = Attributes::from_iter([(Attribute::ContentType, "text/csv")]);
    let options = PutOptions {
        attributes: attributes.clone(),
        ..PutOptions::default()
    };
    overlay
        .put_opts(&path("a"), "1".into(), options)
        .await
        .unwrap();
    overlay.rename(&path("a"), &path("b")).await.unwrap();
    let mut upload = overlay
        .put_multipart_opts(&path("c"), attributes.clone().into())
        .await
        .unwrap();
    upload.complete().await.unwrap();
    for key in ["b", "c"] {
        assert_eq!(
            overlay.get(&path(key)).await.unwrap().attributes,
            attributes
        );
    }
}

#[tokio::test]
async fn an_object_in_memory_has_no_older_versions() {
    let overlay = above(&[("a", "old")]).await;
    put(&overlay, "a", "new").await;
    let options = GetOptions::new().with_version(Some("1"));
    let found = overlay.get_opts(&path("a"), options).await;
    assert!(matches!(found, Err(Error::NotFound { .. })), "{found:?}");
}

#[tokio::test]
async fn head_gives_no_content() {
    let overlay = above(&[]).await;
    put(&overlay, "a", "1").await;
    let options = GetOptions::new().with_head(true);
    let found = overlay.get_opts(&path("a"), options).await.unwrap();
    assert_eq!(found.meta.size, 1);
    assert!(found.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn renaming_to_its_own_name_keeps_an_object() {
    let overlay = above(&[("a", "1")]).await;
    let (a, b) = (path("a"), path("b"));
    overlay.rename(&a, &a).await.unwrap();
    let taken = overlay.rename_if_not_exists(&a, &a).await;
    assert!(matches!(taken, Err(Error::AlreadyExists { .. })));
    let missing = overlay.rename(&b, &b).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })));
    assert!(overlay.is_empty());
}

#[tokio::test]
async fn changes_tell_what_was_put_and_deleted_and_printing_tells_what_it_is() {
    let overlay = above(&[("t/a", "old"), ("t/b", "old")]).await;
    assert!(overlay.is_empty());
    put(&overlay, "t/c", "123").await;
    put(&overlay, "t/a", "1").await;
    overlay.delete(&path("t/b")).await.unwrap();
    let changes = overlay.changes();
    let told: Vec<_> = changes
        .iter()
        .map(|c| (c.path().as_ref(), c.size()))
        .collect();
    assert_eq!(told, [("t/a", 1), ("t/b", 0), ("t/c", 3)]);
    assert_eq!(changes[1], Change::Deleted(path("t/b")));
    assert_eq!(overlay.to_string(), "OverlayStore(Below)");
    let debug = format!("{overlay:?}");
    assert!(
        debug.contains("Snapshot { objects: 2, deleted: 1, bytes: 4 }"),
        "{debug}"
    );
    let alone = OverlayStore::new(clock());
    assert_eq!(alone.to_string(), "OverlayStore");
    alone.delete(&path("a")).await.unwrap();
    assert!(alone.is_empty());
}

#[tokio::test]
async fn only_folders_with_deletes_cost_a_listing_and_a_put_no_read() {
    let below = Arc::new(Below::new(
        in_memory(&[("a/1", ""), ("b/1", ""), ("b/2", "")]).await,
    ));
    let overlay = OverlayStore::above(below.clone(), clock());
    put(&overlay, "a/1", "1").await;
    overlay.delete(&path("a/1")).await.unwrap();
    overlay.delete(&path("b/1")).await.unwrap();
    let folders = overlay
        .list_with_delimiter(None)
        .await
        .unwrap()
        .common_prefixes;
    assert_eq!(folders, [path("b")]);
    assert_eq!(below.reads(), 0);
    put_as(&overlay, "a/2", PutMode::Create).await.unwrap();
    assert_eq!(below.reads(), 1);
}
