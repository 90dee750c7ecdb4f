//! Page ↔ worker.
//!
//! Each `postMessage` carries a JavaScript object `{ json, bytes }`: `json` is one of these enums as
//! a string, `bytes` an `ArrayBuffer` (transferred, not copied) where the message's doc says so.
//!
//! A run is a script of one or more statements. Batches are sent against credit: the page grants
//! some with [`ToWorker::Run`] and more with [`ToWorker::Credit`], so that a result that nobody looks
//! at is neither fetched nor held.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::connection::Connection;
use crate::table::{Column, FolderListing, TableDescription, TableEntry};

/// Chosen by the page, unique while the worker lives.
pub type RequestId = u32;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToWorker {
    /// First message: where to read, where to send commits (`None`: read-only).
    Connect {
        connection: Connection,
        commit_url: Option<String>,
    },
    /// Runs a script. One script runs at a time; a second one waits for the first.
    Run {
        id: RequestId,
        sql: String,
        credit: u32,
    },
    Credit {
        id: RequestId,
        batches: u32,
    },
    Cancel {
        id: RequestId,
    },
    /// Answered by [`FromWorker::Tables`].
    ListTables {
        id: RequestId,
    },
    /// Lists one folder of a bucket; `path` has no slash at either end, and is empty for the bucket
    /// itself. Answered by [`FromWorker::Folder`].
    ListFolder {
        id: RequestId,
        bucket: String,
        path: String,
    },
    /// Answered by [`FromWorker::Described`].
    Describe {
        id: RequestId,
        location: String,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromWorker {
    /// The engine's module is being fetched; sent by the boot script. `total` in bytes where the
    /// server tells it.
    Downloading {
        loaded: u64,
        total: Option<u64>,
    },
    /// The engine panicked or ran out of memory, or could not start. This worker is done for: the
    /// page starts another one. Sent by the boot script.
    Crashed {
        message: String,
    },
    /// The engine is up; `memory_limit` is the query memory pool in bytes.
    Ready {
        version: String,
        memory_limit: u64,
    },
    /// Statement `index` of `count` starts. `text` is its source; `is_write`: it makes a commit.
    StatementStarted {
        id: RequestId,
        index: u32,
        count: u32,
        text: String,
        is_write: bool,
    },
    /// Its result's columns, before the first row. Statements without a result skip this.
    ResultColumns {
        id: RequestId,
        index: u32,
        columns: Vec<Column>,
    },
    /// `bytes`: an Arrow IPC stream with the schema and one record batch of `rows` rows.
    Batch {
        id: RequestId,
        index: u32,
        rows: u64,
    },
    /// Now and then while a statement runs.
    Progress {
        id: RequestId,
        index: u32,
        metrics: QueryMetrics,
    },
    StatementDone {
        id: RequestId,
        index: u32,
        summary: StatementSummary,
    },
    /// All statements are done.
    Done {
        id: RequestId,
    },
    /// The statement failed; those after it did not run.
    Failed {
        id: RequestId,
        index: Option<u32>,
        error: Error,
    },
    Cancelled {
        id: RequestId,
    },
    Tables {
        id: RequestId,
        tables: Vec<TableEntry>,
        problems: Vec<Error>,
    },
    Folder {
        id: RequestId,
        listing: FolderListing,
    },
    Described {
        id: RequestId,
        table: Box<TableDescription>,
    },
}

/// What a finished statement leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatementSummary {
    pub row_count: u64,
    /// The table version that was read, or made by a write. `None` where no single table is meant.
    pub version: Option<u64>,
    /// Location of that table.
    pub table: Option<String>,
    /// Whether the statement may have changed a table or the list of tables.
    pub is_write: bool,
    pub metrics: QueryMetrics,
}

/// What a query cost. Everything is counted for this statement alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct QueryMetrics {
    /// Milliseconds from the statement's start.
    pub elapsed_ms: f64,
    /// Milliseconds until the first row left the engine.
    pub first_row_ms: Option<f64>,
    /// HTTP requests, of any kind.
    pub requests: u64,
    /// Bytes read of the log and of data files. What a listing answers is not counted.
    pub bytes: u64,
    /// Bytes of the data files of the versions that were read.
    pub table_bytes: u64,
    pub files_total: u64,
    pub files_read: u64,
    pub files_skipped: u64,
    /// Why files were skipped: `partition letter`, `max(amount)`.
    pub skipped_by: Vec<String>,
    pub row_groups_total: u64,
    pub row_groups_skipped: u64,
    /// Whether the answer came from the log alone.
    pub from_log: bool,
}
