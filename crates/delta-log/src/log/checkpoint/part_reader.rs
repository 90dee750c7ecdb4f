//! Reads one Parquet file of a checkpoint: a part, a sidecar, a top level.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use crate::error::{Error, Result};
use crate::files::parquet_footer::check_parquet_footer;
use crate::log::log_path::LogFile;
use crate::table::Table;

/// Checkpoints up to this many bytes are fetched whole: one request instead of a footer and then
/// columns. Larger ones are read column by column.
const WHOLE: u64 = 2 * 1024 * 1024;

/// Rows that are decoded at a time.
pub(crate) const BATCH: usize = 8192;

/// Opens a file of a checkpoint. Batches have [`BATCH`] rows, in the types of its Parquet schema.
///
/// # Errors
/// [`Error::CorruptLog`] and [`Error::Truncated`]; [`Error::Storage`].
pub(crate) async fn open_part(
    table: &Table,
    file: &LogFile,
) -> Result<ParquetRecordBatchStreamBuilder<PartReader>> {
    let reader = match file.size {
        Some(size) if size > WHOLE => PartReader::Ranged {
            store: table.store.clone(),
            path: file.path.clone(),
            size,
        },
        expected => {
            let (bytes, _) = table.fetch(&file.path).await?;
            if expected.is_some_and(|size| size != bytes.len() as u64) {
                return Err(table.truncated(&file.path, bytes.len(), expected));
            }
            PartReader::Whole(bytes)
        }
    };
    // Without the writer's Arrow schema all writers' files come in the same types.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder = ParquetRecordBatchStreamBuilder::new_with_options(reader, options).await;
    let builder = builder.map_err(|error| parquet_error(&file.path, error))?;
    Ok(builder.with_batch_size(BATCH))
}

/// What is wrong with the file at `path`, or with the store.
pub(crate) fn parquet_error(path: &Path, error: ParquetError) -> Error {
    match error {
        ParquetError::External(source) => match source.downcast::<object_store::Error>() {
            Ok(source) => Error::Storage {
                path: path.clone(),
                source: *source,
            },
            Err(other) => Error::CorruptLog {
                path: path.to_string(),
                reason: other.to_string(),
            },
        },
        other => Error::CorruptLog {
            path: path.to_string(),
            reason: other.to_string(),
        },
    }
}

/// A part, of which the size is known: so no HEAD, and no suffix range, which would cost a CORS
/// preflight.
pub(crate) enum PartReader {
    Whole(Bytes),
    Ranged {
        store: Arc<dyn ObjectStore>,
        path: Path,
        size: u64,
    },
}

impl PartReader {
    fn size(&self) -> u64 {
        match self {
            Self::Whole(bytes) => bytes.len() as u64,
            Self::Ranged { size, .. } => *size,
        }
    }
}

impl AsyncFileReader for PartReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        async move {
            match self {
                Self::Whole(bytes) => {
                    let range = usize::try_from(range.start)?..usize::try_from(range.end)?;
                    if range.start > range.end || range.end > bytes.len() {
                        return Err(ParquetError::EOF("the file is too short".to_owned()));
                    }
                    Ok(bytes.slice(range))
                }
                Self::Ranged { store, path, .. } => {
                    store.get_range(path, range).await.map_err(external)
                }
            }
        }
        .boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        async move {
            match self {
                Self::Ranged { store, path, .. } => {
                    store.get_ranges(path, &ranges).await.map_err(external)
                }
                Self::Whole(_) => {
                    let mut slices = Vec::with_capacity(ranges.len());
                    for range in ranges {
                        slices.push(self.get_bytes(range).await?);
                    }
                    Ok(slices)
                }
            }
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        async move {
            let size = self.size();
            let metadata = ParquetMetaDataReader::new()
                .with_arrow_reader_options(options)
                .with_prefetch_hint(Some(64 * 1024))
                .load_and_finish(self, size)
                .await?;
            check_parquet_footer(&metadata, size).map_err(ParquetError::General)?;
            Ok(Arc::new(metadata))
        }
        .boxed()
    }
}

fn external(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}
