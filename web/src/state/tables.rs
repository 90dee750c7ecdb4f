//! The tables of the connection: finding, choosing and describing them.

use leptos::prelude::*;
use leptos::task::spawn_local;
use messages::Error;
use messages::engine::{FromWorker, ToWorker};
use messages::table::{FolderListing, TableDescription};
use serde::Serialize;

use super::table_tree::{Folder, Listing};
use super::workbench::Workbench;
use crate::browser;
use crate::engine::collected::Writes;
use crate::format::statements;

/// Number of tables up to which all are described at once. Of more, each is when it is chosen.
const DESCRIBED_UNASKED: usize = 8;
/// A refresh that follows another within this many milliseconds is left out.
const REFRESH_PAUSE: f64 = 2_000.0;
/// Folders that are listed out of view to find a table to show at first.
const FIRST_LOOK: usize = 8;

/// A table as the editor completes it.
#[derive(Serialize)]
struct Completion {
    name: String,
    location: String,
    columns: Vec<String>,
}

impl Workbench {
    /// Another connection: what was known is of no use, and its buckets are listed.
    pub(super) fn find_tables(self, buckets: Vec<String>) {
        self.descriptions
            .update(|descriptions| descriptions.clear());
        self.filter.set(String::new());
        self.selected.set(None);
        self.viewed.set(None);
        self.chosen_folder.set_value(None);
        self.tree.update(|tree| tree.connect(buckets));
        self.refreshed_at.set_value(browser::now());
        self.look();
    }

    /// Looks for new tables, and for new versions of those that were described.
    pub fn refresh(self) {
        let tables = self.tree.with_untracked(|tree| tree.tables());
        let described = tables.iter().map(Folder::location);
        let described = described.filter(|location| self.is_described(location));
        self.refresh_with(described.take(DESCRIBED_UNASKED).collect());
    }

    /// Looks for new tables, and for new versions of the chosen one and of those that a statement
    /// of this page has written.
    pub(super) fn refresh_written(self) {
        let written = self.descriptions.with_untracked(|descriptions| {
            let behind = descriptions.iter().filter(|(_, cached)| cached.is_behind());
            behind.map(|(location, _)| location.clone()).collect()
        });
        self.refresh_with(written);
    }

    fn refresh_with(self, mut described: Vec<String>) {
        self.refreshed_at.set_value(browser::now());
        if self
            .connection
            .with_untracked(|state| state.connection.is_none())
        {
            return;
        }
        self.tree.update(|tree| tree.refresh());
        self.look();
        let selected = self.selected.get_untracked();
        described.extend(selected.filter(|selected| !described.contains(selected)));
        for location in described {
            self.describe(location);
        }
    }

    /// Refreshes if the last time was not just now: the window has come to the front again.
    pub fn refresh_if_due(self) {
        if browser::now() - self.refreshed_at.get_value() > REFRESH_PAUSE {
            self.refresh_written();
            self.check_server();
        }
    }

    /// Rows of folders that have not been listed came into view, or have left it.
    pub fn see_rows(self, seen: Vec<Folder>, left: &[Folder]) {
        self.tree.update(|tree| {
            left.iter().for_each(|folder| tree.unwant(folder));
            seen.into_iter().for_each(|folder| tree.want(folder));
        });
        self.look();
    }

    /// Lists all folders that have a row.
    pub fn want_all_listed(self) {
        self.tree.update(|tree| tree.want_all());
        self.look();
    }

    /// Lists the folders that are wanted, a few at a time.
    fn look(self) {
        let next = || self.tree.try_update(|tree| tree.next_listing()).flatten();
        while let Some(listing) = next() {
            spawn_local(async move {
                let answer = self.list(&listing).await;
                self.tree.update(|tree| tree.take(listing, answer));
                self.after_listing();
                self.look();
            });
        }
    }

    /// Lists a folder; names come in the order of the rows: `many2` before `many10`.
    async fn list(self, listing: &Listing) -> Result<FolderListing, Error> {
        let Folder { bucket, path } = listing.folder.clone();
        let question = |id| ToWorker::ListFolder { id, bucket, path };
        match self.engine().ask(question).await? {
            FromWorker::Folder { mut listing, .. } => {
                browser::sort_naturally(&mut listing.folders);
                Ok(listing)
            }
            _ => Err(unexpected()),
        }
    }

    /// Whether the buckets are being listed, a folder in view is, or a description is on its way.
    pub fn is_looking(&self) -> bool {
        let asking = self.connection.with(|state| state.asking);
        let connected = self.connection.with(|state| state.connection.is_some());
        let listing = self
            .tree
            .with(|tree| tree.is_looking() || !tree.is_loaded());
        let describing = self
            .descriptions
            .with(|descriptions| descriptions.values().any(|cached| cached.loading));
        asking || connected && (listing || describing)
    }

    fn after_listing(self) {
        self.choose_clicked_folder();
        let tables = self.tree.with_untracked(|tree| tree.tables());
        let selected = self.selected.get_untracked();
        let gone = selected.as_ref().is_some_and(|selected| {
            self.tree
                .with_untracked(|tree| tree.is_loaded() && !tree.is_looking())
                && !tables.iter().any(|table| table.location() == *selected)
        });
        if selected.is_none() || gone {
            match tables.first() {
                Some(first) => self.choose(first.location()),
                None => self.tree.update(|tree| tree.want_first(FIRST_LOOK)),
            }
        }
        self.tell_editor();
        if tables.len() <= DESCRIBED_UNASKED {
            for location in tables.iter().map(Folder::location) {
                if !self.is_described(&location) {
                    self.describe(location);
                }
            }
        }
    }

    /// Whether a table has been described, or is being.
    fn is_described(&self, location: &str) -> bool {
        self.descriptions.with_untracked(|descriptions| {
            descriptions.get(location).is_some_and(|cached| {
                cached.loading || cached.table.is_some() || cached.problem.is_some()
            })
        })
    }

    /// A click on a folder that has not been listed: it is, and if it is a table, it is chosen.
    pub fn choose_folder(self, folder: Folder) {
        self.chosen_folder.set_value(Some(folder.clone()));
        self.see_rows(vec![folder], &[]);
    }

    fn choose_clicked_folder(self) {
        let is_table = |folder: &Folder| self.tree.with_untracked(|tree| tree.is_table(folder));
        if let Some(folder) = self.chosen_folder.get_value().filter(is_table) {
            self.choose(folder.location());
        }
    }

    /// Shows a table's columns and history; an untouched editor gets a query of it.
    pub fn choose(self, location: String) {
        self.chosen_folder.set_value(None);
        if self.is_untouched() {
            self.write_text(&statements::preview(&location));
        }
        if !self.select(location.clone()) {
            self.describe(location);
        }
    }

    /// Makes a table the chosen one, and describes it, unless it already is. Returns whether it
    /// was another one.
    pub(super) fn select(self, location: String) -> bool {
        let other = self.selected.get_untracked().as_deref() != Some(&location);
        if other {
            self.selected.set(Some(location.clone()));
            self.viewed.set(None);
            self.describe(location);
        }
        other
    }

    /// The location in the list of a table that a statement named.
    pub(super) fn listed(self, table: &str) -> Option<String> {
        self.tree.update(|tree| tree.name_table(table));
        self.in_list(table)
    }

    /// The same, of a table that may not be there.
    pub(super) fn in_list(self, table: &str) -> Option<String> {
        let tables = self.tree.with_untracked(|tree| tree.tables());
        let mut locations = tables.iter().map(Folder::location);
        locations.find(|location| statements::same_table(location, table))
    }

    /// A statement has made a version of a table.
    pub(super) fn note_written(self, table: &str, version: Option<u64>) {
        let Some(location) = self.listed(table) else {
            return;
        };
        self.descriptions.update(|descriptions| {
            if let Some(version) = version {
                descriptions
                    .entry(location)
                    .or_default()
                    .note_written(version);
            }
        });
    }

    /// A script that did not go through the editor has ended.
    pub fn follow_writes(self, writes: Writes) {
        let has_written = !writes.tables.is_empty();
        for (table, version) in writes.tables {
            self.note_written(&table, version);
        }
        if writes.unknown {
            self.refresh();
        } else if has_written {
            self.refresh_written();
        }
    }

    /// Loads a table's description; the old one stays in view until the new one is there.
    pub fn describe(self, location: String) {
        // At once, so that whoever asks next sees that it is under way.
        let starts = self
            .descriptions
            .try_update(|descriptions| descriptions.entry(location.clone()).or_default().start());
        if starts != Some(true) {
            return;
        }
        spawn_local(async move {
            loop {
                let answer = self.ask_description(location.clone()).await;
                let again = self.descriptions.try_update(|descriptions| {
                    // Another connection may have been made meanwhile.
                    descriptions
                        .get_mut(&location)
                        .is_some_and(|cached| cached.take(answer))
                });
                if again != Some(true) {
                    break;
                }
            }
            self.tell_editor();
        });
    }

    async fn ask_description(self, location: String) -> Result<TableDescription, Error> {
        match self
            .engine()
            .ask(|id| ToWorker::Describe { id, location })
            .await?
        {
            FromWorker::Described { table, .. } => Ok(*table),
            _ => Err(unexpected()),
        }
    }

    /// The description of the chosen table.
    pub fn chosen_table(&self) -> Option<std::sync::Arc<TableDescription>> {
        let location = self.selected.get()?;
        self.descriptions
            .with(|descriptions| descriptions.get(&location)?.table.clone())
    }

    /// Tells the editor what there is to complete: tables, and folders that are likely to be some.
    fn tell_editor(&self) {
        let places = self.tree.with_untracked(|tree| tree.tables_and_unlisted());
        let completions: Vec<Completion> = self.descriptions.with_untracked(|descriptions| {
            let completion = |folder: &Folder| {
                let location = folder.location();
                let described = descriptions
                    .get(&location)
                    .and_then(|cached| cached.table.as_ref());
                let columns = described.map(|table| {
                    table
                        .columns
                        .iter()
                        .map(|column| column.name.clone())
                        .collect()
                });
                Completion {
                    name: folder.name().to_owned(),
                    location,
                    columns: columns.unwrap_or_default(),
                }
            };
            places.iter().map(completion).collect()
        });
        // Plain strings always serialize; without a list the editor completes keywords.
        if let Ok(json) = serde_json::to_string(&completions) {
            self.with_editor(|editor| editor.set_tables(&json));
        }
    }
}

/// The engine has answered something else than what it was asked.
fn unexpected() -> Error {
    Error::new(
        "INTERNAL_ERROR",
        "page and engine don't understand each other",
    )
}
