//! The files that INSERT OVERWRITE replaces.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, ScalarValue};
use delta_log::Snapshot;
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
    columns: Vec<String>,
    /// Values of the columns by file.
    of_files: Vec<ArrayRef>,
    files: usize,
    seen: HashSet<Vec<ScalarValue>>,
}

impl Overwritten {
    /// The partitions of a version that rows turn out to be in.
    ///
    /// # Errors
    /// Those of a log whose partition values are none.
    pub fn partitions(snapshot: &Arc<Snapshot>) -> Result<Self, Error> {
        let columns = snapshot.partition_columns().to_vec();
        let of_files = columns.iter().map(|column| {
            let values = snapshot.files().partition_values(column);
            values.map_err(|error| from_datafusion(&external(error)))
        });
        Ok(Self::Partitions(OverwrittenPartitions {
            of_files: of_files.collect::<Result<_, _>>()?,
            columns,
            files: snapshot.files().len(),
            seen: HashSet::new(),
        }))
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
        let values: Vec<&ArrayRef> = self
            .columns
            .iter()
            .filter_map(|column| rows.column_by_name(column))
            .collect();
        let mut last: Option<Vec<ScalarValue>> = None;
        for row in 0..rows.num_rows() {
            let values = values
                .iter()
                .map(|values| stored(ScalarValue::try_from_array(values, row)?));
            let values = values.collect::<Result<Vec<_>>>()?;
            if last.as_ref() != Some(&values) {
                self.seen.insert(values.clone());
                last = Some(values);
            }
        }
        Ok(())
    }

    fn files(&self) -> Vec<usize> {
        let is_seen = |file: &usize| {
            let values = self.of_files.iter();
            let values = values.map(|values| stored(ScalarValue::try_from_array(values, *file)?));
            let values: Result<Vec<_>> = values.collect();
            values.is_ok_and(|values| self.seen.contains(&values))
        };
        (0..self.files).filter(is_seen).collect()
    }
}

/// A value as a partition: a log cannot tell an empty string from NULL.
fn stored(value: ScalarValue) -> Result<ScalarValue> {
    match &value {
        ScalarValue::Utf8(Some(text)) if text.is_empty() => Ok(ScalarValue::Utf8(None)),
        _ => Ok(value),
    }
}
