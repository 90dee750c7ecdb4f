//! Forks, snapshots and resets.

use object_store::ObjectStoreExt;

use crate::fixtures::{above, keys, path, put, read};

#[tokio::test]
async fn a_fork_and_its_origin_share_content_but_no_writes() {
    let overlay = above(&[("below", "0")]).await;
    put(&overlay, "shared", "1").await;
    let fork = overlay.fork();
    put(&fork, "fork", "1").await;
    put(&fork, "shared", "2").await;
    fork.delete(&path("below")).await.unwrap();
    put(&overlay, "origin", "1").await;
    assert_eq!(keys(&fork).await, ["fork", "shared"]);
    assert_eq!(keys(&overlay).await, ["below", "origin", "shared"]);
    assert_eq!(read(&overlay, "shared").await.unwrap(), "1");
    assert_eq!(read(&fork, "shared").await.unwrap(), "2");

    // To keep what was tried in a fork is to restore the fork's state.
    overlay.restore(&fork.snapshot());
    assert_eq!(keys(&overlay).await, ["fork", "shared"]);
    put(&overlay, "shared", "3").await;
    assert_eq!(read(&fork, "shared").await.unwrap(), "2");
}

#[tokio::test]
async fn a_clone_is_another_handle() {
    let overlay = above(&[]).await;
    put(&overlay.clone(), "a", "1").await;
    assert_eq!(keys(&overlay).await, ["a"]);
}

#[tokio::test]
async fn restores_go_back_and_forth_and_leave_snapshots_as_they_are() {
    let overlay = above(&[("below", "0")]).await;
    let mut snapshots = vec![overlay.snapshot()];
    for n in 0..20 {
        put(&overlay, "a", &n.to_string()).await;
        put(&overlay, &format!("k/{n}"), "1").await;
        snapshots.push(overlay.snapshot());
    }
    overlay.delete(&path("below")).await.unwrap();
    for n in [5, 20, 0, 13, 1] {
        overlay.restore(&snapshots[n]);
        assert_eq!(keys(&overlay).await.len(), if n == 0 { 1 } else { 2 + n });
        let expected = n.checked_sub(1).map(|n| n.to_string());
        assert_eq!(read(&overlay, "a").await, expected);
        put(&overlay, "a", "other").await;
    }
    overlay.reset();
    assert!(overlay.is_empty());
    assert_eq!(keys(&overlay).await, ["below"]);
}
