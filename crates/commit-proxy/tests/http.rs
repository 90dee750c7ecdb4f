//! The proxy's HTTP interface, without a socket.

mod common;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use common::{Fixture, TABLE, payments};
use messages::Error;
use messages::commit::{CommitOutcome, CreateMode, Operation, TableOptions};
use messages::server::{ServerConfig, StoreKind, Writes};
use serde::de::DeserializeOwned;
use serde_json::json;
use tower::ServiceExt;

async fn send(fixture: &Fixture, request: Request<Body>) -> Response {
    commit_proxy::app(fixture.proxy.clone())
        .oneshot(request)
        .await
        .unwrap()
}

async fn body<T: DeserializeOwned>(response: Response) -> T {
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{e}: {bytes:?}"))
}

fn get(path: &str) -> axum::http::request::Builder {
    Request::get(path).header(header::HOST, "127.0.0.1:4600")
}

fn create() -> String {
    let operation = Operation::CreateTableAsSelect {
        mode: CreateMode::Create,
        options: TableOptions::default(),
    };
    serde_json::to_string(&json!({"table": TABLE, "operation": operation})).unwrap()
}

/// A multipart request; parts are names and contents.
fn commit(parts: &[(&str, &[u8])]) -> Request<Body> {
    let mut content = Vec::new();
    for (name, bytes) in parts {
        content.extend(format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"blob\"\r\nContent-Type: application/octet-stream\r\n\r\n").into_bytes());
        content.extend(*bytes);
        content.extend(b"\r\n");
    }
    content.extend(b"--edge--\r\n");
    Request::post("/api/v1/commit")
        .header(header::HOST, "127.0.0.1:4600")
        .header(header::ORIGIN, "http://127.0.0.1:4600")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge")
        .body(Body::from(content))
        .unwrap()
}

async fn refused(fixture: &Fixture, request: Request<Body>) -> (StatusCode, Error) {
    let response = send(fixture, request).await;
    (response.status(), body(response).await)
}

#[tokio::test]
async fn commit_with_rows_makes_a_version() {
    let fixture = Fixture::new().await;
    let rows = payments(&[("a", 1.0)]);
    let request = commit(&[("request", create().as_bytes()), ("source", &rows)]);
    let response = send(&fixture, request).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(body::<CommitOutcome>(response).await.version, Some(0));
    assert_eq!(fixture.rows("*").await, ["a 1.0"]);

    let request = commit(&[("request", create().as_bytes()), ("source", &rows)]);
    let (status, error) = refused(&fixture, request).await;
    assert_eq!(
        (status, error.code.as_str()),
        (StatusCode::CONFLICT, "TABLE_OR_VIEW_ALREADY_EXISTS")
    );
}

#[tokio::test]
async fn config_tells_the_page_where_to_read() {
    let fixture = Fixture::new().await;
    let response = send(&fixture, get("/api/v1/config").body(Body::empty()).unwrap()).await;
    let config: ServerConfig = body(response).await;
    assert_eq!(
        (config.version.as_str(), config.store),
        ("1.2.3", StoreKind::Embedded)
    );
    assert_eq!(config.writes, Writes::Enabled);
    assert_eq!(config.connection.endpoint, "http://127.0.0.1:4601");
    let response = send(&fixture, get("/api/v1/health").body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn foreign_pages_and_names_are_refused() {
    let fixture = Fixture::new().await;
    for origin in [
        "http://evil.example",
        "null",
        "https://127.0.0.1.evil.example",
        "http://127.0.0.1:9999",
    ] {
        let mut request = commit(&[("request", create().as_bytes())]);
        request
            .headers_mut()
            .insert(header::ORIGIN, origin.parse().unwrap());
        let (status, error) = refused(&fixture, request).await;
        assert_eq!(
            (status, error.code.as_str()),
            (StatusCode::FORBIDDEN, "ORIGIN_NOT_ALLOWED"),
            "{origin}"
        );
    }
    for host in ["evil.example", "127.0.0.1.evil.example:4600", ""] {
        let request = Request::get("/api/v1/config")
            .header(header::HOST, host)
            .body(Body::empty())
            .unwrap();
        let (status, error) = refused(&fixture, request).await;
        assert_eq!(
            (status, error.code.as_str()),
            (StatusCode::MISDIRECTED_REQUEST, "HOST_NOT_ALLOWED"),
            "{host}"
        );
    }
    assert!(!fixture.path().exists());
}

#[tokio::test]
async fn cors_is_for_allowed_origins_alone() {
    let fixture = Fixture::new().await;
    let allowed = "http://localhost:8080";
    let preflight = |origin: &str| {
        Request::options("/api/v1/commit")
            .header(header::HOST, "127.0.0.1:4600")
            .header(header::ORIGIN, origin)
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .body(Body::empty())
            .unwrap()
    };
    let response = send(&fixture, preflight(allowed)).await;
    assert_eq!(
        response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN],
        allowed
    );
    let response = send(&fixture, preflight("http://evil.example")).await;
    assert!(
        !response
            .headers()
            .contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN)
    );
    let request = get("/api/v1/config")
        .header(header::ORIGIN, allowed)
        .body(Body::empty());
    let response = send(&fixture, request.unwrap()).await;
    assert_eq!(
        response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN],
        allowed
    );
}

#[tokio::test]
async fn requests_that_are_no_commit_say_what_is_missing() {
    let fixture = Fixture::new().await;
    let create = create();
    let delete =
        json!({"table": TABLE, "operation": {"type": "delete", "predicate": null}}).to_string();
    let rows = payments(&[("a", 1.0)]);
    let cases: [(Request<Body>, &str, &str); 6] = [
        (
            commit(&[("source", &rows)]),
            "INVALID_REQUEST",
            "'request' is missing",
        ),
        (
            commit(&[("request", create.as_bytes())]),
            "INVALID_REQUEST",
            "no part 'source'",
        ),
        (
            commit(&[("request", delete.as_bytes()), ("source", &rows)]),
            "INVALID_REQUEST",
            "takes no rows",
        ),
        (
            commit(&[("request", b"{}"), ("source", &rows)]),
            "INVALID_REQUEST",
            "not valid",
        ),
        (
            commit(&[("request", create.as_bytes()), ("source", b"rows")]),
            "INVALID_SOURCE",
            "Arrow IPC",
        ),
        (
            commit(&[("request", create.as_bytes()), ("extra", b"")]),
            "INVALID_REQUEST",
            "'extra'",
        ),
    ];
    for (request, code, part) in cases {
        let (status, error) = refused(&fixture, request).await;
        assert_eq!(
            (status, error.code.as_str()),
            (StatusCode::BAD_REQUEST, code),
            "{}",
            error.message
        );
        assert!(error.message.contains(part), "{}", error.message);
    }
    let mut request = commit(&[("request", create.as_bytes()), ("source", &rows)]);
    request
        .headers_mut()
        .insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    let (status, error) = refused(&fixture, request).await;
    assert_eq!(
        (status, error.code.as_str()),
        (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_CONTENT_TYPE"
        )
    );
    assert!(!fixture.path().exists());
}

#[tokio::test]
async fn too_large_a_request_is_refused_whether_or_not_it_says_its_length() {
    let fixture = Fixture::new().await;
    let large = vec![0; fixture.proxy.options().max_request_bytes + 1];
    for says in [true, false] {
        let mut request = commit(&[("request", create().as_bytes()), ("source", &large)]);
        if says {
            request
                .headers_mut()
                .insert(header::CONTENT_LENGTH, large.len().into());
        }
        let (status, error) = refused(&fixture, request).await;
        assert_eq!(
            (status, error.code.as_str()),
            (StatusCode::PAYLOAD_TOO_LARGE, "REQUEST_TOO_LARGE")
        );
    }
    assert!(!fixture.path().exists());
}
