//! The worker's requests: what runs, what waits, what is asked beside a script.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use futures::future::{AbortHandle, Abortable, Aborted};
use messages::Error;
use messages::connection::Connection;
use messages::engine::{FromWorker, RequestId, ToWorker};
use messages::sandbox::SandboxOptions;
use overlay_store::Snapshot;
use wasm_bindgen_futures::spawn_local;

use crate::credit::Credit;
use crate::run::Run;
use crate::sandbox::export::export;
use crate::sandbox::tab::Sandbox;
use crate::session::{Outbox, Session, direct_stores};
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
    /// By endpoint: they outlive their connections.
    sandboxes: RefCell<HashMap<String, Rc<Sandbox>>>,
    preview: RefCell<Option<Preview>>,
    waiting: RefCell<VecDeque<(Job, Rc<Session>)>>,
    running: RefCell<Option<Running>>,
}

/// What changes the sandbox, or may: one at a time.
enum Job {
    Run(Run),
    Reset(RequestId),
    Keep { id: RequestId, run: RequestId },
}

impl Job {
    fn run(&self) -> Option<&Run> {
        match self {
            Self::Run(run) => Some(run),
            Self::Reset(_) | Self::Keep { .. } => None,
        }
    }
}

/// The last preview.
struct Preview {
    run: RequestId,
    fork: Rc<Session>,
    /// What the sandbox held when it was forked; `None` where there was no sandbox.
    before: Option<Snapshot>,
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
            sandboxes: RefCell::default(),
            preview: RefCell::default(),
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
            ToWorker::Connect {
                connection,
                proxy,
                sandbox,
            } => {
                self.state.connect(connection, proxy.as_deref(), sandbox);
            }
            ToWorker::Run {
                id,
                sql,
                credit,
                preview,
                resume,
            } => {
                let credit = Rc::new(Credit::new(credit));
                let run = Run {
                    id,
                    sql,
                    credit,
                    preview,
                    resume,
                    running: RefCell::default(),
                };
                self.queue(id, Job::Run(run));
            }
            ToWorker::Credit { id, batches } => self.state.grant(id, batches),
            ToWorker::Cancel { id } => self.state.cancel(id),
            ToWorker::ResetSandbox { id } => {
                self.state.stop(None);
                self.queue(id, Job::Reset(id));
            }
            ToWorker::KeepPreview { id, run } => {
                self.state.stop(Some(run));
                self.queue(id, Job::Keep { id, run });
            }
            ToWorker::ListFolder { id, bucket, path } => self.answer(id, async move |session| {
                let listing = session.engine().list_folder(&bucket, &path).await?;
                Ok(FromWorker::Folder { id, listing })
            }),
            ToWorker::Describe { id, location } => self.answer(id, async move |session| {
                let table = Box::new(session.engine().describe(&location).await?);
                Ok(FromWorker::Described { id, table })
            }),
            ToWorker::Export { id, location } => self.answer(id, async move |session| {
                let Some(sandbox) = &session.sandbox else {
                    return Err(no_sandbox());
                };
                let archive = export(sandbox.overlay(), &location).await?;
                Ok(FromWorker::Exported {
                    id,
                    url: archive.url,
                    name: archive.name,
                    size: archive.size,
                })
            }),
        }
    }

    /// Answers request `id` beside what runs.
    fn answer<F>(&self, id: RequestId, answer: impl FnOnce(Rc<Session>) -> F + 'static)
    where
        F: Future<Output = Result<FromWorker, Error>>,
    {
        let Some(session) = self.session_for(id) else {
            return;
        };
        let outbox = self.state.outbox.clone();
        spawn_local(async move {
            session.opened().await;
            outbox.post(
                &answer(session)
                    .await
                    .unwrap_or_else(|error| failed(id, error)),
            );
        });
    }

    /// Does a job once those before it have ended.
    fn queue(&self, id: RequestId, job: Job) {
        let Some(session) = self.session_for(id) else {
            return;
        };
        self.state.waiting.borrow_mut().push_back((job, session));
        if self.state.running.borrow().is_none() {
            State::next(&self.state);
        }
    }

    /// The session for request `id`, which is refused where there is none.
    fn session_for(&self, id: RequestId) -> Option<Rc<Session>> {
        let session = self.state.session.borrow().clone();
        if session.is_none() {
            let error = Error::new("NOT_CONNECTED", "no store is connected")
                .with_hint("Connect to a store first.");
            self.state.outbox.post(&failed(id, error));
        }
        session
    }
}

impl State {
    fn connect(
        &self,
        connection: Connection,
        proxy: Option<&str>,
        options: Option<SandboxOptions>,
    ) {
        let endpoint = connection.endpoint.clone();
        let direct = direct_stores(connection, proxy);
        let sandbox = options.map(|options| {
            let mut sandboxes = self.sandboxes.borrow_mut();
            if let Some(sandbox) = sandboxes.get(&endpoint) {
                sandbox.replace_below(Arc::clone(&direct));
                return Rc::clone(sandbox);
            }
            let sandbox = Sandbox::open(Arc::clone(&direct), options, endpoint.clone());
            sandboxes.insert(endpoint, Rc::clone(&sandbox));
            sandbox
        });
        if let Some(sandbox) = sandbox.clone() {
            let outbox = self.outbox.clone();
            spawn_local(async move {
                sandbox.opened().await;
                let state = sandbox.state();
                outbox.post(&FromWorker::Sandbox { state });
            });
        }
        let scheduler = Arc::clone(&self.scheduler);
        let session = Session::new(direct, sandbox, self.memory_limit, scheduler);
        self.session.replace(Some(Rc::new(session)));
        self.preview.take();
    }

    fn next(state: &Rc<Self>) {
        let next = state.waiting.borrow_mut().pop_front();
        match next {
            None => {}
            Some((Job::Run(run), session)) => Self::run(state, run, session),
            Some((job, session)) => {
                let state = Rc::clone(state);
                // Nothing else begins meanwhile.
                let (abort, _) = AbortHandle::new_pair();
                state.running.replace(Some(Running {
                    id: 0,
                    credit: Rc::default(),
                    abort,
                }));
                spawn_local(async move {
                    session.opened().await;
                    match job {
                        Job::Run(_) => {}
                        Job::Reset(id) => state.reset(id, &session),
                        Job::Keep { id, run } => state.keep(id, run, &session),
                    }
                    state.running.take();
                    Self::next(&state);
                });
            }
        }
    }

    fn run(state: &Rc<Self>, run: Run, session: Rc<Session>) {
        let (abort, registration) = AbortHandle::new_pair();
        let running = Running {
            id: run.id,
            credit: Rc::clone(&run.credit),
            abort,
        };
        state.running.replace(Some(running));
        let state = Rc::clone(state);
        spawn_local(async move {
            let on = if run.preview {
                session.opened().await;
                state.fork(run.id, &session)
            } else {
                session
            };
            let finished = Abortable::new(run.run(&on, &state.outbox), registration).await;
            state.running.take();
            if let Err(Aborted) = finished {
                let (index, attempt) = run.current();
                state.outbox.post(&on.cancelled(run.id, index, attempt));
            }
            Self::next(&state);
        });
    }

    /// A fork for a preview, which takes the place of the one before.
    fn fork(&self, run: RequestId, session: &Session) -> Rc<Session> {
        let sandbox = session.sandbox.as_ref();
        let before = sandbox.map(|sandbox| sandbox.overlay().snapshot());
        let fork = Rc::new(session.fork());
        self.preview.replace(Some(Preview {
            run,
            fork: Rc::clone(&fork),
            before,
        }));
        fork
    }

    fn reset(&self, id: RequestId, session: &Session) {
        let Some(sandbox) = &session.sandbox else {
            return self.outbox.post(&failed(id, no_sandbox()));
        };
        self.preview.take();
        sandbox.reset();
        session.renew(session);
        let state = sandbox.state();
        self.outbox.post(&FromWorker::Sandbox { state });
        self.outbox.post(&FromWorker::SandboxReset { id });
    }

    fn keep(&self, id: RequestId, run: RequestId, session: &Session) {
        let preview = self.preview.take().filter(|preview| preview.run == run);
        let kept = preview.is_some_and(|preview| {
            let (Some(sandbox), Some(fork)) = (&session.sandbox, &preview.fork.sandbox) else {
                return false;
            };
            let before = preview.before.as_ref();
            let kept = before.is_some_and(|before| sandbox.replace(before, fork));
            if kept {
                session.renew(&preview.fork);
            }
            kept
        });
        let (true, Some(sandbox)) = (kept, &session.sandbox) else {
            let message = "The sandbox has changed since the preview, which shows what the statement did before.";
            let error = Error::new("PREVIEW_OUTDATED", message)
                .with_hint("Nothing was written. Preview the statement again, or run it.");
            return self.outbox.post(&failed(id, error));
        };
        let state = sandbox.state();
        self.outbox.post(&FromWorker::Sandbox { state });
        self.outbox.post(&FromWorker::PreviewKept { id });
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
        let waiting = self.waiting.borrow();
        let runs = waiting.iter().filter_map(|(job, _)| job.run());
        if let Some(run) = runs.into_iter().find(|run| run.id == id) {
            run.credit.grant(batches);
        }
    }

    /// Stops what runs; if `run` is given, only that.
    fn stop(&self, run: Option<RequestId>) {
        let running = self.running.borrow();
        let running = running.as_ref();
        if let Some(running) = running.filter(|running| run.is_none_or(|run| run == running.id)) {
            // The run's task wakes, drops the statement with its requests, and tells the page.
            running.abort.abort();
        }
    }

    fn cancel(&self, id: RequestId) {
        let is_running = |running: &Running| running.id == id;
        if self.running.borrow().as_ref().is_some_and(is_running) {
            return self.stop(Some(id));
        }
        let is_it = |job: &Job| job.run().is_some_and(|run| run.id == id);
        let waiting = self.waiting.borrow().iter().position(|(job, _)| is_it(job));
        if let Some(position) = waiting {
            self.waiting.borrow_mut().remove(position);
            self.outbox.post(&FromWorker::Cancelled { id });
        }
    }
}

fn failed(id: RequestId, error: Error) -> FromWorker {
    FromWorker::Failed {
        id,
        index: None,
        error,
        attempt: None,
    }
}

fn no_sandbox() -> Error {
    Error::new("NO_SANDBOX", "this connection writes to its store")
}
