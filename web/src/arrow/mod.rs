//! Arrow IPC streams with the types that results have (`messages::engine`, "Rows on the wire"):
//! without dictionaries, without compression.
//!
//! Why not the crates' own reader: `arrow-ipc` and `arrow-array` handle every type and every
//! kernel behind it, and come to half of this page, which has to be there before anything else is.
//! The tests read what the crates' writer writes.

mod column;
mod frames;
mod metadata;
mod read;

use std::sync::Arc;

use messages::Error;

pub use column::Column;
use frames::Frames;
use metadata::{Table, message, record_batch, schema};
use read::Columns;

/// Rows with the same columns.
#[derive(Debug, Clone)]
pub struct Batch {
    pub rows: usize,
    pub columns: Vec<Column>,
}

/// The record batches of an Arrow IPC stream.
///
/// Format: [IPC streaming format](https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format)
///
/// # Errors
/// `RESULT_UNREADABLE` where the bytes are no such stream, or of types that results don't have.
pub fn decode(bytes: Vec<u8>) -> Result<Vec<Batch>, Error> {
    let bytes: Arc<[u8]> = bytes.into();
    batches(&bytes).map_err(|why| {
        let message = format!("The engine sent rows that can't be read: {why}.");
        Error::new("RESULT_UNREADABLE", message)
            .with_hint("Reload the page: page and engine may be of different versions.")
    })
}

fn batches(bytes: &Arc<[u8]>) -> Result<Vec<Batch>, String> {
    let mut frames = Frames::new(bytes);
    let mut fields = None;
    let mut batches = Vec::new();
    while let Some(metadata) = frames.metadata()? {
        let metadata = Table::root(metadata)?;
        let body = frames.body(metadata.i64(message::BODY_LENGTH)?)?;
        let header = metadata.table(message::HEADER)?;
        match (metadata.u8(message::HEADER_TYPE)?, header, fields) {
            (message::SCHEMA, Some(header), _) => fields = Some(header),
            (message::RECORD_BATCH, Some(header), Some(fields)) => {
                if header.table(record_batch::COMPRESSION)?.is_some() {
                    return Err("they are compressed".to_owned());
                }
                let rows = header.i64(record_batch::LENGTH)?;
                let rows = usize::try_from(rows).map_err(|error| error.to_string())?;
                let mut columns = Columns::new(header, body)?;
                let columns: Vec<Column> = fields
                    .tables(schema::FIELDS)?
                    .map(|field| columns.read(field?))
                    .collect::<Result<_, _>>()?;
                if columns.iter().any(|column| column.len != rows) {
                    return Err("columns of different lengths".to_owned());
                }
                batches.push(Batch { rows, columns });
            }
            (other, ..) => {
                let names = message::HEADER_TYPES;
                let name = names.get(usize::from(other)).unwrap_or(&"unknown");
                return Err(format!("a message of type {name}"));
            }
        }
    }
    Ok(batches)
}

#[cfg(test)]
pub mod tests;
