//! A table's history as the time machine tells it.

use std::collections::BTreeMap;

use messages::table::{HistoryEntry, SchemaChange, TableDescription};

use crate::format::numbers::{count, counted};

/// Bars of the strip: the latest versions.
const BARS: usize = 48;

/// One bar of the strip.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    pub version: u64,
    /// Percent of the highest, at least a visible few.
    pub height: u32,
    /// All rows were thrown away here.
    pub overwrote: bool,
    pub label: String,
}

/// A mark beside the operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    pub text: String,
    /// Something was thrown away.
    pub grave: bool,
}

/// The strip, oldest first.
pub fn bars(history: &[HistoryEntry]) -> Vec<Bar> {
    let shown = &history[..history.len().min(BARS)];
    let highest = highest(history);
    shown
        .iter()
        .rev()
        .map(|entry| Bar {
            version: entry.version,
            height: share(entry.num_rows, highest),
            overwrote: is_overwrite(entry),
            label: format!("Version {}: {}", entry.version, size(entry)),
        })
        .collect()
}

/// Rows of the highest bar, at least one.
pub fn highest(history: &[HistoryEntry]) -> u64 {
    let shown = history[..history.len().min(BARS)].iter();
    let rows = shown.filter_map(|entry| entry.num_rows).max();
    rows.unwrap_or(0).max(1)
}

/// Percent of the highest bar that one of `rows` has, at least a visible few.
pub fn share(rows: Option<u64>, highest: u64) -> u32 {
    let percent = (rows.unwrap_or(0) as f64 / highest as f64 * 100.0).round() as u32;
    percent.clamp(4, 100)
}

/// `of 7 · 2,410 rows · 6 files`.
pub fn headline(table: &TableDescription, version: u64) -> String {
    let mut parts = vec![format!("of {}", table.version)];
    let entry = table.history.iter().find(|entry| entry.version == version);
    let latest = version == table.version;
    let rows =
        entry
            .and_then(|entry| entry.num_rows)
            .or(if latest { table.num_rows } else { None });
    let files = entry.and_then(|entry| entry.num_files).or(if latest {
        Some(table.num_files)
    } else {
        None
    });
    parts.extend(rows.map(|rows| counted(rows, "row", "rows")));
    parts.extend(files.map(|files| counted(files, "file", "files")));
    parts.join(" · ")
}

/// Tags beside the operation: an overwrite, added columns.
pub fn tags(entry: &HistoryEntry) -> Vec<Tag> {
    let mut tags = Vec::new();
    if is_overwrite(entry) {
        let word = if operation(entry).contains("REPLACE TABLE") {
            "replace"
        } else {
            "overwrite"
        };
        tags.push(Tag {
            text: word.to_owned(),
            grave: true,
        });
    }
    if let Some(SchemaChange::Added(columns)) = &entry.schema_change {
        let text = match columns.as_slice() {
            [one] => format!("schema + {one}"),
            [first, rest @ ..] => format!("schema + {first} + {} more", rest.len()),
            [] => "schema".to_owned(),
        };
        tags.push(Tag { text, grave: false });
    }
    tags
}

/// One line on what the commit did: `append`, `to version 5`, `2 updated · 2 inserted`.
pub fn summary(entry: &HistoryEntry) -> String {
    let mut parts: Vec<String> = Vec::new();
    let parameter = |name: &str| entry.parameters.get(name).map(|value| unquoted(value));
    match operation(entry) {
        "WRITE" | "STREAMING UPDATE" => {
            // An overwrite has its tag; that a table was not there before says nothing.
            let mode = parameter("mode").map(|mode| mode.to_ascii_lowercase());
            let is_news = |mode: &String| mode == "append" || mode == "overwrite";
            parts.extend(mode.filter(is_news).filter(|_| !is_overwrite(entry)));
            parts.extend(
                parameter("predicate")
                    .filter(|value| is_said(value))
                    .map(|p| format!("where {p}")),
            );
        }
        "RESTORE" => {
            let version = parameter("version")
                .filter(|value| is_said(value))
                .map(|v| format!("to version {v}"));
            let time = parameter("timestamp")
                .filter(|value| is_said(value))
                .map(|t| format!("to {t}"));
            parts.extend(version.or(time));
        }
        "MERGE" => parts.extend(row_counts(
            entry,
            &[
                ("numTargetRowsUpdated", "updated"),
                ("numTargetRowsInserted", "inserted"),
                ("numTargetRowsDeleted", "deleted"),
            ],
        )),
        "UPDATE" => parts.extend(row_counts(entry, &[("numUpdatedRows", "updated")])),
        "DELETE" => parts.extend(row_counts(entry, &[("numDeletedRows", "deleted")])),
        "OPTIMIZE" => parts.push(format!(
            "{} → {}",
            counted(entry.files_removed, "file", "files"),
            count(entry.files_added)
        )),
        "SET TBLPROPERTIES" => parts.extend(parameter("properties").map(|p| property_names(&p))),
        "UNSET TBLPROPERTIES" => parts.extend(parameter("properties").map(|p| property_names(&p))),
        "ADD CONSTRAINT" | "DROP CONSTRAINT" => parts.extend(parameter("name")),
        "RENAME COLUMN" => {
            let paths = parameter("oldColumnPath").zip(parameter("newColumnPath"));
            parts.extend(paths.map(|(old, new)| format!("{old} → {new}")));
        }
        "DROP COLUMNS" => parts.extend(parameter("columns").map(|p| property_names(&p))),
        "CHANGE COLUMN" => parts.extend(parameter("column").and_then(|p| column_name(&p))),
        "VACUUM START" => parts.extend(file_count(entry, "numFilesToDelete", "to delete")),
        "VACUUM END" => parts.extend(file_count(entry, "numDeletedFiles", "deleted")),
        "CLONE" => parts.extend(parameter("source").map(|source| format!("of {source}"))),
        _ => {}
    }
    parts.extend(rewritten(entry));
    if entry.schema_change == Some(SchemaChange::Replaced) {
        parts.push("schema replaced".to_owned());
    }
    parts.join(" · ")
}

/// The operation's name; a commit may come without.
pub fn operation(entry: &HistoryEntry) -> &str {
    entry.operation.as_deref().unwrap_or("COMMIT")
}

/// Rows that a commit brought, changed and took, for the right of the line: `+2,410`, `~1`, `−1`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowDelta {
    pub inserted: Option<String>,
    pub updated: Option<String>,
    pub deleted: Option<String>,
}

/// Rows that were only written again, because a row beside them changed, are none of it. Where a
/// writer does not say what it changed, rows of the files that came and went stand in.
pub fn row_delta(entry: &HistoryEntry) -> RowDelta {
    let metric = |name: &str| entry.metrics.get(name)?.parse::<u64>().ok();
    let [inserted, updated, deleted] = match operation(entry) {
        "UPDATE" => [None, metric("numUpdatedRows"), None],
        "DELETE" => [None, None, metric("numDeletedRows")],
        "MERGE" => [
            metric("numTargetRowsInserted"),
            metric("numTargetRowsUpdated"),
            metric("numTargetRowsDeleted"),
        ],
        // The rows stay what they are.
        "OPTIMIZE" => [Some(0), None, None],
        _ => [None, None, None],
    };
    let some = |rows: Option<u64>, sign: &str| {
        rows.filter(|rows| *rows > 0)
            .map(|rows| format!("{sign}{}", count(rows)))
    };
    let is_told = inserted.or(updated).or(deleted).is_some();
    let [inserted, deleted] = match is_told {
        true => [inserted, deleted],
        false => [entry.rows_added, entry.rows_removed],
    };
    RowDelta {
        inserted: some(inserted, "+"),
        updated: some(updated, "~"),
        deleted: some(deleted, "−"),
    }
}

/// `399 rewritten`: rows that a statement wrote again as they were.
fn rewritten(entry: &HistoryEntry) -> Option<String> {
    row_counts(
        entry,
        &[
            ("numCopiedRows", "rewritten"),
            ("numTargetRowsCopied", "rewritten"),
        ],
    )
}

fn size(entry: &HistoryEntry) -> String {
    entry.num_rows.map_or_else(
        || "rows unknown".to_owned(),
        |rows| counted(rows, "row", "rows"),
    )
}

/// Whether the commit put other rows in the place of all that were there.
fn is_overwrite(entry: &HistoryEntry) -> bool {
    let mode = entry
        .parameters
        .get("mode")
        .map(|mode| unquoted(mode))
        .unwrap_or_default();
    let whole = entry
        .parameters
        .get("predicate")
        .is_none_or(|p| !is_said(&unquoted(p)));
    let overwrites = mode.eq_ignore_ascii_case("overwrite") && whole;
    let replaces = operation(entry).contains("REPLACE TABLE");
    (overwrites || replaces) && entry.files_removed > 0
}

/// History parameters are JSON in strings: `"[]"`, `"\"a > 1\""`.
fn unquoted(value: &str) -> String {
    serde_json::from_str::<String>(value).unwrap_or_else(|_| value.to_owned())
}

fn is_said(value: &str) -> bool {
    !matches!(value, "" | "[]" | "null" | "{}")
}

fn row_counts(entry: &HistoryEntry, names: &[(&str, &str)]) -> Option<String> {
    let parts: Vec<String> = names
        .iter()
        .filter_map(|(metric, word)| {
            let rows: u64 = entry.metrics.get(*metric)?.parse().ok()?;
            (rows > 0).then(|| format!("{} {word}", count(rows)))
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// `3 files deleted`.
fn file_count(entry: &HistoryEntry, metric: &str, what: &str) -> Option<String> {
    let files = entry.metrics.get(metric)?.parse().ok()?;
    Some(format!("{} {what}", counted(files, "file", "files")))
}

/// The name in a column as JSON.
fn column_name(json: &str) -> Option<String> {
    let column: serde_json::Value = serde_json::from_str(json).ok()?;
    Some(column.get("name")?.as_str()?.to_owned())
}

/// `{"delta.enableChangeDataFeed":"true"}` → `enableChangeDataFeed = true`.
fn property_names(json: &str) -> String {
    if let Ok(properties) = serde_json::from_str::<BTreeMap<String, String>>(json) {
        let name_and_value = |(key, value): (&String, &String)| {
            let key = key.strip_prefix("delta.").unwrap_or(key);
            format!("{key} = {value}")
        };
        let properties: Vec<_> = properties.iter().map(name_and_value).collect();
        return properties.join(", ");
    }
    match serde_json::from_str::<Vec<String>>(json) {
        Ok(names) => names.join(", "),
        Err(_) => json.to_owned(),
    }
}

#[cfg(test)]
mod tests;
