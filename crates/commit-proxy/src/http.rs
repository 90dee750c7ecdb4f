//! The proxy over HTTP: the routes of [`messages::proxy`].
//!
//! Whoever can reach the port can write the tables, and a browser will reach it for any page that
//! its user visits. So requests are looked at: `Host` must be a name that is ours, `Origin` that of
//! a page that is ours, and where other machines may reach the port, a token must come along.

use std::time::Duration;

use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use http_guard::NotOurs;
use messages::Error;
use messages::proxy::{
    COMMITS, Committed, DELETE, DeleteObjects, DeletedObjects, DeletedTable, OBJECTS, SERVER_BUSY,
    StoredObject, TABLES, TOKEN_REQUIRED,
};
use messages::server::ServerConfig;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use tower_http::cors::{AllowOrigin, CorsLayer};
use uuid::Uuid;

use crate::Proxy;
use crate::body::TimedBody;
use crate::commit::CommitRequest;
use crate::error::{Refusal, status};
use crate::location::{ObjectPlace, TablePlace};
use crate::uploads;

/// The routes of [`messages::proxy`], `GET /api/v1/config` and `GET /api/v1/health`.
///
/// Errors are [`messages::Error`] as JSON, with a status that fits. The two GETs need no token: a
/// page must be able to ask what it has before it.
pub fn app(proxy: Proxy) -> Router {
    let callers = proxy.options().callers.clone();
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin: &HeaderValue, _| {
            callers.allows(origin)
        }))
        .allow_methods([Method::GET, Method::PUT, Method::POST, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
        ])
        .expose_headers([header::ETAG, header::RETRY_AFTER])
        .max_age(Duration::from_secs(600));
    let with_token = Router::new()
        .route(&format!("{OBJECTS}/{{*key}}"), put(put_object))
        .route(
            &format!("{COMMITS}/{{*table}}"),
            post(commit).get(find_commit),
        )
        .route(&format!("{DELETE}/{{*table}}"), post(delete_objects))
        .route(&format!("{TABLES}/{{*table}}"), delete(delete_table))
        .method_not_allowed_fallback(method_not_allowed)
        .route_layer(middleware::from_fn_with_state(proxy.clone(), check_token));
    Router::new()
        .route("/api/v1/config", get(config))
        .route("/api/v1/health", get(health))
        .route("/api/{*rest}", axum::routing::any(not_found))
        .merge(with_token)
        .method_not_allowed_fallback(method_not_allowed)
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

async fn put_object(
    State(proxy): State<Proxy>,
    request: Request,
) -> Result<Answer<StoredObject>, Refusal> {
    let place = ObjectPlace::parse(below(&request, OBJECTS))?;
    let is_hint = place.key.filename() == Some("_last_checkpoint");
    if !is_hint
        && request
            .headers()
            .get(header::IF_NONE_MATCH)
            .is_none_or(|value| value != "*")
    {
        let message = "An object is put only where nothing is: the request needs the header If-None-Match: *.";
        return Err(Error::new("INVALID_REQUEST", message).into());
    }
    let limits = &proxy.options().limits;
    let size = content_length(request.headers(), limits.object_bytes)?;
    let body = TimedBody::new(request.into_body(), limits.body);
    let stored = uploads::put(&proxy, place, body, size).await?;
    let e_tag = stored
        .e_tag
        .as_deref()
        .and_then(|tag| HeaderValue::from_str(tag).ok());
    Ok(Answer {
        e_tag,
        message: stored,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CommitQuery {
    version: u64,
    #[serde(deserialize_with = "uuid")]
    txn_id: Uuid,
}

async fn commit(
    State(proxy): State<Proxy>,
    query: Result<Query<CommitQuery>, axum::extract::rejection::QueryRejection>,
    request: Request,
) -> Result<Json<Committed>, Refusal> {
    let place = TablePlace::parse(below(&request, COMMITS))?;
    let Query(CommitQuery { version, txn_id }) = query.map_err(|error| invalid_query(&error))?;
    // Delta's writers count in signed 64-bit integers.
    if version >= i64::MAX as u64 {
        return Err(Error::new(
            "INVALID_REQUEST",
            format!("There can be no version {version}."),
        )
        .into());
    }
    let limits = &proxy.options().limits;
    let size = content_length(request.headers(), limits.commit_bytes)?;
    let body = TimedBody::new(request.into_body(), limits.body)
        .read(size)
        .await?;
    let request = CommitRequest {
        version,
        txn: txn_id,
        body,
    };
    Ok(Json(proxy.commit(place, request).await?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FindQuery {
    #[serde(deserialize_with = "uuid")]
    txn_id: Uuid,
    after: Option<u64>,
}

async fn find_commit(
    State(proxy): State<Proxy>,
    query: Result<Query<FindQuery>, axum::extract::rejection::QueryRejection>,
    request: Request,
) -> Result<Json<Committed>, Refusal> {
    let place = TablePlace::parse(below(&request, COMMITS))?;
    let Query(FindQuery { txn_id, after }) = query.map_err(|error| invalid_query(&error))?;
    Ok(Json(proxy.find_commit(place, txn_id, after).await?))
}

async fn delete_objects(
    State(proxy): State<Proxy>,
    request: Request,
) -> Result<Json<DeletedObjects>, Refusal> {
    let place = TablePlace::parse(below(&request, DELETE))?;
    let limits = &proxy.options().limits;
    let size = content_length(request.headers(), limits.commit_bytes)?;
    let body = TimedBody::new(request.into_body(), limits.body)
        .read(size)
        .await?;
    let DeleteObjects { keys } = serde_json::from_slice(&body).map_err(|error| {
        Error::new(
            "INVALID_REQUEST",
            format!("The request is not valid: {error}."),
        )
    })?;
    Ok(Json(proxy.delete_objects(place, keys).await?))
}

async fn delete_table(
    State(proxy): State<Proxy>,
    request: Request,
) -> Result<Json<DeletedTable>, Refusal> {
    let place = TablePlace::parse(below(&request, TABLES))?;
    Ok(Json(proxy.delete_table(place).await?))
}

fn uuid<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    let text = String::deserialize(deserializer)?;
    Uuid::parse_str(&text).map_err(D::Error::custom)
}

/// The rest of the path, as it came: what it names is decoded in one place.
fn below<'a>(request: &'a Request, route: &str) -> &'a str {
    let rest = request.uri().path().strip_prefix(route);
    rest.and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or_default()
}

fn invalid_query(error: &dyn std::fmt::Display) -> Error {
    Error::new(
        "INVALID_REQUEST",
        format!("The request's query is not valid: {error}."),
    )
}

/// The length of the body, which must be announced.
fn content_length(headers: &HeaderMap, limit: u64) -> Result<u64, Error> {
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let Some(length) = length else {
        return Err(Error::new(
            "LENGTH_REQUIRED",
            "The request does not say how long its body is.",
        ));
    };
    if length > limit {
        let message =
            format!("The request's body has {length} bytes, and the proxy accepts {limit}.");
        return Err(
            Error::new("REQUEST_TOO_LARGE", message).with_hint("Write fewer rows at a time.")
        );
    }
    Ok(length)
}

async fn method_not_allowed() -> Refusal {
    Error::new("METHOD_NOT_ALLOWED", "There is no such method here.").into()
}

async fn not_found() -> Refusal {
    Error::new("NOT_FOUND", "There is no such request.").into()
}

/// Refuses requests that no page of ours sent.
async fn check_caller(State(proxy): State<Proxy>, request: Request, next: Next) -> Response {
    let refusal = match proxy
        .options()
        .callers
        .check(request.headers(), request.uri())
    {
        Ok(()) => return next.run(request).await,
        Err(refusal) => refusal,
    };
    let error = match &refusal {
        NotOurs::Host(_) => Error::new("HOST_NOT_ALLOWED", refusal.to_string()).with_hint(
            "Open it as http://localhost or http://127.0.0.1, or allow the name when it starts.",
        ),
        NotOurs::Origin(_) => Error::new("ORIGIN_NOT_ALLOWED", refusal.to_string()).with_hint(
            "Open the page that the proxy serves itself, or allow the origin when it starts.",
        ),
    };
    Refusal::Error(error).into_response()
}

/// Refuses requests without the token, where there is one.
async fn check_token(State(proxy): State<Proxy>, request: Request, next: Next) -> Response {
    let Some(token) = &proxy.options().token else {
        return next.run(request).await;
    };
    let mut headers = request.headers().get_all(header::AUTHORIZATION).iter();
    match (headers.next(), headers.next()) {
        (Some(value), None) if token.is_in(value.as_bytes()) => next.run(request).await,
        _ => {
            let message = "This server writes only for those who know its token.";
            let error = Error::new(TOKEN_REQUIRED, message)
                .with_hint("Ask whoever runs the server for it.");
            Refusal::Error(error).into_response()
        }
    }
}

/// A message, with the entity tag of what it is about.
struct Answer<T> {
    e_tag: Option<HeaderValue>,
    message: T,
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.message).into_response();
        if let Some(e_tag) = self.e_tag {
            response.headers_mut().insert(header::ETAG, e_tag);
        }
        response
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let error = match self {
            Self::Conflict(conflict) => {
                return (StatusCode::CONFLICT, Json(conflict)).into_response();
            }
            Self::Error(error) => error,
        };
        let (status, is_busy) = (status(&error), error.code == SERVER_BUSY);
        let mut response = (status, Json(error)).into_response();
        let headers = response.headers_mut();
        if is_busy {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
