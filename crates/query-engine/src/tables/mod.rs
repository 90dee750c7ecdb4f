//! DataFusion's table providers: a Delta table, one that a statement changes, a table's change feed,
//! the difference between two of its versions, Parquet files.
//!
//! Numbers that come from a log or a footer may be anything, so arithmetic on them is checked.
#![warn(clippy::arithmetic_side_effects)]

pub(crate) mod change_feed;
pub(crate) mod delta_table;
pub(crate) mod diff;
pub(crate) mod parquet_table;
pub(crate) mod source_rows;
pub(crate) mod target_rows;
pub(crate) mod target_table;
