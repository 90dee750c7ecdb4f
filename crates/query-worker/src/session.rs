//! An engine on one connection, and the way back to the page.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use messages::Error;
use messages::connection::Connection;
use messages::engine::{Attempt, FromWorker, RequestId};
use messages::proxy::{COMMIT_OUTCOME_UNKNOWN, LOOK_AT_HISTORY};
use overlay_store::DEFAULT_LIMIT;
use query_engine::{Engine, EngineOptions, Stores};
use url::Url;

use crate::environment::BrowserEnvironment;
use crate::sandbox::stores::OverlaidStores;
use crate::sandbox::tab::Sandbox;
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
    engine: RefCell<Engine>,
    pub scheduler: Arc<MacrotaskScheduler>,
    /// Where writes go, if they stay in the tab.
    pub sandbox: Option<Rc<Sandbox>>,
    /// What lies below a sandbox, or is written directly.
    direct: Arc<FetchStores>,
    commits_in_flight: Arc<AtomicUsize>,
}

impl Session {
    /// `sandbox`: where writes go; without one they go through the commit proxy, if there is one.
    pub fn new(
        direct: Arc<FetchStores>,
        sandbox: Option<Rc<Sandbox>>,
        memory_limit: usize,
        scheduler: Arc<MacrotaskScheduler>,
    ) -> Self {
        let commits_in_flight = direct.commits_in_flight();
        let engine = Engine::new(EngineOptions {
            memory_limit,
            stores: stores(&direct, sandbox.as_deref()),
            environment: Arc::new(BrowserEnvironment),
            scheduler: Arc::clone(&scheduler) as _,
        });
        Self {
            engine: RefCell::new(engine),
            scheduler,
            sandbox,
            direct,
            commits_in_flight,
        }
    }

    /// The engine.
    pub fn engine(&self) -> Engine {
        self.engine.borrow().clone()
    }

    /// Waits until what the browser has kept of the sandbox is there.
    pub async fn opened(&self) {
        if let Some(sandbox) = &self.sandbox {
            sandbox.opened().await;
        }
    }

    /// A session whose writes change nothing here: for a preview.
    pub fn fork(&self) -> Self {
        let fork = match &self.sandbox {
            Some(sandbox) => sandbox.fork(),
            None => Sandbox::above(Arc::clone(&self.direct), DEFAULT_LIMIT),
        };
        Self {
            engine: RefCell::new(self.engine().fork(stores(&self.direct, Some(&fork)))),
            scheduler: Arc::clone(&self.scheduler),
            sandbox: Some(Rc::new(fork)),
            direct: Arc::clone(&self.direct),
            commits_in_flight: Arc::default(),
        }
    }

    /// Forgets what is known of tables, after the sandbox was made another one; views and options are
    /// those of the session `from`.
    pub fn renew(&self, from: &Self) {
        let renewed = from
            .engine()
            .over(stores(&self.direct, self.sandbox.as_deref()));
        self.engine.replace(renewed);
    }

    /// The last message of a run that was cancelled: a commit that is already with the proxy may still
    /// be made.
    ///
    /// `index`, `attempt`: of the statement that ran.
    pub fn cancelled(
        &self,
        id: RequestId,
        index: Option<u32>,
        attempt: Option<Attempt>,
    ) -> FromWorker {
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
            index,
            error,
            attempt,
        }
    }
}

/// The stores as the engine has them.
fn stores(direct: &Arc<FetchStores>, sandbox: Option<&Sandbox>) -> Arc<dyn Stores> {
    match sandbox {
        None => Arc::clone(direct) as _,
        Some(sandbox) => Arc::new(OverlaidStores {
            overlay: sandbox.overlay().clone(),
            buckets: direct.buckets(),
        }),
    }
}

/// The stores of a connection. `proxy`: URL of the folder that the commit proxy's routes are in, relative
/// to the worker's script or absolute.
pub(crate) fn direct_stores(connection: Connection, proxy: Option<&str>) -> Arc<FetchStores> {
    let stores = FetchStores::new(connection);
    Arc::new(match proxy.map(|url| (url, resolve(url))) {
        None => stores,
        Some((_, Ok(url))) => stores.through(url.as_str().trim_end_matches('/')),
        Some((url, Err(error))) => {
            // Statements that write are then refused as on a read-only connection.
            web_sys::console::error_1(&format!("no commits to {url}: {error}").into());
            stores
        }
    })
}

/// Relative URLs are relative to the worker's script.
fn resolve(url: &str) -> Result<Url, url::ParseError> {
    let base = Url::parse(&scope().location().href()).ok();
    Url::options()
        .base_url(base.as_ref().filter(|base| !base.cannot_be_a_base()))
        .parse(url)
}
