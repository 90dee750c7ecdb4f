//! Which rows a statement touches, and which it adds: against plain Rust over rows.

mod inserts;
mod merge_statements;
mod merges;
pub mod model;
mod subqueries;
pub mod tables;
mod updates_and_deletes;
