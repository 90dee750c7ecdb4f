//! The middle: editor, run bar, result, cost.

use leptos::html::Div;
use leptos::prelude::*;
use leptos::web_sys;
use wasm_bindgen::JsCast;

use crate::browser;
use crate::components::cost::CostBar;
use crate::components::part::{live, on, part, when};
use crate::components::results::Results;
use crate::engine::script::{Phase, Script};
use crate::format::numbers::duration;
use crate::format::statements::in_one_line;
use crate::state::{Pane, workbench};

#[component]
pub fn Work() -> AnyView {
    let workbench = workbench();
    view! {
        <section
            class="work"
            class:shown=live(move || workbench.is_shown(Pane::Sql))
            aria-label="SQL"
        >
            <Editor/>
            <RunBar/>
            <Results/>
            <CostBar/>
        </section>
    }
    .into_any()
}

#[component]
fn Editor() -> AnyView {
    let workbench = workbench();
    let place = NodeRef::<Div>::new();
    Effect::new(move |_| {
        if let Some(element) = place.get() {
            workbench.mount_editor(element.unchecked_ref::<web_sys::HtmlElement>());
        }
    });
    view! { <div class="editor" data-testid="editor" node_ref=place></div> }.into_any()
}

/// Run or Cancel, the clock, and the statements of a script that has several.
#[component]
fn RunBar() -> AnyView {
    let workbench = workbench();
    let busy = Memo::new(move |_| {
        workbench.script.with(|s| {
            s.as_ref()
                .is_some_and(|s| s.phase.is_open() && !s.is_parked())
        })
    });
    let key = if browser::is_mac() { "⌘" } else { "Ctrl" };
    let run_label = move || {
        if workbench.has_selection.get() {
            "Run selection"
        } else {
            "Run"
        }
    };
    let clock = move || {
        let (number, unit) = duration(workbench.clock.elapsed.get());
        format!("{number} {unit}")
    };
    let buttons = move || {
        if busy.get() {
            return view! {
                <button class="stop" data-testid="cancel" on:click=on(move |_| workbench.cancel())>
                    "Cancel"
                </button>
                <span class="clock" data-testid="elapsed" role="timer">{live(clock)}</span>
            }
            .into_any();
        }
        view! {
            <button class="primary" data-testid="run" on:click=on(move |_| workbench.run_editor())>
                {live(run_label)}
            </button>
            <button
                class="plain preview"
                data-testid="preview"
                title="Run it on a copy, and see what it would do: nothing is kept until you say so"
                on:click=on(move |_| workbench.preview_editor())
            >
                "Preview"
            </button>
            <span class="keys wide" aria-hidden="true"><kbd>{key}</kbd><kbd>"↵"</kbd></span>
        }
        .into_any()
    };
    view! {
        <div class="bar" class:busy=live(move || busy.get())>
            {live(buttons)}
            <Caption/>
            <span class="grow"></span>
            <StatementTabs/>
        </div>
    }
    .into_any()
}

/// The statement whose result is shown, where it is not what the editor holds.
#[component]
fn Caption() -> AnyView {
    let workbench = workbench();
    let sql = Memo::new(move |_| workbench.script.with(|s| s.as_ref().map(|s| s.sql.clone())));
    part(move || {
        let sql = sql.get()?;
        let shown_there = workbench.with_editor(|editor| editor.text().contains(sql.trim()));
        if shown_there.unwrap_or(true) {
            return None;
        }
        let line = in_one_line(&sql);
        Some(
            view! {
                <button
                    class="caption"
                    data-testid="caption"
                    title="Put this statement into the editor"
                    on:click=on(move |_| workbench.write_text(&sql))
                >
                    <code>{line}</code>
                </button>
            }
            .into_any(),
        )
    })
    .into_any()
}

#[component]
fn StatementTabs() -> AnyView {
    let workbench = workbench();
    let count = Memo::new(move |_| {
        workbench
            .script
            .with(|s| s.as_ref().map_or(0, |s| s.statements.len()))
    });
    let several = Memo::new(move |_| {
        workbench
            .script
            .with(|s| s.as_ref().is_some_and(|s| s.count > 1))
    });
    let selected = Memo::new(move |_| {
        let default = workbench
            .script
            .with(|s| s.as_ref().map(Script::shown_by_default));
        workbench.chosen.get().or(default).unwrap_or(0)
    });
    let tab =
        move |index: usize| {
            let label =
                Memo::new(move |_| {
                    workbench.script.with(|script| {
                let Some(script) = script.as_ref() else {
                    return Default::default();
                };
                let line = script.statements.get(index).map(|s| in_one_line(&s.text));
                let line = line.unwrap_or_default();
                let is_difference = script.statements.get(index).is_some_and(|s| s.is_difference);
                let word = if is_difference {
                    "changes".to_owned()
                } else {
                    line.split_whitespace().next().unwrap_or("…").to_ascii_uppercase()
                };
                let failed = matches!(
                    script.phase, Phase::Failed { index: Some(at), .. } if at as usize == index
                );
                (format!("{} {word}", index + 1), line, failed)
            })
                });
            view! {
            <button
                role="tab"
                data-testid=format!("statement-{}", index + 1)
                class:bad=live(move || label.read().2)
                aria-selected=live(move || if selected.get() == index { "true" } else { "false" })
                title=live(move || label.read().1.clone())
                on:click=on(move |_| workbench.chosen.set(Some(index)))
            >
                {live(move || label.read().0.clone())}
            </button>
        }
        .into_any()
        };
    when(several, move || {
        view! {
            <div class="tabs" role="tablist" aria-label="Statements" data-testid="statements">
                <For each=move || 0..count.get() key=|index| *index children=tab/>
            </div>
        }
        .into_any()
    })
    .into_any()
}
