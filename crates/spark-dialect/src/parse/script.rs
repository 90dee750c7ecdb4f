//! Scripts: statements between `;`, told apart by their first word.
//!
//! A statement enters here: its row in [`STATEMENTS`] names the method of [`StatementParser`] that
//! reads it (in a file of this folder), which answers a [`StatementKind`], or, for one that changes
//! a table, a [`WriteOperation`](crate::write::WriteOperation). What it needs of the table's
//! schema it takes in `bind/`. The compiler names all other places.

use messages::Error;
use sqlparser::ast::Expr;
use sqlparser::tokenizer::Token;

use crate::errors::not_supported;
use crate::lex::dialect::SparkDialect;
use crate::lex::tokens::{self, StatementTokens};
use crate::parse::parser::StatementParser;
use crate::statement::{ParsedStatement, StatementKind};

/// What is done with a statement.
enum Entry {
    /// Read by this method.
    Read(fn(&mut StatementParser<'_>) -> Result<StatementKind, Error>),
    /// Known from Spark, but not run: the error's hint says what to do instead.
    Unsupported(&'static str),
}

use Entry::{Read, Unsupported};

/// All statements, by their first word.
const STATEMENTS: &[(&str, Entry)] = &[
    ("SELECT", Read(|p| p.select())),
    ("WITH", Read(|p| p.select())),
    ("VALUES", Read(|p| p.select())),
    ("TABLE", Read(|p| p.select())),
    ("FROM", Read(|p| p.select())),
    ("INSERT", Read(|p| p.insert())),
    ("UPDATE", Read(|p| p.update())),
    ("DELETE", Read(|p| p.delete())),
    ("MERGE", Read(|p| p.merge())),
    ("CREATE", Read(|p| p.create())),
    ("REPLACE", Read(|p| p.create())),
    ("ALTER", Read(|p| p.alter())),
    ("DROP", Read(|p| p.drop_named())),
    ("RESTORE", Read(|p| p.restore())),
    ("DESCRIBE", Read(|p| p.describe())),
    ("DESC", Read(|p| p.describe())),
    ("SHOW", Read(|p| p.show())),
    ("SET", Read(|p| p.set())),
    ("EXPLAIN", Read(|p| p.explain())),
    ("OPTIMIZE", Read(|p| p.optimize())),
    ("VACUUM", Read(|p| p.vacuum())),
    (
        "TRUNCATE",
        Unsupported("DELETE FROM t removes all rows, and can be undone with RESTORE."),
    ),
    (
        "USE",
        Unsupported("Tables are named bucket.table, or by their path: delta.`s3a://bucket/path`."),
    ),
    (
        "CACHE",
        Unsupported("Nothing needs to be cached: leave it out."),
    ),
    (
        "UNCACHE",
        Unsupported("Nothing needs to be cached: leave it out."),
    ),
    (
        "REFRESH",
        Unsupported("Nothing needs to be cached: leave it out."),
    ),
    (
        "CLEAR",
        Unsupported("Nothing needs to be cached: leave it out."),
    ),
    (
        "ANALYZE",
        Unsupported("Statistics come from the Delta log: leave it out."),
    ),
    (
        "CONVERT",
        Unsupported("CREATE TABLE t USING DELTA AS SELECT * FROM parquet.`…` copies the rows."),
    ),
    (
        "COPY",
        Unsupported("INSERT INTO t SELECT * FROM parquet.`…` reads files."),
    ),
    (
        "LOAD",
        Unsupported("INSERT INTO t SELECT * FROM parquet.`…` reads files."),
    ),
    ("FSCK", Unsupported("Run it in Spark.")),
    ("REORG", Unsupported("Run it in Spark.")),
    ("REPAIR", Unsupported("Run it in Spark.")),
    ("MSCK", Unsupported("Run it in Spark.")),
    ("GENERATE", Unsupported("Run it in Spark.")),
    ("CLONE", Unsupported("Run it in Spark.")),
    (
        "GRANT",
        Unsupported("Who may do what is up to the object store."),
    ),
    (
        "REVOKE",
        Unsupported("Who may do what is up to the object store."),
    ),
    (
        "DENY",
        Unsupported("Who may do what is up to the object store."),
    ),
    (
        "BEGIN",
        Unsupported("Each statement is a transaction of its own; RESTORE undoes one."),
    ),
    (
        "COMMIT",
        Unsupported("Each statement is a transaction of its own; RESTORE undoes one."),
    ),
    (
        "ROLLBACK",
        Unsupported("Each statement is a transaction of its own; RESTORE undoes one."),
    ),
    (
        "START",
        Unsupported("Each statement is a transaction of its own; RESTORE undoes one."),
    ),
    ("CALL", Unsupported("Leave it out.")),
    ("DECLARE", Unsupported("Leave it out.")),
    ("EXECUTE", Unsupported("Leave it out.")),
    ("PREPARE", Unsupported("Leave it out.")),
    ("COMMENT", Unsupported("Leave it out.")),
    ("RESET", Unsupported("Leave it out.")),
    ("ADD", Unsupported("Leave it out.")),
    ("LIST", Unsupported("Leave it out.")),
];

/// Splits a script at `;` and parses its statements. Empty statements are left out.
///
/// # Errors
/// `PARSE_SYNTAX_ERROR` and its kin, with line and column (both from 1) in the message. The first
/// statement that fails ends it: nothing of a broken script runs.
pub fn parse_script(sql: &str) -> Result<Vec<ParsedStatement>, Error> {
    tokens::split(sql)?
        .into_iter()
        .map(|mut statement| {
            tokens::prepare(&mut statement)?;
            let kind = parse_statement(&statement)?;
            Ok(ParsedStatement {
                text: statement.text,
                offset: statement.offset,
                kind,
            })
        })
        .collect()
}

/// Parses one expression, not yet translated.
///
/// # Errors
/// `PARSE_SYNTAX_ERROR` for anything else.
pub(crate) fn parse_expression(text: &str) -> Result<Expr, Error> {
    let mut pieces = tokens::split(text)?;
    let (Some(mut piece), true) = (pieces.pop(), pieces.is_empty()) else {
        let message = format!("`{text}` is not one expression.");
        return Err(Error::new("PARSE_SYNTAX_ERROR", message));
    };
    tokens::prepare(&mut piece)?;
    let dialect = SparkDialect::new(piece.tokens.len());
    let mut parser = StatementParser::new(&dialect, &piece);
    let expr = parser.expr()?;
    parser.finish()?;
    Ok(expr)
}

fn parse_statement(statement: &StatementTokens) -> Result<StatementKind, Error> {
    let dialect = SparkDialect::new(statement.tokens.len());
    let mut p = StatementParser::new(&dialect, statement);
    let kind = read(&mut p)?;
    p.finish()?;
    Ok(kind)
}

fn read(p: &mut StatementParser<'_>) -> Result<StatementKind, Error> {
    let first = match &p.parser.peek_token_ref().token {
        Token::Word(word) if word.quote_style.is_none() => word.value.to_ascii_uppercase(),
        Token::LParen => "SELECT".to_owned(),
        _ => return Err(p.unexpected("a statement")),
    };
    let entry = STATEMENTS.iter().find(|(word, _)| *word == first);
    match entry.map(|(_, entry)| entry) {
        Some(Read(read)) => read(p),
        Some(Unsupported(hint)) => Err(not_supported(&first, hint)),
        None => Err(p.unexpected("a statement").with_hint(statement_words())),
    }
}

/// The words that a statement may start with, as a hint.
fn statement_words() -> String {
    let words: Vec<_> = STATEMENTS
        .iter()
        .filter(|(_, entry)| matches!(entry, Read(_)))
        .map(|(word, _)| *word)
        .collect();
    match words.split_last() {
        Some((last, others)) => format!("Statements start with {} or {last}.", others.join(", ")),
        None => String::new(),
    }
}
