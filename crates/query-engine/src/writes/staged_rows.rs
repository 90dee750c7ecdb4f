//! Rows on their way into data files and change data files.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::record_batch::RecordBatch;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use delta_log::actions::{Add, Cdc};
use delta_transaction::{
    DataFile, DataFileWriter, FileError, FileWriterOptions, TableLayout, Transaction,
};
use messages::Error;

use crate::engine_core::EngineCore;
use crate::errors::from_datafusion;
use crate::writes::errors::WriteError;

/// Part of the engine's memory that files in the making may take, those of changes included.
const SHARE: usize = 4;

/// Files that a statement writes.
pub(crate) struct StagedRows {
    layout: Arc<TableLayout>,
    data: DataFileWriter,
    changes: Option<DataFileWriter>,
    memory: MemoryReservation,
}

/// Files that were written.
#[derive(Debug, Default)]
pub(crate) struct StagedFiles {
    pub adds: Vec<Add>,
    pub changes: Vec<Cdc>,
    /// Rows in `adds`.
    pub rows: u64,
}

impl StagedFiles {
    /// The data files, where all of their rows were in the table before.
    pub fn moved(self) -> Vec<Add> {
        let adds = self.adds.into_iter();
        adds.map(|add| Add {
            data_change: false,
            ..add
        })
        .collect()
    }
}

impl StagedRows {
    /// Files for the table that the transaction leads to. `changes`: changes of rows are recorded.
    ///
    /// # Errors
    /// If nothing can be written for such a table.
    pub fn new(
        core: &EngineCore,
        transaction: &Transaction,
        changes: bool,
    ) -> Result<Self, WriteError> {
        let options = FileWriterOptions {
            memory_limit: core.session.memory_limit() / SHARE,
            ..FileWriterOptions::default()
        };
        Self::with_options(core, transaction, changes, options)
    }

    /// Files of at most `size` bytes each, about, for one of so many `writers` that write at the same
    /// time.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_size(
        core: &EngineCore,
        transaction: &Transaction,
        size: u64,
        writers: usize,
    ) -> Result<Self, WriteError> {
        let memory = core.session.memory_limit() / SHARE;
        let options = FileWriterOptions {
            memory_limit: memory / writers.max(1),
            target_file_size: Some(size),
        };
        Self::with_options(core, transaction, false, options)
    }

    fn with_options(
        core: &EngineCore,
        transaction: &Transaction,
        changes: bool,
        options: FileWriterOptions,
    ) -> Result<Self, WriteError> {
        let (Some(protocol), Some(metadata)) = (transaction.protocol(), transaction.metadata())
        else {
            let error = Error::new("INTERNAL_ERROR", "A table without protocol or metadata.");
            return Err(error.into());
        };
        let layout = Arc::new(TableLayout::new(protocol, metadata)?);
        let pool = core.session.memory_pool();
        let table = transaction.table();
        let writer = |make: fn(_, _, _, _, _) -> Result<DataFileWriter, FileError>| {
            make(
                Arc::clone(&layout),
                Arc::clone(&table.store),
                table.root.clone(),
                Arc::clone(transaction.environment()),
                options.clone(),
            )
        };
        let data = writer(DataFileWriter::new)?;
        let changes = match changes {
            true => Some(writer(DataFileWriter::for_changes)?),
            false => None,
        };
        Ok(Self {
            layout: Arc::clone(&layout),
            data,
            changes,
            memory: MemoryConsumer::new("files to write").register(&pool),
        })
    }

    /// Takes rows of the table.
    ///
    /// # Errors
    /// As [`DataFileWriter::write`]; `QUERY_MEMORY_EXCEEDED`.
    pub async fn write(&mut self, rows: &RecordBatch) -> Result<(), WriteError> {
        self.data.write(rows).await?;
        self.account()
    }

    /// Takes rows of the change data feed, where there is one.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn record(&mut self, rows: &RecordBatch, change: &str) -> Result<(), WriteError> {
        let Some(changes) = &mut self.changes else {
            return Ok(());
        };
        let types = StringArray::from_iter_values(std::iter::repeat_n(change, rows.num_rows()));
        let mut columns = rows.columns().to_vec();
        columns.push(Arc::new(types) as ArrayRef);
        let rows = RecordBatch::try_new(self.layout.change_arrow_schema(), columns)
            .map_err(|error| from_datafusion(&error.into()))?;
        changes.write(&rows).await?;
        self.account()
    }

    fn account(&mut self) -> Result<(), WriteError> {
        let changes = self
            .changes
            .as_ref()
            .map_or(0, DataFileWriter::buffered_bytes);
        let size = self.data.buffered_bytes().saturating_add(changes);
        let accounted = self.memory.try_resize(size);
        accounted.map_err(|error| from_datafusion(&error).into())
    }

    /// The layout of the files.
    pub fn layout(&self) -> &Arc<TableLayout> {
        &self.layout
    }

    /// Whether changes of rows are recorded.
    pub fn records(&self) -> bool {
        self.changes.is_some()
    }

    /// Closes the files. Where new files alone tell what has changed, `keeps_changes` is false, and the
    /// change data files are given up.
    ///
    /// # Errors
    /// As [`DataFileWriter::finish`].
    pub async fn finish(mut self, keeps_changes: bool) -> Result<StagedFiles, WriteError> {
        let data = self.data.finish().await?;
        let changes = match self.changes {
            Some(mut changes) if keeps_changes => changes.finish().await?,
            Some(changes) => {
                changes.abort().await;
                Vec::new()
            }
            None => Vec::new(),
        };
        let rows = data
            .iter()
            .map(|file| u64::try_from(file.num_records).unwrap_or(0));
        Ok(StagedFiles {
            rows: rows.fold(0, u64::saturating_add),
            adds: data.into_iter().map(add).collect(),
            changes: changes.into_iter().map(cdc).collect(),
        })
    }

    /// Deletes what was written, as far as the store lets it.
    pub async fn abort(self) {
        self.data.abort().await;
        if let Some(changes) = self.changes {
            changes.abort().await;
        }
    }
}

fn add(file: DataFile) -> Add {
    Add {
        path: file.path,
        partition_values: file.partition_values,
        size: file.size,
        modification_time: file.modification_time,
        data_change: true,
        stats: file.stats,
        tags: None,
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
        clustering_provider: None,
    }
}

fn cdc(file: DataFile) -> Cdc {
    Cdc {
        path: file.path,
        partition_values: file.partition_values,
        size: file.size,
        data_change: false,
        tags: None,
    }
}
