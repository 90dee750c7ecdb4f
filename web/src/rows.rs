//! The rows of one result: record batches as they came, addressed by row.

use std::io::Cursor;

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
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
pub fn decode(bytes: &[u8]) -> Result<Vec<RecordBatch>, Error> {
    let unreadable = |error: arrow_schema::ArrowError| {
        Error::new(
            "RESULT_UNREADABLE",
            format!("the engine sent rows that can't be read: {error}"),
        )
        .with_hint("Reload the page: page and engine may be of different versions.")
    };
    StreamReader::try_new(Cursor::new(bytes), None)
        .map_err(unreadable)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)
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
