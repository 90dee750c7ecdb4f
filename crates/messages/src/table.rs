//! What the page shows of a table without a query: its place, columns and history.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A table that was found on a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableEntry {
    pub bucket: String,
    /// Path below the bucket, without slashes at either end.
    pub path: String,
    /// `s3a://bucket/path`.
    pub location: String,
}

/// One folder of a bucket, from a single LIST.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderListing {
    /// Whether the folder is a table: it holds a `_delta_log`.
    pub is_table: bool,
    /// Names of the folders directly below it that may be tables or hold some. Hidden folders and
    /// partitions (`_…`, `.…`, `a=b`) are left out; empty where `is_table`.
    pub folders: Vec<String>,
}

/// A column, for display.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    /// In Spark's words: `bigint`, `decimal(10,2)`, `struct<a:int>`.
    #[serde(rename = "type")]
    pub data_type: String,
    #[serde(default = "yes")]
    pub nullable: bool,
}

fn yes() -> bool {
    true
}

/// One table at its latest version, and how it came to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableDescription {
    pub location: String,
    pub version: u64,
    pub columns: Vec<Column>,
    pub partition_columns: Vec<String>,
    pub num_files: u64,
    pub size_in_bytes: u64,
    /// From the files' statistics; `None` where a file has none.
    pub num_rows: Option<u64>,
    /// Newest first.
    pub history: Vec<HistoryEntry>,
    /// Whether there were commits before these.
    #[serde(default)]
    pub has_older_history: bool,
}

/// One commit of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    pub version: u64,
    /// Milliseconds since the epoch.
    pub timestamp: i64,
    /// `WRITE`, `MERGE`, …; `None` where the commit carries no commitInfo.
    pub operation: Option<String>,
    pub parameters: BTreeMap<String, String>,
    pub metrics: BTreeMap<String, String>,
    pub engine: Option<String>,
    pub rows_added: Option<u64>,
    pub rows_removed: Option<u64>,
    pub files_added: u64,
    pub files_removed: u64,
    /// Rows, files and bytes of the table as of this version, where the log tells.
    pub num_rows: Option<u64>,
    pub num_files: Option<u64>,
    /// What this commit did to the schema.
    pub schema_change: Option<SchemaChange>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchemaChange {
    /// The first schema.
    Created,
    /// Columns were added, none changed.
    Added(Vec<String>),
    /// Columns went away or changed their type.
    Replaced,
}
