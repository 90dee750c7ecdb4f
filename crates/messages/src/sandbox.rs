//! The sandbox: writes that stay in the tab, and what a write would do.

use serde::{Deserialize, Serialize};

use crate::table::HistoryEntry;

/// How a connection's writes are kept in the tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxOptions {
    /// Bytes that it may hold.
    pub limit: u64,
    /// Whether the browser keeps a copy of it over a reload. One tab at a time may ask for that.
    pub mirror: bool,
}

/// What a sandbox holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxState {
    /// Objects that were put, or deleted.
    pub changes: u64,
    /// Bytes of the objects that were put.
    pub bytes: u64,
    /// Bytes that they may have.
    pub limit: u64,
    /// Addresses of the tables that differ from those of the store, in order: `s3a://bucket/path`.
    pub tables: Vec<String>,
    /// Whether the browser keeps a copy of all that.
    pub mirrored: bool,
    /// Why it keeps none, or has lost some: a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What a statement has done to a fork of the sandbox, or of the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// The table's address: `s3a://bucket/path`.
    pub table: String,
    /// Its commit; `None` if it made none.
    pub commit: Option<HistoryEntry>,
    /// Data files that the commit adds and removes, in its order, at most [`Preview::FILES`].
    pub files: Vec<FileChange>,
    /// Why its rows are not shown: a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_rows: Option<String>,
}

impl Preview {
    /// Number of files that are named.
    pub const FILES: usize = 200;
}

/// A data file that a commit adds or removes. A file with another deletion vector is both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// Its path, as the log has it.
    pub path: String,
    /// Whether it is added.
    pub added: bool,
    /// Its size in bytes, where the log says.
    pub size: Option<u64>,
}
