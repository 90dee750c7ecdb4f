//! Commits, from the tab to the proxy. See [`messages::commit`] for the request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::channel::oneshot;
use js_sys::{Array, Uint8Array};
use messages::Error;
use messages::commit::{CommitOutcome, CommitRequest};
use messages::commit_http::{Part, REQUEST, SOURCE, outcome_unknown, read_answer, unreachable};
use query_engine::Committer;
use url::Url;
use wasm_bindgen::JsValue;
use web_sys::{Blob, BlobPropertyBag, FormData};

use crate::fetch::{Exchange, FetchError, Fetched, describe, fetch};

/// Timeout of the health check before a commit, in milliseconds.
const HEALTH_LIMIT: u32 = 10_000;

/// Sends commits to `lakeglass serve`.
///
/// A commit is sent once: a second try could make the write twice.
#[derive(Debug)]
pub struct FetchCommitter {
    commit_url: Url,
    sent: Arc<AtomicUsize>,
}

impl FetchCommitter {
    /// A committer for the endpoint at `commit_url`, an absolute URL; its `health` endpoint is a sibling.
    pub fn new(commit_url: Url) -> Self {
        Self {
            commit_url,
            sent: Arc::default(),
        }
    }

    /// Number of commits that have been sent and not been answered. While it is above zero, a statement
    /// that is cancelled may still commit.
    pub fn in_flight(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.sent)
    }
}

#[async_trait]
impl Committer for FetchCommitter {
    async fn commit(
        &self,
        request: CommitRequest,
        source: Option<Bytes>,
    ) -> Result<CommitOutcome, Error> {
        let (sender, answer) = oneshot::channel();
        let url = self.commit_url.clone();
        let sent = Arc::clone(&self.sent);
        // On its own, so that a cancelled statement does not cut a commit's connection: the proxy
        // finishes what it has begun.
        wasm_bindgen_futures::spawn_local(async move {
            let ready = prepare(&url, &request, source).await;
            // Cancelled before anything was sent; from here to `fetch` nobody can.
            if sender.is_canceled() {
                return;
            }
            let outcome = match ready {
                Ok(body) => {
                    sent.fetch_add(1, Ordering::Relaxed);
                    let outcome = commit(&url, body).await;
                    sent.fetch_sub(1, Ordering::Relaxed);
                    outcome
                }
                Err(error) => Err(error),
            };
            let _ = sender.send(outcome);
        });
        match answer.await {
            Ok(outcome) => outcome,
            Err(oneshot::Canceled) => Err(Error::new(
                "INTERNAL_ERROR",
                "the commit ended without an answer",
            )),
        }
    }
}

/// Everything that can fail before the commit is sent.
async fn prepare(
    url: &Url,
    request: &CommitRequest,
    source: Option<Bytes>,
) -> Result<JsValue, Error> {
    check_health(url).await?;
    form(request, source)
}

async fn commit(url: &Url, body: JsValue) -> Result<CommitOutcome, Error> {
    let exchange = Exchange {
        method: "POST",
        body: Some(body),
        // Large commits take their time.
        stall_limit: None,
        ..Exchange::get(url.as_str())
    };
    match fetch(exchange).await {
        Ok(Fetched { status, body, .. }) => read_answer(&origin(url), status.as_u16(), &body),
        Err(error) => Err(outcome_unknown(&origin(url), &error.to_string())),
    }
}

/// Asks whether the proxy is there before anything is sent, so that a proxy that is down is told
/// from one that was lost in the middle of a write.
async fn check_health(url: &Url) -> Result<(), Error> {
    let health = url.join("health").map_err(|error| {
        Error::new(
            "INVALID_CONNECTION",
            format!("`{url}` is no commit endpoint: {error}"),
        )
    })?;
    let question = Exchange {
        stall_limit: Some(HEALTH_LIMIT),
        ..Exchange::get(health.as_str())
    };
    let why = match fetch(question).await {
        Ok(Fetched { status, .. }) if status.is_success() => return Ok(()),
        Ok(Fetched { status, .. }) => format!("it answers {status}"),
        Err(FetchError::NoAnswer(_)) => {
            "nothing answers there, or it does not allow this page".to_owned()
        }
        Err(error) => error.to_string(),
    };
    Err(unreachable(&origin(url), &why))
}

/// The request as `multipart/form-data`.
fn form(request: &CommitRequest, source: Option<Bytes>) -> Result<JsValue, Error> {
    let refused = |error: JsValue| {
        Error::new(
            "INTERNAL_ERROR",
            format!("cannot form the request: {}", describe(&error)),
        )
    };
    let json = serde_json::to_vec(request).map_err(|error| {
        Error::new(
            "INTERNAL_ERROR",
            format!("cannot form the request: {error}"),
        )
    })?;
    let form = FormData::new().map_err(refused)?;
    let mut parts = vec![(REQUEST, Bytes::from(json))];
    parts.extend(source.map(|rows| (SOURCE, rows)));
    for (Part { name, media_type }, content) in parts {
        let part = blob(&content, media_type).map_err(refused)?;
        form.append_with_blob(name, &part).map_err(refused)?;
    }
    Ok(form.into())
}

fn blob(bytes: &[u8], media_type: &str) -> Result<Blob, JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type(media_type);
    let parts = Array::of1(&Uint8Array::from(bytes));
    Blob::new_with_u8_array_sequence_and_options(&parts, &options)
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}
