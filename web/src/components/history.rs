//! The time machine: how the table came to be, and a way to each of its versions.

use std::sync::Arc;

use leptos::prelude::*;
use messages::table::{HistoryEntry, TableDescription};

use crate::browser;
use crate::components::error::Problem;
use crate::components::part::{live, on, part, when};
use crate::format::numbers::count;
use crate::format::timeline::{
    bars, headline, highest, operation, row_delta, share, summary, tags,
};
use crate::format::times::{full_time, short_time};
use crate::state::{Pane, Workbench, workbench};

/// Versions listed at first, and more each time they are asked for.
const PAGE: usize = 200;

#[component]
pub fn History() -> AnyView {
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
            class:shown=live(move || workbench.is_shown(Pane::History))
            aria-label="History" data-testid="history"
        >
            {part(move || problem.get().map(|error| view! { <Problem error retry/> }.into_inner()))}
            {live(move || match (table.get(), problem.get()) {
                (Some(table), _) => view! { <Timeline table/> }.into_inner(),
                (None, Some(_)) => ().into_any(),
                (None, None) => view! { <NoTable/> }.into_inner(),
            })}
        </aside>
    }
    .into_any()
}

#[component]
fn NoTable() -> AnyView {
    let workbench = workbench();
    live(move || {
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
    })
    .into_any()
}

#[component]
fn Timeline(table: Arc<TableDescription>) -> AnyView {
    let workbench = workbench();
    let listed = RwSignal::new(PAGE);
    let latest = table.version;
    let shown = Memo::new(move |_| workbench.viewed.get().unwrap_or(latest));
    let location = table.location.clone();
    let ghosts = Memo::new(move |_| {
        workbench.script.with(|script| {
            let script = script.as_ref();
            script.map_or_else(Vec::new, |script| script.commits_to_be(&location))
        })
    });
    let highest = highest(&table.history);
    let strip: Vec<_> = bars(&table.history)
        .into_iter()
        .map(|bar| {
            let version = bar.version;
            view! {
                <i
                    style:height=format!("{}%", bar.height)
                    title=bar.label
                    class:bad=bar.overwrote
                    class:on=live(move || shown.get() == version)
                    on:click=on(move |_| travel(workbench, version, latest))
                ></i>
            }
            .into_any()
        })
        .collect();
    let total = table.history.len();
    let has_older = table.has_older_history;
    let travelled = Memo::new(move |_| shown.get() != latest);
    let has_more = Memo::new(move |_| listed.get() < total);
    let ends_early = Memo::new(move |_| has_older && total <= listed.get());
    let head_table = table.clone();
    let size = headline_title(&table);
    view! {
        <div class="now">
            <div class="title">
                <h2>"Time machine"</h2>
                {when(travelled, move || view! {
                    <button
                        class="plain back"
                        data-testid="back-to-latest"
                        on:click=on(move |_| workbench.travel(None))
                    >
                        "Back to latest"
                    </button>
                }.into_any())}
            </div>
            <p class="version">
                <b data-testid="version">"Version "{live(move || shown.get().to_string())}</b>
                " "
                <span class="quiet" title=size>{live(move || headline(&head_table, shown.get()))}</span>
            </p>
            <div class="strip" aria-hidden="true" data-testid="strip">
                {strip}
                {live(move || ghosts.with(|ghosts| {
                    let bar = |entry: &HistoryEntry| {
                        let height = share(entry.num_rows, highest);
                        view! { <i class="ghost" style:height=format!("{height}%")></i> }.into_any()
                    };
                    ghosts.iter().map(bar).collect::<Vec<_>>()
                }))}
            </div>
        </div>
        <ol class="versions">
            {live(move || ghosts.with(|ghosts| ghosts.iter().rev().map(ghost).collect::<Vec<_>>()))}
            <For
                each=move || table.history[..listed.get().min(total)].to_vec()
                key=|entry| entry.version
                let:entry
            >
                <Version entry latest shown/>
            </For>
            {when(has_more, move || view! {
                <li class="more">
                    <button class="plain" on:click=on(move |_| *listed.write() += PAGE)>
                        {live(move || format!("{} older versions", count((total - listed.get().min(total)) as u64)))}
                    </button>
                </li>
            }.into_any())}
            {when(ends_early, move || view! {
                <li class="more quiet">"DESCRIBE HISTORY has the versions before these."</li>
            }.into_any())}
        </ol>
    }
    .into_any()
}

/// One commit; a click queries the table as of it.
#[component]
fn Version(entry: HistoryEntry, latest: u64, shown: Memo<u64>) -> AnyView {
    let workbench = workbench();
    let version = entry.version;
    let time = short_time(entry.timestamp, browser::wall_clock());
    let title = full_time(entry.timestamp);
    view! {
        <li>
            <button
                data-testid=format!("version-{version}")
                aria-current=live(move || (shown.get() == version).then_some("true"))
                title=format!("SELECT * … VERSION AS OF {version}\n{title}")
                on:click=on(move |_| travel(workbench, version, latest))
            >
                {told(&entry, &time)}
            </button>
        </li>
    }
    .into_any()
}

/// A version that a preview would make; a click goes to what it would change.
fn ghost(entry: &HistoryEntry) -> AnyView {
    let workbench = workbench();
    view! {
        <li>
            <button
                class="ghost"
                data-testid=format!("ghost-{}", entry.version)
                title="A preview: this version is not written"
                on:click=on(move |_| {
                    workbench.pane.set(Pane::Sql);
                    workbench.chosen.set(None);
                })
            >
                {told(entry, "preview")}
            </button>
        </li>
    }
    .into_any()
}

/// What a commit did, in two lines; `when` begins the second.
fn told(entry: &HistoryEntry, when: &str) -> AnyView {
    let marks: Vec<_> = tags(entry)
        .into_iter()
        .map(|tag| view! { " "<span class="tag" class:bad=tag.grave>{tag.text}</span> }.into_any())
        .collect();
    let said = summary(entry);
    let line = if said.is_empty() {
        when.to_owned()
    } else {
        format!("{when} · {said}")
    };
    let rows = row_delta(entry);
    view! {
        <span class="v">{entry.version}</span>
        <span class="what">
            <span class="op">{operation(entry).to_owned()}</span>{marks}
            <time datetime=full_time(entry.timestamp)>{line}</time>
        </span>
        <span class="delta">
            {rows.inserted.map(|rows| view! { <span class="plus">{rows}</span> }.into_any())}
            {rows.updated.map(|rows| view! { <span class="changed">{rows}</span> }.into_any())}
            {rows.deleted.map(|rows| view! { <span class="minus">{rows}</span> }.into_any())}
        </span>
    }
    .into_any()
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
