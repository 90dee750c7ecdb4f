//! The embedded default store: a local folder behind a read-only S3 API.
//!
//! A browser tab reads this store on exactly the path it takes with MinIO or S3: path-style
//! requests, ranged GETs, `ListObjectsV2`, errors in S3's XML, CORS. A folder in the root is a
//! bucket, a file below it an object:
//!
//! ```text
//! data/raw-data-bucket/financial_data_delta/_delta_log/00000000000000000000.json
//!      └── bucket ───┘ └── key ──────────────────────────────────────────────┘
//! ```
//!
//! Reads need no keys: a signature is accepted and ignored. But a port on loopback is reached by every
//! page that the user visits, so a store answers only what [`Access`] allows: its own names, pages of
//! ours, and the buckets that are named. Nothing can be written here; whoever owns
//! the folder writes files into it. Reachable are regular files below the folder, under the names
//! that [`object_store`'s `LocalFileSystem`][local] gives its keys, and nothing else:
//!
//! - a name that begins with a dot is hidden, and so is all that lies below it;
//! - a name that ends in `#` and digits is hidden: `LocalFileSystem` stages uploads there;
//! - symbolic links are neither listed nor followed.
//!
//! [local]: https://docs.rs/object_store/latest/object_store/local/struct.LocalFileSystem.html
#![warn(missing_docs)]

mod access;
mod folder;
mod listing;
mod object;
mod service;

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::error_handling::HandleError;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{from_fn_with_state, map_request, map_response};
use axum::response::Response;
use http_guard::{Callers, ConnectionLimits};
use s3s::HttpError;
use s3s::service::S3ServiceBuilder;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

pub use access::Access;
use access::check_caller;
use folder::Folder;
use service::{AnyName, ReadOnly, Reader};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");

/// Serves the buckets in `folder` on `listener` until `shutdown` completes and the open requests are answered.
///
/// # Errors
/// If `folder` is not a folder that can be read.
pub async fn serve(
    listener: tokio::net::TcpListener,
    folder: PathBuf,
    access: Access,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let app = app(folder, access)?;
    http_guard::serve(listener, app, ConnectionLimits::default(), shutdown).await
}

/// The S3 API over the buckets in `folder`, to be served or called.
///
/// # Errors
/// If `folder` is not a folder that can be read.
pub fn app(folder: PathBuf, access: Access) -> io::Result<Router> {
    let Access { callers, buckets } = access;
    let folder = Folder::open(&folder, buckets)?;
    let mut builder = S3ServiceBuilder::new(Reader::new(Arc::new(folder)));
    builder.set_validation(AnyName);
    builder.set_route(ReadOnly);
    let service = HandleError::new(builder.build(), |error: HttpError| async move {
        tracing::error!(?error, "the S3 service failed");
        StatusCode::INTERNAL_SERVER_ERROR
    });
    let requests = Arc::new(AtomicU64::new(1));
    Ok(Router::new()
        .fallback_service(service)
        .layer(map_request(without_signature))
        .layer(from_fn_with_state(callers.clone(), check_caller))
        .layer(map_response(move |response| {
            let requests = Arc::clone(&requests);
            async move { with_request_id(response, &requests) }
        }))
        .layer(cors(callers)))
}

/// Pages of ours may read, and may see the headers that a reader of Parquet and Delta logs needs.
fn cors(callers: Option<Callers>) -> CorsLayer {
    let origins = match callers {
        None => AllowOrigin::any(),
        Some(callers) => AllowOrigin::predicate(move |origin, _| callers.allows(origin)),
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::HEAD, Method::OPTIONS])
        // `*` would leave out Authorization, which a tab with keys sends.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([
            header::ACCEPT_RANGES,
            header::CONTENT_LENGTH,
            header::CONTENT_RANGE,
            header::CONTENT_TYPE,
            header::DATE,
            header::ETAG,
            header::LAST_MODIFIED,
            REQUEST_ID,
        ])
        .max_age(Duration::from_secs(3600))
}

/// Reads are public, so there is no key to check a signature against.
async fn without_signature(mut request: Request) -> Request {
    request.headers_mut().remove(header::AUTHORIZATION);
    request
}

fn with_request_id(mut response: Response, requests: &AtomicU64) -> Response {
    let id = format!("{:016X}", requests.fetch_add(1, Ordering::Relaxed));
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}
