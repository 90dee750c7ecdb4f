//! The object that `window.lakeglass.run` resolves to.

use std::io::{self, Write};

use cells::Column;
use serde_json::json;

use crate::run::Outcome;

pub(super) fn print(outcome: &Outcome, out: &mut impl Write) -> io::Result<()> {
    let columns: Vec<_> = outcome
        .columns
        .iter()
        .map(|column| json!({ "name": column.name, "type": column.data_type }))
        .collect();
    write!(out, "{{\"columns\":{},\"rows\":[", json!(columns))?;
    let mut text = String::new();
    let mut separator = "\n[";
    for batch in &outcome.batches {
        for row in 0..batch.num_rows() {
            text.clear();
            text.push_str(separator);
            separator = ",\n[";
            for (i, column) in batch.columns().iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                cells::write_json(&mut text, column.value(row));
            }
            text.push(']');
            out.write_all(text.as_bytes())?;
        }
    }
    writeln!(
        out,
        "],\"rowCount\":{},\"version\":{},\"metrics\":{}}}",
        outcome.row_count(),
        json!(outcome.version),
        json!(outcome.metrics),
    )
}
