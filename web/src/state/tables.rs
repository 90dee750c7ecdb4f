//! The tables of the connection, and what the engine knows of them.

use std::collections::HashMap;
use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use messages::Error;
use messages::engine::{FromWorker, ToWorker};
use messages::table::{TableDescription, TableEntry};
use serde::Serialize;

use super::Workbench;
use crate::browser;
use crate::format::statements;

/// Where there are more tables than this, each is described when it is chosen, not before.
const DESCRIBED_UNASKED: usize = 8;
/// A refresh that follows another within this many milliseconds is left out.
const REFRESH_PAUSE: f64 = 2_000.0;

/// Tables found on the connection.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableList {
    pub loading: bool,
    /// Whether a list has ever arrived.
    pub loaded: bool,
    pub entries: Vec<TableEntry>,
    /// Buckets or places that could not be listed.
    pub problems: Vec<Error>,
}

/// What is known of one table. An older description stays while a newer one loads.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    pub table: Option<Arc<TableDescription>>,
    pub problem: Option<Error>,
    pub loading: bool,
    /// It was asked for while it was loading, so what comes may be old.
    again: bool,
}

/// A table as the editor completes it.
#[derive(Serialize)]
struct Completion<'a> {
    name: &'a str,
    location: &'a str,
    columns: Vec<&'a str>,
}

impl Workbench {
    /// Another connection: what was known is of no use.
    pub(super) fn forget_tables(self) {
        self.tables.set(TableList::default());
        self.known.set(HashMap::new());
        self.selected.set(None);
        self.viewed.set(None);
    }

    /// Lists the tables and describes the chosen one anew.
    pub fn refresh(self) {
        self.refreshed_at.set_value(browser::now());
        if self.link.with_untracked(|link| link.connection.is_none()) {
            return;
        }
        self.tables.update(|tables| tables.loading = true);
        spawn_local(async move {
            let answer = self.engine().ask(|id| ToWorker::ListTables { id }).await;
            self.tables.update(|tables| {
                tables.loading = false;
                match answer {
                    Ok(FromWorker::Tables {
                        tables: entries,
                        problems,
                        ..
                    }) => {
                        tables.loaded = true;
                        tables.entries = self.in_order_of_buckets(entries);
                        tables.problems = problems;
                    }
                    Ok(_) => {}
                    Err(error) => tables.problems = vec![error],
                }
            });
            self.after_listing().await;
        });
        if let Some(location) = self.selected.get_untracked() {
            spawn_local(self.describe(location));
        }
    }

    /// Refreshes if the last time was not just now: the window has come to the front again.
    pub fn refresh_if_due(self) {
        if browser::now() - self.refreshed_at.get_value() > REFRESH_PAUSE {
            self.refresh();
            self.check_server();
        }
    }

    /// Buckets in the order in which the connection names them.
    fn in_order_of_buckets(self, mut entries: Vec<TableEntry>) -> Vec<TableEntry> {
        self.link.with_untracked(|link| {
            let buckets = link
                .connection
                .as_ref()
                .map(|connection| &connection.buckets);
            entries.sort_by_key(|entry| {
                buckets.and_then(|buckets| buckets.iter().position(|b| *b == entry.bucket))
            });
        });
        entries
    }

    /// Whether tables are being listed, or a description is on its way.
    pub fn is_looking(&self) -> bool {
        let listing = self.tables.with(|tables| tables.loading || !tables.loaded);
        let connected = self
            .link
            .with(|link| link.asking || link.connection.is_some());
        let describing = self
            .known
            .with(|known| known.values().any(|known| known.loading));
        connected && (listing && !self.tables.with(|t| !t.problems.is_empty()) || describing)
    }

    async fn after_listing(self) {
        let locations: Vec<String> = self
            .tables
            .with_untracked(|tables| tables.entries.iter().map(|e| e.location.clone()).collect());
        let current = self.selected.get_untracked();
        let gone = current.as_ref().is_some_and(|current| {
            self.tables.with_untracked(|tables| tables.loaded) && !locations.contains(current)
        });
        if (current.is_none() || gone)
            && let Some(first) = locations.first()
        {
            self.choose(first.clone());
        }
        self.tell_editor();
        if locations.len() <= DESCRIBED_UNASKED {
            for location in locations {
                let known = self
                    .known
                    .with_untracked(|known| known.contains_key(&location));
                if !known {
                    self.describe(location).await;
                }
            }
        }
    }

    /// Shows a table's columns and history; an untouched editor gets a query of it.
    pub fn choose(self, location: String) {
        if self.is_untouched() {
            self.write_text(&statements::preview(&location));
        }
        if !self.select(location.clone()) {
            spawn_local(self.describe(location));
        }
    }

    /// Makes a table the chosen one, and describes it, unless it already is. Returns whether it
    /// was another one.
    pub(super) fn select(self, location: String) -> bool {
        let other = self.selected.get_untracked().as_deref() != Some(&location);
        if other {
            self.selected.set(Some(location.clone()));
            self.viewed.set(None);
            spawn_local(self.describe(location));
        }
        other
    }

    /// The location in the list of a table that a statement named.
    pub(super) fn listed(self, table: &str) -> Option<String> {
        self.tables.with_untracked(|tables| {
            let entry = tables
                .entries
                .iter()
                .find(|entry| statements::same_table(&entry.location, table))?;
            Some(entry.location.clone())
        })
    }

    /// Loads a table's description; the old one stays in view until the new one is there.
    pub async fn describe(self, location: String) {
        let mut due = self
            .known
            .try_update(|known| {
                let known = known.entry(location.clone()).or_default();
                known.again = known.loading;
                !std::mem::replace(&mut known.loading, true)
            })
            .unwrap_or(false);
        while due {
            let question = location.clone();
            let answer = self
                .engine()
                .ask(|id| ToWorker::Describe {
                    id,
                    location: question,
                })
                .await;
            due = self
                .known
                .try_update(|known| {
                    let known = known.entry(location.clone()).or_default();
                    known.loading = std::mem::take(&mut known.again);
                    match answer {
                        Ok(FromWorker::Described { table, .. }) => {
                            known.table = Some(Arc::from(table));
                            known.problem = None;
                        }
                        Ok(_) => {}
                        Err(error) => known.problem = Some(error),
                    }
                    known.loading
                })
                .unwrap_or(false);
        }
        self.tell_editor();
    }

    /// The description of the chosen table.
    pub fn chosen_table(&self) -> Option<Arc<TableDescription>> {
        let location = self.selected.get()?;
        self.known.with(|known| known.get(&location)?.table.clone())
    }

    /// Tells the editor what there is to complete.
    fn tell_editor(&self) {
        let json = self.tables.with_untracked(|tables| {
            self.known.with_untracked(|known| {
                let completions: Vec<Completion<'_>> = tables
                    .entries
                    .iter()
                    .map(|entry| Completion {
                        name: entry.path.rsplit('/').next().unwrap_or(&entry.path),
                        location: &entry.location,
                        columns: known
                            .get(&entry.location)
                            .and_then(|known| known.table.as_ref())
                            .map(|table| table.columns.iter().map(|c| c.name.as_str()).collect())
                            .unwrap_or_default(),
                    })
                    .collect();
                serde_json::to_string(&completions)
            })
        });
        // Plain strings always serialize; without a list the editor completes keywords.
        if let Ok(json) = json {
            self.with_editor(|editor| editor.set_tables(&json));
        }
    }
}
