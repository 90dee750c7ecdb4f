//! The rows of one result: record batches as they came, addressed by row.

use std::sync::Arc;

use cells::Column;

use crate::arrow::Batch;

/// Rows that have arrived. Cheap to clone: batches are shared.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    batches: Vec<Arc<Batch>>,
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

    /// `size`: bytes that the batch came in, and holds.
    pub fn push(&mut self, batch: Batch, size: usize) {
        if batch.rows == 0 {
            return;
        }
        self.bytes += size;
        self.ends.push(self.len() + batch.rows);
        self.batches.push(Arc::new(batch));
    }

    /// The batch that holds `row`, and the row's place in it.
    pub fn locate(&self, row: usize) -> Option<(&Batch, usize)> {
        let index = self.ends.partition_point(|end| *end <= row);
        let batch: &Batch = self.batches.get(index)?;
        let start = self.ends[index] - batch.rows;
        Some((batch, row - start))
    }

    /// The text of a cell: `None` where there is no such cell, `Some(None)` for NULL.
    pub fn text(&self, row: usize, column: usize) -> Option<Option<String>> {
        let (batch, row) = self.locate(row)?;
        Some(cells::text(batch.columns.get(column)?.value(row)))
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{ArrayRef, Int64Array};

    use super::*;
    use crate::arrow::decode;
    use crate::arrow::tests::stream;

    #[test]
    fn rows_are_found_across_batches() {
        let mut rows = Rows::default();
        for values in [vec![0, 1], vec![], vec![2, 3, 4]] {
            let bytes = stream(vec![Arc::new(Int64Array::from(values)) as ArrayRef]);
            let size = bytes.len();
            for batch in decode(bytes).unwrap() {
                rows.push(batch, size);
            }
        }
        assert_eq!(rows.len(), 5);
        for row in 0..5 {
            assert_eq!(rows.text(row, 0), Some(Some(row.to_string())));
        }
        assert_eq!(rows.text(5, 0), None);
        assert_eq!(rows.text(0, 1), None);
    }
}
