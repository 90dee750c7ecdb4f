//! The Delta protocol for readers: log → [`Snapshot`] → files to scan; history; change feed plan.
//!
//! Everything starts at a [`Table`], a place in an object store. All I/O is async over
//! [`object_store::ObjectStore`] and concurrent where it can be; nothing here knows a runtime, an
//! HTTP client or a query engine, so the crate runs in a browser tab as it does natively.
//!
//! What a table uses and this crate does not read is refused by name
//! ([`Error::UnsupportedFeature`]): no rows are better than wrong rows.
//!
//! Protocol: <https://github.com/delta-io/delta/blob/master/PROTOCOL.md>
#![warn(missing_docs)]

mod actions;
mod changes;
mod checkpoint;
mod checksum;
mod column_mapping;
mod commit_times;
mod concurrent;
mod data_path;
mod deletion_vector;
mod diff;
mod discover;
mod error;
mod features;
mod file_segment;
mod file_table;
mod history;
mod last_checkpoint;
mod log_path;
mod log_segment;
mod open;
mod parquet_footer;
mod replay;
pub mod schema;
mod schema_fit;
mod snapshot;
mod state;
mod statistics;
mod table;
mod values;

pub use actions::{Format, Metadata, Protocol};
pub use changes::{
    ChangeBound, ChangeColumns, ChangeKind, ChangePlan, ChangeSource, ChangeVersion,
};
pub use column_mapping::ColumnMapping;
pub use deletion_vector::{DeletionVector, FileRows};
pub use error::{Error, Result};
pub use file_table::FileTable;
pub use history::{CommitRecord, SchemaChange};
pub use open::TimeTravel;
pub use parquet_footer::check_parquet_footer;
pub use snapshot::Snapshot;
pub use table::Table;
