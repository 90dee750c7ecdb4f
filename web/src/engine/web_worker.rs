//! The engine's worker in the browser.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use js_sys::{Array, ArrayBuffer, Object, Reflect, Uint8Array};
use leptos::prelude::{RwSignal, Set, set_timeout};
use messages::engine::{FromWorker, ToWorker};
use messages::sandbox::SandboxState;
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, MessageEvent, WorkerOptions, WorkerType};

use super::client::{EngineClient, EngineStatus, Worker, WorkerHost};

/// Starts the engine's worker script.
pub struct WebWorkers {
    url: String,
    status: RwSignal<EngineStatus>,
    on_sandbox: Box<dyn Fn(SandboxState)>,
    /// Whether the sandbox holds what nobody else keeps.
    at_risk: Cell<bool>,
    /// Whether that was lost with its worker.
    lost: Cell<bool>,
    /// The engine's compiled module, from the first start: later ones neither download nor compile.
    module: Rc<RefCell<Option<JsValue>>>,
}

impl WebWorkers {
    /// `url`: the worker's script. `on_sandbox` hears what the sandbox holds.
    pub fn new(
        url: String,
        status: RwSignal<EngineStatus>,
        on_sandbox: impl Fn(SandboxState) + 'static,
    ) -> Self {
        Self {
            url,
            status,
            on_sandbox: Box::new(on_sandbox),
            at_risk: Cell::new(false),
            lost: Cell::new(false),
            module: Rc::default(),
        }
    }
}

impl WorkerHost for WebWorkers {
    fn start(&self, client: &EngineClient) -> Result<Box<dyn Worker>, String> {
        self.lost.set(self.lost.get() | self.at_risk.take());
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = web_sys::Worker::new_with_options(&self.url, &options)
            .map_err(|error| format!("the browser starts no worker: {error:?}"))?;
        let on_message = Closure::new({
            let (client, module) = (client.clone(), Rc::clone(&self.module));
            move |event: MessageEvent| receive(&client, &module, &event.data())
        });
        let on_error = Closure::new({
            let client = client.clone();
            move |event: ErrorEvent| client.crashed(&event.message())
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let module = self.module.borrow().clone().unwrap_or(JsValue::NULL);
        if worker.post_message(&object("module", &module)).is_err() {
            // A module that can't be handed over is compiled again.
            self.module.replace(None);
            let _ = worker.post_message(&object("module", &JsValue::NULL));
        }
        Ok(Box::new(WebWorker {
            worker,
            handlers: Some((on_message, on_error)),
        }))
    }

    fn has_compiled(&self) -> bool {
        self.module.borrow().is_some()
    }

    fn set_status(&self, status: EngineStatus) {
        self.status.set(status);
    }

    fn set_sandbox(&self, mut state: SandboxState) {
        self.at_risk.set(!state.mirrored && state.changes > 0);
        if self.lost.take() {
            let lost = "The engine had to be restarted, and with it what this sandbox held is gone: the browser kept no copy.";
            state.problem.get_or_insert_with(|| lost.to_owned());
        }
        (self.on_sandbox)(state);
    }

    fn after(&self, time: Duration, then: Box<dyn FnOnce()>) {
        set_timeout(then, time);
    }
}

type Handlers = (
    Closure<dyn FnMut(MessageEvent)>,
    Closure<dyn FnMut(ErrorEvent)>,
);

struct WebWorker {
    worker: web_sys::Worker,
    handlers: Option<Handlers>,
}

impl Worker for WebWorker {
    fn post(&self, message: &ToWorker) {
        // Messages are plain data, which serializes.
        let Ok(json) = serde_json::to_string(message) else {
            return;
        };
        if let Err(error) = self.worker.post_message(&object("json", &json.into())) {
            web_sys::console::error_2(&"the engine took no message:".into(), &error);
        }
    }
}

impl Drop for WebWorker {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
        // One of them may be what drops this worker: it must outlive its own call.
        let handlers = self.handlers.take();
        set_timeout(move || drop(handlers), Duration::ZERO);
    }
}

/// Takes what the worker posted: `{ module }`, or `{ json, bytes }`.
fn receive(client: &EngineClient, module: &RefCell<Option<JsValue>>, data: &JsValue) {
    let field = |name: &str| {
        Reflect::get(data, &name.into())
            .ok()
            .filter(JsValue::is_truthy)
    };
    if let Some(compiled) = field("module") {
        module.replace(Some(compiled));
        return client.compiled();
    }
    let Some(json) = field("json").and_then(|json| json.as_string()) else {
        return;
    };
    let message = match serde_json::from_str::<FromWorker>(&json) {
        Ok(message) => message,
        Err(error) => {
            let text = format!("page and engine don't understand each other: {error}");
            return client.crashed(&text);
        }
    };
    let bytes = field("bytes")
        .and_then(|bytes| bytes.dyn_into::<ArrayBuffer>().ok())
        .map(|buffer| Uint8Array::new(&buffer).to_vec());
    client.receive(message, bytes);
}

fn object(name: &str, value: &JsValue) -> Object {
    let entries = Array::of1(&Array::of2(&name.into(), value));
    Object::from_entries(&entries).unwrap_or_else(|_| Object::new())
}
