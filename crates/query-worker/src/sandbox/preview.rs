//! What a statement has done to a fork.

use messages::Error;
use messages::sandbox::{FileChange, Preview};
use messages::table::{HistoryEntry, TableDescription};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use overlay_store::OverlayStore;
use query_engine::Engine;
use serde_json::Value;
use url::Url;

use super::below::folder_of;
use crate::stores::Place;

/// Changed rows up to which they come sorted, so that what was and what is stand one below the other.
const SORTED: u64 = 100_000;

/// Name of the column that says whether a row was inserted or deleted.
const CHANGE: &str = "_change_type";

/// What a statement has done, and the query for the rows that it changes.
pub(crate) struct Effect {
    pub preview: Preview,
    pub rows: Option<String>,
}

/// Looks at the table that a statement has written: `version` is what it has made, if it made any.
///
/// # Errors
/// Those of opening the table.
pub(crate) async fn effect(
    engine: &Engine,
    overlay: &OverlayStore,
    table: &str,
    version: Option<u64>,
) -> Result<Effect, Error> {
    let mut preview = Preview {
        table: table.to_owned(),
        commit: None,
        files: Vec::new(),
        no_rows: None,
    };
    let Some(version) = version else {
        let said = match engine.describe_newest(table, 0).await {
            Ok(_) => "It makes no version of the table.",
            Err(_) => "The table is gone, with all its versions.",
        };
        preview.no_rows = Some(said.to_owned());
        return Ok(Effect {
            preview,
            rows: None,
        });
    };
    let mut described = engine.describe_newest(table, 1).await?;
    let commit = described.history.pop();
    // Of one commit alone the history can't tell how many there are.
    preview.commit = commit
        .filter(|commit| commit.version == version)
        .map(|commit| HistoryEntry {
            num_rows: commit.num_rows.or(described.num_rows),
            num_files: commit.num_files.or(Some(described.num_files)),
            ..commit
        });
    preview.files = changed_files(overlay, table, version).await;
    let touches_files = |commit: &HistoryEntry| commit.files_added + commit.files_removed > 0;
    let rows = match &preview.commit {
        Some(commit) if !touches_files(commit) => {
            preview.no_rows = Some("No row changes: the commit is about the table.".to_owned());
            None
        }
        commit => Some(rows(&described, version, commit.as_ref())),
    };
    Ok(Effect { preview, rows })
}

/// The query for the rows that version `version` changes, in the columns that it has.
fn rows(table: &TableDescription, version: u64, commit: Option<&HistoryEntry>) -> String {
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| format!("`{}`", column.name.replace('`', "``")))
        .collect();
    let name = format!("delta.`{}`", table.location.replace('`', "``"));
    let list = columns.join(", ");
    let Some(before) = version.checked_sub(1) else {
        return format!("SELECT 'insert' AS {CHANGE}, {list} FROM {name}");
    };
    let argument = name.replace('\\', "\\\\").replace('\'', "\\'");
    let mut query =
        format!("SELECT {CHANGE}, {list} FROM table_diff('{argument}', {before}, {version})");
    let changed = commit.and_then(|commit| Some(commit.rows_added? + commit.rows_removed?));
    if let (Some(first), Some(0..=SORTED)) = (columns.first(), changed) {
        query.push_str(&format!(" ORDER BY {first}, {CHANGE}"));
    }
    query
}

/// The data files that a commit adds and removes, as its file says. What can't be read is left out:
/// the history counts them.
async fn changed_files(overlay: &OverlayStore, table: &str, version: u64) -> Vec<FileChange> {
    let Some(place) = Url::parse(table).ok().and_then(|url| Place::of(&url).ok()) else {
        return Vec::new();
    };
    let name = format!("{version:020}.json");
    let path: Path = folder_of(&place.store)
        .parts()
        .chain(place.root.parts())
        .chain(["_delta_log".into(), name.as_str().into()])
        .collect();
    let Ok(commit) = overlay.get(&path).await else {
        return Vec::new();
    };
    let Ok(bytes) = commit.bytes().await else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&bytes);
    text.lines()
        .filter_map(file_change)
        .take(Preview::FILES)
        .collect()
}

fn file_change(line: &str) -> Option<FileChange> {
    let action: Value = serde_json::from_str(line).ok()?;
    let added = action.get("add");
    let file = added.or_else(|| action.get("remove"))?;
    Some(FileChange {
        path: file.get("path")?.as_str()?.to_owned(),
        added: added.is_some(),
        size: file.get("size").and_then(Value::as_u64),
    })
}
