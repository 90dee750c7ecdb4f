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
// Logs come from anywhere: no number of theirs may overflow, which panics natively and wraps in a tab.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod actions;
mod change_plan;
mod changes;
pub mod checkpoint_schema;
mod commit_times;
mod diff;
mod error;
mod features;
mod files;
mod history;
mod log;
mod log_files;
mod log_listing;
mod open;
mod reconciliation;
pub mod schema;
mod snapshot;
mod table;
mod warning;

pub use actions::{Commit, Format, Metadata, Protocol};
pub use change_plan::{
    ChangeBound, ChangeColumns, ChangeKind, ChangePlan, ChangeSource, ChangeVersion,
};
pub use error::{Error, Result};
pub use files::deletion_vector::{DeletionVector, FileRows, Location as DeletionVectorLocation};
pub use files::file_table::FileTable;
pub use files::parquet_footer::check_parquet_footer;
pub use files::statistics::decode_statistics;
pub use files::statistics_json::statistics_to_json;
pub use files::values::{parse_lenient, parse_partition_values};
pub use history::{CommitRecord, SchemaChange};
pub use log::log_path::{LogFile, LogPath, checksum_path, commit_path, log_folder};
pub use log_files::LogFiles;
pub use log_listing::LogListing;
pub use open::TimeTravel;
pub use reconciliation::{FileActions, Reconciliation, Tombstone};
pub use schema::column_mapping::ColumnMapping;
pub use snapshot::Snapshot;
pub use table::Table;
pub use warning::Warning;
