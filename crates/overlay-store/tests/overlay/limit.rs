//! The limit of what is kept in memory.

use object_store::{ObjectStore, ObjectStoreExt, PutMode};
use overlay_store::{LimitExceeded, OverlayStore};

use crate::fixtures::{above, clock, keys, path, put, read};

fn exceeded<T: std::fmt::Debug>(result: object_store::Result<T>) -> LimitExceeded {
    let error = result.unwrap_err();
    LimitExceeded::of(&error).expect("the limit").clone()
}

#[tokio::test]
async fn a_put_beyond_the_limit_says_what_it_needs_and_writes_nothing() {
    let overlay = above(&[("below", "12345")]).await.with_limit(4);
    put(&overlay, "a", "12").await;
    for mode in [PutMode::Overwrite, PutMode::Create] {
        let result = overlay
            .put_opts(&path("b"), "123".into(), mode.into())
            .await;
        let reason = exceeded(result);
        assert_eq!((reason.size, reason.needed, reason.limit), (3, 5, 4));
        assert_eq!(
            reason.to_string(),
            "there is no room for b (3 bytes): with it this overlay would hold 5 bytes in memory, and \
             its limit is 4; forget changes that are no longer needed, or raise the limit"
        );
    }
    exceeded(overlay.copy(&path("below"), &path("b")).await);
    assert_eq!(keys(&overlay).await, ["a", "below"]);
    // What is replaced makes room, and so does what is deleted.
    put(&overlay, "a", "1234").await;
    overlay.delete(&path("a")).await.unwrap();
    put(&overlay, "b", "1234").await;
    // Deleting needs no room.
    overlay.delete(&path("below")).await.unwrap();
}

#[tokio::test]
async fn an_upload_is_refused_at_the_part_that_does_not_fit() {
    let overlay = above(&[]).await.with_limit(4);
    let mut upload = overlay.put_multipart(&path("a")).await.unwrap();
    upload.put_part("123".into()).await.unwrap();
    let reason = exceeded(upload.put_part("45".into()).await);
    assert_eq!((reason.size, reason.needed), (5, 5));
    // It does not go on without that part.
    upload.put_part("4".into()).await.unwrap_err();
    upload.complete().await.unwrap_err();
    assert!(overlay.is_empty());

    let mut upload = overlay.put_multipart(&path("a")).await.unwrap();
    upload.put_part("123".into()).await.unwrap();
    put(&overlay, "b", "12").await;
    exceeded(upload.complete().await);
    assert_eq!(keys(&overlay).await, ["b"]);
}

#[tokio::test]
async fn an_upload_ends_once() {
    let overlay = above(&[]).await;
    let mut upload = overlay.put_multipart(&path("a")).await.unwrap();
    upload.put_part("1".into()).await.unwrap();
    upload.abort().await.unwrap();
    upload.complete().await.unwrap_err();
    assert!(overlay.is_empty());
    let mut upload = overlay.put_multipart(&path("a")).await.unwrap();
    upload.put_part("1".into()).await.unwrap();
    upload.complete().await.unwrap();
    upload.complete().await.unwrap_err();
    assert_eq!(read(&overlay, "a").await.unwrap(), "1");
}

#[tokio::test]
async fn forks_count_what_they_hold_each() {
    let overlay = OverlayStore::new(clock()).with_limit(4);
    put(&overlay, "a", "12").await;
    let fork = overlay.fork();
    put(&overlay, "b", "12").await;
    put(&fork, "b", "12").await;
    exceeded(overlay.put(&path("c"), "1".into()).await);
    exceeded(fork.put(&path("c"), "1".into()).await);
}

#[tokio::test]
async fn an_overlay_restored_to_more_than_its_limit_may_shrink() {
    let large = OverlayStore::new(clock());
    put(&large, "a", "123456").await;
    let overlay = OverlayStore::new(clock()).with_limit(2);
    overlay.restore(&large.snapshot());
    put(&overlay, "a", "12345").await;
    exceeded(overlay.put(&path("b"), "1".into()).await);
    put(&overlay, "empty", "").await;
}
