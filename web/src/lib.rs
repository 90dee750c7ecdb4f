//! The page: a Leptos app that shows tables, an editor, results and history, and talks to the
//! engine in its worker and to the server behind the page.
//!
//! It knows no DataFusion, no Parquet and no object store: rows reach it as Arrow IPC. So it is
//! small, and up before the engine has loaded.
//!
//! `components` shows what `state` holds; `state` acts through `engine`; `format` turns values into
//! words and knows none of the others. Unit tests run natively, without a browser.

mod app;
mod arrow;
mod browser;
mod components;
mod editor;
mod engine;
mod format;
mod state;

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
    /// Runs a script; a promise of the last statement's rows: see `engine/api.rs`.
    pub fn run(&self, sql: String) -> Promise {
        let workbench = self.workbench;
        engine::api::run(workbench.engine(), sql, move |writes| {
            workbench.follow_writes(writes);
        })
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
