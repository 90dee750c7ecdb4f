//! Commits over `fetch`: sent once, and never a false word about what became of them.

use bytes::Bytes;
use futures::future::{Either, select};
use messages::commit::{CommitOutcome, CommitRequest, Operation};
use query_engine::Committer;
use query_worker::FetchCommitter;
use std::sync::atomic::Ordering;
use url::Url;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{fake, wait_a_turn};

const OUTCOME: &str =
    r#"{"version":7,"operation":"DELETE","result":[["num_affected_rows",2]],"metrics":{}}"#;

fn committer() -> FetchCommitter {
    FetchCommitter::new(Url::parse("http://proxy.test/api/v1/commit").unwrap())
}

fn delete() -> CommitRequest {
    CommitRequest {
        table: "s3a://bucket/t".to_owned(),
        operation: Operation::Delete {
            predicate: Some("a = 1".to_owned()),
        },
    }
}

async fn refusal() -> messages::Error {
    committer().commit(delete(), None).await.unwrap_err()
}

#[wasm_bindgen_test]
async fn commit_sends_request_and_source_as_parts() {
    fake::fresh();
    fake::proxy_answers("200", OUTCOME);
    let outcome = committer()
        .commit(delete(), Some(Bytes::from_static(b"rows")))
        .await
        .unwrap();
    assert_eq!(
        outcome,
        serde_json::from_str::<CommitOutcome>(OUTCOME).unwrap()
    );
    let [commit] = &fake::commits()[..] else {
        panic!("sent once")
    };
    assert_eq!(commit.method, "POST");
    assert_eq!(commit.source_bytes, 4);
    assert_eq!(
        serde_json::from_str::<CommitRequest>(&commit.request).unwrap(),
        delete()
    );
}

#[wasm_bindgen_test]
async fn proxy_that_is_down_wrote_nothing_and_says_so() {
    fake::fresh();
    fake::proxy_is_down();
    let error = refusal().await;
    assert_eq!(error.code, "COMMIT_PROXY_UNREACHABLE");
    assert!(error.message.contains("Nothing was written"), "{error}");
    assert!(fake::commits().is_empty());
}

#[wasm_bindgen_test]
async fn connection_lost_during_a_commit_leaves_the_outcome_open_and_is_not_sent_again() {
    fake::fresh();
    fake::proxy_answers("network", "");
    let error = refusal().await;
    assert_eq!(error.code, "COMMIT_OUTCOME_UNKNOWN");
    assert!(error.hint.unwrap().contains("DESCRIBE HISTORY"));
    assert_eq!(fake::commits().len(), 1);
}

#[wasm_bindgen_test]
async fn refusal_of_the_proxy_reaches_the_page_unchanged() {
    fake::fresh();
    let refused = messages::Error::new("DELTA_FAILED_TO_MERGE_FIELDS", "no").with_hint("do");
    fake::proxy_answers("400", &serde_json::to_string(&refused).unwrap());
    assert_eq!(refusal().await, refused);
}

#[wasm_bindgen_test]
async fn dropped_commit_is_finished_once_sent() {
    fake::fresh();
    fake::proxy_answers("hang", "");
    let committer = committer();
    let in_flight = committer.in_flight();
    let mut commit = committer.commit(delete(), None);
    while fake::commits().is_empty() {
        match select(commit, Box::pin(wait_a_turn())).await {
            Either::Left((answer, _)) => panic!("answered: {answer:?}"),
            Either::Right((_, rest)) => commit = rest,
        }
    }
    drop(commit);
    wait_a_turn().await;
    assert_eq!(fake::aborted(), 0);
    assert_eq!(in_flight.load(Ordering::Relaxed), 1);
}
