use object_store::path::Path;
use thiserror::Error;

use crate::commit::conflict::Conflict;
use crate::files::FileError;

/// Result of writing to a table.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Reason why a table was not written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The table asks of writers what this crate does not write.
    #[error("the table needs the feature `{0}`, which is not supported for writing")]
    UnsupportedFeature(String),
    /// The table takes new rows only (`delta.appendOnly`).
    #[error("the table is append-only: its rows can't be changed or removed")]
    AppendOnly,
    /// A commit that came first is in the way.
    #[error("{0}")]
    Conflict(Conflict),
    /// Nobody knows whether the commit was made: the store did not answer, and does not now.
    #[error("whether version {version} was committed is not known: {source}")]
    OutcomeUnknown {
        /// The version that it would be.
        version: u64,
        /// The store's last word.
        source: object_store::Error,
    },
    /// Files could not be written.
    #[error(transparent)]
    Files(#[from] FileError),
    /// The table could not be read.
    #[error(transparent)]
    Log(#[from] delta_log::Error),
    /// An object could not be put.
    #[error("{path}: {source}")]
    Storage {
        /// The object.
        path: Path,
        /// What the store says.
        source: object_store::Error,
    },
    /// A read predicate could not be evaluated.
    #[error("a condition could not be checked against other commits: {0}")]
    Predicate(String),
    /// A number is beyond what the log can hold.
    #[error("{0} is out of range")]
    OutOfRange(&'static str),
    /// An action has no form as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}
