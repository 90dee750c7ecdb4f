//! Errors: what happened, which columns, what to do.

use leptos::prelude::*;
use messages::Error;
use messages::engine::Resume;

use crate::components::part::{live, on};
use crate::engine::script::Repeat;
use crate::format::numbers::counted;
use crate::state::workbench;

/// The error of a statement, in the place of its result.
#[component]
pub fn ErrorPanel(
    error: Error,
    /// The statement at fault, where the script has several.
    statement: Option<String>,
    repeat: Repeat,
) -> AnyView {
    let columns = (!error.columns.is_empty()).then(|| {
        let rows: Vec<_> = error
            .columns
            .iter()
            .map(|problem| {
                view! {
                    <tr data-testid="error-column">
                        <td>{problem.column.clone()}</td>
                        <td>{problem.expected.clone()}</td>
                        <td>{problem.actual.clone()}</td>
                    </tr>
                }
                .into_any()
            })
            .collect();
        view! {
            <table class="problems">
                <thead><tr><th>"column"</th><th>"expected"</th><th>"got"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        }
        .into_any()
    });
    view! {
        <div class="failure" role="alert" data-testid="error">
            <p class="code" data-testid="error-code">{error.code.clone()}</p>
            <p class="message" data-testid="error-message">{error.message.clone()}</p>
            {columns}
            {error.hint.clone().map(|hint| view! { <p class="hint" data-testid="error-hint">{hint}</p> }.into_any())}
            {statement.map(|text| view! { <pre class="at">{text}</pre> }.into_any())}
            {repeat_buttons(repeat)}
        </div>
    }
    .into_any()
}

/// What to do next, so that nothing is written twice unasked.
fn repeat_buttons(repeat: Repeat) -> AnyView {
    let workbench = workbench();
    let button =
        |id: &'static str, class: &'static str, text: &'static str, resume: Option<Resume>| {
            let run = move |_| match resume.clone() {
                Some(resume) => workbench.resume(resume),
                None => workbench.run_again(),
            };
            view! { <button class=class data-testid=id on:click=on(run)>{text}</button> }.into_any()
        };
    let (said, buttons) = match repeat {
        Repeat::All => (String::new(), vec![button("run-again", "plain", "Run again", None)]),
        Repeat::From(resume) => {
            let ran = counted(resume.from.into(), "statement before it has", "statements before it have");
            let go_on = button("resume", "primary", "Go on from here", Some(resume));
            let again = button("run-again", "plain", "Run all again", None);
            (format!("The {ran} run, and won't be run again if you go on."), vec![go_on, again])
        }
        Repeat::Find(resume) => (
            "Going on looks for its commit first. Only if it is not there, the statement is run again."
                .to_owned(),
            vec![button("resume", "primary", "Look, and go on", Some(resume))],
        ),
        Repeat::Ask(resume) => {
            let asked = RwSignal::new(false);
            let again = button("run-anyway", "plain", "Run it all the same", Some(resume));
            let ask = view! {
                <button class="plain" data-testid="run-again" hidden=live(move || asked.get()) on:click=on(move |_| asked.set(true))>
                    "Run again…"
                </button>
                <div hidden=live(move || !asked.get())>
                    <p class="hint" data-testid="run-again-risk">
                        "The statement may have been committed. Then this writes it a second time: look at the history first."
                    </p>
                    {again}
                </div>
            };
            (String::new(), vec![ask.into_any()])
        }
    };
    let said = (!said.is_empty())
        .then(|| view! { <p class="quiet" data-testid="repeat">{said}</p> }.into_any());
    view! { {said}<div class="buttons">{buttons}</div> }.into_any()
}

/// A smaller one, beside what still works.
#[component]
pub fn Problem(error: Error, retry: Callback<()>) -> AnyView {
    view! {
        <div class="problem" role="alert" data-testid="problem">
            <p class="code">{error.code.clone()}</p>
            <p>{error.message.clone()}</p>
            {error.hint.clone().map(|hint| view! { <p class="quiet">{hint}</p> }.into_any())}
            <button class="plain" on:click=on(move |_| retry.run(()))>"Try again"</button>
        </div>
    }
    .into_any()
}
