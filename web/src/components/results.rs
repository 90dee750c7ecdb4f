//! The result of the shown statement, in all its states.

use leptos::prelude::*;

use crate::components::error::ErrorPanel;
use crate::components::grid::Grid;
use crate::components::part::{live, on, part};
use crate::components::preview::PreviewPanel;
use crate::engine::client::EngineStatus;
use crate::engine::script::{MAX_ROWS, Phase, Repeat, Script};
use crate::format::numbers::{count, counted};
use crate::format::statements;
use crate::state::workbench;

/// Content of the result area. It stays equal while rows are added.
#[derive(Debug, Clone, PartialEq)]
enum View {
    Nothing,
    Queued,
    Running,
    Failed {
        error: messages::Error,
        statement: Option<String>,
        repeat: Repeat,
    },
    Grid {
        run: u32,
        statement: usize,
    },
    /// A statement without a result: what it did.
    Outcome {
        text: String,
    },
    Cancelled,
}

#[component]
pub fn Results() -> AnyView {
    let workbench = workbench();
    let view = Memo::new(move |_| {
        workbench.script.with(|script| {
            let Some(script) = script.as_ref() else {
                return View::Nothing;
            };
            view_of(script, workbench.chosen.get())
        })
    });
    let notice = Memo::new(move |_| {
        workbench
            .script
            .with(|s| s.as_ref().and_then(|s| notice(s, workbench.chosen.get())))
    });
    let warnings = Memo::new(move |_| {
        workbench
            .script
            .with(|s| s.as_ref().map(|s| warnings(s, workbench.chosen.get())))
            .unwrap_or_default()
    });
    let warned = move || {
        let of_text =
            |text| view! { <p class="notice" data-testid="warning">{text}</p> }.into_any();
        warnings.get().into_iter().map(of_text).collect::<Vec<_>>()
    };
    view! {
        <div class="results" data-testid="results" aria-live="polite">
            <PreviewPanel/>
            {live(warned)}
            {part(move || notice.get().map(|text| view! { <p class="notice" data-testid="notice">{text}</p> }.into_any()))}
            {live(move || match view.get() {
                View::Nothing => view! { <Welcome/> }.into_inner(),
                View::Queued => view! { <Queued/> }.into_inner(),
                View::Running => view! { <div class="wait" data-testid="running"><p class="quiet">"Running…"</p></div> }.into_any(),
                View::Failed { error, statement, repeat } => {
                    view! { <ErrorPanel error statement repeat/> }.into_inner()
                }
                View::Grid { statement, .. } => view! { <Grid statement/> }.into_inner(),
                View::Outcome { text } => view! {
                    <div class="outcome" data-testid="outcome"><span aria-hidden="true">"✓"</span><p>{text}</p></div>
                }.into_any(),
                View::Cancelled => view! {
                    <div class="wait" data-testid="cancelled"><p>"Cancelled."</p><p class="quiet">"The editor's text is as it was; the engine is ready for the next statement."</p></div>
                }.into_any(),
            })}
        </div>
    }
    .into_any()
}

fn view_of(script: &Script, chosen: Option<usize>) -> View {
    let shown = chosen.unwrap_or_else(|| script.shown_by_default());
    let statement = script.statements.get(shown);
    if let Phase::Failed { index, error } = &script.phase {
        let at_fault = index.map_or(script.statements.len(), |index| index as usize);
        if chosen.is_none_or(|chosen| chosen == at_fault) {
            let text = script.statements.get(at_fault).map(|s| s.text.clone());
            let text = text.filter(|_| script.count > 1);
            return View::Failed {
                error: error.clone(),
                statement: text,
                repeat: script.repeat().unwrap_or(Repeat::All),
            };
        }
    }
    if matches!(script.phase, Phase::Cancelled { .. })
        && statement.is_none_or(|s| s.rows.is_empty() && s.summary.is_none())
    {
        return View::Cancelled;
    }
    match statement {
        Some(statement) if !statement.columns.is_empty() => View::Grid {
            run: script.number,
            statement: shown,
        },
        Some(statement) => match (&statement.summary, &script.phase) {
            (Some(summary), _) => View::Outcome {
                text: match (summary.is_write, summary.version) {
                    _ if script.preview.is_some() => "It runs.".to_owned(),
                    (true, Some(version)) => format!("Done: the table is at version {version}."),
                    _ => "Done.".to_owned(),
                },
            },
            (None, _) => View::Running,
        },
        None => match script.phase {
            Phase::Queued => View::Queued,
            Phase::Done => View::Outcome {
                text: "There was no statement to run.".to_owned(),
            },
            // Of those that have ended, it is another statement that is shown.
            Phase::Running | Phase::Failed { .. } | Phase::Cancelled { .. } => View::Running,
        },
    }
}

/// Faults of the tables' logs that did not keep the shown statement from its answer.
fn warnings(script: &Script, chosen: Option<usize>) -> Vec<String> {
    let shown = chosen.unwrap_or_else(|| script.shown_by_default());
    let summary = script
        .statements
        .get(shown)
        .and_then(|s| s.summary.as_ref());
    summary.map_or_else(Vec::new, |summary| summary.warnings.clone())
}

/// Notice above a result, for instance that only its first rows were kept.
fn notice(script: &Script, chosen: Option<usize>) -> Option<String> {
    let shown = chosen.unwrap_or_else(|| script.shown_by_default());
    let rows = script.statements.get(shown).map_or(0, |s| s.rows.len());
    if let Phase::Cancelled { note } = &script.phase {
        let seen = match rows {
            0 => "Cancelled.".to_owned(),
            rows => format!("Cancelled after {}.", counted(rows as u64, "row", "rows")),
        };
        return match note {
            Some(note) if script.is_full() || rows > 0 => Some(format!("{seen} {note}")),
            Some(note) => Some(note.clone()),
            None if rows > 0 => Some(seen),
            None => None,
        };
    }
    if script.statements.get(shown).is_some_and(|s| s.truncated) {
        return Some(format!(
            "Only the first {} rows of this result were kept: it was not the script's last.",
            count(rows as u64)
        ));
    }
    let last = shown + 1 == script.statements.len();
    (last && script.is_full() && script.is_parked()).then(|| {
        let bound = if rows >= MAX_ROWS { "rows" } else { "memory" };
        format!(
            "These are the first {} rows; more wait, but this page holds no more {bound}. Filter or aggregate in SQL to see them.",
            count(rows as u64)
        )
    })
}

/// A statement that waits says for what.
#[component]
fn Queued() -> AnyView {
    let workbench = workbench();
    let text = move || match workbench.engine_status.get() {
        EngineStatus::Downloading {
            percent: Some(percent),
        } => {
            format!(
                "The engine is on its way ({percent} %). The statement runs as soon as it is there."
            )
        }
        EngineStatus::Downloading { .. } | EngineStatus::Starting => {
            "The engine is starting. The statement runs as soon as it is there.".to_owned()
        }
        EngineStatus::Ready { .. } => "Running…".to_owned(),
        EngineStatus::Unavailable { message } => message,
    };
    view! { <div class="wait" data-testid="queued"><p class="quiet">{live(text)}</p></div> }
        .into_any()
}

/// Before the first statement: three to begin with.
#[component]
fn Welcome() -> AnyView {
    let workbench = workbench();
    let suggestion = move |label: &'static str, sql: String| {
        let line = statements::in_one_line(&sql);
        view! {
            <li>
                <button on:click=on(move |_| workbench.run_written(sql.clone()))>
                    <span>{label}</span>
                    <code>{line}</code>
                </button>
            </li>
        }
        .into_any()
    };
    view! {
        <div class="welcome" data-testid="welcome">
            <p>"Rows will appear here."</p>
            <p class="quiet">
                "The engine runs in this tab: it reads the table's log and Parquet files straight from the store."
            </p>
            {part(move || workbench.selected.get().map(|location| view! {
                <ul>
                    {suggestion("Look at the table", statements::preview(&location))}
                    {suggestion("Count its rows", statements::count(&location))}
                    {suggestion("See its history", statements::history(&location))}
                </ul>
            }.into_any()))}
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use messages::engine::{FromWorker, QueryMetrics, Resume, StatementSummary};

    use super::*;

    fn started(index: u32, count: u32) -> FromWorker {
        FromWorker::StatementStarted {
            id: 1,
            index,
            count,
            text: format!("s{index}"),
            is_write: false,
        }
    }

    #[test]
    fn failed_statement_of_several_is_named_and_the_others_stay_in_reach() {
        let mut script = Script::new(1, "a; b".into());
        script.apply(started(0, 2), None);
        let summary = StatementSummary {
            row_count: 0,
            version: Some(8),
            table: None,
            is_write: true,
            warnings: Vec::new(),
            metrics: QueryMetrics::default(),
        };
        script.apply(
            FromWorker::StatementDone {
                id: 1,
                index: 0,
                summary,
            },
            None,
        );
        script.apply(started(1, 2), None);
        let error = messages::Error::new("X", "no");
        script.apply(
            FromWorker::Failed {
                id: 1,
                index: Some(1),
                error: error.clone(),
                attempt: None,
            },
            None,
        );
        assert_eq!(
            view_of(&script, None),
            View::Failed {
                error,
                statement: Some("s1".into()),
                repeat: Repeat::From(Resume {
                    from: 1,
                    attempt: None
                }),
            }
        );
        let text = "Done: the table is at version 8.".to_owned();
        assert_eq!(view_of(&script, Some(0)), View::Outcome { text });
    }

    #[test]
    fn warnings_are_those_of_the_shown_statement() {
        let mut script = Script::new(1, "a; b".into());
        for (index, said) in [(0, "a log is damaged"), (1, "so is another")] {
            script.apply(started(index, 2), None);
            let summary = StatementSummary {
                row_count: 0,
                version: None,
                table: None,
                is_write: false,
                warnings: vec![said.to_owned()],
                metrics: QueryMetrics::default(),
            };
            let done = FromWorker::StatementDone {
                id: 1,
                index,
                summary,
            };
            script.apply(done, None);
        }
        assert_eq!(warnings(&script, Some(0)), ["a log is damaged"]);
        assert_eq!(warnings(&script, None), ["so is another"]);
        assert!(warnings(&Script::new(2, "a".into()), None).is_empty());
    }

    #[test]
    fn cancelled_statement_says_what_else_happened() {
        let mut script = Script::new(1, "a".into());
        assert_eq!(view_of(&script, None), View::Queued);
        script.apply(started(0, 1), None);
        assert_eq!(view_of(&script, None), View::Running);
        script.phase = Phase::Cancelled {
            note: Some("restarted".into()),
        };
        assert_eq!(view_of(&script, None), View::Cancelled);
        assert_eq!(notice(&script, None).as_deref(), Some("restarted"));
    }
}
