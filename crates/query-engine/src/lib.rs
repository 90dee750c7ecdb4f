//! SQL → Arrow over Delta tables in object stores: DataFusion's session, a table provider for
//! [`delta_log`]'s snapshots, and the Delta statements of Spark SQL.
//!
//! The crate runs in a browser tab as it does natively. It knows no runtime, no HTTP client and no
//! clock: the host gives it [`Stores`], an [`Environment`] and a [`Scheduler`], and everything runs in
//! the task that polls it.
//!
//! ```text
//! script ─ spark-dialect ► Statement ── plan ──► DeltaTableProvider ── pruning ──► Parquet scan
//!                      │            │                                              │
//!                    writes      snapshots (delta-log)                    footers, data files
//!                      │                                                           │
//!               delta-transaction                                         Execution: batches
//! ```
#![warn(missing_docs)]

mod catalog;
mod dml;
mod engine;
mod engine_core;
mod errors;
mod host;
mod plan;
mod run;
mod scan;
mod session;
mod single_flight;
mod spark_types;
mod statements;
mod tables;
mod unary_plan;
mod writes;

pub use catalog::TableEntry;
pub use delta_transaction::{Environment, Uuid};
pub use dml::{ChangedRows, RowChange, RowCounts, RowKind, TouchedRows, UnchangedRows};
pub use engine::{Engine, Statement};
pub use host::{EngineOptions, Scheduler, StoreLocation, Stores};
pub use run::execution::Execution;
pub use scan::decode_panics::file_being_decoded;
pub use writes::Attempt;
