//! The rows of a request: an Arrow IPC stream.

use std::io::Cursor;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamReader;
use bytes::Bytes;
use messages::Error;

/// The rows that came with an operation.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
}

impl Source {
    /// Decodes and validates a whole stream.
    pub fn decode(bytes: &Bytes) -> Result<Self, Error> {
        let invalid = |why: String| {
            Error::new(
                "INVALID_SOURCE",
                format!("The rows are not a valid Arrow IPC stream: {why}"),
            )
        };
        let reader =
            StreamReader::try_new(Cursor::new(bytes), None).map_err(|e| invalid(e.to_string()))?;
        let schema = reader.schema();
        let batches = reader
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| invalid(e.to_string()))?;
        Ok(Self { schema, batches })
    }
}
