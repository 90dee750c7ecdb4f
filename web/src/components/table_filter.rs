//! The field that filters the table list.

use leptos::ev::KeyboardEvent;
use leptos::html::Input;
use leptos::prelude::*;
use leptos::web_sys::{Element, HtmlElement};
use wasm_bindgen::JsCast;

use crate::components::part::{live, on, when};
use crate::components::table_list::focus_first_row;
use crate::format::numbers;
use crate::state::table_tree::{Row, count};
use crate::state::workbench;

/// Lists of up to this many tables are seen at a glance, and need no filter.
const FEW: usize = 7;

#[component]
pub fn TableFilter(all: Memo<Vec<Row>>, shown: Memo<Vec<Row>>) -> AnyView {
    let workbench = workbench();
    let field = NodeRef::<Input>::new();
    let filter = workbench.filter;
    let is_empty = Memo::new(move |_| filter.with(|text| text.trim().is_empty()));
    let is_useful = Memo::new(move |_| !is_empty.get() || all.with(|rows| count(rows)) > FEW);
    focus_on_slash(field);
    let clear = move || {
        filter.set(String::new());
        focus(field);
    };
    let on_key = move |event: KeyboardEvent| match event.key().as_str() {
        "Escape" if !filter.with_untracked(String::is_empty) => {
            event.prevent_default();
            clear();
        }
        "ArrowDown" => {
            event.prevent_default();
            focus_first_row();
        }
        "Enter" => {
            let first = shown.with_untracked(|rows| {
                rows.iter()
                    .find(|row| !matches!(row, Row::Bucket(_)))
                    .cloned()
            });
            match first {
                Some(Row::Table(folder)) => workbench.choose(folder.location()),
                Some(Row::Unlisted(folder)) => workbench.choose_folder(folder),
                Some(Row::Bucket(_)) | None => {}
            }
        }
        _ => {}
    };
    let counted = move || {
        let number = |rows: Memo<Vec<Row>>| numbers::count(rows.with(|rows| count(rows)) as u64);
        (!is_empty.get()).then(|| format!("{} of {}", number(shown), number(all)))
    };
    let is_filled = Memo::new(move |_| !is_empty.get());
    let clear_button = move || {
        view! {
            <button
                class="icon"
                data-testid="table-filter-clear"
                aria-label="Clear the filter"
                title="Clear the filter (Escape)"
                on:click=on(move |_| clear())
            >
                <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" aria-hidden="true">
                    <path d="m4 4 8 8m0-8-8 8"/>
                </svg>
            </button>
        }
        .into_any()
    };
    when(is_useful, move || {
        view! {
            <div class="filter">
                <input
                    type="text"
                    role="searchbox"
                    data-testid="table-filter"
                    aria-label="Filter tables"
                    aria-keyshortcuts="/"
                    placeholder="Filter"
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    node_ref=field
                    prop:value=live(move || filter.get())
                    on:input=on(move |event| filter.set(event_target_value(&event)))
                    on:keydown=on(on_key)
                />
                {when(is_empty, || view! { <kbd aria-hidden="true">"/"</kbd> }.into_any())}
                <span class="quiet" role="status" data-testid="table-filter-count">{live(counted)}</span>
                {when(is_filled, clear_button)}
            </div>
        }
        .into_any()
    })
    .into_any()
}

fn focus(field: NodeRef<Input>) {
    if let Some(field) = field.get_untracked() {
        // Only an element that is not in the document can't have the focus.
        let _ = field.focus();
        field.select();
    }
}

/// `/` goes to the filter, unless it is typed into something.
fn focus_on_slash(field: NodeRef<Input>) {
    let handle = window_event_listener(leptos::ev::keydown, move |event| {
        let has_modifier = event.ctrl_key() || event.meta_key() || event.alt_key();
        if event.key() != "/" || has_modifier || event.default_prevented() {
            return;
        }
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok());
        let is_typed = target.is_some_and(|element| {
            let is_field = element
                .closest("input, textarea, select, dialog")
                .ok()
                .flatten();
            let editable = element
                .dyn_ref::<HtmlElement>()
                .is_some_and(HtmlElement::is_content_editable);
            is_field.is_some() || editable
        });
        if !is_typed && field.get_untracked().is_some() {
            event.prevent_default();
            focus(field);
        }
    });
    on_cleanup(move || handle.remove());
}
