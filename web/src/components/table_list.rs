//! Tables by bucket, and the columns of the chosen one.

use leptos::ev::KeyboardEvent;
use leptos::html::Button;
use leptos::prelude::*;
use leptos::web_sys::{Element, HtmlElement, IntersectionObserver, IntersectionObserverEntry};
use messages::table::TableDescription;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

use crate::components::part::{live, on, part, when};
use crate::state::table_tree::{Folder, Row};
use crate::state::{Workbench, workbench};

/// Says which rows are in view.
type Observer = StoredValue<Option<IntersectionObserver>, LocalStorage>;

#[component]
pub fn TableList(rows: Memo<Vec<Row>>) -> AnyView {
    let observer = observe_rows(workbench());
    view! {
        <ul class="tree" data-testid="table-list" on:keydown=on(move_focus)>
            <For each=move || rows.get() key=Clone::clone let:row>
                {match row {
                    Row::Bucket(bucket) => view! { <li class="bucket">{bucket}</li> }.into_any(),
                    Row::Table(folder) => view! { <Table folder/> }.into_inner(),
                    Row::Unlisted(folder) => view! { <Unlisted folder observer/> }.into_inner(),
                }}
            </For>
        </ul>
    }
    .into_any()
}

/// One table; the chosen one shows its columns.
#[component]
fn Table(folder: Folder) -> AnyView {
    let workbench = workbench();
    let name = folder.name().to_owned();
    let path = folder.path.clone();
    let title = folder.location();
    let location = StoredValue::new(folder.location());
    let is_chosen = Memo::new(move |_| {
        workbench
            .selected
            .with(|chosen| location.with_value(|own| chosen.as_ref() == Some(own)))
    });
    let version = Memo::new(move |_| {
        workbench
            .descriptions
            .with(|all| location.with_value(|own| all.get(own)?.version()))
    });
    let table = Memo::new(move |_| {
        workbench
            .descriptions
            .with(|all| location.with_value(|own| all.get(own)?.table.clone()))
    });
    let changed = Memo::new(move |_| {
        let sandbox = workbench.sandbox.read();
        location.with_value(|own| sandbox.has_changed(own)) && workbench.is_sandboxed()
    });
    let columns = part(move || {
        let table = table.get().filter(|_| is_chosen.get())?;
        Some(view! { <ul class="columns" data-testid="columns">{columns(&table)}</ul> }.into_any())
    });
    view! {
        <li>
            <button
                data-testid=format!("table-{name}")
                title=title
                aria-current=live(move || is_chosen.get().then_some("true"))
                on:click=on(move |_| workbench.choose(location.get_value()))
            >
                <span>{path}</span>
                {when(changed, || view! {
                    <i class="changed" data-testid="changed" title="Changed in the sandbox"></i>
                }.into_any())}
                <span class="quiet">{live(move || version.get().map(|version| format!("v{version}")))}</span>
            </button>
            {columns}
        </li>
    }
    .into_any()
}

fn columns(table: &TableDescription) -> Vec<AnyView> {
    let column = |column: &messages::table::Column| {
        let partition = table.partition_columns.contains(&column.name);
        let note = if partition { ", partition" } else { "" };
        view! {
            <li title=format!("{} {}{note}", column.name, column.data_type)>
                <span class:partition=partition>{column.name.clone()}</span>
                <span class="quiet">{column.data_type.clone()}</span>
            </li>
        }
        .into_any()
    };
    table.columns.iter().map(column).collect()
}

/// A folder that is listed once it is in view: then this row gives way to what it turns out to be.
#[component]
fn Unlisted(folder: Folder, observer: Observer) -> AnyView {
    let workbench = workbench();
    let button = NodeRef::<Button>::new();
    let (bucket, path) = (folder.bucket.clone(), folder.path.clone());
    let label = path.clone();
    let (title, testid) = (folder.location(), format!("folder-{}", folder.name()));
    let folder = StoredValue::new(folder);
    Effect::new(move |_| {
        let Some(button) = button.get() else { return };
        observer.with_value(|observer| {
            if let Some(observer) = observer {
                observer.observe(&button);
            }
        });
    });
    on_cleanup(move || {
        // It has become something else, or the filter has taken it away.
        if let Some(folder) = folder.try_get_value() {
            workbench.see_rows(Vec::new(), &[folder]);
        }
    });
    view! {
        <li>
            <button
                class="unlisted"
                data-testid=testid
                data-bucket=bucket
                data-path=path
                title=title
                node_ref=button
                on:click=on(move |_| workbench.choose_folder(folder.get_value()))
            >
                <span>{label}</span>
            </button>
        </li>
    }
    .into_any()
}

/// Tells the workbench which folders' rows come into view, and which leave it.
fn observe_rows(workbench: Workbench) -> Observer {
    let report = Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
        let (mut seen, mut left) = (Vec::new(), Vec::new());
        for entry in entries.iter() {
            let entry: IntersectionObserverEntry = entry.unchecked_into();
            let row = entry.target();
            let (Some(bucket), Some(path)) = (
                row.get_attribute("data-bucket"),
                row.get_attribute("data-path"),
            ) else {
                continue;
            };
            let folders = if entry.is_intersecting() {
                &mut seen
            } else {
                &mut left
            };
            folders.push(Folder { bucket, path });
        }
        workbench.see_rows(seen, &left);
    });
    // Without one, folders are listed when they are clicked.
    let observer = IntersectionObserver::new(report.as_ref().unchecked_ref()).ok();
    // The list lives as long as the page.
    report.forget();
    StoredValue::new_local(observer)
}

const ROWS: &str = ".tree button";

/// Puts the focus on the list's first row.
pub fn focus_first_row() {
    if let Ok(Some(row)) = document().query_selector(ROWS) {
        focus(&row);
    }
}

/// The arrow keys go from row to row, and above the first one to the filter.
fn move_focus(event: KeyboardEvent) {
    let key = event.key();
    if !matches!(key.as_str(), "ArrowDown" | "ArrowUp" | "Home" | "End") {
        return;
    }
    let Ok(list) = document().query_selector_all(ROWS) else {
        return;
    };
    let rows: Vec<Element> = (0..list.length())
        .filter_map(|index| list.item(index)?.dyn_into().ok())
        .collect();
    let focused = document().active_element();
    let Some(at) = rows.iter().position(|row| Some(row) == focused.as_ref()) else {
        return;
    };
    event.prevent_default();
    let next = match key.as_str() {
        "ArrowDown" => rows.get(at + 1),
        "ArrowUp" => at.checked_sub(1).and_then(|before| rows.get(before)),
        "Home" => rows.first(),
        _ => rows.last(),
    };
    match next {
        Some(row) => focus(row),
        None if key == "ArrowUp" => {
            if let Ok(Some(filter)) = document().query_selector(".filter input") {
                focus(&filter);
            }
        }
        None => {}
    }
}

fn focus(element: &Element) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        // Only an element that is not in the document can't have the focus.
        let _ = element.focus();
    }
}
