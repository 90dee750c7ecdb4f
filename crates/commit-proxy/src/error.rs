//! Refusals in words that say what to do, and the HTTP status of an error.

use axum::http::StatusCode;
use messages::Error;
use messages::proxy::{
    COMMIT_NOT_FOUND, COMMIT_OUTCOME_UNKNOWN, CONCURRENT_WRITE, CommitConflict, INVALID_COMMIT,
    LOOK_AT_HISTORY, OBJECT_ALREADY_EXISTS, SERVER_BUSY, TOKEN_REQUIRED, Winner,
};

use crate::location::TablePlace;

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// What was wrong. Nothing was written, unless the code says that this is not known.
    Error(Error),
    /// Somebody else's commit came first.
    Conflict(Box<CommitConflict>),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// The status with which an error goes out.
pub(crate) fn status(error: &Error) -> StatusCode {
    match error.code.as_str() {
        "DELTA_TABLE_NOT_FOUND" | COMMIT_NOT_FOUND | "NOT_FOUND" => StatusCode::NOT_FOUND,
        "WRITES_DISABLED"
        | "TABLE_LOCATION_NOT_ALLOWED"
        | "ORIGIN_NOT_ALLOWED"
        | "OBJECT_NOT_ALLOWED"
        | "DROP_NOT_ALLOWED" => StatusCode::FORBIDDEN,
        TOKEN_REQUIRED => StatusCode::UNAUTHORIZED,
        "HOST_NOT_ALLOWED" => StatusCode::MISDIRECTED_REQUEST,
        "REQUEST_TOO_LARGE" => StatusCode::PAYLOAD_TOO_LARGE,
        "LENGTH_REQUIRED" => StatusCode::LENGTH_REQUIRED,
        "METHOD_NOT_ALLOWED" => StatusCode::METHOD_NOT_ALLOWED,
        "REQUEST_TIMEOUT" => StatusCode::REQUEST_TIMEOUT,
        OBJECT_ALREADY_EXISTS => StatusCode::PRECONDITION_FAILED,
        "INVALID_REQUEST" | "INVALID_TABLE_LOCATION" | "INVALID_OBJECT_KEY" => {
            StatusCode::BAD_REQUEST
        }
        "INTERNAL_ERROR" | COMMIT_OUTCOME_UNKNOWN => StatusCode::INTERNAL_SERVER_ERROR,
        "STORE_UNREACHABLE" => StatusCode::BAD_GATEWAY,
        SERVER_BUSY => StatusCode::SERVICE_UNAVAILABLE,
        CONCURRENT_WRITE => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// A commit that breaks the protocol or does not fit the table. `why` is a clause.
pub(crate) fn invalid(why: impl std::fmt::Display) -> Refusal {
    Refusal::Error(Error::new(
        INVALID_COMMIT,
        format!("Nothing was written: {why}."),
    ))
}

/// A feature that Lakeglass does not write, by name.
pub(crate) fn unsupported(feature: &str) -> Refusal {
    let message = format!("Nothing was written: the table feature {feature} can't be written yet.");
    let hint = "Write this table with the program that made it; reading may still work here.";
    Refusal::Error(Error::new("DELTA_UNSUPPORTED_FEATURES_FOR_WRITE", message).with_hint(hint))
}

pub(crate) fn not_found(table: &TablePlace) -> Refusal {
    let message = format!("There is no Delta table at {table}.");
    let hint = "Check the path, or create the table with CREATE TABLE.";
    Refusal::Error(Error::new("DELTA_TABLE_NOT_FOUND", message).with_hint(hint))
}

/// The version exists.
pub(crate) fn conflict(table: &TablePlace, winner: Winner, latest: u64) -> Refusal {
    let by = winner
        .operation
        .as_deref()
        .map_or_else(String::new, |operation| format!(" ({operation})"));
    let message = format!(
        "Nothing was written: while the statement ran, {table} was changed by version {}{by}.",
        winner.version
    );
    let error = Error::new(CONCURRENT_WRITE, message)
        .with_hint("Run the statement again: it will then work on what the other commit left.");
    Refusal::Conflict(Box::new(CommitConflict {
        error,
        winner,
        latest,
    }))
}

/// The store did not say whether it has the commit, and could not be asked.
pub(crate) fn outcome_unknown(
    table: &TablePlace,
    version: u64,
    why: &object_store::Error,
) -> Refusal {
    let message = format!(
        "It is not known whether version {version} of {table} was committed: the object store failed. {why}"
    );
    Refusal::Error(Error::new(COMMIT_OUTCOME_UNKNOWN, message).with_hint(LOOK_AT_HISTORY))
}

/// What reading a table's log, or a file of it, ended in.
pub(crate) fn from_log(table: &TablePlace, error: delta_log::Error) -> Refusal {
    match error {
        delta_log::Error::NotATable { .. } => not_found(table),
        delta_log::Error::Storage { source, .. } => from_store(&source).into(),
        delta_log::Error::Truncated { .. } => unreachable_store(&error.to_string()).into(),
        delta_log::Error::UnsupportedFeature(feature) => unsupported(&feature),
        error => invalid(error),
    }
}

pub(crate) fn from_store(error: &object_store::Error) -> Error {
    unreachable_store(&error.to_string())
}

fn unreachable_store(why: &str) -> Error {
    Error::new("STORE_UNREACHABLE", format!("The object store failed, and nothing was written: {why}"))
        .with_hint("Check that the object store runs and that the proxy's keys may read, list and write in the bucket, then run the statement again.")
}

pub(crate) fn internal(why: &dyn std::fmt::Display) -> Error {
    tracing::error!(%why, "a request ended in a panic");
    Error::new("INTERNAL_ERROR", "The request failed unexpectedly.")
        .with_hint("The log of the server says more. Look at DESCRIBE HISTORY before you run a statement again.")
}

pub(crate) fn busy() -> Error {
    Error::new(
        SERVER_BUSY,
        "The server has too much to do, or is about to end. Nothing was done.",
    )
    .with_hint("Try again in a moment.")
}
