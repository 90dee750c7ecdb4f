//! Rows for the page: record batches cut to size, each as an Arrow IPC stream of its own.

use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;

/// Rows of a statement's first batch at most, so that it leaves early and decodes at once.
const FIRST_ROWS: usize = 1_024;
/// Rows of any later batch at most.
const ROWS: usize = 8_192;
/// Bytes of a batch, roughly, where rows are wide.
const BYTES: usize = 4 << 20;

/// Cuts `batch` into pieces that the page can take one by one; none for a batch without rows.
/// `first`: nothing of the result has been sent yet.
pub(crate) fn pieces(batch: &RecordBatch, first: bool) -> Vec<RecordBatch> {
    let total = batch.num_rows();
    let rows = rows_per_piece(batch);
    let mut pieces = Vec::new();
    let mut start = 0;
    while start < total {
        let most = if first && start == 0 {
            rows.min(FIRST_ROWS)
        } else {
            rows
        };
        let length = most.min(total - start);
        pieces.push(batch.slice(start, length));
        start += length;
    }
    pieces
}

fn rows_per_piece(batch: &RecordBatch) -> usize {
    let bytes: usize = batch
        .columns()
        .iter()
        // A type that cannot tell its size counts nothing; the limit on rows holds all the same.
        .map(|column| column.to_data().get_slice_memory_size().unwrap_or(0))
        .sum();
    let per_row = bytes / batch.num_rows().max(1);
    (BYTES / per_row.max(1)).clamp(1, ROWS)
}

/// `batch` as an IPC stream: schema, one record batch, end.
pub(crate) fn to_stream(batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
    writer.write(batch)?;
    writer.into_inner()
}
