//! A data file in the making.

use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::file::properties::WriterProperties;

use crate::files::data_file::DataFile;
use crate::files::error::{FileError, Result};
use crate::files::layout::TableLayout;
use crate::files::names::{FileKind, Names};
use crate::files::partitions::Partition;
use crate::files::paths::to_uri;
use crate::files::statistics::Statistics;
use crate::files::upload::{PART, Target, Upload};

/// Encoded bytes of a row group at which the next one begins: what a file that is being written has
/// in memory, besides what waits to be uploaded.
const ROW_GROUP: usize = 32 << 20;

/// Encoded bytes at which the file's upload begins, rather than one put when it is whole.
const LARGEST_PUT: usize = 2 * PART;

/// Bytes that the writer of one column takes, whatever is in it.
const COLUMN_OVERHEAD: usize = 4 << 10;

/// A data file of one partition that takes rows.
pub(crate) struct OpenFile {
    partition: Arc<Partition>,
    number: usize,
    writer: ArrowWriter<Vec<u8>>,
    /// None of change data.
    statistics: Option<Statistics>,
    num_records: i64,
    num_columns: usize,
    upload: Option<Started>,
}

/// An upload that has begun.
struct Started {
    key: String,
    upload: Upload,
    sent: usize,
}

impl OpenFile {
    pub(crate) fn new(
        layout: &TableLayout,
        kind: FileKind,
        partition: Arc<Partition>,
        number: usize,
    ) -> Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(layout.codec.compression)
            .set_writer_version(layout.page_format)
            .set_max_row_group_bytes(Some(ROW_GROUP))
            .set_created_by(format!("Lakeglass {}", env!("CARGO_PKG_VERSION")))
            .build();
        let (schema, statistics) = match kind {
            FileKind::Data => {
                let schema = layout.file_schema();
                let statistics = Statistics::new(schema.fields(), &layout.statistics);
                (schema, Some(statistics))
            }
            FileKind::ChangeData => (&layout.change_schema, None),
        };
        // Readers go by the table's schema. `spark_schema` is the root's name in Spark's files.
        let options = ArrowWriterOptions::new()
            .with_properties(properties)
            .with_skip_arrow_metadata(true)
            .with_schema_root("spark_schema".to_owned());
        let writer = ArrowWriter::try_new_with_options(Vec::new(), schema.clone(), options)?;
        let num_columns = schema.flattened_fields().len();
        Ok(Self {
            partition,
            number,
            writer,
            statistics,
            num_records: 0,
            num_columns,
            upload: None,
        })
    }

    /// Takes rows of the file's schema.
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        self.writer.write(rows)?;
        if let Some(statistics) = &mut self.statistics {
            statistics.update(rows)?;
        }
        let num_rows = i64::try_from(rows.num_rows()).ok();
        self.num_records = num_rows
            .and_then(|rows| self.num_records.checked_add(rows))
            .ok_or(FileError::OutOfRange("the number of rows of a file"))?;
        Ok(())
    }

    /// Size of the file if it were closed now, in bytes, about.
    pub(crate) fn size(&self) -> usize {
        let written = self.writer.bytes_written();
        written.saturating_add(self.writer.in_progress_size())
    }

    /// Memory that the file takes, in bytes, about.
    pub(crate) fn buffered_bytes(&self) -> usize {
        let columns = self.num_columns.saturating_mul(COLUMN_OVERHEAD);
        self.writer
            .memory_size()
            .saturating_add(self.waiting())
            .saturating_add(columns)
    }

    /// Encoded bytes that are not uploaded.
    fn waiting(&self) -> usize {
        let sent = self.upload.as_ref().map_or(0, |upload| upload.sent);
        self.writer.bytes_written().saturating_sub(sent)
    }

    /// Uploads what is encoded, if it is too much for one put.
    pub(crate) async fn upload_parts(&mut self, target: &Target, names: &Names) -> Result<()> {
        if self.upload.is_none() && self.waiting() < LARGEST_PUT || self.waiting() < PART {
            return Ok(());
        }
        let started = match &mut self.upload {
            Some(started) => started,
            None => {
                let key = names.key(&self.partition, self.number);
                let upload = Upload::begin(target, &key).await?;
                self.upload.insert(Started {
                    key,
                    upload,
                    sent: 0,
                })
            }
        };
        self.writer
            .sync()
            .map_err(parquet::errors::ParquetError::from)?;
        let mut waiting = Bytes::from(std::mem::take(self.writer.inner_mut()));
        while waiting.len() >= PART {
            let part = waiting.split_to(PART);
            started.sent = started.sent.saturating_add(part.len());
            started.upload.put(part).await?;
        }
        *self.writer.inner_mut() = waiting.into();
        Ok(())
    }

    /// Ends the file and puts it, or what of it is not uploaded yet.
    pub(crate) async fn close(
        mut self,
        layout: &TableLayout,
        target: &Target,
        names: &Names,
    ) -> Result<DataFile> {
        self.writer.finish()?;
        let rest = Bytes::from(std::mem::take(self.writer.inner_mut()));
        let (key, size) = match self.upload {
            None => {
                let size = rest.len();
                let name = || names.key(&self.partition, self.number);
                (target.put_new(rest, name).await?, size)
            }
            Some(mut started) => {
                let size = started.sent.saturating_add(rest.len());
                if let Err(error) = finish_upload(&mut started.upload, rest).await {
                    started.upload.abort().await;
                    return Err(error);
                }
                (started.key, size)
            }
        };
        Ok(DataFile {
            path: to_uri(&key),
            partition_values: self.partition.logged(layout),
            size: i64::try_from(size).map_err(|_| FileError::OutOfRange("the size of a file"))?,
            modification_time: names.now(),
            num_records: self.num_records,
            stats: self.statistics.map(|statistics| statistics.to_json()),
        })
    }

    /// Gives the file up.
    pub(crate) async fn abort(self) {
        if let Some(started) = self.upload {
            started.upload.abort().await;
        }
    }
}

async fn finish_upload(upload: &mut Upload, mut rest: Bytes) -> Result<()> {
    while !rest.is_empty() {
        let part = rest.split_to(rest.len().min(PART));
        upload.put(part).await?;
    }
    upload.complete().await
}
