//! Rows split by the partition that they belong to.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::row::{OwnedRow, RowConverter, SortField};

use crate::files::error::{FileError, Result};
use crate::files::file_schema::Nulls;
use crate::files::layout::TableLayout;
use crate::files::partition_values::{PartitionText, partition_text};
use crate::files::paths::partition_folders;

/// Partitions that are remembered by their values, to be found without making texts of these.
const REMEMBERED: usize = 10_000;

/// A partition: its values in the order of the partition columns.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Partition {
    values: Vec<Option<PartitionText>>,
}

impl Partition {
    /// `add.partitionValues`: texts by physical name.
    pub(crate) fn logged(&self, layout: &TableLayout) -> BTreeMap<String, Option<String>> {
        let columns = layout.partitions().iter().zip(&self.values);
        columns
            .map(|(column, value)| {
                let text = value.as_ref().map(|value| value.logged.clone());
                (column.physical_name.clone(), text)
            })
            .collect()
    }

    /// The folders of its files, by Hive's convention: see [`partition_folders`].
    pub(crate) fn folders(&self, layout: &TableLayout) -> Option<String> {
        let columns = layout.partitions().iter().zip(&self.values);
        partition_folders(columns.map(|(column, value)| {
            let value = value.as_ref();
            let text =
                value.map(|value| value.in_folder.as_ref().unwrap_or(&value.logged).as_str());
            (column.physical_name.as_str(), text)
        }))
    }
}

/// Finds the partitions of rows.
#[derive(Debug)]
pub(crate) struct Partitioner {
    layout: Arc<TableLayout>,
    nulls: Nulls,
    /// Makes keys of the partition columns' values; none where there are no such columns.
    converter: Option<RowConverter>,
    known: HashMap<OwnedRow, Arc<Partition>>,
}

impl Partitioner {
    pub(crate) fn new(layout: Arc<TableLayout>, nulls: Nulls) -> Result<Self> {
        let columns = layout.partition_columns();
        let fields: Vec<SortField> = columns
            .map(|column| SortField::new(column.data_type.to_arrow()))
            .collect();
        let converter = match fields.is_empty() {
            true => None,
            false => Some(RowConverter::new(fields)?),
        };
        Ok(Self {
            layout,
            nulls,
            converter,
            known: HashMap::new(),
        })
    }

    /// The rows of each partition, in their order; the partitions in the order in which they occur.
    ///
    /// # Errors
    /// [`FileError::InvalidRows`], [`FileError::NullValue`], [`FileError::UnwritablePartitionValue`].
    pub(crate) fn split(
        &mut self,
        rows: &RecordBatch,
    ) -> Result<Vec<(Arc<Partition>, RecordBatch)>> {
        let Some(converter) = &self.converter else {
            let partition = Partition { values: Vec::new() };
            return Ok(vec![(Arc::new(partition), rows.clone())]);
        };
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.layout.partitions().len());
        for column in self.layout.partitions() {
            let array = rows.column(column.index);
            if array.data_type() != &column.field.data_type.to_arrow() {
                return Err(FileError::InvalidRows {
                    column: column.field.name.clone(),
                    reason: format!("they have {} there", array.data_type()),
                });
            }
            columns.push(array.clone());
        }
        let keys = converter.convert_columns(&columns)?;
        if self.known.len() > REMEMBERED {
            self.known.clear();
        }
        // Different keys may be one partition: null and the empty string, say.
        let mut indices: Vec<(Arc<Partition>, Vec<u32>)> = Vec::new();
        let mut positions: BTreeMap<Arc<Partition>, usize> = BTreeMap::new();
        let mut positions_by_key: HashMap<OwnedRow, usize> = HashMap::new();
        let mut last: Option<(usize, usize)> = None;
        for row in 0..rows.num_rows() {
            let index = u32::try_from(row).map_err(|_| FileError::OutOfRange("a batch of rows"))?;
            let key = keys.row(row);
            // Neighbours are often of one partition.
            let position = match last {
                Some((before, position)) if keys.row(before) == key => position,
                _ => {
                    let key = key.owned();
                    match positions_by_key.get(&key) {
                        Some(position) => *position,
                        None => {
                            let partition = match self.known.get(&key) {
                                Some(partition) => partition.clone(),
                                None => {
                                    let partition = self.partition(&columns, row)?;
                                    self.known.insert(key.clone(), partition.clone());
                                    partition
                                }
                            };
                            let position =
                                *positions.entry(partition.clone()).or_insert_with(|| {
                                    indices.push((partition, Vec::new()));
                                    indices.len().saturating_sub(1)
                                });
                            positions_by_key.insert(key, position);
                            position
                        }
                    }
                }
            };
            last = Some((row, position));
            indices[position].1.push(index);
        }
        let split = indices.into_iter().map(|(partition, indices)| {
            let rows = match indices.len() == rows.num_rows() {
                true => rows.clone(),
                false => take_record_batch(rows, &UInt32Array::from(indices))?,
            };
            Ok((partition, rows))
        });
        split.collect()
    }

    fn partition(&self, columns: &[ArrayRef], row: usize) -> Result<Arc<Partition>> {
        let columns = self.layout.partitions().iter().zip(columns);
        let values = columns.map(|(column, array)| {
            let value = partition_text(&column.field, array, row)?;
            if value.is_none() && !column.field.nullable && self.nulls == Nulls::AsDeclared {
                return Err(FileError::NullValue(column.field.name.clone()));
            }
            Ok(value)
        });
        let values = values.collect::<Result<_>>()?;
        Ok(Arc::new(Partition { values }))
    }
}
