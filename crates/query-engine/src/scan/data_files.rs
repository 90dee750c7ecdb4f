//! Readers of data files for the Parquet source: they take footers from the cache, and fetch the
//! byte ranges of the selected columns and nothing else.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use datafusion::common::Result;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, coalesce_ranges};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use crate::errors::Unreadable;
use crate::scan::footers::{DataFile, Footer, Footers, from_store};
use crate::scan::scan_cost::ScanCost;

/// Ranges that are at most this many bytes apart are fetched as one. object_store's own default
/// of 1 MiB would read whole files where columns are small.
const GAP: u64 = 64 * 1024;

/// Makes readers for the data files of one scan.
#[derive(Debug)]
pub(crate) struct DataFileReaderFactory {
    /// Scheme and host of the table's URL.
    pub origin: Arc<str>,
    pub store: Arc<dyn ObjectStore>,
    pub footers: Arc<Footers>,
    pub cost: Arc<ScanCost>,
}

impl DataFileReaderFactory {
    /// The footer of a file; from the cache if it was read before.
    pub async fn footer_of(&self, path: &Path, size: u64) -> Result<Arc<Footer>> {
        let reader = self.reader(path.clone(), size, None);
        reader
            .footer()
            .await
            .map_err(|error| DataFusionError::ParquetError(Box::new(error)))
    }

    fn reader(&self, path: Path, size: u64, rows: Option<u64>) -> DataFileReader {
        DataFileReader {
            rows,
            current: CurrentFile::default(),
            file: DataFile {
                origin: Arc::clone(&self.origin),
                path,
                size,
            },
            store: Arc::clone(&self.store),
            footers: Arc::clone(&self.footers),
            cost: Arc::clone(&self.cost),
        }
    }
}

impl ParquetFileReaderFactory for DataFileReaderFactory {
    fn create_reader(
        &self,
        _: usize,
        file: PartitionedFile,
        _: Option<usize>,
        _: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let rows = file.extension().map(|StoredRows(rows)| *rows);
        let current = file.extension::<CurrentFile>().cloned();
        let meta = file.object_meta;
        let mut reader = self.reader(meta.location, meta.size, rows);
        reader.current = current.unwrap_or_default();
        Ok(Box::new(reader))
    }
}

/// Number of rows that a data file has according to the log, as a [`PartitionedFile::extension`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoredRows(pub u64);

/// The data file from which a scan last read columns, as a [`PartitionedFile::extension`]. A scan
/// decodes one file after the other.
#[derive(Debug, Clone, Default)]
pub(crate) struct CurrentFile(Arc<Mutex<Option<Path>>>);

impl CurrentFile {
    pub fn path(&self) -> Option<Path> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, path: &Path) {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref() != Some(path) {
            *current = Some(path.clone());
        }
    }
}

struct DataFileReader {
    file: DataFile,
    current: CurrentFile,
    /// Number of rows according to the log; `None` if it does not say.
    rows: Option<u64>,
    store: Arc<dyn ObjectStore>,
    footers: Arc<Footers>,
    cost: Arc<ScanCost>,
}

impl DataFileReader {
    async fn footer(&self) -> parquet::errors::Result<Arc<Footer>> {
        let footer = self.footers.get(&self.file, &self.store).await;
        let footer = footer.map_err(|error| self.unreadable(error))?;
        let found = footer.metadata.file_metadata().num_rows();
        match self.rows {
            Some(rows) if i64::try_from(rows) != Ok(found) => {
                let reason = format!("it has {found} rows, and the log says {rows}");
                Err(self.unreadable(Arc::new(ParquetError::General(reason))))
            }
            _ => Ok(footer),
        }
    }

    fn unreadable(&self, source: Arc<ParquetError>) -> ParquetError {
        ParquetError::External(Box::new(Unreadable {
            path: self.file.path.clone(),
            source,
        }))
    }
}

impl AsyncFileReader for DataFileReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        async move {
            let mut ranges = self.get_byte_ranges(vec![range]).await?;
            ranges
                .pop()
                .ok_or_else(|| ParquetError::General("no range was read".to_owned()))
        }
        .boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        async move {
            self.current.set(&self.file.path);
            let footer = self.footer().await?;
            if let Some(contents) = &footer.contents {
                let slices = ranges.into_iter().map(|range| slice(contents, &range));
                let slices: parquet::errors::Result<_> = slices.collect();
                return slices.map_err(|error| self.unreadable(Arc::new(error)));
            }
            let path = &self.file.path;
            coalesce_ranges(&ranges, |range| self.store.get_range(path, range), GAP)
                .await
                .map_err(|error| self.unreadable(Arc::new(from_store(error))))
        }
        .boxed()
    }

    /// With options it is the scan that asks, and the file counts as read; without, it is asked
    /// for ahead of time.
    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        async move {
            let footer = self.footer().await?;
            if options.is_some() {
                self.cost
                    .file_opened(&self.file.path, footer.metadata.num_row_groups());
            }
            Ok(Arc::clone(&footer.metadata))
        }
        .boxed()
    }
}

fn slice(contents: &Bytes, range: &Range<u64>) -> parquet::errors::Result<Bytes> {
    let bounds = usize::try_from(range.start)
        .ok()
        .zip(usize::try_from(range.end).ok());
    match bounds {
        Some((start, end)) if start <= end && end <= contents.len() => {
            Ok(contents.slice(start..end))
        }
        _ => Err(ParquetError::EOF(format!(
            "bytes {}..{} of a file of {}",
            range.start,
            range.end,
            contents.len()
        ))),
    }
}
