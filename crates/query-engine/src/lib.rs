//! SQL → Arrow over Delta tables in object stores: DataFusion's session, a table provider for
//! [`delta_log`]'s snapshots, and the Delta statements of Spark SQL.
//!
//! The crate runs in a browser tab as it does natively. It knows no runtime, no HTTP client and no
//! committer: the host gives it [`Stores`], a [`Committer`] and a [`Scheduler`], and everything
//! runs in the task that polls it.
//!
//! ```text
//! script ── sql ──► Statement ── relations ──► DeltaTableProvider ── pruning ──► Parquet scan
//!                      │            │                                              │
//!                    writes      snapshots (delta-log)                    footers, data files
//!                      │                                                           │
//!                   Committer                                             Execution: batches
//! ```
#![warn(missing_docs)]

mod catalog;
mod changes;
mod checked_sum;
mod column_adapters;
mod data_files;
mod decoding;
mod describe;
mod diff;
mod engine;
mod engine_core;
mod errors;
mod execution;
mod explain;
mod footers;
mod host;
mod log_statistics;
mod moments;
mod nested_columns;
mod open_tables;
mod pacing;
mod parquet_path;
mod parquet_scan;
mod physical;
mod planning;
mod provider;
mod pruning;
mod row_selection;
mod running_scan;
mod scan_cost;
mod sequential;
mod session;
mod snapshots;
mod spark_types;
mod sql;
mod statement_context;
mod store;
mod table_description;
mod variants;
mod writes;

pub use decoding::decoding;
pub use engine::{Engine, Statement};
pub use execution::Execution;
pub use host::{Committer, EngineOptions, Scheduler, StoreLocation, Stores};
