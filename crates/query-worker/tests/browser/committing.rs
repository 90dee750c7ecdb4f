//! Writes through the commit proxy over `fetch`: what is asked of it, and never a false word about what
//! became of it.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::{Either, select};
use messages::Error;
use object_store::path::Path;
use object_store::{ObjectStore, PutMode, PutOptions, PutPayload};
use query_engine::Stores as _;
use query_worker::FetchStores;
use url::Url;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{fake, wait_a_turn};

const COMMIT: &str = "{\"commitInfo\":{\"operation\":\"WRITE\",\"txnId\":\"0-1\"}}\n";

/// The bucket, written through the proxy, and its commits in flight.
fn store() -> (Arc<dyn ObjectStore>, Arc<AtomicUsize>) {
    let stores = FetchStores::new(fake::anonymous()).through("http://proxy.test");
    let place = stores
        .resolve(&Url::parse("s3a://bucket/t").unwrap())
        .unwrap();
    assert!(place.can_write);
    (place.store, stores.commits_in_flight())
}

fn version_7() -> Path {
    Path::parse("dir t/_delta_log/00000000000000000007.json").unwrap()
}

async fn put(path: &Path, body: &'static str) -> object_store::Result<()> {
    let (store, _) = store();
    let options = PutOptions::from(PutMode::Create);
    store
        .put_opts(path, PutPayload::from_static(body.as_bytes()), options)
        .await?;
    Ok(())
}

/// The `messages::Error` inside of an error of object_store.
fn told(error: &object_store::Error) -> Error {
    let told = error
        .source()
        .and_then(|source| source.downcast_ref::<Error>());
    told.unwrap_or_else(|| panic!("no message in {error:?}"))
        .clone()
}

#[wasm_bindgen_test]
async fn object_and_commit_are_requests_of_their_own() {
    fake::fresh();
    let file = Path::parse("dir t/p=50% off/ü.parquet").unwrap();
    put(&file, "rows").await.unwrap();
    put(&version_7(), COMMIT).await.unwrap();
    let [object] = &fake::puts()[..] else {
        panic!("put once")
    };
    assert_eq!((object.method.as_str(), object.size), ("PUT", 4));
    assert_eq!(object.path, "bucket/dir t/p=50% off/ü.parquet");
    assert_eq!(object.headers["if-none-match"], "*");
    let [commit] = &fake::commits()[..] else {
        panic!("sent once")
    };
    assert_eq!(
        (commit.method.as_str(), commit.path.as_str()),
        ("POST", "bucket/dir t")
    );
    assert_eq!(commit.query, "?version=7&txnId=0-1");
    assert_eq!(commit.body, COMMIT);
}

#[wasm_bindgen_test]
async fn proxy_that_is_down_is_named() {
    fake::fresh();
    fake::proxy_is_down();
    let error = put(&version_7(), COMMIT).await.unwrap_err();
    assert_eq!(told(&error).code, "COMMIT_PROXY_UNREACHABLE");
    assert!(told(&error).message.contains("http://proxy.test"));
    assert!(fake::commits().is_empty());
}

#[wasm_bindgen_test]
async fn commit_that_came_first_is_an_object_that_is_there() {
    fake::fresh();
    let conflict =
        r#"{"code":"DELTA_CONCURRENT_WRITE","message":"no","winner":{"version":7},"latest":7}"#;
    fake::proxy_answers("409", conflict);
    let error = put(&version_7(), COMMIT).await.unwrap_err();
    assert!(
        matches!(error, object_store::Error::AlreadyExists { .. }),
        "{error}"
    );
}

#[wasm_bindgen_test]
async fn refusal_of_the_proxy_reaches_the_page_unchanged() {
    fake::fresh();
    let refused = Error::new("INVALID_COMMIT", "no").with_hint("do");
    fake::proxy_answers("400", &serde_json::to_string(&refused).unwrap());
    let error = put(&version_7(), COMMIT).await.unwrap_err();
    assert!(
        matches!(error, object_store::Error::NotSupported { .. }),
        "{error}"
    );
    assert_eq!(told(&error), refused);
}

#[wasm_bindgen_test]
async fn dropped_commit_is_finished_once_sent() {
    fake::fresh();
    fake::proxy_answers("hang", "");
    let (store, in_flight) = store();
    let path = version_7();
    let body = PutPayload::from_static(COMMIT.as_bytes());
    let mut commit = store.put_opts(&path, body, PutOptions::from(PutMode::Create));
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
