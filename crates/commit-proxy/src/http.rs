//! The proxy over HTTP.
//!
//! Whoever can reach the port can write the tables, and a browser will reach it for any page that
//! its user visits. So besides listening on loopback, requests are looked at: `Host` must be a name
//! that is ours, `Origin` that of a page that is ours, and a commit is `multipart/form-data` from
//! such a page or from a program that sends no `Origin` at all.

use std::time::Duration;

use axum::extract::multipart::MultipartRejection;
use axum::extract::{DefaultBodyLimit, Multipart, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use messages::Error;
use messages::commit::{CommitOutcome, CommitRequest};
use messages::server::ServerConfig;
use serde::Serialize;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::Proxy;
use crate::error::status;

/// The largest part `request`, in bytes: expressions and names, no rows.
const MAX_REQUEST_PART: usize = 1024 * 1024;

/// The routes `GET /api/v1/config`, `GET /api/v1/health` and `POST /api/v1/commit`.
///
/// Errors are [`messages::Error`] as JSON, with a status that fits.
pub fn app(proxy: Proxy) -> Router {
    let limit = proxy.options().max_request_bytes;
    let origins = proxy.options().allowed_origins.clone();
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin: &HeaderValue, _| {
            origin
                .to_str()
                .is_ok_and(|origin| origins.iter().any(|allowed| allowed == origin))
        }))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE])
        .max_age(Duration::from_secs(600));
    Router::new()
        .route("/api/v1/config", get(config))
        .route("/api/v1/health", get(health))
        .route("/api/v1/commit", post(commit))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(limit))
        .layer(cors)
        .layer(middleware::from_fn_with_state(proxy.clone(), check_caller))
        .with_state(proxy)
}

async fn config(State(proxy): State<Proxy>) -> Json<ServerConfig> {
    Json(proxy.config())
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

async fn commit(
    State(proxy): State<Proxy>,
    headers: HeaderMap,
    multipart: Result<Multipart, MultipartRejection>,
) -> Result<Json<CommitOutcome>, ErrorResponse> {
    if let Some(length) = content_length(&headers)
        && length > proxy.options().max_request_bytes as u64
    {
        return Err(too_large(&proxy).into());
    }
    let multipart = multipart.map_err(|rejection| {
        Error::new(
            "UNSUPPORTED_CONTENT_TYPE",
            format!("A commit is sent as multipart/form-data: {rejection}."),
        )
    })?;
    let (request, source) = parts(&proxy, multipart).await?;
    Ok(Json(proxy.commit(request, source).await?))
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

fn too_large(proxy: &Proxy) -> Error {
    let limit = proxy.options().max_request_bytes;
    Error::new(
        "REQUEST_TOO_LARGE",
        format!("The request is larger than the {limit} bytes that the proxy accepts."),
    )
    .with_hint("Write fewer rows at a time.")
}

async fn parts(
    proxy: &Proxy,
    mut multipart: Multipart,
) -> Result<(CommitRequest, Option<Bytes>), Error> {
    let unreadable = |error: axum::extract::multipart::MultipartError| {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            too_large(proxy)
        } else {
            Error::new(
                "INVALID_REQUEST",
                format!("The request is cut short or malformed: {error}."),
            )
        }
    };
    let mut request = None;
    let mut source = None;
    while let Some(field) = multipart.next_field().await.map_err(unreadable)? {
        let name = field.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "request" if request.is_none() => {
                let bytes = field.bytes().await.map_err(unreadable)?;
                if bytes.len() > MAX_REQUEST_PART {
                    return Err(Error::new(
                        "REQUEST_TOO_LARGE",
                        format!("The part 'request' is larger than {MAX_REQUEST_PART} bytes."),
                    ));
                }
                let parsed = serde_json::from_slice(&bytes).map_err(|e| {
                    Error::new(
                        "INVALID_REQUEST",
                        format!("The part 'request' is not valid: {e}."),
                    )
                })?;
                request = Some(parsed);
            }
            "source" if source.is_none() => {
                source = Some(field.bytes().await.map_err(unreadable)?);
            }
            "request" | "source" => {
                return Err(Error::new(
                    "INVALID_REQUEST",
                    format!("The part '{name}' came twice."),
                ));
            }
            other => {
                return Err(Error::new(
                    "INVALID_REQUEST",
                    format!(
                        "There is no part '{other}' in a commit; there are 'request' and 'source'."
                    ),
                ));
            }
        }
    }
    let request =
        request.ok_or_else(|| Error::new("INVALID_REQUEST", "The part 'request' is missing."))?;
    Ok((request, source))
}

async fn method_not_allowed() -> Response {
    let error = Error::new("INVALID_REQUEST", "There is no such method here.");
    (StatusCode::METHOD_NOT_ALLOWED, Json(error)).into_response()
}

/// Refuses requests that no page of ours sent.
async fn check_caller(State(proxy): State<Proxy>, request: Request, next: Next) -> Response {
    match check_headers(&proxy, request.headers(), request.uri().host()) {
        Ok(()) => next.run(request).await,
        Err(error) => ErrorResponse(error).into_response(),
    }
}

fn check_headers(proxy: &Proxy, headers: &HeaderMap, uri_host: Option<&str>) -> Result<(), Error> {
    let text = |name| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    // HTTP/2 has the host in the URI.
    let host = text(header::HOST).or(uri_host).unwrap_or_default();
    if !is_ours(proxy, host) {
        return Err(Error::new(
            "HOST_NOT_ALLOWED",
            format!("The proxy is not known under the name '{host}'."),
        )
        .with_hint(
            "Open it as http://localhost or http://127.0.0.1, or allow the name when it starts.",
        ));
    }
    let Some(origin) = text(header::ORIGIN) else {
        return Ok(());
    };
    let same = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"))
        .is_some_and(|origin_host| origin_host == host);
    if same
        || proxy
            .options()
            .allowed_origins
            .iter()
            .any(|allowed| allowed == origin)
    {
        return Ok(());
    }
    Err(Error::new(
        "ORIGIN_NOT_ALLOWED",
        format!("Pages of {origin} may not use this proxy."),
    )
    .with_hint("Open the page that the proxy serves itself, or allow the origin when it starts."))
}

fn is_ours(proxy: &Proxy, host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        // Not the last group of an IPv6 address, which stands in brackets.
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    };
    ["localhost", "127.0.0.1", "[::1]"]
        .iter()
        .any(|own| own.eq_ignore_ascii_case(name))
        || proxy
            .options()
            .allowed_hosts
            .iter()
            .any(|own| own.eq_ignore_ascii_case(name))
}

/// [`messages::Error`] as a response.
struct ErrorResponse(Error);

impl From<Error> for ErrorResponse {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for ErrorResponse {
    fn into_response(self) -> Response {
        (status(&self.0), Json(self.0)).into_response()
    }
}
