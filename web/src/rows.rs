//! The rows of one result: record batches as they came, addressed by row.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::convert::fb_to_schema;
use arrow_ipc::reader::read_record_batch;
use arrow_ipc::root_as_message;
use messages::Error;

/// Rows that have arrived. Cheap to clone: batches are shared.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    batches: Vec<RecordBatch>,
    /// For each batch, the number of rows up to and including it.
    ends: Vec<usize>,
    bytes: usize,
}

impl Rows {
    /// Rows at hand.
    pub fn len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memory that the batches hold, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn push(&mut self, batch: RecordBatch) {
        if batch.num_rows() == 0 {
            return;
        }
        self.bytes += batch.get_array_memory_size();
        self.ends.push(self.len() + batch.num_rows());
        self.batches.push(batch);
    }

    /// The batch that holds `row`, and the row's place in it.
    pub fn locate(&self, row: usize) -> Option<(&RecordBatch, usize)> {
        let index = self.ends.partition_point(|end| *end <= row);
        let batch = self.batches.get(index)?;
        let start = self.ends[index] - batch.num_rows();
        Some((batch, row - start))
    }

    /// The text of a cell: `None` where there is no such cell, `Some(None)` for NULL.
    pub fn text(&self, row: usize, column: usize) -> Option<Option<String>> {
        let (batch, row) = self.locate(row)?;
        let array = batch.columns().get(column)?;
        Some(crate::cells::text(array, row))
    }
}

/// The record batches of an Arrow IPC stream.
///
/// Reads the messages' frames itself: `StreamReader` also merges dictionaries, and the kernels that
/// it needs for that would be a sixth of this page. The worker sends none.
pub fn decode(bytes: &[u8]) -> Result<Vec<RecordBatch>, Error> {
    let bytes = Buffer::from(bytes);
    let mut frames = Frames { bytes: &bytes, at: 0 };
    let mut schema = None;
    let mut batches = Vec::new();
    while let Some((metadata, at)) = frames.next()? {
        let message = root_as_message(metadata).map_err(unreadable)?;
        let body = frames.body(at, message.bodyLength())?;
        if let Some(header) = message.header_as_schema() {
            schema = Some(Arc::new(fb_to_schema(header)));
        } else if let (Some(header), Some(schema)) = (message.header_as_record_batch(), &schema) {
            let (none, schema) = (HashMap::new(), schema.clone());
            let batch = read_record_batch(&body, header, schema, &none, None, &message.version());
            batches.push(batch.map_err(unreadable)?);
        } else {
            return Err(unreadable(format!("a message of type {:?}", message.header_type())));
        }
    }
    Ok(batches)
}

/// Encapsulated messages, one behind the other.
///
/// Format: [Encapsulated message format](https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format)
struct Frames<'a> {
    bytes: &'a Buffer,
    at: usize,
}

impl<'a> Frames<'a> {
    /// Metadata of the next message, and where its body starts; `None` at the stream's end.
    fn next(&mut self) -> Result<Option<(&'a [u8], usize)>, Error> {
        const CONTINUATION: u32 = u32::MAX;
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        if self.word()? != CONTINUATION {
            return Err(unreadable("no message where one should start"));
        }
        let length = self.word()? as usize;
        if length == 0 {
            return Ok(None);
        }
        let start = self.at;
        self.at = start.saturating_add(length);
        let metadata = self.bytes.as_slice().get(start..self.at).ok_or_else(cut_short)?;
        Ok(Some((metadata, self.at)))
    }

    /// The body at `start`; the next message follows it.
    fn body(&mut self, start: usize, length: i64) -> Result<Buffer, Error> {
        let length = usize::try_from(length).map_err(|_| unreadable("a body of negative length"))?;
        self.at = start.saturating_add(length);
        if self.at > self.bytes.len() {
            return Err(cut_short());
        }
        Ok(self.bytes.slice_with_length(start, length))
    }

    fn word(&mut self) -> Result<u32, Error> {
        let word = self.bytes.as_slice().get(self.at..).and_then(<[u8]>::first_chunk);
        self.at += 4;
        word.map(|word| u32::from_le_bytes(*word)).ok_or_else(cut_short)
    }
}

fn cut_short() -> Error {
    unreadable("they are cut short")
}

fn unreadable(why: impl std::fmt::Display) -> Error {
    Error::new("RESULT_UNREADABLE", format!("The engine sent rows that can't be read: {why}."))
        .with_hint("Reload the page: page and engine may be of different versions.")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array};

    use super::*;

    fn batch(values: Vec<i64>) -> RecordBatch {
        let column = Arc::new(Int64Array::from(values)) as ArrayRef;
        RecordBatch::try_from_iter([("n", column)]).unwrap()
    }

    #[test]
    fn rows_are_found_across_batches() {
        let mut rows = Rows::default();
        for values in [vec![0, 1], vec![], vec![2, 3, 4]] {
            rows.push(batch(values));
        }
        assert_eq!(rows.len(), 5);
        for row in 0..5 {
            assert_eq!(rows.text(row, 0), Some(Some(row.to_string())));
        }
        assert_eq!(rows.text(5, 0), None);
        assert_eq!(rows.text(0, 1), None);
    }

    #[test]
    fn stream_cut_short_is_an_error_not_a_panic() {
        let rows = batch(vec![1, 2, 3]);
        let mut writer =
            arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &rows.schema()).unwrap();
        writer.write(&rows).unwrap();
        writer.finish().unwrap();
        let bytes = writer.into_inner().unwrap();
        assert_eq!(decode(&bytes).unwrap(), [rows]);
        assert_eq!(
            decode(&bytes[..bytes.len() / 2]).unwrap_err().code,
            "RESULT_UNREADABLE"
        );
        assert_eq!(decode(b"no").unwrap_err().code, "RESULT_UNREADABLE");
    }
}
