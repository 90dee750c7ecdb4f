//! Who may read the store.

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_guard::{Callers, NotOurs};

/// What a store answers, and to whom.
#[derive(Debug, Clone)]
pub struct Access {
    /// Under which names, and from whose pages, the store may be read; `None`: all of them.
    pub callers: Option<Callers>,
    /// Names of the buckets that are served. Other folders are not there.
    pub buckets: Vec<String>,
}

/// Refuses requests for another host and those of foreign pages, as S3 refuses: in XML.
pub(crate) async fn check_caller(
    State(callers): State<Option<Callers>>,
    request: Request,
    next: Next,
) -> Response {
    let checked = callers.map_or(Ok(()), |callers| {
        callers.check(request.headers(), request.uri())
    });
    let (status, message) = match checked {
        Ok(()) => return next.run(request).await,
        // What they hold is not repeated: it would have to be escaped.
        Err(NotOurs::Host(_)) => (
            StatusCode::MISDIRECTED_REQUEST,
            "This store is not known under that name",
        ),
        Err(NotOurs::Origin(_)) => (
            StatusCode::FORBIDDEN,
            "Pages of that origin may not read this store",
        ),
    };
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>AccessDenied</Code><Message>{message}</Message></Error>"
    );
    (status, [(header::CONTENT_TYPE, "application/xml")], xml).into_response()
}
