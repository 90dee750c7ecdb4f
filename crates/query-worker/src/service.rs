//! The worker's requests: what runs, what waits, what is asked beside a script.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use futures::future::{AbortHandle, Abortable, Aborted};
use messages::Error;
use messages::connection::Connection;
use messages::engine::{FromWorker, RequestId, ToWorker};
use wasm_bindgen_futures::spawn_local;

use crate::credit::Credit;
use crate::run::Run;
use crate::session::{Outbox, Session};
use crate::timer::MacrotaskScheduler;

/// The worker's side of [`messages::engine`], for one page: runs scripts one after the other, and
/// answers the other requests beside them.
pub struct Service {
    state: Rc<State>,
}

struct State {
    outbox: Outbox,
    /// Bytes of the query memory pool.
    memory_limit: usize,
    scheduler: Arc<MacrotaskScheduler>,
    session: RefCell<Option<Rc<Session>>>,
    waiting: RefCell<VecDeque<(Run, Rc<Session>)>>,
    running: RefCell<Option<Running>>,
}

struct Running {
    id: RequestId,
    credit: Rc<Credit>,
    abort: AbortHandle,
}

impl Service {
    /// A service that is not connected yet. `memory_limit`: of the query memory pool, in bytes.
    pub fn new(outbox: Outbox, memory_limit: usize, scheduler: MacrotaskScheduler) -> Self {
        let state = State {
            outbox,
            memory_limit,
            scheduler: Arc::new(scheduler),
            session: RefCell::default(),
            waiting: RefCell::default(),
            running: RefCell::default(),
        };
        Self {
            state: Rc::new(state),
        }
    }

    /// Handles a message of the page. The answers go to the outbox, at once or later.
    pub fn handle(&self, message: ToWorker) {
        match message {
            ToWorker::Connect { connection, proxy } => {
                self.state.connect(connection, proxy.as_deref());
            }
            ToWorker::Run { id, sql, credit } => {
                let Some(session) = self.session_for(id) else {
                    return;
                };
                let run = Run {
                    id,
                    sql,
                    credit: Rc::new(Credit::new(credit)),
                };
                self.state.waiting.borrow_mut().push_back((run, session));
                if self.state.running.borrow().is_none() {
                    State::run_next(&self.state);
                }
            }
            ToWorker::Credit { id, batches } => self.state.grant(id, batches),
            ToWorker::Cancel { id } => self.state.cancel(id),
            ToWorker::ListFolder { id, bucket, path } => {
                let Some(session) = self.session_for(id) else {
                    return;
                };
                let outbox = self.state.outbox.clone();
                spawn_local(async move {
                    outbox.post(&match session.engine.list_folder(&bucket, &path).await {
                        Ok(listing) => FromWorker::Folder { id, listing },
                        Err(error) => FromWorker::Failed {
                            id,
                            index: None,
                            error,
                        },
                    });
                });
            }
            ToWorker::Describe { id, location } => {
                let Some(session) = self.session_for(id) else {
                    return;
                };
                let outbox = self.state.outbox.clone();
                spawn_local(async move {
                    outbox.post(&match session.engine.describe(&location).await {
                        Ok(table) => FromWorker::Described {
                            id,
                            table: Box::new(table),
                        },
                        Err(error) => FromWorker::Failed {
                            id,
                            index: None,
                            error,
                        },
                    });
                });
            }
        }
    }

    /// The session for request `id`, which is refused where there is none.
    fn session_for(&self, id: RequestId) -> Option<Rc<Session>> {
        let session = self.state.session.borrow().clone();
        if session.is_none() {
            let error = Error::new("NOT_CONNECTED", "no store is connected")
                .with_hint("Connect to a store first.");
            self.state.outbox.post(&FromWorker::Failed {
                id,
                index: None,
                error,
            });
        }
        session
    }
}

impl State {
    fn connect(&self, connection: Connection, proxy: Option<&str>) {
        let scheduler = Arc::clone(&self.scheduler);
        let session = Session::new(connection, proxy, self.memory_limit, scheduler);
        self.session.replace(Some(Rc::new(session)));
    }

    fn run_next(state: &Rc<Self>) {
        let Some((run, session)) = state.waiting.borrow_mut().pop_front() else {
            return;
        };
        let (abort, registration) = AbortHandle::new_pair();
        let running = Running {
            id: run.id,
            credit: Rc::clone(&run.credit),
            abort,
        };
        state.running.replace(Some(running));
        let state = Rc::clone(state);
        spawn_local(async move {
            let finished = Abortable::new(run.run(&session, &state.outbox), registration).await;
            state.running.take();
            if let Err(Aborted) = finished {
                state.outbox.post(&session.cancelled(run.id));
            }
            Self::run_next(&state);
        });
    }

    fn grant(&self, id: RequestId, batches: u32) {
        if let Some(running) = self
            .running
            .borrow()
            .as_ref()
            .filter(|running| running.id == id)
        {
            running.credit.grant(batches);
        }
        if let Some((run, _)) = self.waiting.borrow().iter().find(|(run, _)| run.id == id) {
            run.credit.grant(batches);
        }
    }

    fn cancel(&self, id: RequestId) {
        if let Some(running) = self
            .running
            .borrow()
            .as_ref()
            .filter(|running| running.id == id)
        {
            // The run's task wakes, drops the statement with its requests, and tells the page.
            running.abort.abort();
            return;
        }
        let waiting = self
            .waiting
            .borrow()
            .iter()
            .position(|(run, _)| run.id == id);
        if let Some(position) = waiting {
            self.waiting.borrow_mut().remove(position);
            self.outbox.post(&FromWorker::Cancelled { id });
        }
    }
}
