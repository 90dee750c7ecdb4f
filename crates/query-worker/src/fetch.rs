//! One HTTP exchange over the browser's `fetch`: whole body or error, and nothing left running
//! when the future is dropped.
//!
//! All go past the browser's HTTP cache. A stale listing, commit or hint would hide new versions,
//! and a table that was dropped and made again has other commits under the same names. For data
//! files, which never change, it would be safe but slow: Chromium lets only one request at a time
//! into the cache entry of a URL, so ranges of one file wait for each other (six of them, 150 ms
//! away: 1.0 s instead of 0.3 s). `no-store` costs no preflight.

use bytes::Bytes;
use futures::future::{Either, select};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, ReadableStreamDefaultReader, RequestCache, RequestCredentials, RequestInit,
    RequestMode, Response,
};

use crate::timer::{scope, sleep};

/// A server that sends nothing for this long is given up, in milliseconds. Generous, since the time
/// that a request spends in the browser's queue counts as well.
const STALL_LIMIT: u32 = 120_000;

/// A request for [`fetch`].
pub(crate) struct Exchange<'a> {
    pub method: &'a str,
    pub url: &'a str,
    /// Names and values, as they go to the browser.
    pub headers: Vec<(&'a str, &'a str)>,
    pub body: Option<JsValue>,
    /// `no-cors` asks whether somebody answers at all; the answer stays hidden.
    pub mode: RequestMode,
    /// The `range` header's first and last byte: a 206 must then hold exactly these.
    pub range: Option<(u64, u64)>,
    /// Milliseconds without a sign of life after which the exchange fails; `None` waits for ever.
    pub stall_limit: Option<u32>,
}

impl<'a> Exchange<'a> {
    /// A plain GET.
    pub fn get(url: &'a str) -> Self {
        Self {
            method: "GET",
            url,
            headers: Vec::new(),
            body: None,
            mode: RequestMode::Cors,
            range: None,
            stall_limit: Some(STALL_LIMIT),
        }
    }
}

/// A response whose body has arrived whole.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// The browser tells scripts no more than this: refused, unknown host, cut, or CORS.
    #[error("no answer ({0})")]
    NoAnswer(String),
    #[error("the response broke off after {received} bytes ({reason})")]
    BrokeOff { received: u64, reason: String },
    #[error("the response has {received} bytes of {expected}")]
    Truncated { expected: u64, received: u64 },
    #[error("nothing came for {} s", .0 / 1000)]
    Stalled(u32),
    #[error("the server answers ranged requests with whole files")]
    RangeIgnored,
    #[error("the server answers bytes {got}, asked were {first}-{last}")]
    WrongRange { first: u64, last: u64, got: String },
}

/// Aborts the exchange when dropped, so that a cancelled query frees its connections at once.
struct AbortOnDrop(AbortController);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        // After the body has arrived this does nothing.
        self.0.abort();
    }
}

/// Sends `exchange` and reads the response to its end.
pub(crate) async fn fetch(exchange: Exchange<'_>) -> Result<Fetched, FetchError> {
    let no_answer = |error: JsValue| FetchError::NoAnswer(describe(&error));
    let abort = AbortOnDrop(AbortController::new().map_err(no_answer)?);
    let init = RequestInit::new();
    init.set_method(exchange.method);
    init.set_cache(RequestCache::NoStore);
    init.set_mode(exchange.mode);
    // No cookies to strangers: a store knows us by our signature or not at all.
    init.set_credentials(RequestCredentials::SameOrigin);
    init.set_signal(Some(&abort.0.signal()));
    init.set_headers(&header_pairs(&exchange.headers));
    if let Some(body) = &exchange.body {
        init.set_body(body);
    }
    let promise = scope().fetch_with_str_and_init(exchange.url, &init);
    let response: Response = within(exchange.stall_limit, promise)
        .await?
        .map_err(no_answer)?
        .unchecked_into();

    // Opaque responses have status 0; that there is one is all one can know.
    let status = StatusCode::from_u16(response.status()).unwrap_or(StatusCode::OK);
    let mut headers = read_headers(&response);
    if exchange.range.is_some() && status == StatusCode::OK {
        return Err(FetchError::RangeIgnored);
    }
    let announced = announced_length(&headers);
    let body = read_body(&response, announced, exchange.stall_limit).await;
    let body = match body {
        // What is wrong with the request is told by the status; the text is for people.
        Err(_) if !status.is_success() => Bytes::new(),
        other => other?,
    };
    if exchange.method != "GET" {
        return Ok(Fetched {
            status,
            headers,
            body,
        });
    }
    if status.is_success() {
        let received = body.len() as u64;
        if let Some(expected) = announced.filter(|expected| received < *expected) {
            return Err(FetchError::Truncated { expected, received });
        }
        if let (StatusCode::PARTIAL_CONTENT, Some((first, last))) = (status, exchange.range) {
            check_range(&mut headers, first, last, received)?;
        }
    }
    // A compressed or chunked body's length is known only now.
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    Ok(Fetched {
        status,
        headers,
        body,
    })
}

/// The bytes that the body must have, where the server tells. A compressed body's length says
/// nothing about what the browser hands out.
fn announced_length(headers: &HeaderMap) -> Option<u64> {
    if headers.contains_key(CONTENT_ENCODING) {
        return None;
    }
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Checks that a 206 holds what was asked for, as far as the file reaches.
///
/// A server that does not list `Content-Range` among the exposed headers is read all the same,
/// where the length leaves no doubt.
fn check_range(
    headers: &mut HeaderMap,
    first: u64,
    last: u64,
    received: u64,
) -> Result<(), FetchError> {
    let shown = headers
        .get(CONTENT_RANGE)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let Some(shown) = shown else {
        let expected = last - first + 1;
        if received != expected {
            return Err(FetchError::Truncated { expected, received });
        }
        // The file's size is not known; it reaches at least this far, and nobody asks for more.
        let range = format!("bytes {first}-{last}/{}", last + 1);
        if let Ok(value) = HeaderValue::from_str(&range) {
            headers.insert(CONTENT_RANGE, value);
        }
        return Ok(());
    };
    let wrong = || FetchError::WrongRange {
        first,
        last,
        got: shown.clone(),
    };
    let (range, _size) = shown
        .trim()
        .strip_prefix("bytes ")
        .and_then(|rest| rest.split_once('/'))
        .ok_or_else(wrong)?;
    let (start, end) = range.split_once('-').ok_or_else(wrong)?;
    let start: u64 = start.parse().map_err(|_| wrong())?;
    let end: u64 = end.parse().map_err(|_| wrong())?;
    if start != first || end > last || end < start {
        return Err(wrong());
    }
    let expected = end - start + 1;
    if received != expected {
        return Err(FetchError::Truncated { expected, received });
    }
    Ok(())
}

async fn read_body(
    response: &Response,
    announced: Option<u64>,
    stall_limit: Option<u32>,
) -> Result<Bytes, FetchError> {
    let Some(stream) = response.body() else {
        return Ok(Bytes::new());
    };
    let mut body = Vec::new();
    // Announced by a stranger: reserve, but never fail for it.
    let _ = body.try_reserve_exact(announced.and_then(|n| usize::try_from(n).ok()).unwrap_or(0));
    let broke_off = |body: &Vec<u8>, error: &JsValue| FetchError::BrokeOff {
        received: body.len() as u64,
        reason: describe(error),
    };
    let reader = ReadableStreamDefaultReader::new(&stream).map_err(|e| broke_off(&body, &e))?;
    loop {
        let chunk = within(stall_limit, reader.read())
            .await?
            .map_err(|e| broke_off(&body, &e))?;
        if Reflect::get(&chunk, &"done".into()).is_ok_and(|done| done.is_truthy()) {
            return Ok(body.into());
        }
        let value = Reflect::get(&chunk, &"value".into()).map_err(|e| broke_off(&body, &e))?;
        let bytes: Uint8Array = value.unchecked_into();
        let start = body.len();
        body.resize(start + bytes.length() as usize, 0);
        bytes.copy_to(&mut body[start..]);
    }
}

/// Awaits `promise`, but not for ever.
async fn within(
    stall_limit: Option<u32>,
    promise: js_sys::Promise,
) -> Result<Result<JsValue, JsValue>, FetchError> {
    let promise = JsFuture::from(promise);
    let Some(limit) = stall_limit else {
        return Ok(promise.await);
    };
    match select(promise, sleep(limit)).await {
        Either::Left((settled, _)) => Ok(settled),
        Either::Right(_) => Err(FetchError::Stalled(limit)),
    }
}

fn header_pairs(headers: &[(&str, &str)]) -> JsValue {
    headers
        .iter()
        .map(|(name, value)| Array::of2(&JsValue::from_str(name), &JsValue::from_str(value)))
        .collect::<Array>()
        .into()
}

/// The headers that CORS lets us see.
fn read_headers(response: &Response) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for entry in response.headers().entries() {
        let Ok(pair) = entry.map(|pair| Array::from(&pair)) else {
            continue;
        };
        let (Some(name), Some(value)) = (pair.get(0).as_string(), pair.get(1).as_string()) else {
            continue;
        };
        if let (Ok(name), Ok(value)) = (
            HeaderName::try_from(name),
            HeaderValue::from_bytes(value.as_bytes()),
        ) {
            headers.append(name, value);
        }
    }
    headers
}

/// Text of a value that JavaScript threw.
pub(crate) fn describe(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => format!("{error:?}"),
    }
}
