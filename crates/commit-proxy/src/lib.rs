//! The commit proxy: it takes a typed operation on a Delta table, checks it, and commits it
//! atomically through delta-rs.
//!
//! A browser tab can read tables straight from object storage, but it can't be trusted to write
//! them: it would need the keys, and a log must only ever grow by put-if-absent. So the tab sends
//! rows (Arrow IPC) and a [`messages::commit::Operation`]; this crate does the rest:
//!
//! - [`Proxy`] is the service: [`Proxy::commit`] makes one commit or refuses it, having written
//!   nothing that a reader could see.
//! - [`app`] puts it behind HTTP, with checks of Origin, Host and size.
//!
//! What a commit leaves in the log reads like one of Spark's: operation names, parameters and
//! metrics are those that `DESCRIBE HISTORY` shows on a cluster.
//!
//! This crate knows nothing of `delta-log` and `query-engine`: the reader and the writer stay
//! independent opinions on the same protocol.

#![warn(missing_docs)]

mod commit_info;
mod commit_log;
mod error;
mod expression;
mod http;
mod location;
mod operations;
mod options;
mod probe;
mod proxy;
mod schema;
mod source;
mod staging;
mod store;
#[cfg(test)]
mod test_support;

pub use http::app;
pub use options::{ProxyOptions, StoreConfig};
pub use proxy::Proxy;
