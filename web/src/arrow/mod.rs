//! Arrow IPC streams with the types that results have (`messages::engine`, "Rows on the wire"):
//! without dictionaries, without compression.
//!
//! Why not the crates' own reader: `arrow-ipc` and `arrow-array` handle every type and every
//! kernel behind it, and come to half of this page, which has to be there before anything else is.
//! Of them the page uses the generated accessors of the metadata alone; the tests read what the
//! crates' writer writes.

mod column;
mod frames;
mod read;

use std::sync::Arc;

use arrow_ipc::{Message, MessageHeader, Schema, root_as_message};
use messages::Error;

pub use column::Column;
use frames::Frames;
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
    let mut schema: Option<Schema<'_>> = None;
    let mut batches = Vec::new();
    while let Some(metadata) = frames.metadata()? {
        let message: Message<'_> = root_as_message(metadata).map_err(|error| error.to_string())?;
        let body = frames.body(message.bodyLength())?;
        match (message.header_type(), schema) {
            (MessageHeader::Schema, _) => schema = message.header_as_schema(),
            (MessageHeader::RecordBatch, Some(schema)) => {
                let header = message
                    .header_as_record_batch()
                    .ok_or("a batch without a header")?;
                if header.compression().is_some() {
                    return Err("they are compressed".to_owned());
                }
                let mut columns = Columns::new(header, body);
                let fields = schema.fields().into_iter().flatten();
                let rows = usize::try_from(header.length()).map_err(|error| error.to_string())?;
                let columns: Vec<Column> = fields
                    .map(|field| columns.read(field))
                    .collect::<Result<_, _>>()?;
                if columns.iter().any(|column| column.len != rows) {
                    return Err("columns of different lengths".to_owned());
                }
                batches.push(Batch { rows, columns });
            }
            (other, _) => return Err(format!("a message of type {other:?}")),
        }
    }
    Ok(batches)
}

#[cfg(test)]
pub mod tests;
