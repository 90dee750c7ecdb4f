//! The query engine in a Web Worker, so that the page never waits for it.
//!
//! `worker.js` starts the module and calls [`start`]; from then on the page and [`Service`] talk in
//! [`messages::engine`]. Here is all that a browser does differently for the engine: HTTP
//! ([`FetchService`], [`FetchStores`]) and its turn-taking
//! ([`MacrotaskScheduler`]). What a statement means is `query-engine`'s.
#![warn(missing_docs)]

mod credit;
mod environment;
mod fetch;
mod fetch_service;
mod ipc;
mod proxied;
mod run;
mod sandbox;
mod service;
mod session;
mod stores;
mod timer;

use js_sys::{Object, Reflect, Uint8Array};
use messages::engine::{FromWorker, ToWorker};
use query_engine::file_being_decoded;
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

pub use fetch_service::{FetchConnector, FetchService};
pub use service::Service;
pub use session::Outbox;
pub use stores::FetchStores;
pub use timer::MacrotaskScheduler;

/// The query memory pool where the worker's URL names no other, in bytes. Beside it live Parquet
/// pages, Arrow IPC buffers and the snapshots, in the 4 GiB that a wasm module can have.
const DEFAULT_MEMORY_LIMIT: usize = 1 << 30;

#[wasm_bindgen]
extern "C" {
    /// `worker.js` defines it: tells the page that this worker is done for.
    #[wasm_bindgen(js_name = reportCrash, catch)]
    fn report_crash(message: &str) -> Result<(), JsValue>;
}

/// Starts the service in this worker: handles the messages of the page, and posts
/// [`FromWorker::Ready`].
///
/// The worker's URL may say how large the query memory pool is: `?memory=BYTES`.
///
/// # Errors
/// The browser cannot make a `MessageChannel`.
#[wasm_bindgen]
pub fn start() -> Result<(), JsValue> {
    std::panic::set_hook(Box::new(|panic| {
        let reason = match file_being_decoded() {
            Some(file) => format!("data file {file} cannot be decoded: {panic}"),
            None => panic.to_string(),
        };
        // `worker.js` hears of the trap that follows, but not why.
        let _ = report_crash(&reason);
        console_error_panic_hook::hook(panic);
    }));
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let memory_limit = memory_limit(&scope.location().search());
    let outbox = Outbox::new(post);
    let service = Service::new(outbox, memory_limit, MacrotaskScheduler::new()?);
    let on_message =
        Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            match read(&event.data()) {
                Ok(message) => service.handle(message),
                Err(problem) => web_sys::console::error_2(&problem.into(), &event.data()),
            }
        });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    post(
        &FromWorker::Ready {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            memory_limit: memory_limit as u64,
        },
        None,
    );
    Ok(())
}

fn memory_limit(search: &str) -> usize {
    url::form_urlencoded::parse(search.trim_start_matches('?').as_bytes())
        .find(|(name, _)| name == "memory")
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(DEFAULT_MEMORY_LIMIT)
}

/// A message of the page: `{ json }`.
fn read(data: &JsValue) -> Result<ToWorker, String> {
    let json = Reflect::get(data, &"json".into())
        .ok()
        .and_then(|json| json.as_string())
        .ok_or("a message without `json`")?;
    serde_json::from_str(&json)
        .map_err(|error| format!("a message that is not understood: {error}"))
}

/// Posts `{ json, bytes }`, the bytes by transfer.
fn post(message: &FromWorker, bytes: Option<&[u8]>) {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let Ok(json) = serde_json::to_string(message) else {
        // Messages are structs and enums with string keys: they always serialize.
        return;
    };
    let object = Object::new();
    let _ = Reflect::set(&object, &"json".into(), &json.into());
    let transfer = js_sys::Array::new();
    if let Some(bytes) = bytes {
        let buffer = Uint8Array::from(bytes).buffer();
        let _ = Reflect::set(&object, &"bytes".into(), &buffer);
        transfer.push(&buffer);
    }
    if let Err(error) = scope.post_message_with_transfer(&object, &transfer) {
        web_sys::console::error_1(&error);
    }
}
