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
mod errors;
mod execution;
mod explain;
mod footers;
mod log_statistics;
mod moments;
mod nested_columns;
mod pacing;
mod parquet_path;
mod parquet_scan;
mod planning;
mod provider;
mod pruning;
mod relations;
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
pub use engine::{Committer, Engine, EngineOptions, Scheduler, Statement, StoreLocation, Stores};
pub use execution::Execution;
