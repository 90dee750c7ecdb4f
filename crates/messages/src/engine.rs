//! Page ↔ worker.
//!
//! Each `postMessage` carries a JavaScript object `{ json, bytes }`: `json` is one of these enums as
//! a string, `bytes` an `ArrayBuffer` (transferred, not copied) where the message's doc says so. The
//! JSON is an object of one key, the message's name: `{"cancel":{"id":1}}`. A tag beside the fields
//! would have to be looked for first, and the code that keeps the fields meanwhile is a tenth of the
//! page.
//!
//! # Order
//!
//! The page sends [`ToWorker::Connect`] before any request. Each request has an id; everything that
//! belongs to it carries that id. Requests other than runs have one answer each, in any order: the
//! one that their doc names, or [`FromWorker::Failed`] without an `index`.
//!
//! A run is a script of one or more statements, and its messages are, in this order:
//!
//! 1. for each statement [`FromWorker::StatementStarted`]; [`FromWorker::ResultColumns`] if it has
//!    a result, then any number of [`FromWorker::Batch`] and [`FromWorker::Progress`]; and
//!    [`FromWorker::StatementDone`];
//! 2. at the end exactly one of [`FromWorker::Done`], [`FromWorker::Failed`] and
//!    [`FromWorker::Cancelled`], of which the last two can come at any point.
//!
//! One script runs at a time; the next one waits for it.
//!
//! # Previews
//!
//! The statements of a preview run on a fork, each on what those before it have done. Behind each one
//! that has made a commit comes [`FromWorker::Previewed`], then, as a statement of its own that the
//! script does not have, the difference that it makes: the rows of the table that were inserted and
//! deleted. So `count` grows on the way.
//!
//! # Flow control
//!
//! Batches are sent against credit: each takes one off what [`ToWorker::Run`] and
//! [`ToWorker::Credit`] have granted to the run, and without credit the run waits. So rows that
//! nobody scrolls to are neither read nor held.
//!
//! # Rows on the wire
//!
//! A batch is an [Arrow IPC stream](https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format)
//! of one schema and one record batch, without dictionaries and without compression. Its columns
//! are of these Arrow types alone, also inside of lists, structs and maps; the engine casts or
//! refuses all others, and `cells::arrow::is_result_type` is this list as a function:
//!
//! | Arrow | Spark |
//! | --- | --- |
//! | `Null` | `void` |
//! | `Boolean` | `boolean` |
//! | `Int8`, `Int16`, `Int32`, `Int64` | `tinyint`, `smallint`, `int`, `bigint` |
//! | `Float32`, `Float64` | `float`, `double` |
//! | `Decimal128(p, s)` | `decimal(p,s)` |
//! | `Utf8`, `Binary` | `string`, `binary` |
//! | `Date32` | `date` |
//! | `Time64(Nanosecond)` | `time` |
//! | `Timestamp(Microsecond, "UTC")` | `timestamp` |
//! | `Timestamp(Microsecond, None)` | `timestamp_ntz` |
//! | `Interval(YearMonth)` | `interval year to month` |
//! | `Interval(DayTime)`, `Interval(MonthDayNano)`, `Duration(Microsecond)` | `interval day to second` |
//! | `List`, `Struct`, `Map` | `array`, `struct`, `map` |

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::connection::Connection;
use crate::sandbox::{Preview, SandboxOptions, SandboxState};
use crate::table::{Column, FolderListing, TableDescription};

/// Id of a request: chosen by the page, unique while the worker lives.
pub type RequestId = u32;

/// A message from the page to the worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToWorker {
    /// Sets the stores for all later requests. It has no answer, and may come again.
    Connect {
        /// Store to read from.
        connection: Connection,
        /// URL of the folder that the commit proxy's routes ([`crate::proxy`]) are in, such as
        /// `http://127.0.0.1:4600/`.
        proxy: Option<String>,
        /// Keeps what is written in the tab, in a sandbox: one for each endpoint, which outlives the
        /// connection. `None` writes through the commit proxy; without one tables are read-only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sandbox: Option<SandboxOptions>,
    },
    /// Runs a script.
    Run {
        /// Id of the run.
        id: RequestId,
        /// The script: statements, with `;` between them.
        sql: String,
        /// Batches that the worker may send before it waits for more credit.
        credit: u32,
        /// Runs it on a fork, so that nothing of it is kept: see "Previews".
        #[serde(default, skip_serializing_if = "is_false")]
        preview: bool,
        /// Goes on with a script that has failed; `None` runs it from the start.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resume: Option<Resume>,
    },
    /// Grants a run more batches.
    Credit {
        /// Id of the run. One that has ended is ignored.
        id: RequestId,
        /// Batches, on top of what is left.
        batches: u32,
    },
    /// Stops a run, also one that still waits for its turn. Answered by [`FromWorker::Cancelled`];
    /// by [`FromWorker::Failed`] with `COMMIT_OUTCOME_UNKNOWN` if a commit was on its way.
    Cancel {
        /// Id of the run. One that has ended is ignored.
        id: RequestId,
    },
    /// Lists one folder of a bucket. Answered by [`FromWorker::Folder`].
    ListFolder {
        /// Id of the request.
        id: RequestId,
        /// The bucket's name.
        bucket: String,
        /// Path of the folder, without a slash at either end; empty for the bucket itself.
        path: String,
    },
    /// Opens a table at its latest version. Answered by [`FromWorker::Described`].
    Describe {
        /// Id of the request.
        id: RequestId,
        /// The table's address: `s3a://bucket/path`.
        location: String,
    },
    /// Forgets all that the sandbox holds, and stops what runs. Answered by
    /// [`FromWorker::SandboxReset`].
    ResetSandbox {
        /// Id of the request.
        id: RequestId,
    },
    /// Makes the fork of the last preview the sandbox. Answered by [`FromWorker::PreviewKept`];
    /// refused with `PREVIEW_OUTDATED` where the sandbox has changed since, or there is none.
    KeepPreview {
        /// Id of the request.
        id: RequestId,
        /// Id of the run that was the preview. What is left of it is stopped.
        run: RequestId,
    },
    /// Packs a table's folder, as the sandbox has it. Answered by [`FromWorker::Exported`].
    Export {
        /// Id of the request.
        id: RequestId,
        /// The table's address: `s3a://bucket/path`.
        location: String,
    },
}

fn is_false(value: &bool) -> bool {
    !value
}

/// Where a script goes on that has failed. What ran before is not run again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// Place of the statement in the script, from 0.
    pub from: u32,
    /// Of a write whose outcome is unknown: if its commit is found, the statement is done, and is not
    /// run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,
}

/// How a commit can be known whose answer was lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// `txnId` of the commit: a UUID.
    pub id: String,
    /// The latest version that the statement has seen: the commit can only come after it. `None` where
    /// there was no table.
    pub after: Option<u64>,
}

/// A message from the worker to the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromWorker {
    /// The engine's module is being fetched. Sent by the boot script.
    Downloading {
        /// Bytes that have arrived, decoded.
        loaded: u64,
        /// Bytes of the whole module, if the server says.
        total: Option<u64>,
    },
    /// The engine panicked or ran out of memory, or could not start. This worker is lost; the page
    /// starts another one. Sent by the boot script.
    Crashed {
        /// The reason, as the browser or the panic gives it.
        message: String,
    },
    /// The engine has started.
    Ready {
        /// Version of the engine's crate.
        version: String,
        /// Bytes that queries may hold at once.
        memory_limit: u64,
    },
    /// A statement starts.
    StatementStarted {
        /// Id of the run.
        id: RequestId,
        /// Place of the statement in the script, from 0.
        index: u32,
        /// Number of statements in the script.
        count: u32,
        /// Source of the statement, without its `;`.
        text: String,
        /// Whether it makes a commit.
        is_write: bool,
    },
    /// Columns of a statement's result. Statements without a result don't send it.
    ResultColumns {
        /// Id of the run.
        id: RequestId,
        /// Place of the statement in the script, from 0.
        index: u32,
        /// The columns, in order.
        columns: Vec<Column>,
    },
    /// Rows of a statement's result. `bytes`: an Arrow IPC stream, see "Rows on the wire".
    Batch {
        /// Id of the run.
        id: RequestId,
        /// Place of the statement in the script, from 0.
        index: u32,
        /// Rows in `bytes`.
        rows: u64,
    },
    /// Cost of the running statement so far; sent every 100 ms or less often.
    Progress {
        /// Id of the run.
        id: RequestId,
        /// Place of the statement in the script, from 0.
        index: u32,
        /// Metrics since the statement's start.
        metrics: QueryMetrics,
    },
    /// A statement has ended without an error.
    StatementDone {
        /// Id of the run.
        id: RequestId,
        /// Place of the statement in the script, from 0.
        index: u32,
        /// Its outcome.
        summary: StatementSummary,
    },
    /// All statements of a run have ended without an error.
    Done {
        /// Id of the run.
        id: RequestId,
    },
    /// A request failed; of a run, one statement did, and those after it are not run.
    Failed {
        /// Id of the request.
        id: RequestId,
        /// Place of the statement in the script, from 0; `None` if the script as a whole failed,
        /// or the request is not a run.
        index: Option<u32>,
        /// The error.
        error: Error,
        /// Of a write whose outcome is unknown: how its commit can be known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attempt: Option<Attempt>,
    },
    /// A run was cancelled; no commit of it was on its way.
    Cancelled {
        /// Id of the run.
        id: RequestId,
    },
    /// Answer to [`ToWorker::ListFolder`].
    Folder {
        /// Id of the request.
        id: RequestId,
        /// The folder.
        listing: FolderListing,
    },
    /// What the sandbox holds now. Sent when one is connected, and whenever it changes.
    Sandbox {
        /// The sandbox.
        state: SandboxState,
    },
    /// Answer to [`ToWorker::ResetSandbox`].
    SandboxReset {
        /// Id of the request.
        id: RequestId,
    },
    /// Answer to [`ToWorker::KeepPreview`].
    PreviewKept {
        /// Id of the request.
        id: RequestId,
    },
    /// What a statement of a preview has done.
    Previewed {
        /// Id of the run.
        id: RequestId,
        /// Place of the statement among those that the run has started, from 0.
        index: u32,
        /// What it has done.
        preview: Box<Preview>,
    },
    /// Answer to [`ToWorker::Export`].
    Exported {
        /// Id of the request.
        id: RequestId,
        /// Address of a zip archive in the browser's memory, which is there for a minute.
        url: String,
        /// A name for its file.
        name: String,
        /// Its size in bytes.
        size: u64,
    },
    /// Answer to [`ToWorker::Describe`].
    Described {
        /// Id of the request.
        id: RequestId,
        /// The table.
        table: Box<TableDescription>,
    },
}

/// Outcome of a statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatementSummary {
    /// Rows of its result.
    pub row_count: u64,
    /// Table version that was read, or made by a write. `None` unless the statement names exactly
    /// one table.
    pub version: Option<u64>,
    /// Address of that table.
    pub table: Option<String>,
    /// Whether the statement may have changed a table or the list of tables.
    pub is_write: bool,
    /// Sentences about faults of the tables' logs that did not keep the statement from its answer,
    /// each with the table's address.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Its cost.
    pub metrics: QueryMetrics,
}

/// Cost of a statement. Everything is counted for this statement alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct QueryMetrics {
    /// Milliseconds from the statement's start.
    pub elapsed_ms: f64,
    /// Milliseconds from its start until the first row left the engine; `None` before that.
    pub first_row_ms: Option<f64>,
    /// HTTP requests, of any kind. What a sandbox answers from memory is none.
    pub requests: u64,
    /// Bytes read of the log and of data files. What a listing answers is not counted.
    pub bytes: u64,
    /// Bytes of the data files of the versions that were read.
    pub table_bytes: u64,
    /// Data files of the versions that were read.
    pub files_total: u64,
    /// Data files that were read, at least in part.
    pub files_read: u64,
    /// Data files that were not read, by partition values or statistics.
    pub files_skipped: u64,
    /// Partition columns and statistics by which files were skipped: `partition letter`,
    /// `max(amount)`.
    pub skipped_by: Vec<String>,
    /// Row groups of the Parquet files that were read.
    pub row_groups_total: u64,
    /// Row groups of them that were not read, by Parquet's statistics.
    pub row_groups_skipped: u64,
    /// Whether the answer came from the log alone.
    pub from_log: bool,
}
