//! The state that all of an engine's parts share.

use std::sync::Arc;

use delta_transaction::Environment;

use crate::catalog::Catalog;
use crate::catalog::snapshots::Snapshots;
use crate::host::{EngineOptions, Stores};
use crate::run::statement_context::StatementContext;
use crate::run::yielding::YieldTimer;
use crate::scan::footers::Footers;
use crate::session::Session;

/// Caches, session and options of an engine; its clones share one.
#[derive(Debug)]
pub(crate) struct EngineCore {
    pub environment: Arc<dyn Environment>,
    pub yield_timer: Arc<YieldTimer>,
    pub catalog: Catalog,
    pub session: Arc<Session>,
    pub snapshots: Arc<Snapshots>,
    pub footers: Arc<Footers>,
}

impl EngineCore {
    /// The state of an engine that has read nothing yet.
    pub fn new(options: EngineOptions) -> Self {
        let EngineOptions {
            memory_limit,
            stores,
            environment,
            scheduler,
        } = options;
        Self {
            environment,
            yield_timer: Arc::new(YieldTimer::new(scheduler)),
            catalog: Catalog::new(stores),
            session: Arc::new(Session::new(memory_limit)),
            snapshots: Arc::default(),
            footers: Arc::default(),
        }
    }

    /// The state of an engine in a session over other stores, whose tables may be other ones.
    pub fn over(&self, stores: Arc<dyn Stores>, session: Arc<Session>) -> Self {
        Self {
            environment: Arc::clone(&self.environment),
            yield_timer: Arc::clone(&self.yield_timer),
            catalog: Catalog::new(stores),
            session,
            snapshots: Arc::new(self.snapshots.copy()),
            footers: Arc::clone(&self.footers),
        }
    }

    /// A context for one statement, over the engine's caches.
    pub fn statement_context(&self) -> Arc<StatementContext> {
        Arc::new(StatementContext::new(
            Arc::clone(&self.footers),
            Arc::clone(&self.snapshots),
        ))
    }
}
