//! Functions of a table in FROM: `table_changes` and `table_diff`.

use messages::Error;
use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, ObjectName, TableFunctionArgs};

use crate::query::{Relation, TableFormat, TableName, VersionSpec};
use crate::table_name::table_name_from_text;
use crate::translate::ast::string_text;

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
    let text = arguments.first().and_then(|table| string_text(table));
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
        table_name_from_text(text)?
    };
    let first = VersionSpec::from_argument(first);
    Ok(Some(match (function, more) {
        ("table_diff", [to, keys @ ..]) => {
            let keys = keys.iter().map(|key| string_text(key).map(str::to_owned));
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
