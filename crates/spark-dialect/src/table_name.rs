//! Tables as statements name them.

use messages::Error;
use sqlparser::ast::{Ident, ObjectName};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use crate::errors::not_supported;
use crate::lex::dialect::SparkDialect;
use crate::lex::tokens;
use crate::query::{TableFormat, TableName};

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

/// The table that a string names, as `table_changes` takes it: `t`, `bucket.t`, `` delta.`…` ``.
pub(crate) fn table_name_from_text(text: &str) -> Result<TableName, Error> {
    let invalid = || {
        Error::new(
            "TABLE_OR_VIEW_NOT_FOUND",
            format!("'{text}' does not name a table."),
        )
        .with_hint(
            "Write 'table', 'bucket.table' or 'delta.`s3a://bucket/path`' (with backticks); \
                 table_changes_by_path takes a bare path.",
        )
    };
    let mut statements = tokens::split(text).map_err(|_| invalid())?;
    let (Some(statement), 0) = (statements.pop(), statements.len()) else {
        return Err(invalid());
    };
    let dialect = SparkDialect::new(statement.tokens.len());
    let mut parser = Parser::new(&dialect).with_tokens_with_locations(statement.tokens);
    let name = parser.parse_object_name(true).map_err(|_| invalid())?;
    if parser.peek_token_ref().token != Token::EOF {
        return Err(invalid());
    }
    table_name(&name).map_err(|_| invalid())
}
