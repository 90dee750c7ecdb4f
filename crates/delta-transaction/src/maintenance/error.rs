use object_store::path::Path;

/// Why a log was not tidied up. The table is as good as before: a commit never waits for any of this,
/// nor fails with it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MaintenanceError {
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] delta_log::Error),

    /// The table uses something that may put more into a log than this writer knows.
    #[error("the table uses `{0}`, with which its log is left as it is")]
    UnsupportedFeature(String),

    /// A table property that decides what may be deleted, and can't be read.
    #[error("{property} is '{value}', which is no interval; nothing is deleted from the log")]
    InvalidInterval {
        /// Name of the property.
        property: &'static str,
        /// Its value.
        value: String,
    },

    /// Two ways to the same version differ, or what must be there is not: nothing was written or
    /// deleted that rests on either.
    #[error("version {version} is in doubt: {reason}")]
    Doubt {
        /// The version.
        version: u64,
        /// What differs, or is missing.
        reason: String,
    },

    /// The store did not take a file.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: Path,
        /// What the store said.
        source: object_store::Error,
    },

    /// The store did not delete files of the log, or not all. What is left is of no harm.
    #[error("cannot delete files of {folder}, of which {deleted} are gone")]
    Delete {
        /// The log's folder.
        folder: Path,
        /// Files that were deleted before.
        deleted: u64,
        /// What the store said.
        source: object_store::Error,
    },

    /// An action has a value that its field in a checkpoint can't have.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),

    /// A checkpoint could not be encoded.
    #[error(transparent)]
    Parquet(#[from] parquet::errors::ParquetError),

    /// An action could not be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// The result of tidying up.
pub type Result<T, E = MaintenanceError> = std::result::Result<T, E>;
