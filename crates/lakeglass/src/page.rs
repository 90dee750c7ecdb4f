//! The page's files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::HandlerWithoutStateExt;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use http_guard::page_policy;
use tower_http::services::ServeDir;

/// Serves the files of `folder`: `index.html` at `/`, `.br` and `.gz` neighbours to browsers that
/// take them. Files whose names carry a hash may be kept for ever; all others are asked for again,
/// and answered with 304 while they are the same.
///
/// A folder without `index.html` is no error: the page may be built while the server runs. Until
/// then `/` says what to do.
pub fn page(folder: &Path) -> Router {
    let folder: Arc<Path> = folder.into();
    let files = ServeDir::new(&folder)
        .precompressed_br()
        .precompressed_gzip()
        .fallback({
            let folder = Arc::clone(&folder);
            (move |request: Request| missing(Arc::clone(&folder), request)).into_service()
        });
    Router::new()
        .fallback_service(files)
        .layer(from_fn_with_state(folder, with_headers))
}

async fn with_headers(State(folder): State<Arc<Path>>, request: Request, next: Next) -> Response {
    let keeps = is_hashed(request.uri().path(), request.uri().query());
    let mut response = next.run(request).await;
    let found = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    let value = if keeps && found {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
    // Of an answer that says "not modified", too: a browser replaces the headers that it has kept.
    if !keeps {
        // Looked at each time: the page may be built anew while the server runs.
        let html = tokio::fs::read_to_string(folder.join("index.html")).await;
        let policy = page_policy(&html.unwrap_or_default());
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// True for a URL that changes when the content does: a name with a hash, as Trunk gives
/// (`web-0123456789abcdef_bg.wasm`), or a query that is one (`?v=0123456789abcdef`).
fn is_hashed(path: &str, query: Option<&str>) -> bool {
    let by_name = path.split('/').any(|name| {
        name.match_indices('-').any(|(dash, _)| {
            let rest = &name[dash + 1..];
            let end = rest
                .find(|c: char| !c.is_ascii_hexdigit())
                .unwrap_or(rest.len());
            end >= 16 && !rest[end..].starts_with(|c: char| c.is_ascii_alphanumeric())
        })
    });
    let by_query = query.unwrap_or_default().split('&').any(|pair| {
        pair.strip_prefix("v=").is_some_and(|version| {
            version.len() >= 8 && version.bytes().all(|b| b.is_ascii_hexdigit())
        })
    });
    by_name || by_query
}

async fn missing(folder: Arc<Path>, request: Request) -> Response {
    if folder.join("index.html").is_file() {
        return (
            StatusCode::NOT_FOUND,
            format!("{} is not here.\n", request.uri().path()),
        )
            .into_response();
    }
    let folder = std::path::absolute(&folder).unwrap_or_else(|_| PathBuf::from(&*folder));
    let folder = escaped(&folder.display().to_string());
    let text = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Lakeglass</title>\
         <body style=\"font:16px/1.5 system-ui;max-width:40rem;margin:4rem auto;padding:0 1rem\">\
         <h1>The page is not built yet</h1>\
         <p>There is no <code>index.html</code> in <code>{folder}</code>.\
         <p>Build it with <code>cargo xtask demo</code>, or name the folder of a built page with \
         <code>lakeglass serve --page DIR</code>, then reload. The server itself runs: \
         <a href=\"/api/v1/config\">/api/v1/config</a>.</html>\n"
    );
    (StatusCode::SERVICE_UNAVAILABLE, Html(text)).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_and_versions_with_a_hash_are_kept() {
        for (path, query) in [
            ("/web-0123456789abcdef.js", None),
            ("/web-0123456789abcdef_bg.wasm", None),
            ("/engine-0123456789abcdef/worker.js", None),
            (
                "/engine/worker.js",
                Some("v=0123456789abcdef&size=61000000"),
            ),
        ] {
            assert!(is_hashed(path, query), "{path} {query:?}");
        }
        for (path, query) in [
            ("/", None),
            ("/index.html", None),
            ("/web-0123.js", None),
            ("/some-0123456789abcdefghij.js", None),
            ("/worker.js", Some("v=dev")),
            ("/worker.js", Some("t=0123456789abcdef")),
        ] {
            assert!(!is_hashed(path, query), "{path} {query:?}");
        }
    }
}
