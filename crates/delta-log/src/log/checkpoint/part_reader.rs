use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use crate::files::parquet_footer::check_parquet_footer;

/// A part, of which the size is known: so no HEAD, and no suffix range, which would cost a CORS
/// preflight.
pub(super) enum PartReader {
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
