//! The files that INSERT OVERWRITE replaces.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, ScalarValue};
use delta_log::Snapshot;
use delta_transaction::{Error as TransactionError, FilePredicate};
use messages::Error;

use crate::errors::{external, from_datafusion};

/// Files that new rows replace as a whole.
#[derive(Debug)]
pub(crate) enum Overwritten {
    Nothing,
    /// All files of the version, of which there are so many.
    Everything(usize),
    Partitions(OverwrittenPartitions),
}

/// The files of the partitions that new rows are in.
#[derive(Debug)]
pub(crate) struct OverwrittenPartitions {
    /// Values of the partition columns by file.
    of_files: Vec<ArrayRef>,
    files: usize,
    partitions: Partitions,
}

/// Partitions of a table, by the values of its partition columns.
#[derive(Debug, Clone)]
pub(crate) struct Partitions {
    columns: Vec<String>,
    values: HashSet<Vec<ScalarValue>>,
}

/// What INSERT OVERWRITE has read, in that it takes the place of it.
#[derive(Debug)]
pub(crate) enum OverwriteRead {
    WholeTable,
    Partitions(Partitions),
}

impl Overwritten {
    /// The partitions of a version that rows turn out to be in.
    ///
    /// # Errors
    /// Those of a log whose partition values are none.
    pub fn partitions(snapshot: &Arc<Snapshot>) -> Result<Self, Error> {
        let partitions = Partitions {
            columns: snapshot.partition_columns().to_vec(),
            values: HashSet::new(),
        };
        let of_files = partitions.of_files(snapshot);
        Ok(Self::Partitions(OverwrittenPartitions {
            of_files: of_files.map_err(|error| from_datafusion(&error))?,
            files: snapshot.files().len(),
            partitions,
        }))
    }

    /// What is replaced, once all rows are noted; `None` where nothing is.
    pub fn read(&self) -> Option<OverwriteRead> {
        match self {
            Self::Nothing => None,
            Self::Everything(_) => Some(OverwriteRead::WholeTable),
            Self::Partitions(files) => Some(OverwriteRead::Partitions(files.partitions.clone())),
        }
    }

    /// Notes rows of the table that are written.
    pub fn note(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        match self {
            Self::Nothing | Self::Everything(_) => Ok(()),
            Self::Partitions(partitions) => partitions
                .note(rows)
                .map_err(|error| from_datafusion(&error)),
        }
    }

    /// The positions of the files, ascending.
    pub fn files(&self) -> Vec<usize> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Everything(files) => (0..*files).collect(),
            Self::Partitions(partitions) => partitions.files(),
        }
    }
}

impl OverwrittenPartitions {
    fn note(&mut self, rows: &RecordBatch) -> Result<()> {
        let Partitions { columns, values } = &mut self.partitions;
        let of_rows: Vec<&ArrayRef> = columns
            .iter()
            .filter_map(|column| rows.column_by_name(column))
            .collect();
        let mut last: Option<Vec<ScalarValue>> = None;
        for row in 0..rows.num_rows() {
            let of_row = partition(of_rows.iter().copied(), row)?;
            if last.as_ref() != Some(&of_row) {
                values.insert(of_row.clone());
                last = Some(of_row);
            }
        }
        Ok(())
    }

    fn files(&self) -> Vec<usize> {
        let is_seen = |file: &usize| self.partitions.has_file(&self.of_files, *file);
        // They are what the log's partition values were parsed to.
        let files = 0..self.files;
        files
            .filter(|file| is_seen(file).unwrap_or(false))
            .collect()
    }
}

impl Partitions {
    /// Values of the partition columns, by file.
    fn of_files(&self, snapshot: &Snapshot) -> Result<Vec<ArrayRef>> {
        let of_column = |column: &String| snapshot.files().partition_values(column);
        let values = self.columns.iter().map(of_column);
        values.map(|values| values.map_err(external)).collect()
    }

    fn has_file(&self, of_files: &[ArrayRef], file: usize) -> Result<bool> {
        Ok(self.values.contains(&partition(of_files.iter(), file)?))
    }
}

impl FilePredicate for Partitions {
    fn may_match(&self, files: &Snapshot) -> Result<Vec<bool>, TransactionError> {
        let of_files = self.of_files(files);
        let matches = of_files.and_then(|of_files| {
            let files = 0..files.files().len();
            files.map(|file| self.has_file(&of_files, file)).collect()
        });
        matches.map_err(|error| TransactionError::Predicate(error.to_string()))
    }
}

/// The partition of a row or file, by the values of its columns.
fn partition<'a>(
    columns: impl Iterator<Item = &'a ArrayRef>,
    row: usize,
) -> Result<Vec<ScalarValue>> {
    columns
        .map(|values| stored(ScalarValue::try_from_array(values, row)?))
        .collect()
}

/// A value as a partition: a log cannot tell an empty string from NULL.
fn stored(value: ScalarValue) -> Result<ScalarValue> {
    match &value {
        ScalarValue::Utf8(Some(text)) if text.is_empty() => Ok(ScalarValue::Utf8(None)),
        _ => Ok(value),
    }
}
