//! Everything that the components share, and the editor's text.

use std::collections::HashMap;
use std::rc::Rc;

use leptos::prelude::*;
use messages::Error;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::JsFuture;

use super::connection_state::ConnectionState;
use super::description::CachedDescription;
use super::pane::Pane;
use super::run_clock::RunClock;
use super::tab_sandbox::TabSandbox;
use super::table_tree::{Folder, TableTree};
use crate::browser;
use crate::editor::{Editor, Host};
use crate::engine::client::{EngineClient, EngineStatus, RunHandle};
use crate::engine::script::Script;
use crate::engine::web_worker::WebWorkers;

/// The page's state. Copies are handles on the same state.
#[derive(Clone, Copy)]
pub struct Workbench {
    pub connection: RwSignal<ConnectionState>,
    pub engine_status: RwSignal<EngineStatus>,
    /// The tables and folders of the connection's buckets.
    pub tree: RwSignal<TableTree>,
    /// Filter of the table list, as it was typed.
    pub filter: RwSignal<String>,
    /// Tables that were described, or written from this page, by location.
    pub descriptions: RwSignal<HashMap<String, CachedDescription>>,
    /// Location of the table whose history is shown.
    pub selected: RwSignal<Option<String>>,
    /// The version of that table that the result shows, where it is not the latest.
    pub viewed: RwSignal<Option<u64>>,
    pub script: RwSignal<Option<Script>>,
    /// The statement whose result somebody chose to see.
    pub chosen: RwSignal<Option<usize>>,
    pub clock: RunClock,
    pub has_selection: RwSignal<bool>,
    /// The pane that a narrow screen shows.
    pub pane: RwSignal<Pane>,
    pub dialog_open: RwSignal<bool>,
    /// What was written and stays in this tab.
    pub sandbox: RwSignal<TabSandbox>,
    /// What went wrong with it last.
    pub sandbox_problem: RwSignal<Option<Error>>,
    pub sandbox_open: RwSignal<bool>,
    /// Bytes that loading the engine moves.
    pub engine_bytes: u64,
    /// A folder that was clicked before it was known to be a table.
    pub(super) chosen_folder: StoredValue<Option<Folder>>,
    pub(super) run_handle: StoredValue<Option<RunHandle>, LocalStorage>,
    pub(super) run_number: StoredValue<u32>,
    /// Whether a statement of the shown script has written since the last refresh.
    pub(super) wrote: StoredValue<bool>,
    /// When the tables were last refreshed, by [`browser::now`].
    pub(super) refreshed_at: StoredValue<f64>,
    engine: StoredValue<EngineClient, LocalStorage>,
    host: StoredValue<Host, LocalStorage>,
    editor: StoredValue<Option<Editor>, LocalStorage>,
    /// Text that the page itself last wrote into the editor.
    written: StoredValue<String>,
}

impl Workbench {
    /// Starts the engine at once; it loads while the page comes up.
    pub fn new(host: Host) -> Self {
        let engine_status = RwSignal::new(EngineStatus::Downloading { percent: None });
        let sandbox = RwSignal::new(TabSandbox::default());
        let on_sandbox = move |state| sandbox.update(|sandbox| sandbox.state = Some(state));
        let workers = WebWorkers::new(host.engine_url(), engine_status, on_sandbox);
        let engine = EngineClient::start(Rc::new(workers));
        Self {
            connection: RwSignal::new(ConnectionState::default()),
            engine_status,
            tree: RwSignal::new(TableTree::default()),
            filter: RwSignal::new(String::new()),
            descriptions: RwSignal::new(HashMap::new()),
            selected: RwSignal::new(None),
            viewed: RwSignal::new(None),
            script: RwSignal::new(None),
            chosen: RwSignal::new(None),
            clock: RunClock::default(),
            has_selection: RwSignal::new(false),
            pane: RwSignal::new(Pane::Sql),
            dialog_open: RwSignal::new(false),
            sandbox,
            sandbox_problem: RwSignal::new(None),
            sandbox_open: RwSignal::new(false),
            engine_bytes: host.engine_bytes() as u64,
            chosen_folder: StoredValue::new(None),
            run_handle: StoredValue::new_local(None),
            run_number: StoredValue::new(0),
            wrote: StoredValue::new(false),
            refreshed_at: StoredValue::new(0.0),
            engine: StoredValue::new_local(engine),
            host: StoredValue::new_local(host),
            editor: StoredValue::new_local(None),
            written: StoredValue::new(String::new()),
        }
    }

    pub fn engine(&self) -> EngineClient {
        self.engine.get_value()
    }

    /// Whether this tab is the one that has the browser keep the sandbox of an endpoint.
    pub(super) async fn keeps_sandbox(&self, endpoint: &str) -> bool {
        let asked = self.host.with_value(|host| host.own(endpoint));
        // It never rejects.
        JsFuture::from(asked).await.is_ok_and(|own| own.is_truthy())
    }

    /// Whether a narrow screen shows this pane.
    pub fn is_shown(&self, pane: Pane) -> bool {
        self.pane.get() == pane
    }

    /// Creates the editor inside `parent`, with the text of the last visit.
    pub fn mount_editor(&self, parent: &web_sys::HtmlElement) {
        let workbench = *self;
        let on_change = Closure::new(move |text: String| workbench.remember_text(&text));
        let on_select = Closure::new(move |some: bool| workbench.has_selection.set(some));
        let on_run = Closure::new(move || workbench.run_editor());
        let text = browser::recall(browser::EDITOR_TEXT).unwrap_or_default();
        let editor = self
            .host
            .with_value(|host| host.create_editor(parent, &text, &on_change, &on_select, &on_run));
        // The editor lives as long as the page.
        on_change.forget();
        on_select.forget();
        on_run.forget();
        self.editor.set_value(Some(editor));
    }

    pub fn with_editor<T>(&self, f: impl FnOnce(&Editor) -> T) -> Option<T> {
        self.editor.with_value(|editor| editor.as_ref().map(f))
    }

    /// Replaces the editor's text by one that the user has not typed.
    pub fn write_text(&self, text: &str) {
        self.written.set_value(text.to_owned());
        self.with_editor(|editor| editor.set_text(text));
    }

    /// Whether the editor holds nothing that its user typed.
    pub fn is_untouched(&self) -> bool {
        self.with_editor(|editor| {
            let text = editor.text();
            text.trim().is_empty() || self.written.with_value(|written| *written == text)
        })
        .unwrap_or(false)
    }

    fn remember_text(&self, text: &str) {
        let typed = self.written.with_value(|written| written != text);
        browser::remember(browser::EDITOR_TEXT, typed.then_some(text));
    }
}

/// The workbench of this page.
pub fn workbench() -> Workbench {
    expect_context::<Workbench>()
}
