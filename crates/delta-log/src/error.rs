use object_store::path::Path;

/// The result of reading a log.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a table, or a version of it, cannot be read. Times are milliseconds since the epoch.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no log: no commit and no checkpoint under `_delta_log/`.
    #[error("{location} is not a Delta table: it has no commits under _delta_log/")]
    NotATable {
        /// The table's location.
        location: String,
    },

    /// The version was never made, or can no longer be rebuilt.
    #[error("version {requested} cannot be read; available versions are {earliest} to {latest}")]
    VersionNotFound {
        /// What was asked for.
        requested: u64,
        /// Oldest version that can be rebuilt.
        earliest: u64,
        /// Newest version of the table.
        latest: u64,
    },

    /// Time travel to before the first commit that can be rebuilt.
    #[error("timestamp {requested} is before version {version}, the earliest one, of {earliest}")]
    TimestampBeforeFirstCommit {
        /// What was asked for.
        requested: i64,
        /// Commit time of `version`.
        earliest: i64,
        /// Oldest version that can be rebuilt.
        version: u64,
    },

    /// Time travel to after the last commit.
    #[error("timestamp {requested} is after version {version}, the latest one, of {latest}")]
    TimestampAfterLastCommit {
        /// What was asked for.
        requested: i64,
        /// Commit time of `version`.
        latest: i64,
        /// Newest version of the table.
        version: u64,
    },

    /// The log has a hole: this commit is needed and is not there.
    #[error("the log of {location} lacks the commit of version {version}")]
    MissingCommit {
        /// The table's location.
        location: String,
        /// The version whose commit is missing.
        version: u64,
    },

    /// The table uses something that this reader does not read, by the protocol's name for it.
    #[error("the table uses `{0}`, which is not supported")]
    UnsupportedFeature(String),

    /// A file of the log breaks the protocol.
    #[error("{path} is not a valid part of a Delta log: {reason}")]
    CorruptLog {
        /// The file, and its line where there are lines: `_delta_log/….json line 3`.
        path: String,
        /// What is wrong with it.
        reason: String,
    },

    /// A deletion vector that does not name rows, or others than the log says.
    #[error("the deletion vector {vector} cannot be used: {reason}")]
    InvalidDeletionVector {
        /// Its unique id: storage type, place, offset.
        vector: String,
        /// What is wrong with it.
        reason: String,
    },

    /// A response ended early.
    #[error("{path} came incomplete: {received} of {expected} bytes")]
    Truncated {
        /// The file.
        path: Path,
        /// Bytes that came.
        received: u64,
        /// Bytes that it has.
        expected: u64,
    },

    /// The change feed was asked for versions from a time when it was off.
    #[error("change data was not recorded for version {version}, in the range {start} to {end}")]
    ChangeDataNotRecorded {
        /// The first version of the range without change data.
        version: u64,
        /// First version asked for.
        start: u64,
        /// Last version asked for.
        end: u64,
    },

    /// The change feed was asked to start after the latest version.
    #[error("the change feed starts at version {start}, after the latest version {latest}")]
    ChangesStartAfterLatest {
        /// First version asked for.
        start: u64,
        /// Newest version of the table.
        latest: u64,
    },

    /// The change feed was asked to end before it starts.
    #[error("the change feed ends at version {end}, before it starts at version {start}")]
    InvalidChangeRange {
        /// First version asked for.
        start: u64,
        /// Last version asked for.
        end: u64,
    },

    /// Within the range of a change feed a column was dropped or changed its type, so that the
    /// rows of before do not fit the schema of after.
    #[error(
        "the schema of version {version} does not fit that of version {end}: {reason}; \
         read the changes before and after it separately"
    )]
    IncompatibleSchemaInChanges {
        /// The version with the other schema.
        version: u64,
        /// Last version of the range, whose schema was to be used.
        end: u64,
        /// Which column, and what about it.
        reason: String,
    },

    /// Between two versions to be compared, a column was dropped or changed its type other than by
    /// widening it, so that the rows of one do not fit the schema of the other.
    #[error("the schema of version {from} does not fit that of version {to}: {reason}")]
    IncompatibleSchemaInDiff {
        /// The version to start from.
        from: u64,
        /// The version whose schema was to be used.
        to: u64,
        /// Which column, and what about it.
        reason: String,
    },

    /// A data file lies in another store than the table.
    #[error("data file {path} is outside of the table's store")]
    ForeignPath {
        /// The path as the log has it.
        path: String,
    },

    /// No column of this name.
    #[error("the table has no column {0}")]
    UnknownColumn(String),

    /// A partition value that is not of its column's type.
    #[error("partition value '{value}' of column {column} is not a {expected}")]
    InvalidPartitionValue {
        /// The partition column.
        column: String,
        /// The value as the log has it.
        value: String,
        /// The column's type, in Spark's words.
        expected: String,
    },

    /// The store failed.
    #[error("cannot read {path}")]
    Storage {
        /// What was to be read.
        path: Path,
        /// What the store said.
        source: object_store::Error,
    },

    /// Arrow failed; not expected of any input.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
}

impl Error {
    /// Whether the store has no such file.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::Storage {
                source: object_store::Error::NotFound { .. },
                ..
            }
        )
    }
}
