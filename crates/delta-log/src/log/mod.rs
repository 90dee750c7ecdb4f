//! The log: which of its files make a version, and the state that replaying them leads to.

pub(crate) mod checkpoint;
pub(crate) mod checksum;
pub(crate) mod concurrent;
pub(crate) mod discover;
pub(crate) mod last_checkpoint;
pub(crate) mod log_path;
pub(crate) mod log_segment;
pub(crate) mod replay;
pub(crate) mod state;
