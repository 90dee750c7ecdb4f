use std::sync::Arc;

use axum::http::{Method, StatusCode, header};
use http_guard::Callers;
use messages::proxy::OBJECTS;
use object_store::memory::InMemory;
use uuid::Uuid;

use super::lake::*;
use crate::Token;

#[tokio::test]
async fn foreign_pages_and_names_are_refused_and_ours_may_read_the_answer() {
    let memory = Arc::new(InMemory::new());
    let mut options = options();
    options.callers = Callers {
        hosts: Vec::new(),
        origins: vec!["http://localhost:8080".to_owned()],
    };
    let lake = Lake::over(Arc::clone(&memory) as _, memory, options).await;
    let get = async |name, value: &str| {
        lake.send(Method::GET, "/api/v1/config", &[(name, value)], "")
            .await
    };
    let ours = get(header::ORIGIN, "http://localhost:8080").await;
    assert_eq!(ours.status, StatusCode::OK);
    assert_eq!(
        ours.headers["access-control-allow-origin"],
        "http://localhost:8080"
    );
    let foreign = get(header::ORIGIN, "http://evil.example").await;
    assert_eq!(
        (foreign.status, foreign.code()),
        (StatusCode::FORBIDDEN, "ORIGIN_NOT_ALLOWED")
    );
    assert!(!foreign.headers.contains_key("access-control-allow-origin"));
    let twice = get(header::HOST, "evil.example").await;
    assert_eq!(
        (twice.status, twice.code()),
        (StatusCode::MISDIRECTED_REQUEST, "HOST_NOT_ALLOWED")
    );
}

#[tokio::test]
async fn whoever_lacks_the_token_can_only_ask_for_the_configuration() {
    let memory = Arc::new(InMemory::new());
    let mut options = options();
    options.token = Some(Token::new("0123456789abcdef").unwrap());
    let lake = Lake::over(Arc::clone(&memory) as _, memory, options).await;
    let url = format!("{OBJECTS}/raw/t/x");
    let put = async |headers: &[(header::HeaderName, &str)]| {
        let mut all = vec![(header::IF_NONE_MATCH, "*")];
        all.extend_from_slice(headers);
        lake.send(Method::PUT, &url, &all, "x").await
    };
    for headers in [
        &[][..],
        &[(header::AUTHORIZATION, "Bearer 0123456789abcdee")],
        &[(header::AUTHORIZATION, "Basic 0123456789abcdef")],
    ] {
        let answer = put(headers).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::UNAUTHORIZED, "TOKEN_REQUIRED")
        );
    }
    for path in ["commits", "delete"] {
        let url = format!("/api/v1/{path}/raw/t?version=0&txnId={}", Uuid::new_v4());
        let answer = lake.send(Method::POST, &url, &[], "").await;
        assert_eq!(answer.code(), "TOKEN_REQUIRED");
    }
    assert!(!lake.has("t/x").await);
    let answer = put(&[(header::AUTHORIZATION, "Bearer 0123456789abcdef")]).await;
    assert_eq!(answer.status, StatusCode::OK);
    for path in ["config", "health"] {
        let url = format!("/api/v1/{path}");
        assert_eq!(
            lake.send(Method::GET, &url, &[], "").await.status,
            StatusCode::OK
        );
    }
}

#[tokio::test]
async fn requests_that_are_none_are_answered_in_words() {
    let lake = Lake::new().await;
    for (method, url, status) in [
        (Method::GET, "/api/v1/nothing", StatusCode::NOT_FOUND),
        (
            Method::POST,
            "/api/v1/health",
            StatusCode::METHOD_NOT_ALLOWED,
        ),
        (
            Method::DELETE,
            "/api/v1/objects/raw/t/x",
            StatusCode::METHOD_NOT_ALLOWED,
        ),
        (
            Method::POST,
            "/api/v1/commits/raw/t",
            StatusCode::BAD_REQUEST,
        ),
        (
            Method::POST,
            "/api/v1/commits/raw/t?version=-1&txnId=6ec4a0cb-36ce-41ef-a0f3-7d66ee1a1b14",
            StatusCode::BAD_REQUEST,
        ),
        (
            Method::POST,
            "/api/v1/commits/raw/t?version=0&txnId=x",
            StatusCode::BAD_REQUEST,
        ),
        (
            Method::POST,
            "/api/v1/commits/raw/t?version=18446744073709551615&txnId=6ec4a0cb-36ce-41ef-a0f3-7d66ee1a1b14",
            StatusCode::BAD_REQUEST,
        ),
        (
            Method::POST,
            "/api/v1/commits/other/t?version=0&txnId=6ec4a0cb-36ce-41ef-a0f3-7d66ee1a1b14",
            StatusCode::FORBIDDEN,
        ),
        (
            Method::POST,
            "/api/v1/delete/raw/none",
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let answer = lake.send(method, url, &[], "").await;
        assert_eq!(answer.status, status, "{url} {}", answer.body);
        assert!(!answer.code().is_empty(), "{url}");
    }
}
