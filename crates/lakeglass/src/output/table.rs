//! A table for a terminal.

use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};

use crate::output::rows::rows;
use crate::run::Outcome;

/// Borders, with one rule below the header.
const BORDERS: &str = "││──├─┼┤│    ┬┴┌┐└┘";

pub(super) fn print(outcome: &Outcome, out: &mut impl Write) -> io::Result<()> {
    let mut parts = Vec::new();
    if outcome.columns.is_empty() {
        parts.push("done".to_owned());
    } else {
        writeln!(out, "{}", table(outcome))?;
        let rows = outcome.row_count();
        parts.push(format!("{rows} row{}", if rows == 1 { "" } else { "s" }));
    }
    if let Some(version) = outcome.version {
        parts.push(format!("version {version}"));
    }
    writeln!(out, "{}", parts.join(", "))
}

fn table(outcome: &Outcome) -> Table {
    let alignment = |data_type: &str| {
        if cells::is_numeric(data_type) {
            CellAlignment::Right
        } else {
            CellAlignment::Left
        }
    };
    let alignments: Vec<_> = outcome
        .columns
        .iter()
        .map(|column| alignment(&column.data_type))
        .collect();
    let mut table = Table::new();
    table
        .load_preset(BORDERS)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(
        outcome
            .columns
            .iter()
            .zip(&alignments)
            .map(|(column, alignment)| {
                let label = cells::type_label(&column.data_type);
                Cell::new(format!("{}\n{label}", one_line(&column.name))).set_alignment(*alignment)
            }),
    );
    for row in rows(outcome) {
        table.add_row(
            row.into_iter()
                .zip(&alignments)
                .map(|(cell, alignment)| Cell::new(shown(cell)).set_alignment(*alignment)),
        );
    }
    table
}

/// NULL is bare; a text that reads the same is quoted.
fn shown(cell: Option<String>) -> String {
    match cell {
        None => "NULL".to_owned(),
        Some(text) if text == "NULL" => "'NULL'".to_owned(),
        Some(text) => one_line(&text),
    }
}

/// A row stays on one line, and does not drive the terminal.
fn one_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}
