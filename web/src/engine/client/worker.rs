//! The worker itself, and what waits for it.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use futures::channel::oneshot;
use js_sys::{Array, Object};
use leptos::prelude::{RwSignal, Set};
use messages::Error;
use messages::engine::{FromWorker, RequestId, ToWorker};
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::{EngineStatus, RunEvent};

pub(super) type Listener = Rc<dyn Fn(RunEvent)>;

pub(super) struct Run {
    pub(super) id: RequestId,
    pub(super) sql: String,
    pub(super) credit: u32,
    pub(super) listener: Listener,
    pub(super) parked: bool,
}

pub(super) struct Inner {
    pub(super) url: String,
    pub(super) status: RwSignal<EngineStatus>,
    pub(super) worker: Option<Worker>,
    /// Kept from the first start: later ones neither download nor compile.
    pub(super) module: Option<JsValue>,
    pub(super) ready: bool,
    pub(super) connect: Option<ToWorker>,
    pub(super) next_id: RequestId,
    pub(super) active: Option<Run>,
    pub(super) waiting: VecDeque<Run>,
    pub(super) asks: HashMap<RequestId, oneshot::Sender<Result<FromWorker, Error>>>,
    /// Handlers of every worker of this page's life.
    pub(super) on_message: Option<Closure<dyn FnMut(MessageEvent)>>,
    pub(super) on_error: Option<Closure<dyn FnMut(ErrorEvent)>>,
}

impl Inner {
    pub(super) fn new_id(&mut self) -> RequestId {
        self.next_id += 1;
        self.next_id
    }

    pub(super) fn post(&self, message: &ToWorker) {
        let Some(worker) = &self.worker else { return };
        // Messages are plain data, which serializes.
        let Ok(json) = serde_json::to_string(message) else {
            return;
        };
        let data = object("json", &json.into());
        if let Err(error) = worker.post_message(&data) {
            web_sys::console::error_2(&"the engine took no message:".into(), &error);
        }
    }

    pub(super) fn spawn(&mut self) {
        self.ready = false;
        self.status.set(match self.module {
            Some(_) => EngineStatus::Starting,
            None => EngineStatus::Downloading { percent: None },
        });
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = match Worker::new_with_options(&self.url, &options) {
            Ok(worker) => worker,
            Err(error) => {
                let message = format!("the browser starts no worker: {error:?}");
                return self.status.set(EngineStatus::Unavailable { message });
            }
        };
        worker.set_onmessage(self.on_message.as_ref().map(|f| f.as_ref().unchecked_ref()));
        worker.set_onerror(self.on_error.as_ref().map(|f| f.as_ref().unchecked_ref()));
        let module = self.module.clone().unwrap_or(JsValue::NULL);
        if worker.post_message(&object("module", &module)).is_err() {
            // A module that can't be handed over is compiled again.
            self.module = None;
            let _ = worker.post_message(&object("module", &JsValue::NULL));
        }
        self.worker = Some(worker);
        if let Some(connect) = &self.connect {
            self.post(connect);
        }
    }

    pub(super) fn stop(&mut self) {
        self.ready = false;
        if let Some(worker) = self.worker.take() {
            worker.set_onmessage(None);
            worker.set_onerror(None);
            worker.terminate();
        }
    }

    pub(super) fn respawn(&mut self) {
        self.stop();
        self.asks.clear();
        self.spawn();
    }
}

fn object(name: &str, value: &JsValue) -> Object {
    let entries = Array::of1(&Array::of2(&name.into(), value));
    Object::from_entries(&entries).unwrap_or_else(|_| Object::new())
}
