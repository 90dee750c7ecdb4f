//! Writes: planned and computed here, from one version of each table, and committed through a
//! [`Transaction`](delta_transaction::Transaction). Of the store they need no more than *put* and *put
//! if nothing is there*.
//!
//! A commit that came first and is in conflict costs another round: the statement is computed again
//! from the new version. That is always right, for nothing of the first round is in the table.

mod alter;
mod attempt;
mod clone_table;
mod column_mapping;
mod columns;
mod constraints;
mod create;
mod definitions;
mod drop_table;
mod errors;
mod identity;
mod metadata;
mod metrics;
mod optimize;
mod predicate;
mod protocol;
mod restore;
mod rewrite;
mod round;
mod rows;
mod staged_rows;
mod statement;
mod vacuum;
mod vectors;

pub use attempt::Attempt;
pub(crate) use statement::execute_write;
