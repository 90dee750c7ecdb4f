//! The engine in its worker, as the rest of the page sees it: runs, questions, a status.
//!
//! The worker takes one script at a time, and a script whose rows nobody fetches keeps its place.
//! So the queue is here: a run goes to the worker when the one before has ended, and one that is
//! parked (it waits for credit) gives way. A worker that crashed, or that doesn't stop when told
//! to, is replaced; runs that were still waiting don't notice.
//!
//! The browser is behind [`WorkerHost`], so that the tests can play the worker.

mod errors;

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use futures::channel::oneshot;
use messages::Error;
use messages::connection::Connection;
use messages::engine::{FromWorker, RequestId, Resume, ToWorker};
use messages::sandbox::{SandboxOptions, SandboxState};

use errors::{crash_error, unavailable};

/// Time that a worker has to confirm that a script has stopped.
const CANCEL_PATIENCE: Duration = Duration::from_millis(120);

/// State of the engine, for the chip in the header.
#[derive(Debug, Clone, PartialEq)]
pub enum EngineStatus {
    /// `percent` where the size is known.
    Downloading {
        percent: Option<u32>,
    },
    Starting,
    /// `memory_limit`: the query memory pool in bytes.
    Ready {
        version: String,
        memory_limit: u64,
    },
    /// It could not be loaded; the next run tries again.
    Unavailable {
        message: String,
    },
}

/// Event of a run, for its listener.
pub enum RunEvent {
    /// A message of the worker, with its bytes.
    Message(FromWorker, Option<Vec<u8>>),
    /// The run was cancelled, and the engine had to be replaced for it.
    Replaced,
    /// The engine is gone, and the run with it.
    Lost(Error),
}

/// Starts workers, and tells time: the browser, or a test.
pub trait WorkerHost {
    /// Starts a worker. From then on it hands its messages to [`EngineClient::receive`], and its
    /// end, if it comes by itself, to [`EngineClient::crashed`]; never before this returns.
    ///
    /// # Errors
    /// Why there is no worker.
    fn start(&self, client: &EngineClient) -> Result<Box<dyn Worker>, String>;

    /// Whether the compiled engine is at hand, so that the next worker neither downloads nor compiles it.
    fn has_compiled(&self) -> bool;

    fn set_status(&self, status: EngineStatus);

    /// Tells what the sandbox holds now.
    fn set_sandbox(&self, state: SandboxState);

    /// Calls `then` after a while.
    fn after(&self, time: Duration, then: Box<dyn FnOnce()>);
}

/// A worker that runs. Dropping it ends it; nothing is heard of it afterwards.
pub trait Worker {
    fn post(&self, message: &ToWorker);
}

type Listener = Rc<dyn Fn(RunEvent)>;

struct Run {
    id: RequestId,
    sql: String,
    credit: u32,
    preview: bool,
    resume: Option<Resume>,
    listener: Listener,
    /// It waits for credit.
    parked: bool,
}

/// A question beside the runs, kept so that a new worker can be asked again.
struct Question {
    message: ToWorker,
    answer: oneshot::Sender<Result<FromWorker, Error>>,
}

/// A cheap handle on the engine.
#[derive(Clone)]
pub struct EngineClient(Rc<RefCell<Inner>>);

struct Inner {
    host: Rc<dyn WorkerHost>,
    worker: Option<Box<dyn Worker>>,
    ready: bool,
    /// The last connection, for the next worker.
    connect: Option<ToWorker>,
    last_id: RequestId,
    active: Option<Run>,
    waiting: VecDeque<Run>,
    questions: HashMap<RequestId, Question>,
}

/// A run that was asked for.
#[derive(Clone)]
pub struct RunHandle {
    id: RequestId,
    client: EngineClient,
}

impl RunHandle {
    /// Asks for more batches.
    pub fn grant(&self, batches: u32) {
        let message = ToWorker::Credit {
            id: self.id,
            batches,
        };
        let mut inner = self.client.0.borrow_mut();
        if let Some(run) = inner.active.as_mut().filter(|run| run.id == self.id) {
            run.parked = false;
            inner.post(&message);
        }
    }

    /// Says whether the run waits for credit; then it gives way to the next.
    pub fn set_parked(&self, parked: bool) {
        let gives_way = {
            let mut inner = self.client.0.borrow_mut();
            let others_wait = !inner.waiting.is_empty();
            match inner.active.as_mut().filter(|run| run.id == self.id) {
                Some(run) => {
                    run.parked = parked;
                    parked && others_wait
                }
                None => false,
            }
        };
        if gives_way {
            self.cancel();
        }
    }

    /// Stops the run. Its listener hears of it within [`CANCEL_PATIENCE`].
    pub fn cancel(&self) {
        self.client.cancel(self.id);
    }
}

impl EngineClient {
    /// Starts the first worker.
    pub fn start(host: Rc<dyn WorkerHost>) -> Self {
        let client = Self(Rc::new(RefCell::new(Inner {
            host,
            worker: None,
            ready: false,
            connect: None,
            last_id: 0,
            active: None,
            waiting: VecDeque::new(),
            questions: HashMap::new(),
        })));
        client.spawn();
        client
    }

    /// Sets from now on where to read from, where to send commits (`None`: nowhere), and whether what
    /// is written stays in the tab instead.
    pub fn connect(
        &self,
        connection: Connection,
        proxy: Option<String>,
        sandbox: Option<SandboxOptions>,
    ) {
        let message = ToWorker::Connect {
            connection,
            proxy,
            sandbox,
        };
        {
            let mut inner = self.0.borrow_mut();
            inner.post(&message);
            inner.connect = Some(message);
        }
        self.pump();
    }

    /// Has what is asked from now on wait for the next [`Self::connect`].
    pub fn hold(&self) {
        self.0.borrow_mut().connect = None;
    }

    /// Runs a script, or the rest of it, as soon as engine and connection are there and the scripts
    /// before have ended; as a `preview`, none of what it writes is kept.
    pub fn run(
        &self,
        sql: String,
        credit: u32,
        preview: bool,
        resume: Option<Resume>,
        listener: impl Fn(RunEvent) + 'static,
    ) -> RunHandle {
        let (id, parked) = {
            let mut inner = self.0.borrow_mut();
            let id = inner.new_id();
            inner.waiting.push_back(Run {
                id,
                sql,
                credit,
                preview,
                resume,
                listener: Rc::new(listener),
                parked: false,
            });
            let parked = inner.active.as_ref().filter(|run| run.parked);
            (id, parked.map(|run| run.id))
        };
        self.spawn_if_gone();
        if let Some(parked) = parked {
            self.cancel(parked);
        }
        self.pump();
        RunHandle {
            id,
            client: self.clone(),
        }
    }

    /// Asks the engine something beside the scripts; the answer is the message that answers it.
    ///
    /// # Errors
    /// The engine's own, `ENGINE_UNAVAILABLE` or `ENGINE_CRASHED`.
    pub async fn ask(
        &self,
        question: impl FnOnce(RequestId) -> ToWorker,
    ) -> Result<FromWorker, Error> {
        let receiver = {
            let mut inner = self.0.borrow_mut();
            let id = inner.new_id();
            let (answer, receiver) = oneshot::channel();
            let message = question(id);
            inner.post(&message);
            inner.questions.insert(id, Question { message, answer });
            receiver
        };
        // A worker that is started now is asked all questions.
        self.spawn_if_gone();
        receiver
            .await
            .unwrap_or_else(|_| Err(unavailable("the page is being closed")))
    }

    fn cancel(&self, id: RequestId) {
        let queued = {
            let mut inner = self.0.borrow_mut();
            let place = inner.waiting.iter().position(|run| run.id == id);
            place.and_then(|place| inner.waiting.remove(place))
        };
        if let Some(run) = queued {
            return (run.listener)(RunEvent::Message(FromWorker::Cancelled { id }, None));
        }
        let host = {
            let inner = self.0.borrow();
            if inner.active.as_ref().is_none_or(|run| run.id != id) {
                return;
            }
            inner.post(&ToWorker::Cancel { id });
            Rc::clone(&inner.host)
        };
        let client = self.clone();
        let replace = move || client.replace_if_still_running(id);
        host.after(CANCEL_PATIENCE, Box::new(replace));
    }

    fn replace_if_still_running(&self, id: RequestId) {
        let run = self.0.borrow_mut().active.take_if(|run| run.id == id);
        let Some(run) = run else { return };
        self.spawn();
        (run.listener)(RunEvent::Replaced);
        self.pump();
    }

    fn spawn_if_gone(&self) {
        let gone = self.0.borrow().worker.is_none();
        if gone {
            self.spawn();
        }
    }

    /// Starts a worker in place of the one that was, with the same connection, and asks it what
    /// that one has not answered.
    fn spawn(&self) {
        let host = {
            let mut inner = self.0.borrow_mut();
            inner.ready = false;
            inner.worker = None;
            Rc::clone(&inner.host)
        };
        host.set_status(if host.has_compiled() {
            EngineStatus::Starting
        } else {
            EngineStatus::Downloading { percent: None }
        });
        match host.start(self) {
            Ok(worker) => {
                let mut inner = self.0.borrow_mut();
                inner.worker = Some(worker);
                inner.connect.iter().for_each(|connect| inner.post(connect));
                let questions = inner.questions.values();
                questions.for_each(|question| inner.post(&question.message));
            }
            Err(error) => self.crashed(&error),
        }
    }

    /// Hands the next run to the worker if it can take one.
    fn pump(&self) {
        let mut inner = self.0.borrow_mut();
        if !inner.ready || inner.connect.is_none() || inner.active.is_some() {
            return;
        }
        if let Some(run) = inner.waiting.pop_front() {
            inner.post(&ToWorker::Run {
                id: run.id,
                sql: run.sql.clone(),
                credit: run.credit,
                preview: run.preview,
                resume: run.resume.clone(),
            });
            inner.active = Some(run);
        }
    }

    /// Takes a message of the worker, with its bytes.
    pub fn receive(&self, message: FromWorker, bytes: Option<Vec<u8>>) {
        match message {
            FromWorker::Downloading { loaded, total } => {
                let percent = total
                    .filter(|total| *total > 0)
                    .map(|total| (loaded as f64 / total as f64 * 100.0).min(100.0) as u32);
                self.set_status(EngineStatus::Downloading { percent });
            }
            FromWorker::Ready {
                version,
                memory_limit,
            } => {
                self.0.borrow_mut().ready = true;
                self.set_status(EngineStatus::Ready {
                    version,
                    memory_limit,
                });
                self.pump();
            }
            FromWorker::Crashed { message } => self.crashed(&message),
            FromWorker::Folder { id, .. }
            | FromWorker::Described { id, .. }
            | FromWorker::SandboxReset { id }
            | FromWorker::PreviewKept { id }
            | FromWorker::Exported { id, .. } => self.answer(id, Ok(message)),
            FromWorker::Sandbox { state } => {
                let host = Rc::clone(&self.0.borrow().host);
                host.set_sandbox(state);
            }
            FromWorker::Failed { id, ref error, .. } => {
                let asked = self.0.borrow().questions.contains_key(&id);
                if asked {
                    self.answer(id, Err(error.clone()));
                } else {
                    self.tell_run(id, message, bytes, true);
                }
            }
            FromWorker::Done { id } | FromWorker::Cancelled { id } => {
                self.tell_run(id, message, bytes, true);
            }
            FromWorker::StatementStarted { id, .. }
            | FromWorker::ResultColumns { id, .. }
            | FromWorker::Batch { id, .. }
            | FromWorker::Progress { id, .. }
            | FromWorker::Previewed { id, .. }
            | FromWorker::StatementDone { id, .. } => self.tell_run(id, message, bytes, false),
        }
    }

    /// The engine's module is compiled, and starts.
    pub fn compiled(&self) {
        self.set_status(EngineStatus::Starting);
    }

    fn set_status(&self, status: EngineStatus) {
        let host = Rc::clone(&self.0.borrow().host);
        host.set_status(status);
    }

    fn answer(&self, id: RequestId, answer: Result<FromWorker, Error>) {
        let question = self.0.borrow_mut().questions.remove(&id);
        if let Some(question) = question {
            // Nobody waits any more: the question was dropped.
            let _ = question.answer.send(answer);
        }
    }

    /// Hands a message to the run that it concerns, which `ends` with it or not.
    fn tell_run(&self, id: RequestId, message: FromWorker, bytes: Option<Vec<u8>>, ends: bool) {
        let listener = {
            let mut inner = self.0.borrow_mut();
            let active = inner.active.as_ref().filter(|run| run.id == id);
            let listener = active.map(|run| Rc::clone(&run.listener));
            if ends && listener.is_some() {
                inner.active = None;
            }
            listener
        };
        if let Some(listener) = listener {
            listener(RunEvent::Message(message, bytes));
        }
        if ends {
            self.pump();
        }
    }

    /// The worker is done for. One that had been up is replaced; one that never came up is not, for
    /// the next would fare no better: it is tried again when somebody asks for something.
    pub fn crashed(&self, message: &str) {
        let (error, was_up, lost, questions) = {
            let mut inner = self.0.borrow_mut();
            let was_up = inner.ready;
            inner.ready = false;
            inner.worker = None;
            let mut lost: Vec<Run> = inner.active.take().into_iter().collect();
            let error = if was_up {
                crash_error(message)
            } else {
                lost.extend(inner.waiting.drain(..));
                unavailable(message)
            };
            let questions = std::mem::take(&mut inner.questions);
            (error, was_up, lost, questions)
        };
        if was_up {
            self.spawn();
        } else {
            let message = message.to_owned();
            self.set_status(EngineStatus::Unavailable { message });
        }
        for question in questions.into_values() {
            // Nobody waits any more: the question was dropped.
            let _ = question.answer.send(Err(error.clone()));
        }
        for run in lost {
            (run.listener)(RunEvent::Lost(error.clone()));
        }
        self.pump();
    }
}

impl Inner {
    fn new_id(&mut self) -> RequestId {
        self.last_id += 1;
        self.last_id
    }

    fn post(&self, message: &ToWorker) {
        if let Some(worker) = &self.worker {
            worker.post(message);
        }
    }
}

#[cfg(test)]
mod tests;
