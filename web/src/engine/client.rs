//! The engine in its worker, as the rest of the page sees it: runs, questions, a status.
//!
//! The worker takes one script at a time, and a script whose rows nobody fetches keeps its place.
//! So the queue is here: a run goes to the worker when the one before has ended, and one that is
//! parked (it waits for credit) gives way. A worker that crashed, or that doesn't stop when told
//! to, is replaced from the compiled module; runs that were still waiting don't notice.

mod errors;
mod worker;

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use futures::channel::oneshot;
use js_sys::{ArrayBuffer, Reflect, Uint8Array};
use leptos::prelude::{RwSignal, Set, set_timeout};
use messages::Error;
use messages::connection::Connection;
use messages::engine::{FromWorker, RequestId, ToWorker};
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, MessageEvent};

use errors::{crash_error, unavailable};
use worker::{Inner, Listener, Run};

/// How long a worker may take to confirm that a script has stopped.
const CANCEL_PATIENCE: Duration = Duration::from_millis(120);

/// What the engine is doing, for the chip in the header.
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

/// What happens to a run.
pub enum RunEvent {
    /// A message of the worker, with its bytes.
    Message(FromWorker, Option<Vec<u8>>),
    /// The run was cancelled, and the engine had to be replaced for it.
    Replaced,
    /// The engine is gone, and the run with it.
    Lost(Error),
}

/// A cheap handle on the engine.
#[derive(Clone)]
pub struct EngineClient(Rc<RefCell<Inner>>);

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
    /// Starts the worker at `url`.
    pub fn start(url: String, status: RwSignal<EngineStatus>) -> Self {
        let client = Self(Rc::new(RefCell::new(Inner {
            url,
            status,
            worker: None,
            module: None,
            ready: false,
            connect: None,
            next_id: 1,
            active: None,
            waiting: VecDeque::new(),
            asks: HashMap::new(),
            on_message: None,
            on_error: None,
        })));
        let on_message = Closure::new({
            let client = client.clone();
            move |event: MessageEvent| client.receive(&event.data())
        });
        let on_error = Closure::new({
            let client = client.clone();
            move |event: ErrorEvent| client.crashed(&event.message())
        });
        {
            let mut inner = client.0.borrow_mut();
            inner.on_message = Some(on_message);
            inner.on_error = Some(on_error);
            inner.spawn();
        }
        client
    }

    /// Where to read and where to send commits from now on.
    pub fn connect(&self, connection: Connection, commit_url: Option<String>) {
        let message = ToWorker::Connect {
            connection,
            commit_url,
        };
        {
            let mut inner = self.0.borrow_mut();
            inner.post(&message);
            inner.connect = Some(message);
        }
        self.pump();
    }

    /// Runs a script as soon as engine and connection are there and the scripts before have ended.
    pub fn run(
        &self,
        sql: String,
        credit: u32,
        listener: impl Fn(RunEvent) + 'static,
    ) -> RunHandle {
        let (id, parked, without_worker) = {
            let mut inner = self.0.borrow_mut();
            let id = inner.new_id();
            let listener: Listener = Rc::new(listener);
            inner.waiting.push_back(Run {
                id,
                sql,
                credit,
                listener,
                parked: false,
            });
            if inner.worker.is_none() {
                inner.spawn();
            }
            let parked = inner.active.as_ref().filter(|run| run.parked);
            (id, parked.map(|run| run.id), inner.worker.is_none())
        };
        if without_worker {
            self.crashed("the browser starts no worker");
        }
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
    pub async fn ask(
        &self,
        question: impl FnOnce(RequestId) -> ToWorker,
    ) -> Result<FromWorker, Error> {
        let answer = {
            let mut inner = self.0.borrow_mut();
            if inner.worker.is_none() {
                inner.spawn();
            }
            let id = inner.new_id();
            let (sender, answer) = oneshot::channel();
            inner.asks.insert(id, sender);
            inner.post(&question(id));
            answer
        };
        answer
            .await
            .unwrap_or_else(|_| Err(unavailable("the engine was replaced")))
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
        let is_active = {
            let inner = self.0.borrow();
            let is_active = inner.active.as_ref().is_some_and(|run| run.id == id);
            if is_active {
                inner.post(&ToWorker::Cancel { id });
            }
            is_active
        };
        if is_active {
            let client = self.clone();
            set_timeout(move || client.replace_if_still_running(id), CANCEL_PATIENCE);
        }
    }

    fn replace_if_still_running(&self, id: RequestId) {
        let run = {
            let mut inner = self.0.borrow_mut();
            match inner.active.take_if(|run| run.id == id) {
                Some(run) => {
                    inner.respawn();
                    run
                }
                None => return,
            }
        };
        (run.listener)(RunEvent::Replaced);
        self.pump();
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
            });
            inner.active = Some(run);
        }
    }

    fn receive(&self, data: &JsValue) {
        let field = |name: &str| {
            Reflect::get(data, &name.into())
                .ok()
                .filter(JsValue::is_truthy)
        };
        if let Some(module) = field("module") {
            let mut inner = self.0.borrow_mut();
            inner.module = Some(module);
            return inner.status.set(EngineStatus::Starting);
        }
        let Some(json) = field("json").and_then(|json| json.as_string()) else {
            return;
        };
        let message = match serde_json::from_str::<FromWorker>(&json) {
            Ok(message) => message,
            Err(error) => {
                let text = format!("page and engine don't understand each other: {error}");
                return self.crashed(&text);
            }
        };
        let bytes = field("bytes")
            .and_then(|bytes| bytes.dyn_into::<ArrayBuffer>().ok())
            .map(|buffer| Uint8Array::new(&buffer).to_vec());
        match message {
            FromWorker::Downloading { loaded, total } => {
                let percent = total
                    .filter(|total| *total > 0)
                    .map(|total| (loaded as f64 / total as f64 * 100.0).min(100.0) as u32);
                self.0
                    .borrow()
                    .status
                    .set(EngineStatus::Downloading { percent });
            }
            FromWorker::Ready {
                version,
                memory_limit,
            } => {
                {
                    let mut inner = self.0.borrow_mut();
                    inner.ready = true;
                    inner.status.set(EngineStatus::Ready {
                        version,
                        memory_limit,
                    });
                }
                self.pump();
            }
            FromWorker::Crashed { message } => self.crashed(&message),
            other => self.route(other, bytes),
        }
    }

    /// Hands a message to whom it concerns.
    fn route(&self, message: FromWorker, bytes: Option<Vec<u8>>) {
        let Some(id) = request_id(&message) else {
            return;
        };
        let asked = self.0.borrow_mut().asks.remove(&id);
        if let Some(sender) = asked {
            let answer = match message {
                FromWorker::Failed { error, .. } => Err(error),
                answer => Ok(answer),
            };
            // Nobody waits any more: the question was dropped.
            let _ = sender.send(answer);
            return;
        }
        let ends = matches!(
            message,
            FromWorker::Done { .. } | FromWorker::Failed { .. } | FromWorker::Cancelled { .. }
        );
        let listener = {
            let mut inner = self.0.borrow_mut();
            let listener = inner
                .active
                .as_ref()
                .filter(|run| run.id == id)
                .map(|run| run.listener.clone());
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
    /// the next would fare no better: it is tried again when somebody runs something.
    fn crashed(&self, message: &str) {
        let (error, lost, failed_asks) = {
            let mut inner = self.0.borrow_mut();
            let was_up = inner.ready;
            let mut lost: Vec<Run> = inner.active.take().into_iter().collect();
            let asks = std::mem::take(&mut inner.asks);
            let error = if was_up {
                inner.respawn();
                crash_error(message)
            } else {
                inner.stop();
                lost.extend(inner.waiting.drain(..));
                inner.status.set(EngineStatus::Unavailable {
                    message: message.to_owned(),
                });
                unavailable(message)
            };
            (error, lost, asks)
        };
        for sender in failed_asks.into_values() {
            // Nobody waits any more: the question was dropped.
            let _ = sender.send(Err(error.clone()));
        }
        for run in lost {
            (run.listener)(RunEvent::Lost(error.clone()));
        }
        self.pump();
    }
}

fn request_id(message: &FromWorker) -> Option<RequestId> {
    match message {
        FromWorker::StatementStarted { id, .. }
        | FromWorker::ResultColumns { id, .. }
        | FromWorker::Batch { id, .. }
        | FromWorker::Progress { id, .. }
        | FromWorker::StatementDone { id, .. }
        | FromWorker::Done { id }
        | FromWorker::Failed { id, .. }
        | FromWorker::Cancelled { id }
        | FromWorker::Tables { id, .. }
        | FromWorker::Folder { id, .. }
        | FromWorker::Described { id, .. } => Some(*id),
        FromWorker::Downloading { .. } | FromWorker::Crashed { .. } | FromWorker::Ready { .. } => {
            None
        }
    }
}
