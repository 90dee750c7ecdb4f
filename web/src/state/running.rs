//! Running scripts, for the page's own result.

use leptos::prelude::*;
use messages::engine::Resume;

use super::pane::Pane;
use super::workbench::Workbench;
use crate::engine::client::RunEvent;
use crate::engine::script::{Effects, FIRST_CREDIT, Script};
use crate::format::statements;

impl Workbench {
    /// Runs what is selected in the editor, else all of it.
    pub fn run_editor(self) {
        if let Some(text) = self.text_to_run() {
            self.run(text);
        }
    }

    /// What is selected in the editor, else all of it; `None` where there is nothing.
    pub(super) fn text_to_run(&self) -> Option<String> {
        let text = self.with_editor(|editor| match editor.selection() {
            selected if selected.trim().is_empty() => editor.text(),
            selected => selected,
        });
        text.filter(|text| !text.trim().is_empty())
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
        self.start(sql, false, None);
    }

    /// Runs a script, or the rest of the last one, or shows what it would do.
    pub(super) fn start(self, sql: String, preview: bool, resume: Option<Resume>) {
        if let Some(before) = self.run_handle.get_value() {
            before.cancel();
        }
        self.run_number.update_value(|number| *number += 1);
        let number = self.run_number.get_value();
        self.pane.set(Pane::Sql);
        self.chosen.set(None);
        let last = self.script.get_untracked();
        let script = match last.zip(resume.as_ref()) {
            Some((last, resume)) => last.resumed(number, resume),
            None => Script::new(number, sql.clone()),
        };
        let script = if preview {
            script.into_preview()
        } else {
            script
        };
        self.script.set(Some(script));
        self.clock.start();
        // Events of a run that was replaced come late; they are none of this one's.
        let current = move || self.run_number.get_value() == number;
        let listener = move |event| {
            if current() {
                self.on_event(event);
            }
        };
        let handle = self
            .engine()
            .run(sql, FIRST_CREDIT, preview, resume, listener);
        self.run_handle.set_value(Some(handle));
    }

    pub fn cancel(self) {
        if let Some(handle) = self.run_handle.get_value() {
            handle.cancel();
        }
    }

    /// Runs the last script again.
    pub fn run_again(self) {
        let last = self.script.with_untracked(|script| {
            let script = script.as_ref()?;
            Some((script.sql.clone(), script.preview.is_some()))
        });
        if let Some((sql, preview)) = last {
            self.start(sql, preview, None);
        }
    }

    /// Goes on with the last script, which has failed.
    pub fn resume(self, resume: Resume) {
        let sql = self
            .script
            .with_untracked(|script| script.as_ref().map(|script| script.sql.clone()));
        if let Some(sql) = sql {
            self.start(sql, false, Some(resume));
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
        let effects = self
            .script
            .try_update(|script| script.as_mut().map(|script| script.on_event(event)))
            .flatten();
        let Effects {
            credit,
            ended,
            lost,
        } = effects.unwrap_or_default();
        let parked = self
            .script
            .with_untracked(|s| s.as_ref().is_some_and(Script::is_parked));
        if let Some(handle) = self.run_handle.get_value() {
            if credit > 0 {
                handle.grant(credit);
            }
            if ended {
                handle.cancel();
            }
            handle.set_parked(parked);
        }
        if ended || parked {
            self.clock.stop();
        }
        if ended {
            self.run_handle.set_value(None);
        }
        self.follow_result();
        // Once for a script of many writes, and not never where its last result waits for a reader.
        if (ended || parked) && self.wrote.get_value() {
            self.wrote.set_value(false);
            self.refresh_written();
        }
        if lost {
            self.refresh();
        }
    }

    /// The history follows what was run: the table is chosen, the version that was read is marked,
    /// and the list shows the version that was written.
    fn follow_result(self) {
        let ended = self.script.try_update_untracked(|script| {
            let script = script.as_mut()?;
            if script.preview.is_some() {
                return None;
            }
            let last = script.statements.last_mut()?;
            let summary = last.summary.as_ref().filter(|_| !last.followed)?;
            last.followed = true;
            Some((summary.table.clone(), summary.version, summary.is_write))
        });
        let Some((table, version, is_write)) = ended.flatten() else {
            return self.follow_preview();
        };
        if is_write {
            self.wrote.set_value(true);
        }
        let Some(location) = table.and_then(|table| self.listed(&table)) else {
            return;
        };
        if is_write {
            self.note_written(&location, version);
        }
        self.select(location);
        let viewed = version.filter(|_| !is_write);
        if self.viewed.get_untracked() != viewed {
            self.viewed.set(viewed);
        }
    }

    /// The history shows the table that a preview would write. The versions that it read and made are
    /// its fork's.
    fn follow_preview(self) {
        let table = self.script.with_untracked(|script| {
            let preview = script.as_ref()?.preview.as_ref()?;
            Some(preview.effects.last()?.table.clone())
        });
        if let Some(location) = table.and_then(|table| self.in_list(&table)) {
            self.select(location);
        }
    }
}
