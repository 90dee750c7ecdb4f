//! Places of rows, collected within the engine's memory limit.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray};
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, internal_datafusion_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use roaring::RoaringTreemap;

/// A set of rows, by file.
#[derive(Debug)]
pub(crate) struct Positions {
    by_file: BTreeMap<usize, RoaringTreemap>,
    reservation: MemoryReservation,
}

impl Positions {
    pub fn new(pool: &Arc<dyn MemoryPool>) -> Self {
        Self {
            by_file: BTreeMap::new(),
            reservation: MemoryConsumer::new("rows to change").register(pool),
        }
    }

    /// Adds the rows whose places are in two columns, both bigint and without NULL: position of the
    /// file, and number of the row. Answers which of them are new.
    ///
    /// # Errors
    /// `ResourcesExhausted` beyond the memory limit.
    pub fn add(&mut self, rows: &RecordBatch, [file, row]: [usize; 2]) -> Result<BooleanArray> {
        let column = |index: usize| {
            let column = rows.column(index);
            let numbers = column.as_primitive_opt::<Int64Type>();
            let numbers = numbers.filter(|numbers| numbers.null_count() == 0);
            numbers.ok_or_else(|| internal_datafusion_err!("a row without a place"))
        };
        let (files, numbers) = (column(file)?, column(row)?);
        let mut new = Vec::with_capacity(rows.num_rows());
        let mut start = 0;
        while let Some(&file) = files.values().get(start) {
            // Rows come file by file, but for joins.
            let run = files.values()[start..].iter().take_while(|f| **f == file);
            let end = start.saturating_add(run.count());
            let number = |n: i64| {
                u64::try_from(n).map_err(|_| internal_datafusion_err!("a row of number {n}"))
            };
            let set = self.by_file.entry(usize_of(file)?).or_default();
            let before = set.serialized_size();
            for &n in &numbers.values()[start..end] {
                new.push(set.insert(number(n)?));
            }
            let after = set.serialized_size();
            self.reservation.try_grow(after.saturating_sub(before))?;
            start = end;
        }
        Ok(new.into())
    }

    /// Whether a row is in the set.
    pub fn contains(&self, file: i64, row: i64) -> bool {
        let found = usize::try_from(file).ok().zip(u64::try_from(row).ok());
        found.is_some_and(|(file, row)| {
            let set = self.by_file.get(&file);
            set.is_some_and(|set| set.contains(row))
        })
    }

    /// The rows by file; no file without rows.
    pub fn by_file(&self) -> &BTreeMap<usize, RoaringTreemap> {
        &self.by_file
    }

    /// The rows by file; no file without rows.
    pub fn into_map(self) -> BTreeMap<usize, RoaringTreemap> {
        self.by_file
    }
}

fn usize_of(file: i64) -> Result<usize> {
    usize::try_from(file).map_err(|_| internal_datafusion_err!("a file of position {file}"))
}
