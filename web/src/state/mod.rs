//! What the page knows, in signals, and what its user can do.

mod connection;
mod run;
mod tables;

use std::collections::HashMap;

use leptos::prelude::*;

pub use connection::Link;
pub use run::Tick;
pub use tables::{Known, TableList};

use crate::browser;
use crate::editor::{Editor, Host};
use crate::engine::client::{EngineClient, EngineStatus, RunHandle};
use crate::engine::script::Script;

/// The part that a narrow screen shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Tables,
    Sql,
    History,
}

impl Part {
    pub fn name(self) -> &'static str {
        match self {
            Self::Tables => "tables",
            Self::Sql => "sql",
            Self::History => "history",
        }
    }
}

/// Everything the components share. Copies are handles on the same state.
#[derive(Clone, Copy)]
pub struct Workbench {
    pub link: RwSignal<Link>,
    pub engine_status: RwSignal<EngineStatus>,
    pub tables: RwSignal<TableList>,
    /// Tables that the engine has described, by location.
    pub known: RwSignal<HashMap<String, Known>>,
    /// Location of the table whose history is shown.
    pub selected: RwSignal<Option<String>>,
    /// The version of that table that the result shows, where it is not the latest.
    pub viewed: RwSignal<Option<u64>>,
    pub script: RwSignal<Option<Script>>,
    /// The statement whose result somebody chose to see.
    pub chosen: RwSignal<Option<usize>>,
    pub tick: Tick,
    pub has_selection: RwSignal<bool>,
    pub part: RwSignal<Part>,
    pub dialog_open: RwSignal<bool>,
    engine: StoredValue<EngineClient, LocalStorage>,
    /// Bytes that loading the engine moves.
    pub engine_bytes: u64,
    host: StoredValue<Host, LocalStorage>,
    editor: StoredValue<Option<Editor>, LocalStorage>,
    run_handle: StoredValue<Option<RunHandle>, LocalStorage>,
    run_number: StoredValue<u32>,
    /// What the page itself last wrote into the editor.
    written: StoredValue<String>,
    refreshed_at: StoredValue<f64>,
}

impl Workbench {
    /// Starts the engine at once; it loads while the page comes up.
    pub fn new(host: Host) -> Self {
        let engine_status = RwSignal::new(EngineStatus::Downloading { percent: None });
        Self {
            link: RwSignal::new(Link::default()),
            engine_status,
            tables: RwSignal::new(TableList::default()),
            known: RwSignal::new(HashMap::new()),
            selected: RwSignal::new(None),
            viewed: RwSignal::new(None),
            script: RwSignal::new(None),
            chosen: RwSignal::new(None),
            tick: Tick::default(),
            has_selection: RwSignal::new(false),
            part: RwSignal::new(Part::Sql),
            dialog_open: RwSignal::new(false),
            engine: StoredValue::new_local(EngineClient::start(host.engine_url(), engine_status)),
            engine_bytes: host.engine_bytes() as u64,
            host: StoredValue::new_local(host),
            editor: StoredValue::new_local(None),
            run_handle: StoredValue::new_local(None),
            run_number: StoredValue::new(0),
            written: StoredValue::new(String::new()),
            refreshed_at: StoredValue::new(0.0),
        }
    }

    pub fn engine(&self) -> EngineClient {
        self.engine.get_value()
    }

    /// Creates the editor inside `parent`, with the text of the last visit.
    pub fn mount_editor(&self, parent: &web_sys::HtmlElement) {
        use wasm_bindgen::closure::Closure;
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
