//! Errors about the text of a statement.

use messages::Error;
use sqlparser::parser::ParserError;
use sqlparser::tokenizer::{Location, TokenWithSpan};

/// `PARSE_SYNTAX_ERROR` with its place; lines and columns count from 1.
pub(crate) fn syntax_error(what: &str, place: Option<Location>) -> Error {
    let message = match place.filter(|place| place.line > 0) {
        Some(Location { line, column }) => {
            format!("Syntax error in line {line}, column {column}: {what}")
        }
        None => format!("Syntax error: {what}"),
    };
    Error::new("PARSE_SYNTAX_ERROR", message)
}

/// A statement that Lakeglass knows but does not run yet.
pub(crate) fn not_supported(what: &str, hint: &str) -> Error {
    Error::new(
        "UNSUPPORTED_FEATURE",
        format!("{what} is not supported yet."),
    )
    .with_hint(hint)
}

/// A statement whose tree would be too deep.
pub(crate) fn too_complex(place: Option<Location>) -> Error {
    let mut error = syntax_error("the statement nests too deeply", place);
    error.code = "STATEMENT_TOO_COMPLEX".to_owned();
    error.with_hint("Split it, or write a long chain of comparisons as IN (…).")
}

/// An error of sqlparser in our words. It does not always say where: then the place is that of the
/// token in `near` that it found instead, or else the statement's end.
pub(crate) fn from_parser(error: ParserError, near: &[TokenWithSpan], end: Location) -> Error {
    let text = match error {
        ParserError::RecursionLimitExceeded => return too_complex(None),
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
    };
    let (what, place) = split_place(&text);
    let expected = what
        .strip_prefix("Expected:")
        .or_else(|| what.strip_prefix("Expected"));
    let Some((expected, found)) = expected.and_then(|rest| rest.trim().split_once(", found: "))
    else {
        return syntax_error(what, place.or(near.first().map(|token| token.span.start)));
    };
    if found == "EOF" {
        let what = format!("expected {expected}, but the statement ends here");
        return syntax_error(&what, Some(end));
    }
    let place = place.or_else(|| {
        let token = near
            .iter()
            .take(2)
            .find(|token| token.token.to_string() == found);
        token.map(|token| token.span.start)
    });
    let what = format!("expected {expected}, found `{found}`");
    let error = syntax_error(&what, place.or(Some(end)));
    if found.starts_with('@') {
        return error.with_hint("For an older version write VERSION AS OF 2 after the table.");
    }
    error
}

/// Splits ` at Line: 1, Column: 5` off.
fn split_place(text: &str) -> (&str, Option<Location>) {
    let Some((what, place)) = text.rsplit_once(" at Line: ") else {
        return (text, None);
    };
    let Some((line, column)) = place.split_once(", Column: ") else {
        return (text, None);
    };
    match (line.parse(), column.trim_end().parse()) {
        (Ok(line), Ok(column)) => (what, Some(Location { line, column })),
        _ => (text, None),
    }
}
