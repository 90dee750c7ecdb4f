use std::sync::Arc;

use axum::http::{Method, StatusCode, header};
use messages::proxy::{OBJECTS, object_url};
use object_store::ObjectStoreExt as _;
use object_store::memory::InMemory;
use object_store::path::Path;
use serde_json::{Value, json};

use super::lake::*;

#[tokio::test]
async fn object_is_put_once_under_exactly_its_key() {
    let lake = Lake::new().await;
    let key = "t/p=50%25 ü+😈:\"/x#.parquet";
    let first = lake.put(key, "abc").await;
    assert_eq!(
        (first.status, &first.body["size"]),
        (StatusCode::OK, &3.into())
    );
    assert!(first.headers.contains_key(header::ETAG));
    let stored = lake.store.get(&Path::parse(key).unwrap()).await.unwrap();
    assert_eq!(stored.bytes().await.unwrap(), "abc");
    // The same again is the same; another one is refused.
    assert_eq!(lake.put(key, "abc").await.status, StatusCode::OK);
    for other in ["abd", "abcd"] {
        let answer = lake.put(key, other).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::PRECONDITION_FAILED, "OBJECT_ALREADY_EXISTS")
        );
    }
    let stored = lake.store.get(&Path::parse(key).unwrap()).await.unwrap();
    assert_eq!(stored.bytes().await.unwrap(), "abc");
}

#[tokio::test]
async fn large_object_is_put_in_parts_and_once() {
    let lake = Lake::new().await;
    let bytes: Vec<u8> = (0..20_000_000u32).map(|i| (i % 251) as u8).collect();
    for _ in 0..2 {
        let answer = lake.put("t/large", bytes.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }
    let stored = lake.store.get(&Path::from("t/large")).await.unwrap();
    assert!(stored.bytes().await.unwrap() == bytes);
    let url = object_url(OBJECTS, "raw", "t/short");
    let headers = [
        (header::IF_NONE_MATCH, "*"),
        (header::CONTENT_LENGTH, "20000001"),
    ];
    let answer = lake.send(Method::PUT, &url, &headers, bytes.clone()).await;
    assert_eq!(answer.code(), "INVALID_REQUEST");
    assert!(!lake.has("t/short").await);
    let mut other = bytes;
    other[19_999_999] ^= 1;
    assert_eq!(
        lake.put("t/large", other).await.code(),
        "OBJECT_ALREADY_EXISTS"
    );
}

#[tokio::test]
async fn what_is_no_staged_object_is_refused() {
    let memory = Arc::new(InMemory::new());
    let mut options = options();
    options.limits.object_bytes = 10;
    options.prefixes = vec!["raw/t".to_owned(), "raw/u".to_owned()];
    let lake = Lake::over(Arc::clone(&memory) as _, memory, options).await;
    for (key, bytes, code) in [
        (
            "t/_delta_log/00000000000000000000.json",
            "{}",
            "OBJECT_NOT_ALLOWED",
        ),
        (
            "t/_delta_log/00000000000000000007.crc",
            "{}",
            "OBJECT_NOT_ALLOWED",
        ),
        ("t/_delta_log/_last_checkpoint", "{}", "OBJECT_NOT_ALLOWED"),
        ("t/../u/x", "x", "INVALID_OBJECT_KEY"),
        ("t//x", "x", "INVALID_OBJECT_KEY"),
        ("t/x#1", "x", "INVALID_OBJECT_KEY"),
        ("t/x\u{0}", "x", "INVALID_OBJECT_KEY"),
        ("v/x", "x", "TABLE_LOCATION_NOT_ALLOWED"),
        ("tt/x", "x", "TABLE_LOCATION_NOT_ALLOWED"),
        ("t/x", "more than ten bytes", "REQUEST_TOO_LARGE"),
    ] {
        let answer = lake.put(key, bytes).await;
        assert_eq!(answer.code(), code, "{key:?} {}", answer.body);
    }
    let url = object_url(OBJECTS, "raw", "t/x");
    let answer = lake.send(Method::PUT, &url, &[], "x").await;
    assert!(answer.message().contains("If-None-Match"));
    for (length, body) in [("2", "x"), ("1", "xx")] {
        let headers = [
            (header::IF_NONE_MATCH, "*"),
            (header::CONTENT_LENGTH, length),
        ];
        let answer = lake.send(Method::PUT, &url, &headers, body).await;
        assert_eq!(answer.code(), "INVALID_REQUEST", "{}", answer.body);
    }
    assert!(!lake.has("t/x").await);
    assert_eq!(lake.put("u/x", "x").await.status, StatusCode::OK);
}

#[tokio::test]
async fn last_checkpoint_never_goes_back_nor_ahead() {
    let lake = Lake::new().await;
    lake.create_table().await;
    let put = async |name: &str, bytes: &str| {
        lake.put(&format!("t/_delta_log/{name}"), bytes.to_owned())
            .await
    };
    assert_eq!(
        put("00000000000000000001.checkpoint.parquet", "x")
            .await
            .code(),
        "OBJECT_NOT_ALLOWED"
    );
    assert_eq!(
        put("_last_checkpoint", "{\"version\":0,\"size\":1}")
            .await
            .code(),
        "OBJECT_NOT_ALLOWED"
    );
    for version in [0, 1] {
        // As another writer leaves them, beyond what this one knows.
        let name = format!("t/_delta_log/{version:020}.checkpoint.parquet");
        lake.store.put(&Path::from(name), "x".into()).await.unwrap();
    }
    for (version, status) in [(0, 200), (1, 200), (0, 403), (2, 403)] {
        let answer = put("_last_checkpoint", &format!("{{\"version\":{version}}}")).await;
        assert_eq!(answer.status.as_u16(), status, "{version} {}", answer.body);
    }
}

/// A checkpoint, as JSON with a name of the V2 spec, of these actions.
async fn checkpoint(lake: &Lake, version: u64, actions: &[Value]) -> Answer {
    let top = json!({"checkpointMetadata": {"version": version}});
    let all: Vec<Value> = [top].iter().chain(actions).cloned().collect();
    let uuid = uuid::Uuid::new_v4();
    let key = format!("t/_delta_log/{version:020}.checkpoint.{uuid}.json");
    lake.put(&key, lines(&all)).await
}

#[tokio::test]
async fn checkpoint_says_what_the_log_says() {
    let lake = Lake::new().await;
    let first = lake.create_table().await;
    let second = lake.stage("b.parquet", &[4]).await;
    let mut larger = first.clone();
    larger["add"]["size"] = json!(7);
    let other = metadata_of(&[field("id", "long")], &[], json!({}));
    for actions in [
        vec![protocol(), metadata()],
        vec![protocol(), metadata(), larger],
        vec![protocol(), metadata(), first.clone(), second],
        vec![protocol(), other, first.clone()],
        vec![metadata(), first.clone()],
        vec![],
    ] {
        let answer = checkpoint(&lake, 0, &actions).await;
        assert_eq!(answer.code(), "OBJECT_NOT_ALLOWED", "{actions:?}");
    }
    let whole = [protocol(), metadata(), first.clone()];
    assert_eq!(
        checkpoint(&lake, 1, &whole).await.code(),
        "OBJECT_NOT_ALLOWED"
    );
    let answer = checkpoint(&lake, 0, &whole).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let size = first["add"]["size"].as_u64().unwrap();
    for (size, status) in [(size + 1, StatusCode::FORBIDDEN), (size, StatusCode::OK)] {
        let crc =
            json!({"tableSizeBytes": size, "numFiles": 1, "numMetadata": 1, "numProtocol": 1});
        let answer = lake
            .put("t/_delta_log/00000000000000000000.crc", crc.to_string())
            .await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}
