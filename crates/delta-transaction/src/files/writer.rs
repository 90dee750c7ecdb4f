use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType as ArrowType, SchemaRef};
use futures::FutureExt;
use futures::stream::{self, StreamExt};
use object_store::ObjectStore;
use object_store::path::Path;
use percent_encoding::percent_decode_str;

use crate::environment::Environment;
use crate::files::data_file::DataFile;
use crate::files::error::{FileError, Result};
use crate::files::file_schema::{Nulls, to_file_column};
use crate::files::layout::{CHANGE_TYPE, TableLayout};
use crate::files::names::{FileKind, Names};
use crate::files::open_file::OpenFile;
use crate::files::partitions::{Partition, Partitioner};
use crate::files::paths::object_path;
use crate::files::upload::Target;

/// Rows that are written at once: so many at most may be in a file beyond its size.
const SLICE: usize = 8192;

/// Files that are put at the same time.
const CONCURRENT_PUTS: usize = 8;

/// How a [`DataFileWriter`] goes about it.
#[derive(Debug, Clone)]
pub struct FileWriterOptions {
    /// Bytes that files in the making may take in memory together, about. Where they take more, the
    /// largest is closed before it has its size.
    pub memory_limit: usize,
    /// Size at which a file is closed, in bytes; the table's if it is not given.
    pub target_file_size: Option<u64>,
}

impl Default for FileWriterOptions {
    fn default() -> Self {
        Self {
            memory_limit: 128 << 20,
            target_file_size: None,
        }
    }
}

/// Writes rows of a table to data files, or to change data files: Parquet, those of each partition
/// apart.
///
/// Nothing is in the table before a commit names the files. A writer that failed, or whose files are
/// not needed any more, should be [aborted](Self::abort).
pub struct DataFileWriter {
    layout: Arc<TableLayout>,
    kind: FileKind,
    schema: SchemaRef,
    target: Target,
    options: FileWriterOptions,
    partitioner: Partitioner,
    names: Names,
    open: BTreeMap<Arc<Partition>, OpenFile>,
    /// Memory that the open files take.
    buffered: usize,
    closed: Vec<DataFile>,
}

impl DataFileWriter {
    /// A writer of data files below `root`, the table's folder in `store`.
    ///
    /// # Errors
    /// None that a layout leads to.
    pub fn new(
        layout: Arc<TableLayout>,
        store: Arc<dyn ObjectStore>,
        root: Path,
        environment: Arc<dyn Environment>,
        options: FileWriterOptions,
    ) -> Result<Self> {
        let target = Target { store, root };
        Self::of_kind(FileKind::Data, layout, target, environment, options)
    }

    /// A writer of change data files: rows have the table's columns and `_change_type`, a string, as
    /// the last one.
    ///
    /// # Errors
    /// As [`Self::new`].
    ///
    /// Protocol: [Change Data Files](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#change-data-files)
    pub fn for_changes(
        layout: Arc<TableLayout>,
        store: Arc<dyn ObjectStore>,
        root: Path,
        environment: Arc<dyn Environment>,
        options: FileWriterOptions,
    ) -> Result<Self> {
        let target = Target { store, root };
        Self::of_kind(FileKind::ChangeData, layout, target, environment, options)
    }

    fn of_kind(
        kind: FileKind,
        layout: Arc<TableLayout>,
        target: Target,
        environment: Arc<dyn Environment>,
        options: FileWriterOptions,
    ) -> Result<Self> {
        let schema = match kind {
            FileKind::Data => layout.file_schema().clone(),
            FileKind::ChangeData => layout.change_schema.clone(),
        };
        Ok(Self {
            partitioner: Partitioner::new(layout.clone(), nulls(kind))?,
            names: Names::new(layout.clone(), kind, environment),
            layout,
            kind,
            schema,
            target,
            options,
            open: BTreeMap::new(),
            buffered: 0,
            closed: Vec::new(),
        })
    }

    /// Takes rows with the columns of [`TableLayout::arrow_schema`] (of
    /// [`TableLayout::change_arrow_schema`] for change data), in that order. Neither matters whether
    /// Arrow has fields as nullable, nor how the elements of lists and maps are called.
    ///
    /// # Errors
    /// [`FileError::InvalidRows`]; [`FileError::NullValue`] for a null where the table's schema
    /// allows none (change data may have it); [`FileError::UnwritablePartitionValue`];
    /// [`FileError::Storage`]. Rows before the faulty ones may have been taken: abort.
    pub async fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        self.check_columns(rows)?;
        let mut start = 0usize;
        while start < rows.num_rows() {
            let len = rows.num_rows().saturating_sub(start).min(SLICE);
            let slice = rows.slice(start, len);
            start = start.saturating_add(len);
            for (partition, rows) in self.partitioner.split(&slice)? {
                self.write_to(partition, &rows).await?;
            }
        }
        Ok(())
    }

    /// Memory that files in the making take, in bytes, about.
    pub fn buffered_bytes(&self) -> usize {
        self.buffered
    }

    /// Closes all files, and answers what was written since the writer was made.
    ///
    /// # Errors
    /// [`FileError::Storage`]: abort.
    pub async fn finish(&mut self) -> Result<Vec<DataFile>> {
        let open = std::mem::take(&mut self.open);
        self.buffered = 0;
        let failed = AtomicBool::new(false);
        let (layout, target, names) = (&self.layout, &self.target, &self.names);
        let failed = &failed;
        let puts = open.into_values().map(|file| {
            async move {
                if failed.load(Ordering::Relaxed) {
                    file.abort().await;
                    return None;
                }
                let closed = file.close(layout, target, names).await;
                failed.fetch_or(closed.is_err(), Ordering::Relaxed);
                Some(closed)
            }
            .boxed()
        });
        let outcomes: Vec<_> = stream::iter(puts).buffered(CONCURRENT_PUTS).collect().await;
        let mut error = None;
        for outcome in outcomes.into_iter().flatten() {
            match outcome {
                Ok(file) => self.closed.push(file),
                Err(first) => error = error.or(Some(first)),
            }
        }
        match error {
            None => Ok(std::mem::take(&mut self.closed)),
            Some(error) => Err(error),
        }
    }

    /// Gives up: ends uploads and deletes files that were written, as far as the store allows that.
    /// What stays is no part of the table, and VACUUM deletes it.
    pub async fn abort(self) {
        for file in self.open.into_values() {
            file.abort().await;
        }
        let paths: Vec<Path> = self
            .closed
            .iter()
            .filter_map(|file| {
                let key = percent_decode_str(&file.path).decode_utf8_lossy();
                object_path(&self.target.root, &key).ok()
            })
            .collect();
        if paths.is_empty() {
            return;
        }
        // All at once: a store may have one request for many.
        let paths = stream::iter(paths).map(Ok).boxed();
        let mut deleted = self.target.store.delete_stream(paths);
        while deleted.next().await.is_some() {}
    }

    async fn write_to(&mut self, partition: Arc<Partition>, rows: &RecordBatch) -> Result<()> {
        let rows = self.to_file_rows(rows)?;
        if !self.open.contains_key(&partition) {
            let number = self.names.next_number();
            let file = OpenFile::new(&self.layout, self.kind, partition.clone(), number)?;
            self.open.insert(partition.clone(), file);
        }
        let Some(file) = self.open.get_mut(&partition) else {
            return Ok(());
        };
        let before = file.buffered_bytes();
        file.write(&rows)?;
        let target_size = self.options.target_file_size;
        let target_size = target_size.unwrap_or_else(|| self.layout.target_file_size());
        let is_full = u64::try_from(file.size()).map_or(true, |size| size >= target_size);
        if !is_full {
            file.upload_parts(&self.target, &self.names).await?;
        }
        let after = file.buffered_bytes();
        self.buffered = self.buffered.saturating_sub(before).saturating_add(after);
        if is_full {
            self.close(&partition).await?;
        }
        while self.buffered > self.options.memory_limit {
            let files = self.open.iter();
            let largest = files.max_by_key(|(_, file)| file.buffered_bytes());
            let Some(partition) = largest.map(|(partition, _)| partition.clone()) else {
                break;
            };
            self.close(&partition).await?;
        }
        Ok(())
    }

    async fn close(&mut self, partition: &Arc<Partition>) -> Result<()> {
        if let Some(file) = self.open.remove(partition) {
            self.buffered = self.buffered.saturating_sub(file.buffered_bytes());
            let closed = file.close(&self.layout, &self.target, &self.names).await?;
            self.closed.push(closed);
        }
        Ok(())
    }

    fn check_columns(&self, rows: &RecordBatch) -> Result<()> {
        let schema = rows.schema();
        let mut given = schema.fields().iter();
        let mut expected: Vec<&str> = Vec::with_capacity(rows.num_columns());
        let columns = self.layout.schema().fields().iter();
        expected.extend(columns.map(|column| column.name.as_str()));
        if self.kind == FileKind::ChangeData {
            expected.push(CHANGE_TYPE);
        }
        for name in expected {
            let field = given.next();
            if field.is_none_or(|field| field.name() != name) {
                let reason = match field {
                    Some(field) => format!("they have {} in its place", field.name()),
                    None => "they lack it".to_owned(),
                };
                return Err(invalid(name, reason));
            }
        }
        match given.next() {
            None => Ok(()),
            Some(field) => Err(invalid(field.name(), "the table has none".to_owned())),
        }
    }

    /// The rows as the file has them.
    fn to_file_rows(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let columns = self.layout.stored.iter().zip(self.schema.fields());
        let mut arrays = columns
            .map(|(index, field)| {
                let column = &self.layout.schema().fields()[*index];
                to_file_column(rows.column(*index), column, field, nulls(self.kind))
            })
            .collect::<Result<Vec<_>>>()?;
        if self.kind == FileKind::ChangeData {
            let types = rows.column(self.layout.schema().fields().len());
            if types.data_type() != &ArrowType::Utf8 || types.null_count() > 0 {
                let reason = "it is not a string in each row".to_owned();
                return Err(invalid(CHANGE_TYPE, reason));
            }
            arrays.push(types.clone());
        }
        Ok(RecordBatch::try_new(self.schema.clone(), arrays)?)
    }
}

/// Change data has rows that were in the table before, whoever wrote them.
fn nulls(kind: FileKind) -> Nulls {
    match kind {
        FileKind::Data => Nulls::AsDeclared,
        FileKind::ChangeData => Nulls::Anywhere,
    }
}

fn invalid(column: &str, reason: String) -> FileError {
    FileError::InvalidRows {
        column: column.to_owned(),
        reason,
    }
}

impl std::fmt::Debug for DataFileWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataFileWriter")
            .field("root", &self.target.root)
            .field("open", &self.open.len())
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}
