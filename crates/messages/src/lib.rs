//! The messages of Lakeglass: plain data that crosses a boundary, between page and worker
//! ([`engine`]) and between the tab and the commit proxy ([`commit`], [`server`]).
//!
//! Serde types alone: no behaviour, no I/O. Rows never travel as JSON; they cross as Arrow IPC
//! bytes beside the message.

pub mod commit;
pub mod connection;
pub mod engine;
pub mod error;
pub mod server;
pub mod table;

pub use error::{ColumnProblem, Error};
