//! object_store's HTTP over the browser's `fetch`.
//!
//! Why not object_store's own (reqwest): it knows nothing of what a browser asks for. A request that
//! carries any header beside `Range` costs an anonymous reader a CORS preflight; a dropped future
//! must end its download; retries need a timer that exists here; and the browser's HTTP cache must
//! be kept out ([`crate::fetch`] says why).

use async_trait::async_trait;
use http::header::{AUTHORIZATION, RANGE};
use messages::Error;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use send_wrapper::SendWrapper;
use url::Url;
use wasm_bindgen::JsValue;
use web_sys::RequestMode;

use crate::fetch::{Exchange, FetchError, Fetched, fetch};
use crate::timer::{scope, sleep};

/// Pauses before the second and third try, in milliseconds; up to as much again is added by chance,
/// so that the requests of one query do not come back all at once.
const PAUSES: [u32; 2] = [100, 400];

/// Makes object_store's clients use [`FetchService`].
#[derive(Debug, Default, Clone, Copy)]
pub struct FetchConnector;

impl HttpConnector for FetchConnector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(FetchService))
    }
}

/// Sends requests with `fetch`; those that fail for a passing reason are sent again.
///
/// Failures carry a [`messages::Error`] as the source of the [`HttpError`].
#[derive(Debug, Default, Clone, Copy)]
pub struct FetchService;

#[async_trait]
impl HttpService for FetchService {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        // One thread: nothing of JavaScript's ever leaves it.
        SendWrapper::new(send(request)).await
    }
}

async fn send(request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let url = request.uri().to_string();
    let signed = request.headers().contains_key(AUTHORIZATION);
    // Requests that write are the commit proxy's, which takes them again: an object is recognised by its
    // bytes, a commit by its statement.
    let body = request.body().as_bytes().cloned();
    let body = body.filter(|body| !body.is_empty());
    let body = body.map(|bytes| js_sys::Uint8Array::from(bytes.as_ref()).into());

    let mut tries = PAUSES.into_iter();
    loop {
        let outcome = fetch(exchange(&request, &url, body.clone())).await;
        let passing = match &outcome {
            Ok(Fetched { status, .. }) => status.is_server_error() || status.as_u16() == 429,
            Err(error) => is_passing(error),
        };
        match (outcome, tries.next()) {
            (_, Some(pause)) if passing => sleep(pause + jitter(pause)).await,
            (Ok(fetched), _) => return Ok(response(fetched)),
            (Err(error), _) => return Err(failure(&url, signed, error).await),
        }
    }
}

/// The request as the browser gets it.
fn exchange<'a>(request: &'a HttpRequest, url: &'a str, body: Option<JsValue>) -> Exchange<'a> {
    let headers = request
        .headers()
        .iter()
        // The browser sets these itself, and refuses them or asks for a preflight when we do.
        .filter(|(name, _)| !matches!(name.as_str(), "host" | "user-agent" | "content-length"))
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect();
    let range = request
        .headers()
        .get(RANGE)
        .and_then(|value| value.to_str().ok()?.strip_prefix("bytes=")?.split_once('-'))
        .and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    Exchange {
        method: request.method().as_str(),
        headers,
        range,
        stall_limit: match body {
            // Large objects take their time.
            Some(_) => None,
            None => Exchange::get(url).stall_limit,
        },
        body,
        ..Exchange::get(url)
    }
}

/// Whether the same request may succeed a moment later.
fn is_passing(error: &FetchError) -> bool {
    match error {
        FetchError::NoAnswer(_) | FetchError::BrokeOff { .. } | FetchError::Truncated { .. } => {
            true
        }
        // Waiting once was long enough; what a server cannot do it will not learn.
        FetchError::Stalled(_) | FetchError::RangeIgnored | FetchError::WrongRange { .. } => false,
    }
}

fn jitter(pause: u32) -> u32 {
    (js_sys::Math::random() * f64::from(pause)) as u32
}

fn response(fetched: Fetched) -> HttpResponse {
    let mut response = HttpResponse::new(fetched.body.into());
    *response.status_mut() = fetched.status;
    *response.headers_mut() = fetched.headers;
    response
}

/// The failure in words for a person. object_store keeps it as the innermost source of its error.
async fn failure(url: &str, signed: bool, error: FetchError) -> HttpError {
    let (kind, error) = match error {
        FetchError::NoAnswer(_) => (HttpErrorKind::Connect, unreachable(url, signed).await),
        FetchError::BrokeOff { .. } | FetchError::Truncated { .. } | FetchError::Stalled(_) => {
            let error = Error::new("STORE_RESPONSE_INCOMPLETE", format!("reading {url}: {error}"))
                .with_hint("The connection or the server failed while it answered; nothing of this response was used. Run the statement again.");
            (HttpErrorKind::Interrupted, error)
        }
        FetchError::RangeIgnored | FetchError::WrongRange { .. } => {
            let error = Error::new("STORE_RANGES_UNSUPPORTED", format!("reading {url}: {error}"))
                .with_hint("Host the table on a server that supports HTTP range requests: S3, MinIO, nginx, Caddy.");
            (HttpErrorKind::Decode, error)
        }
    };
    HttpError::new(kind, error)
}

/// Why nothing came from `url`. Browsers hide the reason from scripts; a request that asks for no
/// access tells a server that is down from one that does not let this page read.
async fn unreachable(url: &str, signed: bool) -> Error {
    let origin =
        Url::parse(url).map_or_else(|_| url.to_owned(), |u| u.origin().ascii_serialization());
    let page = scope().origin();
    let error = |message: String| Error::new("STORE_UNREACHABLE", message);
    if page.starts_with("https:") && url.starts_with("http:") {
        let ask = format!("cannot reach {origin} from {page}");
        return error(ask).with_hint(
            "A page that came over https may not read over http (except from this computer). Give the store https, or open the page over http.",
        );
    }
    let probe = Exchange {
        mode: RequestMode::NoCors,
        ..Exchange::get(url)
    };
    if fetch(probe).await.is_err() {
        return error(format!("cannot reach {origin}: nothing answers there"))
            .with_hint("Is the server running, and is the address right? The statement works again as soon as the server does.");
    }
    let headers = if signed {
        ", and Access-Control-Allow-Headers with authorization, range, x-amz-date, x-amz-content-sha256 and x-amz-security-token"
    } else {
        ""
    };
    error(format!("{origin} answers, but does not allow pages of {page} to read (CORS)")).with_hint(
        format!("Set up CORS on the server: Access-Control-Allow-Origin with {page} or *, Access-Control-Expose-Headers with ETag and Content-Range{headers}."),
    )
}
