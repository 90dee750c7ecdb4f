//! The cost of the shown statement.

use leptos::prelude::*;
use messages::engine::QueryMetrics;

use crate::components::part::part;
use crate::engine::script::{Script, Statement};
use crate::format::cost::{Figure, bytes_read, files, row_groups};
use crate::format::numbers::{count, duration};
use crate::state::workbench;

#[component]
pub fn CostBar() -> AnyView {
    let workbench = workbench();
    let shown = Memo::new(move |_| {
        workbench.script.with(|script| {
            let script = script.as_ref()?;
            let shown = workbench
                .chosen
                .get()
                .unwrap_or_else(|| script.shown_by_default());
            let statement = script.statements.get(shown)?;
            // What failed at once, or has only begun, has no figures yet.
            let counted = statement.summary.is_some() || statement.metrics.elapsed_ms > 0.0;
            let metrics = counted.then(|| statement.metrics.clone());
            let rows = rows(statement);
            (rows.is_some() || counted).then(|| (rows, metrics, waits(script, shown)))
        })
    });
    part(move || {
        let (rows, metrics, waits) = shown.get()?;
        let rows = rows.map(|rows| {
            let word = rows_word(&rows, waits);
            view! { <span data-testid="cost-rows"><b>{rows}</b>{word}</span> }.into_any()
        });
        Some(
            view! {
                <div class="cost" data-testid="cost" role="status">
                    {rows}
                    {metrics.map(|metrics| view! { <Figures metrics/> })}
                </div>
            }
            .into_any(),
        )
    })
    .into_any()
}

#[component]
fn Figures(metrics: QueryMetrics) -> AnyView {
    let (millis, unit) = duration(metrics.elapsed_ms);
    let bytes = bytes_read(&metrics).map(|(figure, share)| {
        let meter = share.map(|share| {
            view! {
                <span class="meter" aria-hidden="true"><i style:width=format!("{share}%")></i></span>
            }
            .into_any()
        });
        view! {
            <span class="bytes" data-testid="cost-bytes">
                {meter}<b>{figure.number}</b>" "{figure.what}
            </span>
        }
        .into_any()
    });
    let from_log = metrics.from_log.then(|| {
        view! { <span class="log" data-testid="cost-from-log">"answered from the log"</span> }
            .into_any()
    });
    let requests = if metrics.requests == 1 {
        " request"
    } else {
        " requests"
    };
    view! {
        <span data-testid="cost-time"><b>{millis}</b>" "{unit}</span>
        <span data-testid="cost-requests"><b>{count(metrics.requests)}</b>{requests}</span>
        {bytes}
        {files(&metrics).map(|f| figure(f, "cost-files"))}
        {row_groups(&metrics).map(|f| figure(f, "cost-row-groups"))}
        {from_log}
    }
    .into_any()
}

fn rows_word(rows: &str, more_wait: bool) -> &'static str {
    match (rows, more_wait) {
        (_, true) => " rows, more on scrolling",
        ("1", false) => " row",
        (_, false) => " rows",
    }
}

fn figure(figure: Figure, testid: &'static str) -> AnyView {
    view! {
        <span class="wide" data-testid=testid>
            <b>{figure.number}</b>" "{figure.what}
            {figure.note.map(|note| view! { <span class="quiet">" "{note}</span> }.into_any())}
        </span>
    }
    .into_any()
}

/// Rows of the result: as the engine counts them once it has ended, until then those at hand.
fn rows(statement: &Statement) -> Option<String> {
    if statement.columns.is_empty() {
        return None;
    }
    let at_hand = statement.rows.len() as u64;
    Some(count(
        statement
            .summary
            .as_ref()
            .map_or(at_hand, |summary| summary.row_count),
    ))
}

fn waits(script: &Script, shown: usize) -> bool {
    shown + 1 == script.statements.len() && script.is_parked() && !script.is_full()
}
