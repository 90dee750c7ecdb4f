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

mod commit;
mod environment;
mod error;
mod files;
pub mod maintenance;

pub use commit::commit_info::{ENGINE_INFO, Operation};
pub use commit::conflict::{Conflict, ConflictKind};
pub use commit::features::{Feature, check_writable};
pub use commit::isolation::IsolationLevel;
pub use commit::read_set::{FilePredicate, ReadSet};
pub use commit::transaction::{Committed, Transaction, find_commit};
pub use environment::Environment;
pub use error::{Error, Result};
pub use files::{
    DataFile, DataFileWriter, FileError, FileWriterOptions, TableLayout, inline_deletion_vector,
    to_uri, write_deletion_vectors,
};
pub use uuid::Uuid;
