//! The page: a Leptos app that shows tables, an editor, results and history, and talks to the
//! engine in its worker and to the server behind the page.
//!
//! It knows no DataFusion, no Parquet and no object store: rows reach it as Arrow IPC. So it is
//! small, and up before the engine has loaded. What needs no browser is in modules of its own,
//! whose tests run natively: `arrow`, `cells`, `rows`, `script`, `timeline`, `cost`, `connect`,
//! `statements`, `format`, `calendar`.

mod api;
mod app;
mod arrow;
mod browser;
mod calendar;
mod cells;
mod components;
mod connect;
mod cost;
mod editor;
mod engine_client;
mod format;
mod rows;
mod script;
mod server_client;
mod state;
mod statements;
mod timeline;

use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::state::Workbench;

/// The page, once it is up.
#[wasm_bindgen]
pub struct Page {
    workbench: Workbench,
}

#[wasm_bindgen]
impl Page {
    /// See [`api::run`].
    pub fn run(&self, sql: String) -> Promise {
        api::run(self.workbench, sql)
    }
}

/// Brings the page up. The loader calls it once, with what is not part of this crate.
#[wasm_bindgen]
pub fn start(host: editor::Host) -> Page {
    console_error_panic_hook::set_once();
    Page {
        workbench: app::mount(host),
    }
}
