//! An engine on one connection, and the way back to the page.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use messages::Error;
use messages::connection::Connection;
use messages::engine::{FromWorker, RequestId};
use messages::proxy::{COMMIT_OUTCOME_UNKNOWN, LOOK_AT_HISTORY};
use query_engine::{Engine, EngineOptions};
use url::Url;

use crate::environment::BrowserEnvironment;
use crate::stores::FetchStores;
use crate::timer::{MacrotaskScheduler, scope};

/// Sends messages to the page, each with the bytes that go with it. Clones send to the same page.
#[derive(Clone)]
pub struct Outbox(Rc<Post>);

type Post = dyn Fn(&FromWorker, Option<&[u8]>);

impl Outbox {
    /// An outbox that hands each message, and the bytes of a [`FromWorker::Batch`], to `send`.
    pub fn new(send: impl Fn(&FromWorker, Option<&[u8]>) + 'static) -> Self {
        Self(Rc::new(send))
    }

    pub(crate) fn post(&self, message: &FromWorker) {
        (self.0)(message, None);
    }

    pub(crate) fn post_rows(&self, message: &FromWorker, bytes: &[u8]) {
        (self.0)(message, Some(bytes));
    }
}

/// An engine on one connection. A run stays in the session in which it was asked for, also after
/// the page has connected to another store.
pub(crate) struct Session {
    pub engine: Engine,
    pub scheduler: Arc<MacrotaskScheduler>,
    commits_in_flight: Arc<AtomicUsize>,
}

impl Session {
    /// `proxy`: URL of the folder that the commit proxy's routes are in, relative to the worker's
    /// script or absolute.
    pub fn new(
        connection: Connection,
        proxy: Option<&str>,
        memory_limit: usize,
        scheduler: Arc<MacrotaskScheduler>,
    ) -> Self {
        let stores = FetchStores::new(connection);
        let stores = match proxy.map(|url| (url, resolve(url))) {
            None => stores,
            Some((_, Ok(url))) => stores.through(url.as_str().trim_end_matches('/')),
            Some((url, Err(error))) => {
                // Statements that write are then refused as on a read-only connection.
                web_sys::console::error_1(&format!("no commits to {url}: {error}").into());
                stores
            }
        };
        let commits_in_flight = stores.commits_in_flight();
        let engine = Engine::new(EngineOptions {
            memory_limit,
            stores: Arc::new(stores),
            environment: Arc::new(BrowserEnvironment),
            scheduler: Arc::clone(&scheduler) as _,
        });
        Self {
            engine,
            scheduler,
            commits_in_flight,
        }
    }

    /// The last message of run `id`, which was cancelled: a commit that is already with the proxy
    /// may still be made.
    pub fn cancelled(&self, id: RequestId) -> FromWorker {
        if self.commits_in_flight.load(Ordering::Relaxed) == 0 {
            return FromWorker::Cancelled { id };
        }
        let error = Error::new(
            COMMIT_OUTCOME_UNKNOWN,
            "the write was already with the commit proxy when it was cancelled: it may still be made",
        )
        .with_hint(LOOK_AT_HISTORY);
        FromWorker::Failed {
            id,
            index: None,
            error,
        }
    }
}

/// Relative URLs are relative to the worker's script.
fn resolve(url: &str) -> Result<Url, url::ParseError> {
    let base = Url::parse(&scope().location().href()).ok();
    Url::options()
        .base_url(base.as_ref().filter(|base| !base.cannot_be_a_base()))
        .parse(url)
}
