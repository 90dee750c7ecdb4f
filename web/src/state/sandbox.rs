//! The sandbox: writes that stay in this tab; and previews, which are kept or forgotten.

use leptos::prelude::*;
use leptos::task::spawn_local;
use messages::engine::{FromWorker, ToWorker};

use super::workbench::Workbench;
use crate::browser;
use crate::engine::script::Fate;

impl Workbench {
    /// Whether what is written stays in this tab.
    pub fn is_sandboxed(&self) -> bool {
        self.connection.with(|state| state.sandboxed)
    }

    /// Has writes stay in this tab from now on, or go to the store.
    pub fn set_sandboxed(self, on: bool) {
        let connection = self
            .connection
            .with_untracked(|state| state.connection.clone());
        if let Some(connection) = connection {
            let endpoint = on.then_some(connection.endpoint.as_str());
            browser::remember(browser::SANDBOX, endpoint);
            self.connect(connection);
        }
    }

    /// Forgets all that was written in this tab.
    pub fn reset_sandbox(self) {
        spawn_local(async move {
            let answer = self.engine().ask(|id| ToWorker::ResetSandbox { id }).await;
            self.sandbox_problem.set(answer.err());
            let buckets = self.connection.with_untracked(|state| {
                let connection = state.connection.as_ref();
                connection.map(|connection| connection.buckets.clone())
            });
            // Versions may have gone back, and tables may be gone.
            let selected = self.selected.get_untracked();
            self.find_tables(buckets.unwrap_or_default());
            self.selected.set(selected);
            self.refresh();
        });
    }

    /// Hands a table's folder to the browser, as a zip archive.
    pub fn download(self, location: String) {
        spawn_local(async move {
            let question = |id| ToWorker::Export { id, location };
            let problem = match self.engine().ask(question).await {
                Ok(FromWorker::Exported { url, name, .. }) => {
                    browser::save(&url, &name);
                    None
                }
                Ok(_) => None,
                Err(error) => Some(error),
            };
            self.sandbox_problem.set(problem);
        });
    }

    /// Runs what the editor has on a fork, to see what it would do.
    pub fn preview_editor(self) {
        if let Some(text) = self.text_to_run() {
            self.start(text, true, None);
        }
    }

    /// Makes what was previewed real: in the sandbox, or by running the script.
    pub fn keep_preview(self) {
        let found = self.script.with_untracked(|script| {
            let script = script.as_ref().filter(|script| script.can_be_kept())?;
            Some((script.sql.clone(), script.preview.clone()?))
        });
        let Some((sql, preview)) = found else { return };
        if !self.connection.with_untracked(|state| state.sandboxed) {
            return self.run(sql);
        }
        spawn_local(async move {
            let run = preview.id;
            let answer = self
                .engine()
                .ask(|id| ToWorker::KeepPreview { id, run })
                .await;
            let fate = match answer {
                Ok(_) => {
                    for effect in &preview.effects {
                        let version = effect.commit.as_ref().map(|commit| commit.version);
                        self.note_written(&effect.table, version);
                    }
                    Fate::Kept
                }
                Err(error) => Fate::Refused(error),
            };
            self.decide(fate);
            self.refresh_written();
        });
    }

    /// Leaves everything as it was before the preview.
    pub fn forget_preview(self) {
        self.decide(Fate::Forgotten);
    }

    fn decide(self, fate: Fate) {
        self.script.update(|script| {
            let preview = script.as_mut().and_then(|script| script.preview.as_mut());
            if let Some(preview) = preview {
                preview.fate = fate;
            }
        });
    }
}
