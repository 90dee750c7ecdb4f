//! RFC 4180.

use std::io::{self, Write};

use crate::output::rows::rows;
use crate::run::Outcome;

pub(super) fn print(outcome: &Outcome, out: &mut impl Write) -> io::Result<()> {
    if outcome.columns.is_empty() {
        return Ok(());
    }
    record(
        outcome
            .columns
            .iter()
            .map(|column| Some(column.name.as_str())),
        out,
    )?;
    for row in rows(outcome) {
        record(row.iter().map(Option::as_deref), out)?;
    }
    Ok(())
}

fn record<'a>(
    fields: impl Iterator<Item = Option<&'a str>>,
    out: &mut impl Write,
) -> io::Result<()> {
    for (i, field) in fields.enumerate() {
        if i > 0 {
            out.write_all(b",")?;
        }
        match field {
            None => {}
            Some(text) if text.is_empty() || text.contains([',', '"', '\r', '\n']) => {
                write!(out, "\"{}\"", text.replace('"', "\"\""))?;
            }
            Some(text) => out.write_all(text.as_bytes())?,
        }
    }
    out.write_all(b"\r\n")
}
