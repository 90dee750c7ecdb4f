//! Reading data files: which of them, which of their rows, and how their columns become the
//! table's.
//!
//! Numbers that come from a log or a footer may be anything, so arithmetic on them is checked.
#![warn(clippy::arithmetic_side_effects)]

pub(crate) mod data_files;
pub(crate) mod decode_panics;
pub(crate) mod footer_prefetch;
pub(crate) mod footers;
pub(crate) mod log_statistics;
pub(crate) mod nested_columns;
pub(crate) mod parquet_scan;
pub(crate) mod pruning;
pub(crate) mod row_selection;
pub(crate) mod scan_cost;
pub(crate) mod schema_adapter;
mod variants;
