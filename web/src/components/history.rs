//! The time machine: how the table came to be, and a way to each of its versions.

use std::sync::Arc;

use leptos::prelude::*;
use messages::table::{HistoryEntry, TableDescription};

use crate::browser;
use crate::components::error::Problem;
use crate::format::numbers::count;
use crate::format::timeline::{bars, headline, operation, row_delta, summary, tags};
use crate::format::times::{full_time, short_time};
use crate::state::{Pane, Workbench, workbench};

/// Versions listed at first, and more each time they are asked for.
const PAGE: usize = 200;

#[component]
pub fn History() -> impl IntoView {
    let workbench = workbench();
    let table = Memo::new(move |_| workbench.chosen_table());
    let problem = Memo::new(move |_| {
        let location = workbench.selected.get()?;
        workbench
            .descriptions
            .with(|all| all.get(&location)?.problem.clone())
    });
    let retry = Callback::new(move |()| workbench.refresh());
    view! {
        <aside
            class="history"
            class:shown=move || workbench.is_shown(Pane::History)
            aria-label="History" data-testid="history"
        >
            {move || problem.get().map(|error| view! { <Problem error retry/> })}
            {move || match (table.get(), problem.get()) {
                (Some(table), _) => view! { <Timeline table/> }.into_any(),
                (None, Some(_)) => ().into_any(),
                (None, None) => view! { <NoTable/> }.into_any(),
            }}
        </aside>
    }
}

#[component]
fn NoTable() -> impl IntoView {
    let workbench = workbench();
    move || {
        if workbench.selected.get().is_some() {
            view! {
                <div class="now">
                    <h2>"Time machine"</h2>
                    <div class="skeleton" role="status" aria-label="Reading the log">
                        <i style="width:60%"></i><i style="width:90%"></i>
                    </div>
                </div>
            }
            .into_any()
        } else {
            view! {
                <div class="now">
                    <h2>"Time machine"</h2>
                    <p class="quiet">"Choose a table to see its versions."</p>
                </div>
            }
            .into_any()
        }
    }
}

#[component]
fn Timeline(table: Arc<TableDescription>) -> impl IntoView {
    let workbench = workbench();
    let listed = RwSignal::new(PAGE);
    let latest = table.version;
    let shown = Memo::new(move |_| workbench.viewed.get().unwrap_or(latest));
    let strip: Vec<_> = bars(&table.history)
        .into_iter()
        .map(|bar| {
            let version = bar.version;
            view! {
                <i
                    style:height=format!("{}%", bar.height)
                    title=bar.label
                    class:bad=bar.overwrote
                    class:on=move || shown.get() == version
                    on:click=move |_| travel(workbench, version, latest)
                ></i>
            }
        })
        .collect();
    let total = table.history.len();
    let has_older = table.has_older_history;
    let head_table = table.clone();
    let size = headline_title(&table);
    view! {
        <div class="now">
            <div class="title">
                <h2>"Time machine"</h2>
                <Show when=move || shown.get() != latest>
                    <button
                        class="plain back"
                        data-testid="back-to-latest"
                        on:click=move |_| workbench.travel(None)
                    >
                        "Back to latest"
                    </button>
                </Show>
            </div>
            <p class="version">
                <b data-testid="version">"Version "{move || shown.get()}</b>
                " "
                <span class="quiet" title=size>{move || headline(&head_table, shown.get())}</span>
            </p>
            <div class="strip" aria-hidden="true" data-testid="strip">{strip}</div>
        </div>
        <ol class="versions">
            <For
                each=move || table.history[..listed.get().min(total)].to_vec()
                key=|entry| entry.version
                let:entry
            >
                <Version entry latest shown/>
            </For>
            <Show when=move || listed.get() < total>
                <li class="more">
                    <button class="plain" on:click=move |_| listed.update(|listed| *listed += PAGE)>
                        {move || format!("{} older versions", count((total - listed.get().min(total)) as u64))}
                    </button>
                </li>
            </Show>
            <Show when=move || has_older && total <= listed.get()>
                <li class="more quiet">"DESCRIBE HISTORY has the versions before these."</li>
            </Show>
        </ol>
    }
}

/// One commit; a click queries the table as of it.
#[component]
fn Version(entry: HistoryEntry, latest: u64, shown: Memo<u64>) -> impl IntoView {
    let workbench = workbench();
    let version = entry.version;
    let marks: Vec<_> = tags(&entry)
        .into_iter()
        .map(|tag| view! { " "<span class="tag" class:bad=tag.grave>{tag.text}</span> })
        .collect();
    let said = summary(&entry);
    let time = short_time(entry.timestamp, browser::wall_clock());
    let line = if said.is_empty() {
        time
    } else {
        format!("{time} · {said}")
    };
    let (added, removed) = row_delta(&entry);
    let title = full_time(entry.timestamp);
    view! {
        <li>
            <button
                data-testid=format!("version-{version}")
                aria-current=move || (shown.get() == version).then_some("true")
                title=format!("SELECT * … VERSION AS OF {version}\n{title}")
                on:click=move |_| travel(workbench, version, latest)
            >
                <span class="v">{version}</span>
                <span class="what">
                    <span class="op">{operation(&entry).to_owned()}</span>{marks}
                    <time datetime=title.clone()>{line}</time>
                </span>
                <span class="delta">
                    {added.map(|rows| view! { <span class="plus">{rows}</span> })}
                    {removed.map(|rows| view! { <span class="minus">{rows}</span> })}
                </span>
            </button>
        </li>
    }
}

/// The latest version is asked for without naming it, so that the statement stays true.
fn travel(workbench: Workbench, version: u64, latest: u64) {
    workbench.travel((version != latest).then_some(version));
}

fn headline_title(table: &TableDescription) -> String {
    format!(
        "{} · {}",
        table.location,
        crate::format::numbers::bytes(table.size_in_bytes)
    )
}
