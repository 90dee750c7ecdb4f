use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use object_store::memory::InMemory;
use uuid::Uuid;

use super::lake::*;
use crate::faulty_store::{Fault, Faulty};

/// Appends through a store with these faults; answers the answer, the version that the table then has,
/// and what a resend is answered.
async fn append(faults: &[Fault]) -> (Answer, u64, Answer) {
    let memory = Arc::new(InMemory::new());
    let store = Arc::clone(&memory);
    let good = Lake::over(Arc::clone(&memory) as _, store, options()).await;
    good.create_table().await;
    let add = good.stage("b.parquet", &[4]).await;
    let faulty = Arc::new(Faulty::new(Arc::clone(&memory) as _, faults));
    let lake = Lake::over(faulty, memory, options()).await;
    let txn = Uuid::new_v4();
    let body = lines(&[info(txn), add]);
    let answer = lake.commit(1, txn, body.clone()).await;
    let version = lake.snapshot().await.version();
    (answer, version, lake.commit(1, txn, body).await)
}

#[tokio::test]
async fn commit_whose_answer_was_lost_is_recognised_and_not_repeated() {
    for faults in [
        &[Fault::LosesAnswer][..],
        &[Fault::RepeatsPut],
        &[Fault::LosesPut],
        &[Fault::LosesPut, Fault::LosesAnswer],
        &[Fault::LosesPut, Fault::RepeatsPut],
    ] {
        let (answer, version, again) = append(faults).await;
        assert_eq!(answer.status, StatusCode::OK, "{faults:?} {}", answer.body);
        assert_eq!((version, again.body), (1, answer.body), "{faults:?}");
    }
}

#[tokio::test]
async fn commit_that_may_still_arrive_is_of_unknown_outcome() {
    for faults in [
        &[Fault::LosesPut, Fault::LosesPut][..],
        &[Fault::LosesPut, Fault::Forbids],
    ] {
        let (answer, version, again) = append(faults).await;
        assert_eq!(answer.code(), "COMMIT_OUTCOME_UNKNOWN", "{faults:?}");
        assert_eq!(version, 0);
        assert_eq!(again.status, StatusCode::OK, "{}", again.body);
    }
}

#[tokio::test]
async fn commit_that_is_overtaken_replaces_nothing() {
    for faults in [
        &[Fault::Overtaken][..],
        &[Fault::LosesPut, Fault::Overtaken],
    ] {
        let (answer, version, again) = append(faults).await;
        assert_eq!((answer.status, version), (StatusCode::CONFLICT, 1));
        assert_eq!(answer.body["winner"]["operation"], "DELETE");
        assert_eq!(again.body["winner"]["operation"], "DELETE");
    }
}

#[tokio::test]
async fn commit_that_the_store_forbids_is_not_made() {
    let (answer, version, _) = append(&[Fault::Forbids]).await;
    assert_eq!((answer.code(), version), ("STORE_UNREACHABLE", 0));
}

#[tokio::test]
async fn store_that_forgets_put_if_absent_is_not_written() {
    let memory = Arc::new(InMemory::new());
    let faulty = Arc::new(Faulty::new(
        Arc::clone(&memory) as _,
        &[Fault::ForgetsPutIfAbsent],
    ));
    let lake = Lake::over(faulty, memory, options()).await;
    let txn = Uuid::new_v4();
    let body = lines(&[info(txn), protocol(), metadata()]);
    for answer in [
        lake.commit(0, txn, body).await,
        lake.put("t/x.parquet", "x").await,
    ] {
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::FORBIDDEN, "WRITES_DISABLED")
        );
    }
}

#[tokio::test]
async fn nothing_is_lost_when_the_server_ends() {
    let memory = Arc::new(InMemory::new());
    let store = Arc::clone(&memory);
    let slow = Fault::Slow(Duration::from_millis(300));
    let faulty = Arc::new(Faulty::new(memory, &[slow]));
    let lake = Arc::new(Lake::over(faulty, store, options()).await);
    let txn = Uuid::new_v4();
    let body = lines(&[info(txn), protocol(), metadata()]);
    let client = tokio::spawn({
        let (lake, body) = (Arc::clone(&lake), body.clone());
        async move { lake.commit(0, txn, body).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    // The client hangs up, and the server is told to end.
    client.abort();
    lake.proxy.drain().await;
    assert!(lake.has("t/_delta_log/00000000000000000000.json").await);
    let answer = lake.commit(1, Uuid::new_v4(), body).await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::SERVICE_UNAVAILABLE, "SERVER_BUSY")
    );
    assert!(answer.headers.contains_key("retry-after"));
}
