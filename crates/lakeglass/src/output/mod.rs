//! Results as text.

mod csv;
mod json;
mod rows;
mod table;

use std::io::{self, Write};

use messages::Error;

use crate::run::Outcome;

/// The code of an error that says that nobody reads standard output any more.
pub const OUTPUT_CLOSED: &str = "OUTPUT_CLOSED";

/// Output format of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For eyes: aligned columns, types in the header, NULL apart from the text 'NULL'
    Table,
    /// One object: columns, rows, rowCount, version, metrics; 64-bit integers and decimals as
    /// strings. What `window.lakeglass.run` gives in the page
    Json,
    /// RFC 4180, with a header; NULL is an empty field, an empty string is ""
    Csv,
}

/// Prints the result of a statement.
///
/// # Errors
/// If `out` can't be written.
pub fn print(outcome: &Outcome, format: Format, out: &mut impl Write) -> io::Result<()> {
    match format {
        Format::Table => table::print(outcome, out),
        Format::Json => json::print(outcome, out),
        Format::Csv => csv::print(outcome, out),
    }
}

/// Writes to standard output.
///
/// # Errors
/// [`OUTPUT_CLOSED`] where nobody reads it any more, `OUTPUT_FAILED` otherwise.
pub fn to_stdout(
    write: impl FnOnce(&mut io::BufWriter<io::StdoutLock<'static>>) -> io::Result<()>,
) -> Result<(), Error> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    write(&mut out)
        .and_then(|()| out.flush())
        .map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Error::new(OUTPUT_CLOSED, "Nobody reads the output."),
            _ => Error::new(
                "OUTPUT_FAILED",
                format!("Cannot write the output: {error}."),
            ),
        })
}

/// Writes a line to standard output.
///
/// # Errors
/// See [`to_stdout`].
pub fn say(line: &str) -> Result<(), Error> {
    to_stdout(|out| writeln!(out, "{line}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
        TimestampMicrosecondArray,
    };
    use messages::engine::QueryMetrics;
    use messages::table::Column;

    use super::*;

    fn outcome(columns: Vec<(&str, &str, ArrayRef)>) -> Outcome {
        let batch = RecordBatch::try_from_iter_with_nullable(
            columns
                .iter()
                .map(|(name, _, values)| (*name, Arc::clone(values), true)),
        );
        let columns = columns.iter().map(|(name, data_type, _)| Column {
            name: (*name).to_owned(),
            data_type: (*data_type).to_owned(),
            nullable: true,
        });
        Outcome {
            columns: columns.collect(),
            batches: vec![batch.unwrap()],
            version: Some(3),
            warnings: Vec::new(),
            metrics: QueryMetrics::default(),
        }
    }

    fn printed(outcome: &Outcome, format: Format) -> String {
        let mut out = Vec::new();
        print(outcome, format, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn strings(values: &[Option<&str>]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    #[test]
    fn csv_quotes_where_it_must_and_tells_null_from_empty() {
        let result = outcome(vec![
            (
                "id",
                "bigint",
                Arc::new(Int64Array::from(vec![Some(i64::MAX), None, Some(1)])),
            ),
            (
                "a,b",
                "string",
                strings(&[Some("a \"b\",\nc"), None, Some("")]),
            ),
        ]);
        assert_eq!(
            printed(&result, Format::Csv),
            "id,\"a,b\"\r\n9223372036854775807,\"a \"\"b\"\",\nc\"\r\n,\r\n1,\"\"\r\n"
        );
    }

    #[test]
    fn json_keeps_long_integers_and_decimals_exact() {
        let price = Decimal128Array::from(vec![Some(-5), None]);
        let at = TimestampMicrosecondArray::from(vec![Some(1_714_560_011_204_000), None]);
        let result = outcome(vec![
            (
                "id",
                "bigint",
                Arc::new(Int64Array::from(vec![Some(i64::MAX), None])),
            ),
            (
                "amount",
                "double",
                Arc::new(Float64Array::from(vec![Some(250.0), None])),
            ),
            (
                "price",
                "decimal(10,2)",
                Arc::new(price.with_precision_and_scale(10, 2).unwrap()),
            ),
            ("at", "timestamp", Arc::new(at.with_timezone("UTC"))),
        ]);
        let value: serde_json::Value =
            serde_json::from_str(&printed(&result, Format::Json)).unwrap();
        assert_eq!(
            value["rows"],
            serde_json::json!([
                [
                    "9223372036854775807",
                    250.0,
                    "-0.05",
                    "2024-05-01T10:40:11.204Z"
                ],
                [null, null, null, null],
            ])
        );
        let price = serde_json::json!({"name": "price", "type": "decimal(10,2)"});
        assert_eq!(value["columns"][2], price);
        assert_eq!(value["rowCount"], 2);
        assert_eq!(value["version"], 3);
        assert!(value["metrics"].is_object());
    }

    #[test]
    fn table_aligns_numbers_right_and_shows_types_and_nulls() {
        let result = outcome(vec![
            (
                "id",
                "bigint",
                Arc::new(Int64Array::from(vec![Some(1), None])),
            ),
            ("text", "string", strings(&[Some("NULL"), None])),
        ]);
        assert_eq!(
            printed(&result, Format::Table),
            "\
┌────────┬────────┐
│     id │ text   │
│ bigint │ string │
├────────┼────────┤
│      1 │ 'NULL' │
│   NULL │ NULL   │
└────────┴────────┘
2 rows, version 3
"
        );
    }
}
