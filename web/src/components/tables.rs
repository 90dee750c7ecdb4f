//! The pane of tables: a filter, the list, and what stands where no table is.

use leptos::prelude::*;

use crate::browser;
use crate::components::error::Problem;
use crate::components::part::{live, on, part};
use crate::components::table_filter::TableFilter;
use crate::components::table_list::TableList;
use crate::format::numbers::counted;
use crate::state::table_tree::{Row, count, matching};
use crate::state::{Pane, workbench};

#[component]
pub fn Tables() -> AnyView {
    let workbench = workbench();
    let all = Memo::new(move |_| workbench.tree.with(|tree| tree.rows()));
    let shown = Memo::new(move |_| {
        let filter = workbench.filter.get();
        all.with(|rows| matching(rows, &filter, browser::lowercase))
    });
    let problems = Memo::new(move |_| workbench.tree.with(|tree| tree.problems()));
    view! {
        <aside
            class="tables"
            class:shown=live(move || workbench.is_shown(Pane::Tables))
            aria-label="Tables"
            data-testid="tables"
            aria-busy=live(move || if workbench.is_looking() { "true" } else { "false" })
        >
            <div class="top">
                <div class="title">
                    <h2>"Tables"</h2>
                    <button
                        class="icon"
                        data-testid="refresh"
                        title="Look for tables and new versions"
                        aria-label="Refresh"
                        class:busy=live(move || workbench.tree.read().is_looking())
                        on:click=on(move |_| workbench.refresh())
                    >
                        <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" aria-hidden="true">
                            <path d="M13 8a5 5 0 1 1-1.6-3.7"/><path d="M13.2 1.8v3h-3" stroke-linejoin="round"/>
                        </svg>
                    </button>
                </div>
                <TableFilter all shown/>
            </div>
            <TableList rows=shown/>
            <NoMatch all shown/>
            <NoTables all/>
            <For each=move || problems.get() key=|problem| problem.to_string() let:problem>
                <Problem error=problem retry=Callback::new(move |()| workbench.refresh())/>
            </For>
        </aside>
    }
    .into_any()
}

/// Says that the filter leaves nothing, and what may help.
#[component]
fn NoMatch(all: Memo<Vec<Row>>, shown: Memo<Vec<Row>>) -> AnyView {
    let workbench = workbench();
    let nothing =
        Memo::new(move |_| all.with(|rows| !rows.is_empty()) && shown.with(Vec::is_empty));
    part(move || {
        if !nothing.get() {
            return None;
        }
        let filter = workbench.filter.get().trim().to_owned();
        let (count, unlisted) = all.with(|rows| {
            let unlisted = rows.iter().filter(|row| matches!(row, Row::Unlisted(_)));
            (count(rows) as u64, unlisted.count() as u64)
        });
        let text = format!(
            "Nothing matches “{filter}”: {} searched by name.",
            counted(count, "table or folder", "tables and folders")
        );
        let inside = (unlisted > 0).then(|| {
            let label = format!("Look into {}", counted(unlisted, "folder", "folders"));
            view! {
                <button
                    class="plain"
                    data-testid="look-inside"
                    title="Folders that were not in view yet may hold more tables"
                    on:click=on(move |_| workbench.want_all_listed())
                >
                    {label}
                </button>
            }
            .into_any()
        });
        Some(view! {
            <div class="empty" data-testid="tables-no-match">
                <p class="quiet">{text}</p>
                <button class="plain" on:click=on(move |_| workbench.filter.set(String::new()))>"Show all"</button>
                {inside}
            </div>
        }
        .into_any())
    })
    .into_any()
}

/// Says why there are no tables.
#[component]
fn NoTables(all: Memo<Vec<Row>>) -> AnyView {
    let workbench = workbench();
    part(move || {
        let (looking, failed) = workbench.tree.with(|tree| {
            let looking = tree.is_looking() || !tree.is_loaded();
            (looking, !tree.problems().is_empty())
        });
        let (connected, asking, buckets) = workbench.connection.with(|state| {
            let buckets = state
                .connection
                .as_ref()
                .map(|connection| connection.buckets.join(", "));
            (
                state.has_store(),
                state.asking,
                buckets.unwrap_or_default(),
            )
        });
        if asking || !all.with(Vec::is_empty) {
            return None;
        }
        let text = if looking {
            return Some(skeleton());
        } else if failed {
            return None;
        } else if !connected {
            "No store is connected. CREATE TABLE makes a table in this tab; tables on any S3-compatible store that allows CORS can be read."
                .to_owned()
        } else if buckets.is_empty() {
            "This connection names no bucket to look into. Tables can still be queried by path."
                .to_owned()
        } else {
            format!("No tables yet in {buckets}. CREATE TABLE makes one.")
        };
        let connect = (!connected).then(|| {
            view! {
                <button class="plain" on:click=on(move |_| workbench.dialog_open.set(true))>
                    "Connect…"
                </button>
            }
            .into_any()
        });
        Some(
            view! {
                <div class="empty" data-testid="tables-empty">
                    <p class="quiet">{text}</p>
                    {connect}
                </div>
            }
            .into_any(),
        )
    })
    .into_any()
}

fn skeleton() -> AnyView {
    view! {
        <div class="skeleton" role="status" aria-label="Looking for tables">
            <i style="width:52%"></i><i style="width:78%"></i><i style="width:66%"></i>
        </div>
    }
    .into_any()
}
