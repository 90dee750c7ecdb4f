//! What stands after FROM: a table's name or path, its version, or a function of it.

use messages::Error;
use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Ident, ObjectName, TableFunctionArgs, TableVersion, Value,
};

use crate::errors::not_supported;
use crate::statement::{Moment, Relation, TableFormat, TableName, VersionSpec};
use crate::translate::time_travel::spark_string;

/// The last part of a table's name or path.
pub(crate) fn short_name(table: &TableName) -> &str {
    match table {
        TableName::Name { parts } => parts.last().map_or("", String::as_str),
        TableName::Path { url, .. } => {
            let trimmed = url.trim_end_matches('/');
            trimmed
                .rsplit('/')
                .next()
                .filter(|name| !name.is_empty())
                .unwrap_or(trimmed)
        }
    }
}

pub(crate) fn version_spec(version: TableVersion) -> Result<VersionSpec, Error> {
    match version {
        TableVersion::VersionAsOf(expr) => match &expr {
            Expr::Value(value) => match &value.value {
                Value::Number(digits, _) => {
                    digits.parse().map(VersionSpec::Version).map_err(|_| {
                        Error::new(
                            "DELTA_VERSION_INVALID",
                            format!("{digits} is not a version number."),
                        )
                        .with_hint(
                            "Versions are whole numbers from 0 on; DESCRIBE HISTORY lists them.",
                        )
                    })
                }
                _ => Err(not_supported(
                    "This kind of version",
                    "Write VERSION AS OF 3.",
                )),
            },
            _ => Err(not_supported(
                "An expression as version",
                "Write VERSION AS OF 3.",
            )),
        },
        TableVersion::TimestampAsOf(expr) | TableVersion::ForSystemTimeAsOf(expr) => {
            Moment::from_expr(&expr).map(VersionSpec::Timestamp)
        }
        other => Err(not_supported(
            &format!("`{other}` after a table"),
            "Write VERSION AS OF 3 or TIMESTAMP AS OF '2024-05-01 10:00:00'.",
        )),
    }
}

/// `table_changes('t', start [, end])` and `table_diff('t', from, to [, 'key' …])`, and both of them
/// `_by_path`; `None` for other functions.
pub(crate) fn table_function(
    name: &ObjectName,
    arguments: &TableFunctionArgs,
) -> Result<Option<Relation>, Error> {
    let lower = name.to_string().to_ascii_lowercase();
    let (function, by_path) = match lower.strip_suffix("_by_path") {
        Some(function) => (function, true),
        None => (lower.as_str(), false),
    };
    let usage: fn(&ObjectName) -> Error = match function {
        "table_changes" => changes_usage,
        "table_diff" => diff_usage,
        _ => return Ok(None),
    };
    let arguments = arguments
        .args
        .iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
            _ => None,
        })
        .collect::<Option<Vec<&Expr>>>()
        .ok_or_else(|| usage(name))?;
    let text = arguments.first().and_then(|table| spark_string(table));
    let (Some(text), Some((first, more))) = (text, arguments.get(1..).and_then(<[_]>::split_first))
    else {
        return Err(usage(name));
    };
    let table = if by_path {
        TableName::Path {
            format: TableFormat::Delta,
            url: text.to_owned(),
        }
    } else {
        crate::parse::parser::table_name_from_text(text)?
    };
    let first = VersionSpec::from_argument(first);
    Ok(Some(match (function, more) {
        ("table_diff", [to, keys @ ..]) => {
            let keys = keys.iter().map(|key| spark_string(key).map(str::to_owned));
            let keys = keys.collect::<Option<_>>().ok_or_else(|| usage(name))?;
            Relation::Diff {
                table,
                from: first?,
                to: VersionSpec::from_argument(to)?,
                keys,
            }
        }
        ("table_changes", []) => Relation::Changes {
            table,
            start: first?,
            end: None,
        },
        ("table_changes", [end]) => Relation::Changes {
            table,
            start: first?,
            end: Some(VersionSpec::from_argument(end)?),
        },
        _ => return Err(usage(name)),
    }))
}

fn changes_usage(name: &ObjectName) -> Error {
    Error::new(
        "WRONG_NUM_ARGS",
        format!("{name} takes a table, the first version or time, and perhaps the last one."),
    )
    .with_hint(
        "For instance table_changes('financial_transactions_dim', 2), \
         table_changes('delta.`s3a://bucket/table`', 0, 5) or \
         table_changes('t', '2024-05-01 10:00:00').",
    )
}

fn diff_usage(name: &ObjectName) -> Error {
    Error::new(
        "WRONG_NUM_ARGS",
        format!(
            "{name} takes a table, two versions or times, and perhaps the names of key columns."
        ),
    )
    .with_hint(
        "For instance table_diff('financial_transactions_dim', 2, 5), \
         table_diff('delta.`s3a://bucket/table`', 0, 5, 'account_id', 'day') or \
         table_diff('t', '2024-05-01 10:00:00', '2024-05-02').",
    )
}

/// A table as an object name says it.
pub(crate) fn table_name(name: &ObjectName) -> Result<TableName, Error> {
    let idents: Vec<&Ident> = name.0.iter().filter_map(|part| part.as_ident()).collect();
    if idents.len() != name.0.len() || idents.iter().any(|ident| ident.value.is_empty()) {
        return Err(Error::new(
            "PARSE_SYNTAX_ERROR",
            format!("`{name}` is not a table."),
        ));
    }
    if let Some(ident) = idents.iter().find(|ident| ident.quote_style == Some('\'')) {
        return Err(Error::new(
            "PARSE_SYNTAX_ERROR",
            format!("A string stands where a table belongs: '{}'", ident.value),
        )
        .with_hint(format!("Quote names with backticks: `{}`.", ident.value)));
    }
    match idents.as_slice() {
        [format, path] if path.quote_style.is_some() && path.value.contains('/') => {
            let url = path.value.clone();
            match format.value.to_ascii_lowercase().as_str() {
                "delta" => Ok(TableName::Path {
                    format: TableFormat::Delta,
                    url,
                }),
                "parquet" => Ok(TableName::Path {
                    format: TableFormat::Parquet,
                    url,
                }),
                other @ ("csv" | "json" | "orc" | "avro" | "text" | "iceberg") => {
                    Err(not_supported(
                        &format!("Reading {other} files"),
                        "Paths are read as delta.`…` or parquet.`…`.",
                    ))
                }
                _ => Ok(TableName::Name {
                    parts: vec![format.value.clone(), url],
                }),
            }
        }
        [path] if path.value.contains("://") => Err(Error::new(
            "TABLE_OR_VIEW_NOT_FOUND",
            format!("There is no table named `{}`.", path.value),
        )
        .with_hint(format!(
            "For a path say its format: delta.`{}`.",
            path.value
        ))),
        _ => Ok(TableName::Name {
            parts: idents.iter().map(|ident| ident.value.clone()).collect(),
        }),
    }
}
