//! Tables as the page shows them without a query: location, columns and history.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
    /// Its name. Results may have several columns of one name.
    pub name: String,
    /// Type in Spark's words: `bigint`, `decimal(10,2)`, `struct<a:int>`.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Whether it may hold NULL.
    #[serde(default = "yes")]
    pub nullable: bool,
}

fn yes() -> bool {
    true
}

/// One table at its latest version, with its history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableDescription {
    /// Its address: `s3a://bucket/path`.
    pub location: String,
    /// Latest version.
    pub version: u64,
    /// Columns in the order of the schema, partition columns among them.
    pub columns: Vec<Column>,
    /// Names of the partition columns, in their order.
    pub partition_columns: Vec<String>,
    /// Active data files.
    pub num_files: u64,
    /// Sum of the sizes of the active data files.
    pub size_in_bytes: u64,
    /// Sum of the rows of the active data files, less those in deletion vectors, from the files'
    /// statistics; `None` where a file has none.
    pub num_rows: Option<u64>,
    /// Commits, the newest first.
    pub history: Vec<HistoryEntry>,
    /// Whether there were commits before those of `history`.
    #[serde(default)]
    pub has_older_history: bool,
}

/// One commit of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Version that the commit made.
    pub version: u64,
    /// Time of the commit in milliseconds since the epoch: its in-commit timestamp where the table
    /// has them, else the modification time of its file.
    pub timestamp: i64,
    /// `operation` of the commit's commitInfo: `WRITE`, `MERGE`; `None` where it has none.
    pub operation: Option<String>,
    /// `operationParameters` of commitInfo, each value as text.
    pub parameters: BTreeMap<String, String>,
    /// `operationMetrics` of commitInfo, each value as text.
    pub metrics: BTreeMap<String, String>,
    /// `engineInfo` of commitInfo.
    pub engine: Option<String>,
    /// Rows in the files that were added, as far as the log says.
    pub rows_added: Option<u64>,
    /// Rows in the files that were removed, as far as the log says.
    pub rows_removed: Option<u64>,
    /// Data files that were added.
    pub files_added: u64,
    /// Data files that were removed.
    pub files_removed: u64,
    /// Rows of the table as of this version, as far as the log says.
    pub num_rows: Option<u64>,
    /// Data files of the table as of this version, as far as the log says.
    pub num_files: Option<u64>,
    /// Change of the schema, if the commit made one.
    pub schema_change: Option<SchemaChange>,
}

/// Change of a table's schema by one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchemaChange {
    /// The first schema.
    Created,
    /// Columns were added, none changed: their names.
    Added(Vec<String>),
    /// Columns went away or changed their type.
    Replaced,
}
