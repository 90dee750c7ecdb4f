use object_store::path::Path;

/// Why data files or deletion vectors were not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The table asks of its files what this crate does not write, by the protocol's name for it.
    #[error("the table uses `{0}`, which is not supported for writing")]
    Unsupported(String),

    /// A schema of which no data file can be made.
    #[error("no data file can be written for this table: {0}")]
    UnwritableSchema(String),

    /// A table property whose value means nothing.
    #[error("the table property {name} = '{value}' must be {expected}")]
    InvalidProperty {
        /// The property.
        name: &'static str,
        /// Its value in the table.
        value: String,
        /// The values that it can have.
        expected: &'static str,
    },

    /// Rows that don't have the table's columns, or a value that is not of its column's type.
    #[error("the rows to write don't fit column {column}: {reason}")]
    InvalidRows {
        /// The column, with the path to a nested field.
        column: String,
        /// What is wrong with it.
        reason: String,
    },

    /// A null in a column that has none.
    #[error("column {0} can't be null")]
    NullValue(String),

    /// A value that no partition can have, because readers would take it for another one.
    #[error("a value of column {column} can't be a partition's: {reason}")]
    UnwritablePartitionValue {
        /// The partition column.
        column: String,
        /// What is wrong with it.
        reason: &'static str,
    },

    /// A number is larger than files or the log can hold.
    #[error("{0} is out of range")]
    OutOfRange(&'static str),

    /// The store failed.
    #[error("cannot write {path}")]
    Storage {
        /// What was to be written.
        path: Path,
        /// What the store said.
        source: object_store::Error,
    },

    /// The table's metadata cannot be read.
    #[error(transparent)]
    Log(#[from] delta_log::Error),

    /// Parquet failed; not expected of any input.
    #[error(transparent)]
    Parquet(#[from] parquet::errors::ParquetError),

    /// Arrow failed; not expected of any input.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
}

/// The result of writing files.
pub(crate) type Result<T, E = FileError> = std::result::Result<T, E>;
