//! Errors: what happened, which columns, what to do.

use leptos::prelude::*;
use messages::Error;

use crate::components::part::on;

/// The error of a statement, in the place of its result.
#[component]
pub fn ErrorPanel(
    error: Error,
    /// The statement at fault, where the script has several.
    statement: Option<String>,
    retry: Callback<()>,
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
            <button class="plain" data-testid="run-again" on:click=on(move |_| retry.run(()))>
                "Run again"
            </button>
        </div>
    }
    .into_any()
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
