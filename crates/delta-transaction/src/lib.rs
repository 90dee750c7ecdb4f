//! The Delta protocol for writers: data files with statistics, deletion vectors, actions, conflicts,
//! commit, checkpoint.
//!
//! Everything is done over [`object_store::ObjectStore`]: *put this object*, and *put this object only
//! if nothing is there*. Nothing here knows a query engine, SQL, a runtime or a clock: time and ids
//! come from an [`Environment`], so the crate writes in a browser tab as it does natively.
//!
//! Protocol: <https://github.com/delta-io/delta/blob/master/PROTOCOL.md>
#![warn(missing_docs)]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod environment;

pub use environment::Environment;
