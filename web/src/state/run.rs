//! Running scripts, for the page's own result.

use std::time::Duration;

use leptos::leptos_dom::helpers::IntervalHandle;
use leptos::prelude::*;

use super::{Part, Workbench};
use crate::browser;
use crate::engine::client::RunEvent;
use crate::engine::script::{FIRST_CREDIT, Phase, Script};
use crate::format::statements;

/// The clock of a running script.
#[derive(Clone, Copy)]
pub struct Tick {
    /// Milliseconds since the script was started.
    pub elapsed: RwSignal<f64>,
    started: StoredValue<f64>,
    interval: StoredValue<Option<IntervalHandle>>,
}

impl Default for Tick {
    fn default() -> Self {
        Self {
            elapsed: RwSignal::new(0.0),
            started: StoredValue::new(0.0),
            interval: StoredValue::new(None),
        }
    }
}

impl Tick {
    fn start(self) {
        self.stop();
        self.started.set_value(browser::now());
        self.elapsed.set(0.0);
        let show = move || self.elapsed.set(browser::now() - self.started.get_value());
        // Where the browser gives no interval the clock stands; nothing else depends on it.
        self.interval
            .set_value(set_interval_with_handle(show, Duration::from_millis(100)).ok());
    }

    fn stop(self) {
        if let Some(interval) = self.interval.get_value() {
            interval.clear();
            self.interval.set_value(None);
            self.elapsed.set(browser::now() - self.started.get_value());
        }
    }
}

impl Workbench {
    /// Runs what is selected in the editor, else all of it.
    pub fn run_editor(self) {
        let text = self.with_editor(|editor| match editor.selection() {
            selected if selected.trim().is_empty() => editor.text(),
            selected => selected,
        });
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            self.run(text);
        }
    }

    /// Runs a statement that the page wrote. It goes into the editor too, unless that would take
    /// away what the user typed.
    pub fn run_written(self, sql: String) {
        if self.is_untouched() {
            self.write_text(&sql);
        }
        self.run(sql);
    }

    /// Shows the chosen table at a version, and marks it in the history.
    pub fn travel(self, version: Option<u64>) {
        if let Some(location) = self.selected.get_untracked() {
            self.viewed.set(version);
            self.run_written(statements::at_version(&location, version));
        }
    }

    /// Runs a script in place of the one before.
    pub fn run(self, sql: String) {
        if let Some(before) = self.run_handle.get_value() {
            before.cancel();
        }
        self.run_number.update_value(|number| *number += 1);
        let number = self.run_number.get_value();
        self.part.set(Part::Sql);
        self.chosen.set(None);
        self.script.set(Some(Script::new(number, sql.clone())));
        self.tick.start();
        // Events of a run that was replaced come late; they are none of this one's.
        let current = move || self.run_number.get_value() == number;
        let listener = move |event| {
            if current() {
                self.on_event(event);
            }
        };
        let handle = self.engine().run(sql, FIRST_CREDIT, listener);
        self.run_handle.set_value(Some(handle));
    }

    pub fn cancel(self) {
        if let Some(handle) = self.run_handle.get_value() {
            handle.cancel();
        }
    }

    /// Runs the last script again.
    pub fn run_again(self) {
        if let Some(sql) = self
            .script
            .with_untracked(|s| s.as_ref().map(|s| s.sql.clone()))
        {
            self.run(sql);
        }
    }

    /// Rows up to `visible_end` are on the screen: asks for more where they run out.
    pub fn want_rows(self, visible_end: usize) {
        let wanted = self
            .script
            .try_update_untracked(|script| script.as_mut().map_or(0, |s| s.want(visible_end)))
            .unwrap_or(0);
        if wanted > 0
            && let Some(handle) = self.run_handle.get_value()
        {
            handle.grant(wanted);
        }
    }

    fn on_event(self, event: RunEvent) {
        let effects = self.script.try_update(|script| {
            let Some(script) = script.as_mut() else {
                return Default::default();
            };
            match event {
                RunEvent::Message(message, bytes) => script.apply(message, bytes),
                RunEvent::Replaced => {
                    script.phase = Phase::Cancelled {
                        note: Some(replaced_note(script)),
                    };
                    crate::engine::script::Effects {
                        ended: true,
                        wrote: true,
                        credit: 0,
                    }
                }
                RunEvent::Lost(error) => {
                    script.phase = Phase::Failed { index: None, error };
                    crate::engine::script::Effects {
                        ended: true,
                        wrote: true,
                        credit: 0,
                    }
                }
            }
        });
        let effects = effects.unwrap_or_default();
        let parked = self
            .script
            .with_untracked(|s| s.as_ref().is_some_and(Script::is_parked));
        if let Some(handle) = self.run_handle.get_value() {
            if effects.credit > 0 {
                handle.grant(effects.credit);
            }
            if effects.ended {
                handle.cancel();
            }
            handle.set_parked(parked);
        }
        if effects.ended || parked {
            self.tick.stop();
        }
        if effects.ended {
            self.run_handle.set_value(None);
        }
        self.follow_result(effects.wrote);
    }

    /// The history follows what was run: the table is chosen, the version that was read is marked,
    /// and after a write the tables are asked anew.
    fn follow_result(self, wrote: bool) {
        let read = self.script.with_untracked(|script| {
            let summary = script.as_ref()?.statements.last()?.summary.as_ref()?;
            Some((summary.table.clone()?, summary.version, summary.is_write))
        });
        if let Some((table, version, is_write)) = read
            && let Some(location) = self.listed(&table)
        {
            self.select(location);
            let viewed = if is_write { None } else { version };
            if self.viewed.get_untracked() != viewed {
                self.viewed.set(viewed);
            }
        }
        if wrote {
            self.refresh();
        }
    }
}

/// What else it means that a script was stopped by replacing the engine.
fn replaced_note(script: &Script) -> String {
    let writing = script
        .statements
        .last()
        .is_some_and(|last| last.summary.is_none() && statements::looks_like_write(&last.text));
    let mut note =
        "It did not stop by itself, so the engine was restarted; temporary views are gone."
            .to_owned();
    if writing {
        note.push_str(" A commit that was already sent may have been made: look at the history.");
    }
    note
}
