//! The subcommands: their options, and what they do.

pub mod fingerprint;
pub mod seed;
pub mod serve;
pub mod simulate;
pub mod sql;
mod store_options;

pub use store_options::{ReadOptions, ServedStore};
