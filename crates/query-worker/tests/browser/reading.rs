//! Stores over `fetch`: what goes over the wire, and what becomes of failures.

use std::error::Error as _;

use futures::StreamExt;
use futures::future::{Either, select};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use query_engine::{StoreLocation, Stores};
use query_worker::FetchStores;
use url::Url;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::fake;
use crate::wait_a_turn;

fn resolve(url: &str) -> StoreLocation {
    let stores = FetchStores::new(fake::anonymous());
    stores.resolve(&Url::parse(url).unwrap()).unwrap()
}

fn numbers() -> Vec<u8> {
    (0..200).collect()
}

/// The `messages::Error` inside of an error of object_store.
fn told(error: &object_store::Error) -> messages::Error {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(told) = error.downcast_ref::<messages::Error>() {
            return told.clone();
        }
        source = error.source();
    }
    panic!("no message in {error:?}");
}

#[wasm_bindgen_test]
async fn anonymous_reads_send_no_header_that_costs_a_preflight() {
    fake::fresh();
    fake::put_object("bucket/t/part-0.parquet", &numbers());
    let table = resolve("s3a://bucket/t");
    let path = Path::from("t/part-0.parquet");
    let part = table.store.get_range(&path, 10..20).await.unwrap();
    assert_eq!(part, numbers()[10..20]);
    let whole = table.store.get(&path).await.unwrap().bytes().await.unwrap();
    assert_eq!(whole, numbers());
    let listed: Vec<_> = table.store.list(Some(&table.root)).collect().await;
    assert_eq!(listed.len(), 1);

    let log = fake::log();
    assert!(log.iter().all(|request| request.method == "GET"), "{log:?}");
    assert_eq!(log[0].headers.keys().collect::<Vec<_>>(), ["range"]);
    assert_eq!(log[0].headers["range"], "bytes=10-19");
    assert!(
        log[1].headers.is_empty() && log[2].headers.is_empty(),
        "{log:?}"
    );
    assert_eq!(log.len(), 3);
}

#[wasm_bindgen_test]
async fn signed_reads_carry_a_signature_and_leave_the_browsers_headers_alone() {
    fake::fresh();
    fake::put_object("bucket/t/a.parquet", &numbers());
    let stores = FetchStores::new(fake::signed());
    let table = stores
        .resolve(&Url::parse("s3a://bucket/t").unwrap())
        .unwrap();
    table
        .store
        .get_range(&Path::from("t/a.parquet"), 0..4)
        .await
        .unwrap();

    let headers = &fake::log()[0].headers;
    assert!(headers["authorization"].starts_with("AWS4-HMAC-SHA256 Credential=AKID/"));
    assert!(
        headers["authorization"].contains("SignedHeaders=host;range;")
            || headers["authorization"].contains("SignedHeaders=host;")
    );
    assert!(headers.contains_key("x-amz-date") && headers.contains_key("x-amz-content-sha256"));
    assert!(!headers.contains_key("host") && !headers.contains_key("user-agent"));
}

#[wasm_bindgen_test]
async fn nothing_is_read_from_the_browsers_cache() {
    fake::fresh();
    let table = resolve("s3a://bucket/t");
    for name in ["t/part-0.parquet", "t/_delta_log/_last_checkpoint"] {
        fake::put_object(&format!("bucket/{name}"), b"x");
        table.store.get(&Path::from(name)).await.unwrap();
    }
    let _listed: Vec<_> = table.store.list(None).collect().await;

    assert!(
        fake::log()
            .iter()
            .all(|request| request.cache == "no-store"),
        "{:?}",
        fake::log()
    );
}

#[wasm_bindgen_test]
async fn passing_failures_are_tried_again_and_lasting_ones_are_not() {
    fake::fresh();
    fake::put_object("bucket/t/a.parquet", &numbers());
    let table = resolve("s3a://bucket/t");
    let path = Path::from("t/a.parquet");
    for fault in ["network", "503", "429", "break", "truncate"] {
        fake::fresh();
        fake::put_object("bucket/t/a.parquet", &numbers());
        fake::fail(&[fault]);
        assert_eq!(
            table.store.get_range(&path, 0..200).await.unwrap(),
            numbers(),
            "{fault}"
        );
        assert_eq!(fake::log().len(), 2, "{fault}");
    }
    for fault in ["403", "400"] {
        fake::fresh();
        fake::fail(&[fault]);
        table.store.get_range(&path, 0..200).await.unwrap_err();
        assert_eq!(fake::log().len(), 1, "{fault}");
    }
}

#[wasm_bindgen_test]
async fn body_that_stays_short_is_an_error_and_not_a_short_file() {
    for fault in ["truncate", "break"] {
        fake::fresh();
        fake::put_object("bucket/t/_delta_log/00000000000000000000.json", &numbers());
        fake::fail(&[fault; 3]);
        let path = Path::from("t/_delta_log/00000000000000000000.json");
        let error = resolve("s3a://bucket/t")
            .store
            .get(&path)
            .await
            .unwrap_err();
        assert_eq!(told(&error).code, "STORE_RESPONSE_INCOMPLETE");
        assert_eq!(fake::log().len(), 3);
    }
}

#[wasm_bindgen_test]
async fn missing_and_forbidden_objects_are_told_apart() {
    fake::fresh();
    let table = resolve("s3a://bucket/t");
    let missing = table.store.get(&Path::from("t/none")).await.unwrap_err();
    assert!(
        matches!(missing, object_store::Error::NotFound { .. }),
        "{missing:?}"
    );
    fake::fail(&["403"]);
    let forbidden = table.store.get(&Path::from("t/none")).await.unwrap_err();
    assert!(
        matches!(forbidden, object_store::Error::PermissionDenied { .. }),
        "{forbidden:?}"
    );
}

#[wasm_bindgen_test]
async fn server_that_is_down_is_told_from_one_that_refuses_the_page() {
    fake::fresh();
    fake::fail(&["network"; 3]);
    let path = Path::from("t/_delta_log/_last_checkpoint");
    let down = told(
        &resolve("s3a://bucket/t")
            .store
            .get(&path)
            .await
            .unwrap_err(),
    );
    assert_eq!(down.code, "STORE_UNREACHABLE");
    assert!(
        down.message.contains("http://store.test: nothing answers"),
        "{down}"
    );

    fake::fresh();
    fake::fail(&["cors"]);
    let refused = told(
        &resolve("s3a://bucket/t")
            .store
            .get(&path)
            .await
            .unwrap_err(),
    );
    assert_eq!(refused.code, "STORE_UNREACHABLE");
    assert!(
        refused
            .hint
            .unwrap()
            .contains("Access-Control-Allow-Origin")
    );
}

#[wasm_bindgen_test]
async fn dropped_read_ends_its_request() {
    fake::fresh();
    fake::fail(&["hang"]);
    let table = resolve("s3a://bucket/t");
    let path = Path::from("t/a.parquet");
    let read = Box::pin(table.store.get_range(&path, 0..10));
    match select(read, Box::pin(wait_a_turn())).await {
        Either::Left((answer, _)) => panic!("answered: {answer:?}"),
        Either::Right((_, read)) => drop(read),
    }
    assert_eq!(fake::aborted(), 1);
    wait_a_turn().await;
    assert_eq!(
        fake::log().len(),
        1,
        "no second try of what nobody waits for"
    );
}

#[wasm_bindgen_test]
async fn ranges_are_read_from_servers_that_hide_content_range_and_refused_from_those_without() {
    fake::fresh();
    fake::put_object("site/t/a.parquet", &numbers());
    let table = resolve("http://store.test/site/t");
    assert!(!table.can_list);
    assert_eq!(table.location, "http://store.test/site/t");
    let path = Path::from("site/t/a.parquet");
    fake::fail(&["no-range-header"]);
    assert_eq!(
        table.store.get_range(&path, 10..20).await.unwrap(),
        numbers()[10..20]
    );

    fake::fail(&["ignore-range"]);
    let error = table.store.get_range(&path, 10..20).await.unwrap_err();
    assert_eq!(told(&error).code, "STORE_RANGES_UNSUPPORTED");
}

#[wasm_bindgen_test]
fn locations_that_cannot_be_read_are_refused_with_a_hint() {
    let stores = FetchStores::new(fake::anonymous());
    for url in [
        "s3a:///path",
        "ftp://host/t",
        "https://host/t?versionId=1",
        "file:///tmp/t",
    ] {
        let error = stores.resolve(&Url::parse(url).unwrap()).unwrap_err();
        assert_eq!(error.code, "INVALID_TABLE_LOCATION", "{url}");
        assert!(error.hint.is_some(), "{url}");
    }
    let table = stores
        .resolve(&Url::parse("s3://bucket/my%20table/").unwrap())
        .unwrap();
    assert_eq!(table.root, Path::from("my table"));
    assert_eq!(table.location, "s3a://bucket/my table");
}
