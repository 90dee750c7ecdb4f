//! Commits: staged actions, the check against commits that came first, and the put.

pub(crate) mod commit_info;
pub(crate) mod conflict;
pub(crate) mod conflict_check;
pub(crate) mod features;
pub(crate) mod isolation;
pub(crate) mod read_set;
pub(crate) mod staged;
pub(crate) mod transaction;
