//! Several who create the same object at the same time.

use std::sync::Arc;

use futures::future::join_all;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, Result};
use overlay_store::OverlayStore;

use crate::fixtures::{Below, clock, path, put, read};

async fn create(overlay: OverlayStore, data: String) -> Result<String> {
    let mode = PutMode::Create.into();
    overlay
        .put_opts(&path("a"), data.clone().into(), mode)
        .await?;
    Ok(data)
}

fn winners(results: Vec<Result<String>>) -> Vec<String> {
    let winner = |result| match result {
        Ok(data) => Some(data),
        Err(Error::AlreadyExists { .. }) => None,
        Err(error) => panic!("{error}"),
    };
    results.into_iter().filter_map(winner).collect()
}

#[tokio::test]
async fn of_creators_who_all_saw_nothing_below_one_wins() {
    let below = Arc::new(Below::waiting());
    let overlay = OverlayStore::above(below.clone(), clock());
    let creators = (0..5).map(|n| create(overlay.clone(), n.to_string()));
    let (results, ()) = tokio::join!(join_all(creators), below.answer(5));
    let winners = winners(results);
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(read(&overlay, "a").await.as_ref(), Some(&winners[0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_creators_on_many_threads_one_wins() {
    for round in 0..200 {
        let overlay = match round % 2 {
            0 => OverlayStore::new(clock()),
            _ => {
                let below = Below::new(object_store::memory::InMemory::new());
                OverlayStore::above(Arc::new(below), clock())
            }
        };
        let creators = (0..8).map(|n| tokio::spawn(create(overlay.clone(), n.to_string())));
        let results = join_all(creators).await;
        let winners = winners(results.into_iter().map(|result| result.unwrap()).collect());
        assert_eq!(winners.len(), 1, "round {round}: {winners:?}");
        assert_eq!(read(&overlay, "a").await.as_ref(), Some(&winners[0]));
    }
}

#[tokio::test]
async fn creator_loses_to_a_put_and_wins_after_a_delete_in_the_meantime() {
    for deleted in [false, true] {
        let below = Arc::new(Below::waiting());
        let overlay = OverlayStore::above(below.clone(), clock());
        let meanwhile = async {
            put(&overlay, "a", "other").await;
            if deleted {
                overlay.delete(&path("a")).await.unwrap();
            }
            below.answer(1).await;
        };
        let (created, ()) = tokio::join!(create(overlay.clone(), "mine".into()), meanwhile);
        assert_eq!(created.is_ok(), deleted);
        let expected = if deleted { "mine" } else { "other" };
        assert_eq!(read(&overlay, "a").await.unwrap(), expected);
    }
}

#[tokio::test]
async fn copy_if_not_exists_loses_to_a_put_in_the_meantime() {
    let below = Arc::new(Below::waiting());
    let overlay = OverlayStore::above(below.clone(), clock());
    put(&overlay, "from", "mine").await;
    let meanwhile = async {
        put(&overlay, "a", "other").await;
        below.answer(1).await;
    };
    let (from, to) = (path("from"), path("a"));
    let copy = overlay.copy_if_not_exists(&from, &to);
    let (copied, ()) = tokio::join!(copy, meanwhile);
    assert!(
        matches!(copied, Err(Error::AlreadyExists { .. })),
        "{copied:?}"
    );
    assert_eq!(read(&overlay, "a").await.unwrap(), "other");
}
