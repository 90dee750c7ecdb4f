//! Tables by bucket, and the columns of the chosen one.

use leptos::prelude::*;
use messages::table::TableEntry;

use crate::components::error::Problem;
use crate::state::workbench;

#[component]
pub fn Tables() -> impl IntoView {
    let workbench = workbench();
    let buckets = Memo::new(move |_| workbench.tables.with(|tables| by_bucket(&tables.entries)));
    let problems = Memo::new(move |_| workbench.tables.with(|tables| tables.problems.clone()));
    view! {
        <aside
            class="tables"
            aria-label="Tables"
            data-testid="tables"
            aria-busy=move || if workbench.is_looking() { "true" } else { "false" }
        >
            <div class="title">
                <h2>"Tables"</h2>
                <button
                    class="icon"
                    data-testid="refresh"
                    title="Look for tables and new versions"
                    aria-label="Refresh"
                    class:busy=move || workbench.tables.with(|tables| tables.loading)
                    on:click=move |_| workbench.refresh()
                >
                    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" aria-hidden="true">
                        <path d="M13 8a5 5 0 1 1-1.6-3.7"/><path d="M13.2 1.8v3h-3" stroke-linejoin="round"/>
                    </svg>
                </button>
            </div>
            <ul class="tree">
                <For each=move || buckets.get() key=bucket_key let:bucket>
                    <li class="bucket">{bucket.0.clone()}</li>
                    <For
                        each={
                            let entries = bucket.1.clone();
                            move || entries.clone()
                        }
                        key=|entry| entry.location.clone()
                        let:entry
                    >
                        <Table entry/>
                    </For>
                </For>
            </ul>
            <Nothing/>
            <For each=move || problems.get() key=|problem| problem.to_string() let:problem>
                <Problem error=problem retry=Callback::new(move |()| workbench.refresh())/>
            </For>
        </aside>
    }
}

/// One table; the chosen one shows its columns.
#[component]
fn Table(entry: TableEntry) -> impl IntoView {
    let workbench = workbench();
    let location = StoredValue::new(entry.location.clone());
    let is_chosen = Memo::new(move |_| {
        workbench
            .selected
            .with(|chosen| location.with_value(|own| chosen.as_ref() == Some(own)))
    });
    let table = Memo::new(move |_| {
        workbench
            .known
            .with(|known| location.with_value(|own| known.get(own)?.table.clone()))
    });
    let name = entry
        .path
        .rsplit('/')
        .next()
        .unwrap_or(&entry.path)
        .to_owned();
    let columns = move || {
        let table = table.get().filter(|_| is_chosen.get())?;
        let columns: Vec<_> = table
            .columns
            .iter()
            .map(|column| {
                let partition = table.partition_columns.contains(&column.name);
                view! {
                    <li title=format!("{} {}{}", column.name, column.data_type, if partition { ", partition" } else { "" })>
                        <span class:partition=partition>{column.name.clone()}</span>
                        <span class="quiet">{column.data_type.clone()}</span>
                    </li>
                }
            })
            .collect();
        Some(view! { <ul class="columns" data-testid="columns">{columns}</ul> })
    };
    view! {
        <li>
            <button
                data-testid=format!("table-{name}")
                title=entry.location.clone()
                aria-current=move || is_chosen.get().then_some("true")
                on:click=move |_| workbench.choose(location.get_value())
            >
                <span>{entry.path.clone()}</span>
                <span class="quiet">{move || table.get().map(|table| format!("v{}", table.version))}</span>
            </button>
            {columns}
        </li>
    }
}

/// What stands where no table is.
#[component]
fn Nothing() -> impl IntoView {
    let workbench = workbench();
    move || {
        let (empty, loading, failed) = workbench.tables.with(|tables| {
            (
                tables.entries.is_empty(),
                tables.loading,
                !tables.problems.is_empty(),
            )
        });
        let (connected, asking, buckets) = workbench.link.with(|link| {
            let buckets = link
                .connection
                .as_ref()
                .map(|connection| connection.buckets.join(", "));
            (
                link.connection.is_some(),
                link.asking,
                buckets.unwrap_or_default(),
            )
        });
        if !empty || asking {
            return None;
        }
        let text = if !connected {
            "No store is connected. Tables on any S3-compatible store that allows CORS can be read."
                .to_owned()
        } else if loading {
            return Some(skeleton().into_any());
        } else if failed {
            return None;
        } else if buckets.is_empty() {
            "This connection names no bucket to look into. Tables can still be queried by path."
                .to_owned()
        } else {
            format!("No tables yet in {buckets}. CREATE TABLE makes one.")
        };
        Some(
            view! {
                <div class="empty" data-testid="tables-empty">
                    <p class="quiet">{text}</p>
                    <Show when=move || !connected>
                        <button class="plain" on:click=move |_| workbench.dialog_open.set(true)>
                            "Connect…"
                        </button>
                    </Show>
                </div>
            }
            .into_any(),
        )
    }
}

fn skeleton() -> impl IntoView {
    view! {
        <div class="skeleton" role="status" aria-label="Looking for tables">
            <i style="width:52%"></i><i style="width:78%"></i><i style="width:66%"></i>
        </div>
    }
}

/// A bucket with other tables is drawn anew.
fn bucket_key((bucket, entries): &(String, Vec<TableEntry>)) -> String {
    let paths = entries.iter().map(|entry| entry.path.as_str());
    std::iter::once(bucket.as_str())
        .chain(paths)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Groups entries by bucket, in their order.
fn by_bucket(entries: &[TableEntry]) -> Vec<(String, Vec<TableEntry>)> {
    let mut buckets: Vec<(String, Vec<TableEntry>)> = Vec::new();
    for entry in entries {
        match buckets
            .iter_mut()
            .find(|(bucket, _)| *bucket == entry.bucket)
        {
            Some((_, tables)) => tables.push(entry.clone()),
            None => buckets.push((entry.bucket.clone(), vec![entry.clone()])),
        }
    }
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_grouped_by_bucket_in_the_order_they_came() {
        let entry = |bucket: &str, path: &str| TableEntry {
            bucket: bucket.into(),
            path: path.into(),
            location: format!("s3a://{bucket}/{path}"),
        };
        let buckets = by_bucket(&[entry("raw", "a"), entry("curated", "b"), entry("raw", "c")]);
        assert_eq!(buckets[0].0, "raw");
        assert_eq!(buckets[0].1.len(), 2);
        assert_eq!(buckets[1].1[0].path, "b");
    }
}
