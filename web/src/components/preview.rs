//! What a script would do, above the rows that it would change; to be kept, or forgotten.

use leptos::prelude::*;
use messages::sandbox::Preview;

use crate::components::part::{on, part};
use crate::engine::script::{Fate, Phase, PreviewRun};
use crate::format::numbers::{bytes, count, counted};
use crate::format::timeline::{operation, row_delta, summary, tags};
use crate::state::workbench;

/// What is shown; it stays equal while rows are added.
#[derive(Clone, PartialEq)]
struct Shown {
    run: PreviewRun,
    can_be_kept: bool,
    ended: bool,
}

#[component]
pub fn PreviewPanel() -> AnyView {
    let workbench = workbench();
    let shown = Memo::new(move |_| {
        workbench.script.with(|script| {
            let script = script.as_ref()?;
            let run = script.preview.clone()?;
            let failed = matches!(script.phase, Phase::Failed { .. } | Phase::Cancelled { .. });
            // What a script did before it failed is not what it would do.
            (!failed || run.fate != Fate::Open).then(|| Shown {
                run,
                can_be_kept: script.can_be_kept(),
                ended: script.phase == Phase::Done || script.is_parked(),
            })
        })
    });
    part(move || shown.get().map(panel)).into_any()
}

fn panel(shown: Shown) -> AnyView {
    let Shown {
        run,
        can_be_kept,
        ended,
    } = shown;
    let (state, text) = match &run.fate {
        Fate::Kept => ("kept", "Kept. This is what changed.".to_owned()),
        Fate::Forgotten => ("forgotten", "Forgotten: nothing was written.".to_owned()),
        Fate::Refused(error) => {
            let hint = error.hint.as_deref().unwrap_or_default();
            ("refused", format!("{} {hint}", error.message))
        }
        Fate::Open if run.effects.is_empty() && ended => {
            let text = "This writes nothing: there is nothing to keep.";
            ("nothing", text.to_owned())
        }
        Fate::Open => ("open", "Nothing is written yet.".to_owned()),
    };
    let workbench = workbench();
    let buttons = can_be_kept.then(|| {
        let keep = if workbench.is_sandboxed() {
            "Keep in the sandbox"
        } else {
            "Run for real"
        };
        view! {
            <button class="primary" data-testid="keep" on:click=on(move |_| workbench.keep_preview())>
                {keep}
            </button>
            <button class="plain" data-testid="forget" on:click=on(move |_| workbench.forget_preview())>
                "Forget"
            </button>
        }
        .into_any()
    });
    let effects: Vec<_> = run.effects.iter().map(effect).collect();
    view! {
        <section class="effect" data-testid="effect" data-state=state aria-label="Preview">
            <div class="line">
                <h2>"Preview"</h2>
                <span class="said" data-testid="fate">{text}</span>
                <span class="grow"></span>
                {buttons}
            </div>
            {effects}
        </section>
    }
    .into_any()
}

fn delta(class: &'static str, rows: Option<String>) -> Option<AnyView> {
    rows.map(|rows| {
        view! { <span class=class data-testid=format!("rows-{class}")>{rows}</span> }.into_any()
    })
}

/// What one statement would do to its table.
fn effect(preview: &Preview) -> AnyView {
    let name = preview.table.rsplit('/').next().unwrap_or_default();
    let note = preview.no_rows.clone();
    let note = note.map(|text| view! { <p class="quiet">{text}</p> }.into_any());
    let Some(commit) = &preview.commit else {
        return view! {
            <div class="one"><p><code>{name.to_owned()}</code></p>{note}</div>
        }
        .into_any();
    };
    let changed = row_delta(commit);
    let marks: Vec<_> = tags(commit)
        .into_iter()
        .map(|tag| view! { <span class="tag" class:bad=tag.grave>{tag.text}</span> }.into_any())
        .collect();
    let metrics: Vec<_> = commit
        .metrics
        .iter()
        .filter(|(_, value)| *value != "0")
        .map(|(name, value)| view! { <li>{name.clone()}" "<b>{value.clone()}</b></li> }.into_any())
        .collect();
    let rows = |rows: Option<u64>| match rows {
        Some(rows @ 1..) => format!(" ({})", counted(rows, "row", "rows")),
        _ => String::new(),
    };
    let files = format!(
        "{} added{}, {} removed{}",
        counted(commit.files_added, "file", "files"),
        rows(commit.rows_added),
        count(commit.files_removed),
        rows(commit.rows_removed),
    );
    let listed: Vec<_> = preview
        .files
        .iter()
        .map(|file| {
            let sign = if file.added { "+" } else { "−" };
            let size = file.size.map(|size| format!("  {}", bytes(size)));
            view! {
                <li class=if file.added { "plus" } else { "minus" } title=file.path.clone()>
                    {sign}" "{file.path.clone()}<span class="quiet">{size}</span>
                </li>
            }
            .into_any()
        })
        .collect();
    view! {
        <div class="one">
            <p>
                <b>{operation(commit).to_owned()}</b>
                {marks}
                <span class="quiet">{summary(commit)}</span>
                {delta("plus", changed.inserted)}
                {delta("changed", changed.updated)}
                {delta("minus", changed.deleted)}
                <span class="quiet">"→ version "{commit.version.to_string()}" of "<code>{name.to_owned()}</code></span>
            </p>
            {note}
            <details>
                <summary data-testid="effect-files">{files}</summary>
                <ul class="files">{listed}</ul>
                <ul class="metrics" data-testid="effect-metrics">{metrics}</ul>
            </details>
        </div>
    }
    .into_any()
}
