//! Why a round of a statement ended without a commit.

use delta_log::Table;
use delta_transaction::{Conflict, Error as TransactionError, FileError};
use messages::Error;
use messages::proxy::COMMIT_OUTCOME_UNKNOWN;

use crate::errors::{from_log, from_store};

/// The end of a round.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// A commit came first; the statement may be computed again.
    Conflict(Conflict),
    /// The statement is over.
    Over(Error),
    /// The same, to be put into words.
    Transaction(TransactionError),
}

impl From<Error> for WriteError {
    fn from(error: Error) -> Self {
        Self::Over(error)
    }
}

impl From<TransactionError> for WriteError {
    fn from(error: TransactionError) -> Self {
        match error {
            TransactionError::Conflict(conflict) => Self::Conflict(conflict),
            error => Self::Transaction(error),
        }
    }
}

impl From<FileError> for WriteError {
    fn from(error: FileError) -> Self {
        Self::Transaction(error.into())
    }
}

impl From<delta_log::Error> for WriteError {
    fn from(error: delta_log::Error) -> Self {
        Self::Over(from_log(&error))
    }
}

impl WriteError {
    /// The error that the statement ends in.
    pub fn into_message(self, table: &Table) -> Error {
        match self {
            Self::Over(error) => error,
            Self::Conflict(conflict) => conflicting(&conflict, table),
            Self::Transaction(error) => transaction_error(&error, table),
        }
    }
}

fn conflicting(conflict: &Conflict, table: &Table) -> Error {
    let message = format!("Nothing was written to {}. {conflict}", table.location);
    Error::new(conflict.kind.error_class(), message)
        .with_hint("Run the statement again: it will read what is there now.")
}

fn transaction_error(error: &TransactionError, table: &Table) -> Error {
    let location = &table.location;
    match error {
        TransactionError::Conflict(conflict) => conflicting(conflict, table),
        TransactionError::UnsupportedFeature(feature) => Error::new(
            "DELTA_UNSUPPORTED_FEATURES_FOR_WRITE",
            format!("{location} can't be written: it needs the table feature {feature}, which is not supported for writing. It can be read."),
        ),
        TransactionError::AppendOnly => Error::new(
            "DELTA_CANNOT_MODIFY_APPEND_ONLY",
            format!("{location} is append-only: its rows can't be changed or removed."),
        )
        .with_hint("Allow it with ALTER TABLE … SET TBLPROPERTIES (delta.appendOnly = false)."),
        TransactionError::OutcomeUnknown { version, source } => Error::new(
            COMMIT_OUTCOME_UNKNOWN,
            format!("The store gave no answer to the commit of version {version} of {location}, so it may have been made, or not: {source}."),
        )
        .with_hint("Look with DESCRIBE HISTORY whether it was, before you run the statement again."),
        TransactionError::Log(error) => from_log(error),
        TransactionError::Storage { path, source } => from_store(path.as_ref(), source),
        TransactionError::Files(error) => file_error(error, location),
        TransactionError::Predicate(_)
        | TransactionError::OutOfRange(_)
        | TransactionError::Json(_) => Error::new(
            "DELTA_WRITE_FAILED",
            format!("Nothing was written to {location}: {error}."),
        ),
        // The enum may grow.
        error => Error::new(
            "DELTA_WRITE_FAILED",
            format!("Nothing was written to {location}: {error}."),
        ),
    }
}

fn file_error(error: &FileError, location: &str) -> Error {
    let failed =
        |code: &str| Error::new(code, format!("Nothing was written to {location}: {error}."));
    match error {
        FileError::Storage { path, source } => from_store(path.as_ref(), source),
        FileError::Log(error) => from_log(error),
        FileError::Unsupported(_) => failed("DELTA_UNSUPPORTED_FEATURES_FOR_WRITE"),
        FileError::NullValue(column) => Error::new(
            "DELTA_NOT_NULL_CONSTRAINT_VIOLATED",
            format!(
                "Nothing was written to {location}: column {column} is NOT NULL, and a row has NULL in it."
            ),
        ),
        // The enum may grow.
        _ => failed("DELTA_WRITE_FAILED"),
    }
}
