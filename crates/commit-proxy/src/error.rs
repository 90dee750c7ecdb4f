//! delta-rs's errors, in words that say what to do; and the HTTP status of an error.

use axum::http::StatusCode;
use deltalake::DeltaTableError;
use deltalake::kernel::transaction::{CommitConflictError, TransactionError};
use messages::Error;
use messages::commit_http::COMMIT_OUTCOME_UNKNOWN;

use crate::location::TableLocation;

/// The status with which an error goes out.
pub(crate) fn status(error: &Error) -> StatusCode {
    match error.code.as_str() {
        "DELTA_TABLE_NOT_FOUND" => StatusCode::NOT_FOUND,
        "TABLE_OR_VIEW_ALREADY_EXISTS" => StatusCode::CONFLICT,
        "WRITES_DISABLED" | "TABLE_LOCATION_NOT_ALLOWED" | "ORIGIN_NOT_ALLOWED" => {
            StatusCode::FORBIDDEN
        }
        "HOST_NOT_ALLOWED" => StatusCode::MISDIRECTED_REQUEST,
        "REQUEST_TOO_LARGE" => StatusCode::PAYLOAD_TOO_LARGE,
        "UNSUPPORTED_CONTENT_TYPE" => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "INVALID_REQUEST" | "INVALID_SOURCE" | "INVALID_TABLE_LOCATION" => StatusCode::BAD_REQUEST,
        "INTERNAL_ERROR" | COMMIT_OUTCOME_UNKNOWN => StatusCode::INTERNAL_SERVER_ERROR,
        "STORE_UNREACHABLE" => StatusCode::BAD_GATEWAY,
        "DELTA_METADATA_CHANGED" | "DELTA_PROTOCOL_CHANGED" => StatusCode::CONFLICT,
        code if code.starts_with("DELTA_CONCURRENT_") => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// What to tell of an error of delta-rs. `latest` is the table's version now, where it is known.
pub(crate) fn from_delta(
    error: &DeltaTableError,
    table: &TableLocation,
    latest: Option<u64>,
) -> Error {
    match error {
        DeltaTableError::NotATable(_) => not_found(table),
        DeltaTableError::VersionAlreadyExists(version) => {
            lost("another commit came first", table, Some(*version))
        }
        DeltaTableError::Transaction { source } => from_transaction(source, table, latest),
        DeltaTableError::ObjectStore { source } => from_store(source, table),
        DeltaTableError::InvalidData { message } => constraint(message),
        DeltaTableError::UnsupportedColumnMapping { operation, .. } => {
            unsupported(table, &format!("columnMapping (in {operation})"))
        }
        other => from_text(other, table),
    }
}

/// Errors that reach us as text only.
fn from_text(error: &DeltaTableError, table: &TableLocation) -> Error {
    let text = error.to_string();
    if text.contains("MERGE matched a target row with multiple source rows") {
        return Error::new(
            "DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE",
            format!(
                "Nothing was written: several source rows match the same row of {table}, so it is not clear which of them should change it."
            ),
        )
        .with_hint("Make the source's rows unique on the ON condition first, for instance with GROUP BY or ROW_NUMBER().");
    }
    if text.contains("failed validation check") || text.contains("validation check failed") {
        return constraint(&text);
    }
    let lower = text.to_lowercase();
    if lower.contains("feature") && (lower.contains("unsupported") || lower.contains("unknown")) {
        return unsupported(table, tidy(&text).trim_end_matches('.'));
    }
    if text.contains("object store error") || text.contains("Error performing") {
        return unreachable_store(table, &text);
    }
    if text.contains("Cast error") || text.contains("cast") && text.contains("overflow") {
        return Error::new(
            "CAST_INVALID_INPUT",
            format!("Nothing was written: {}", tidy(&text)),
        );
    }
    Error::new(
        "DELTA_WRITE_FAILED",
        format!("{table} was not changed: {}", tidy(&text)),
    )
}

fn from_transaction(error: &TransactionError, table: &TableLocation, latest: Option<u64>) -> Error {
    match error {
        TransactionError::CommitConflict(conflict) => {
            let (code, what) = match conflict {
                CommitConflictError::ConcurrentAppend => {
                    ("DELTA_CONCURRENT_APPEND", "rows were added")
                }
                CommitConflictError::ConcurrentDeleteRead => (
                    "DELTA_CONCURRENT_DELETE_READ",
                    "rows that this statement read were deleted",
                ),
                CommitConflictError::ConcurrentDeleteDelete => (
                    "DELTA_CONCURRENT_DELETE_DELETE",
                    "rows that this statement changes were changed",
                ),
                CommitConflictError::MetadataChanged => (
                    "DELTA_METADATA_CHANGED",
                    "the schema or a property was changed",
                ),
                CommitConflictError::ConcurrentTransaction => (
                    "DELTA_CONCURRENT_TRANSACTION",
                    "the same transaction was committed",
                ),
                CommitConflictError::ProtocolChanged(_) => (
                    "DELTA_PROTOCOL_CHANGED",
                    "the table was created anew or upgraded",
                ),
                other => return Error::new("DELTA_WRITE_FAILED", other.to_string()),
            };
            Error {
                code: code.into(),
                ..lost(what, table, latest)
            }
        }
        TransactionError::MaxCommitAttempts(_) | TransactionError::VersionAlreadyExists(_) => {
            lost("other commits came first", table, latest)
        }
        TransactionError::ObjectStore { source } => from_store(source, table),
        TransactionError::DeltaTableAppendOnly => Error::new(
            "DELTA_CANNOT_MODIFY_APPEND_ONLY",
            format!("{table} is append-only: rows may be added, not changed or deleted."),
        )
        .with_hint("ALTER TABLE … SET TBLPROPERTIES (delta.appendOnly = false) lifts that."),
        TransactionError::UnsupportedTableFeatures(features) => {
            let names: Vec<String> = features.iter().map(ToString::to_string).collect();
            unsupported(table, &names.join(", "))
        }
        TransactionError::TableFeaturesRequired(feature) => Error::new(
            "DELTA_FEATURES_REQUIRE_MANUAL_ENABLEMENT",
            format!(
                "Nothing was written: {table} would need the table feature {feature}, which it does not have."
            ),
        ),
        TransactionError::LogStoreError { msg, .. } => Error::new(
            "DELTA_WRITE_FAILED",
            format!("{table} was not changed: {msg}."),
        ),
        other @ TransactionError::SerializeLogJson { .. } => Error::new(
            "DELTA_WRITE_FAILED",
            format!("{table} was not changed: {other}"),
        ),
    }
}

/// Somebody else's commit won.
fn lost(what: &str, table: &TableLocation, latest: Option<u64>) -> Error {
    let by = latest.map_or_else(String::new, |version| format!(" by version {version}"));
    Error::new(
        "DELTA_CONCURRENT_WRITE",
        format!("Nothing was written: while the statement ran, {table} was changed{by}: {what}."),
    )
    .with_hint("Run the statement again: it will then work on what the other commit left.")
}

pub(crate) fn not_found(table: &TableLocation) -> Error {
    Error::new(
        "DELTA_TABLE_NOT_FOUND",
        format!("There is no Delta table at {table}."),
    )
    .with_hint("Check the path, or create the table with CREATE TABLE.")
}

/// A feature that the writer does not know, by name.
pub(crate) fn unsupported(table: &TableLocation, features: &str) -> Error {
    Error::new(
        "DELTA_UNSUPPORTED_FEATURES_FOR_WRITE",
        format!("{table} has table features that can't be written yet: {features}."),
    )
    .with_hint("Write this table with the program that made it; reading may still work here.")
}

fn constraint(message: &str) -> Error {
    Error::new(
        "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES",
        format!(
            "Nothing was written: rows violate a constraint of the table (NOT NULL or CHECK). {}",
            tidy(message)
        ),
    )
    .with_hint("Correct the rows. SHOW TBLPROPERTIES lists the table's constraints.")
}

pub(crate) fn from_store(error: &object_store::Error, table: &TableLocation) -> Error {
    unreachable_store(table, &error.to_string())
}

fn unreachable_store(table: &TableLocation, why: &str) -> Error {
    Error::new(
        "STORE_UNREACHABLE",
        format!("The object store failed while {table} was being written: {}", tidy(why)),
    )
    .with_hint("Check that the object store runs and that the proxy's keys may read, list and write in the bucket, then run the statement again.")
}

/// Without the prefixes that layers of errors pile up.
fn tidy(text: &str) -> String {
    let mut text = text.trim();
    for prefix in [
        "Generic DeltaTable error: ",
        "Generic error: ",
        "External error: ",
        "Error during planning: ",
        "Execution error: ",
        "Arrow error: ",
        "Kernel error: ",
        "Kernel: ",
        "Failed to convert into Arrow schema: ",
    ] {
        text = text.strip_prefix(prefix).unwrap_or(text);
    }
    text.to_owned()
}
