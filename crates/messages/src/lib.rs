//! The messages of Lakeglass: plain data that crosses a boundary, between page and worker
//! ([`engine`]) and between the tab and the commit proxy ([`proxy`], [`server`]).
//!
//! Serde types, and what both sides of a boundary must agree on about them; no I/O. Messages are
//! JSON; rows never are: they cross as Arrow IPC bytes beside the message. Integers of 64 bits are
//! JSON numbers. JavaScript would round those beyond 2^53, so only Rust parses messages that hold
//! them.
//!
//! Page and server may be of different builds. `tests/golden.rs` holds the JSON of each message: a
//! change there is a change of the wire format.
#![warn(missing_docs)]

pub mod connection;
pub mod engine;
mod error;
pub mod proxy;
pub mod server;
pub mod table;

pub use error::{ColumnProblem, Error};
