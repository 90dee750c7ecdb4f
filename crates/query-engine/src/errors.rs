//! Errors of the log, the store and DataFusion, in the words of [`messages::Error`] and under
//! Spark's error classes where Spark has one.

use std::error::Error as StdError;
use std::sync::Arc;

use arrow::error::ArrowError;
use chrono::DateTime;
use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use delta_log::Error as LogError;
use messages::Error;
use object_store::path::Path;
use overlay_store::LimitExceeded;
use parquet::errors::ParquetError;

/// A data file that could not be read, and the reason.
#[derive(Debug, thiserror::Error)]
#[error("data file {path}: {source}")]
pub(crate) struct Unreadable {
    pub path: Path,
    pub source: Arc<ParquetError>,
}

/// Hands an error of the log to DataFusion, from which [`from_datafusion`] takes it again.
pub(crate) fn external(error: LogError) -> DataFusionError {
    DataFusionError::External(Box::new(from_log(&error)))
}

/// `2026-11-23 03:31:38.666`, in UTC.
pub(crate) fn time(millis: i64) -> String {
    match DateTime::from_timestamp_millis(millis) {
        Some(time) => time.format("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        None => format!("{millis} ms since 1970"),
    }
}

pub(crate) fn from_log(error: &LogError) -> Error {
    match error {
        LogError::NotATable { location } => Error::new(
            "PATH_NOT_FOUND",
            format!("There is no Delta table at {location}."),
        )
        .with_hint("Check the bucket and the path; SHOW TABLES lists the tables that can be found."),
        LogError::VersionNotFound { requested, earliest, latest } => Error::new(
            "DELTA_VERSION_NOT_FOUND",
            format!(
                "Cannot time travel Delta table to version {requested}. Available versions: \
                 [{earliest}, {latest}]."
            ),
        )
        .with_hint("DESCRIBE HISTORY lists the versions."),
        LogError::TimestampBeforeFirstCommit { requested, earliest, version } => Error::new(
            "DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION",
            format!(
                "The provided timestamp ({}) is before the earliest version available to this \
                 table, version {version} of {} (UTC).",
                time(*requested),
                time(*earliest)
            ),
        )
        .with_hint(format!("Use a timestamp at or after {}.", time(*earliest))),
        LogError::TimestampAfterLastCommit { requested, latest, version } => Error::new(
            "DELTA_TIMESTAMP_GREATER_THAN_COMMIT",
            format!(
                "The provided timestamp ({}) is after the table's latest version, version \
                 {version} of {} (UTC).",
                time(*requested),
                time(*latest)
            ),
        )
        .with_hint(format!("Use a timestamp at or before {}.", time(*latest))),
        LogError::MissingCommit { .. } => Error::new("DELTA_VERSIONS_NOT_CONTIGUOUS", error.to_string())
            .with_hint("A file of the table's log is gone. A version after the gap can be read if there is a checkpoint of it."),
        LogError::UnsupportedFeature(_) => {
            Error::new("DELTA_UNSUPPORTED_FEATURES_FOR_READ", capitalised(error))
                .with_hint("Such a table can be read with Spark.")
        }
        LogError::ChangeDataNotRecorded { version, start, end } => Error::new(
            "DELTA_MISSING_CHANGE_DATA",
            format!(
                "Error getting change data for range [{start} , {end}] as change data was not \
                 recorded for version [{version}]."
            ),
        )
        .with_hint(
            "DESCRIBE HISTORY shows when the change data feed was enabled. To start recording: \
             ALTER TABLE table_name SET TBLPROPERTIES (delta.enableChangeDataFeed = true).",
        ),
        LogError::ChangesStartAfterLatest { start, latest } => Error::new(
            "DELTA_CDC_START_VERSION_AFTER_LATEST",
            format!(
                "Start version {start} for change data feed exceeds the latest table version \
                 {latest}."
            ),
        ),
        LogError::InvalidChangeRange { start, end } => Error::new(
            "DELTA_INVALID_CDC_RANGE",
            format!("CDC range from start {start} to end {end} was invalid. End cannot be before start."),
        ),
        LogError::IncompatibleSchemaInChanges { .. } => {
            Error::new("DELTA_CHANGE_DATA_FEED_INCOMPATIBLE_DATA_SCHEMA", capitalised(error))
        }
        LogError::IncompatibleSchemaInDiff { .. } => {
            Error::new("DELTA_DIFF_INCOMPATIBLE_SCHEMA", capitalised(error)).with_hint(
                "Compare versions on the same side of that change; DESCRIBE HISTORY shows where it was.",
            )
        }
        LogError::Storage { path, source } => from_store(path.as_ref(), source),
        LogError::Truncated { .. } => Error::new("STORAGE_ERROR", capitalised(error))
            .with_hint("Run the statement again. If it fails again, the file is damaged."),
        LogError::CorruptLog { .. }
        | LogError::ForeignPath { .. }
        | LogError::UnknownColumn(_)
        | LogError::InvalidDeletionVector { .. }
        | LogError::InvalidPartitionValue { .. } => {
            Error::new("DELTA_LOG_INVALID", capitalised(error))
        }
        other => Error::new("INTERNAL_ERROR", capitalised(other)),
    }
}

/// `path`: what was being read; may be empty where that is not known.
pub(crate) fn from_store(path: &str, error: &object_store::Error) -> Error {
    use object_store::Error as StoreError;
    let what = if path.is_empty() {
        "an object".to_owned()
    } else {
        path.to_owned()
    };
    if let Some(full) = overlay_is_full(error) {
        return full;
    }
    match error {
        StoreError::NotFound { path, .. } => Error::new(
            "FILE_NOT_FOUND",
            format!("The store has no {path}."),
        )
        .with_hint("A VACUUM may have deleted it, or another program. DESCRIBE HISTORY shows what happened to the table."),
        StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => {
            access_denied(&what)
        }
        error => told_by_host(error).unwrap_or_else(|| unclear(&what, &with_causes(error))),
    }
}

/// What to say where an overlay has no room for what is put into it.
pub(crate) fn overlay_is_full(error: &object_store::Error) -> Option<Error> {
    let LimitExceeded { needed, limit, .. } = LimitExceeded::of(error)?;
    let message = format!(
        "There is no room in this sandbox: with what the statement writes it would hold {} MB, and its limit is {} MB. Nothing was written.",
        needed.div_ceil(1_000_000),
        limit / 1_000_000,
    );
    Some(Error::new("SANDBOX_FULL", message).with_hint(
        "Reset the sandbox, or write less: earlier versions of tables take room too. Download first what you want to keep.",
    ))
}

fn access_denied(what: &str) -> Error {
    let message = format!("The store refuses access to {what}.");
    Error::new("STORAGE_ACCESS_DENIED", message)
        .with_hint("Give keys that may read it, or allow anonymous reads by a bucket policy.")
}

/// A failed listing carries the store's answer as text only.
fn unclear(what: &str, text: &str) -> Error {
    if text.contains("NoSuchBucket") {
        return Error::new("PATH_NOT_FOUND", format!("There is no bucket for {what}."))
            .with_hint("Check the bucket's name and the connection's endpoint.");
    }
    if [
        "AccessDenied",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "403 Forbidden",
    ]
    .iter()
    .any(|answer| text.contains(answer))
    {
        return access_denied(what);
    }
    Error::new("STORAGE_ERROR", format!("Cannot read {what}: {text}")).with_hint(
        "Is the object store running, and does it allow this page's origin (CORS)? Then run the \
         statement again.",
    )
}

/// The host's HTTP client knows more about a failure than object_store can say; it then puts an
/// error for a person among the causes.
fn told_by_host(error: &object_store::Error) -> Option<Error> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(told) = error.downcast_ref::<Error>() {
            return Some(told.clone());
        }
        cause = error.source();
    }
    None
}

/// The error at the root of a DataFusion error, in our terms.
pub(crate) fn from_datafusion(error: &DataFusionError) -> Error {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            from_datafusion(inner)
        }
        DataFusionError::Shared(inner) => from_datafusion(inner),
        DataFusionError::Collection(errors) => match errors.first() {
            Some(first) => from_datafusion(first),
            None => Error::new("INTERNAL_ERROR", error.strip_backtrace()),
        },
        DataFusionError::External(inner) => from_source(inner.as_ref()),
        DataFusionError::ArrowError(inner, _) => from_arrow(inner),
        DataFusionError::ParquetError(inner) => from_parquet(inner),
        DataFusionError::ObjectStore(inner) => from_store("", inner),
        DataFusionError::SchemaError(inner, _) => from_schema(inner),
        DataFusionError::ResourcesExhausted(_) => memory_exceeded(),
        DataFusionError::SQL(inner, _) => Error::new("PARSE_SYNTAX_ERROR", inner.to_string()),
        DataFusionError::NotImplemented(message) => {
            // What follows a syntax tree's name is for its programmers.
            let message = message.split(" { ").next().unwrap_or(message);
            Error::new("UNSUPPORTED_FEATURE", without_placeholders(message))
        }
        DataFusionError::Plan(message) => from_plan(message),
        DataFusionError::Execution(message) => from_execution(message),
        DataFusionError::Configuration(message) => Error::new("INVALID_CONF_VALUE", message),
        other => Error::new(
            "INTERNAL_ERROR",
            without_placeholders(&other.strip_backtrace()),
        ),
    }
}

pub(crate) fn memory_exceeded() -> Error {
    Error::new(
        "QUERY_MEMORY_EXCEEDED",
        "The query needs more memory than the engine may use.",
    )
    .with_hint(
        "Select fewer columns, filter earlier, or aggregate before sorting and joining; a \
             LIMIT makes a sort cheap. Other queries still work.",
    )
}

fn from_source(error: &(dyn StdError + Send + Sync + 'static)) -> Error {
    from_any(error).unwrap_or_else(|| Error::new("INTERNAL_ERROR", with_causes(error)))
}

/// The error itself or the first of its causes that is known.
fn from_any(error: &(dyn StdError + 'static)) -> Option<Error> {
    if let Some(error) = error.downcast_ref::<Error>() {
        return Some(error.clone());
    }
    if let Some(error) = error.downcast_ref::<LogError>() {
        return Some(from_log(error));
    }
    if let Some(error) = error.downcast_ref::<DataFusionError>() {
        return Some(from_datafusion(error));
    }
    if let Some(error) = error.downcast_ref::<Arc<DataFusionError>>() {
        return Some(from_datafusion(error));
    }
    if let Some(error) = error.downcast_ref::<Unreadable>() {
        if let ParquetError::External(inner) = error.source.as_ref()
            && let Some(failed) = inner.downcast_ref::<object_store::Error>()
        {
            return Some(from_store(error.path.as_ref(), failed));
        }
        let mut known = from_parquet(&error.source);
        if known.code == "FAILED_READ_FILE" {
            known.message = format!("Cannot read data file {}: {}", error.path, error.source);
        }
        return Some(known);
    }
    if let Some(error) = error.downcast_ref::<ArrowError>() {
        return Some(from_arrow(error));
    }
    if let Some(error) = error.downcast_ref::<ParquetError>() {
        return Some(from_parquet(error));
    }
    if let Some(error) = error.downcast_ref::<object_store::Error>() {
        return Some(from_store("", error));
    }
    error.source().and_then(from_any)
}

fn from_parquet(error: &ParquetError) -> Error {
    if let ParquetError::External(inner) = error
        && let Some(known) = from_any(inner.as_ref())
    {
        return known;
    }
    Error::new(
        "FAILED_READ_FILE",
        format!("Cannot read a data file: {error}"),
    )
    .with_hint("The file is damaged, or is not the one that the table's log describes.")
}

fn from_arrow(error: &ArrowError) -> Error {
    match error {
        ArrowError::ExternalError(inner) => from_source(inner.as_ref()),
        ArrowError::DivideByZero => Error::new("DIVIDE_BY_ZERO", "Division by zero.")
            .with_hint("NULLIF(divisor, 0) makes the result NULL instead."),
        ArrowError::CastError(message) | ArrowError::ParseError(message) => {
            Error::new("CAST_INVALID_INPUT", message)
                .with_hint("TRY_CAST makes the result NULL instead.")
        }
        ArrowError::ArithmeticOverflow(message) => Error::new("ARITHMETIC_OVERFLOW", message)
            .with_hint("A wider type has room: CAST(… AS DECIMAL(38, 0))."),
        ArrowError::ParquetError(message) => Error::new("FAILED_READ_FILE", message),
        other => Error::new("INTERNAL_ERROR", other.to_string()),
    }
}

fn from_schema(error: &SchemaError) -> Error {
    match error {
        SchemaError::FieldNotFound {
            field,
            valid_fields,
        } => unresolved_column(field, valid_fields),
        SchemaError::AmbiguousReference { field } => Error::new(
            "AMBIGUOUS_REFERENCE",
            format!("Reference `{}` is ambiguous.", field.name),
        )
        .with_hint("Put the table's name or alias before the column's."),
        other => Error::new("INVALID_SCHEMA", without_placeholders(&other.to_string())),
    }
}

pub(crate) fn unresolved_column(field: &Column, valid: &[Column]) -> Error {
    let message = format!(
        "A column, variable, or function parameter with name `{}` cannot be resolved.",
        field.name
    );
    let mut names: Vec<&str> = valid.iter().map(|column| column.name.as_str()).collect();
    names.sort_by_key(|name| (distance(&field.name, name), *name));
    names.dedup();
    if names.is_empty() {
        return Error::new("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", message);
    }
    let quoted: Vec<String> = names
        .iter()
        .take(5)
        .map(|name| format!("`{name}`"))
        .collect();
    Error::new("UNRESOLVED_COLUMN.WITH_SUGGESTION", message).with_hint(format!(
        "Did you mean one of the following? [{}]",
        quoted.join(", ")
    ))
}

fn from_plan(message: &str) -> Error {
    let message = without_placeholders(message);
    if let Some(rest) = message.strip_prefix("Invalid function ") {
        let (name, hint) = rest.split_once(".\n").unwrap_or((rest, ""));
        let name = name.trim_matches(['\'', '.']);
        let error = Error::new(
            "UNRESOLVED_ROUTINE",
            format!("There is no function {name}."),
        );
        return if hint.is_empty() {
            error
        } else {
            error.with_hint(hint.trim())
        };
    }
    if message.contains("not found") && message.starts_with("table ") {
        return Error::new("TABLE_OR_VIEW_NOT_FOUND", message);
    }
    Error::new("INVALID_STATEMENT", message)
}

fn from_execution(message: &str) -> Error {
    let message = without_placeholders(message);
    if message.starts_with("Cannot cast") {
        return Error::new("CAST_INVALID_INPUT", message);
    }
    Error::new("EXECUTION_ERROR", message)
}

/// DataFusion sees tables under placeholder names; a person should not.
fn without_placeholders(message: &str) -> String {
    let mut rest = message;
    let mut clean = String::with_capacity(message.len());
    while let Some(at) = rest.find(PLACEHOLDER) {
        let after = &rest[at + PLACEHOLDER.len()..];
        let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
        clean.push_str(&rest[..at]);
        match after.strip_prefix('.') {
            Some(column) => rest = column,
            None => {
                clean.push_str("the table");
                rest = after;
            }
        }
    }
    clean.push_str(rest);
    clean
}

/// See [`spark_dialect::TableReference::placeholder`].
const PLACEHOLDER: &str = "__lakeglass_";

fn capitalised(error: &LogError) -> String {
    let text = error.to_string();
    // A path keeps its case.
    let word = text.split(' ').next().unwrap_or_default();
    if !word.chars().all(char::is_alphabetic) {
        return format!("{text}.");
    }
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), chars.as_str()),
        None => text,
    }
}

fn with_causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    text
}

/// Edits that turn `a` into `b`, ignoring case.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_do_not_reach_the_person() {
        assert_eq!(
            without_placeholders("column __lakeglass_12.a of __lakeglass_0"),
            "column a of the table"
        );
    }

    #[test]
    fn what_the_hosts_http_client_says_of_a_failure_reaches_the_person() {
        let told = Error::new("STORE_UNREACHABLE", "nothing answers").with_hint("start it");
        let error = object_store::Error::Generic {
            store: "S3",
            source: Box::new(told.clone()),
        };
        assert_eq!(from_store("t/part-0.parquet", &error), told);
    }

    #[test]
    fn suggestions_come_closest_first() {
        let column = |name: &str| Column::new_unqualified(name);
        let valid = [
            column("transaction_id"),
            column("amount"),
            column("account_id"),
        ];
        let error = unresolved_column(&column("amuont"), &valid);
        assert_eq!(error.code, "UNRESOLVED_COLUMN.WITH_SUGGESTION");
        let hint = error.hint.unwrap();
        assert!(hint.contains("[`amount`, "), "{hint}");
    }
}
