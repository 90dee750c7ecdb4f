//! Statistics of a version for DataFusion, taken from the log.
//!
//! What is exact here lets DataFusion answer `COUNT(*)`, `MIN` and `MAX` without reading a data
//! file, so it is exact only where the log proves it: every file must say how many rows it has, and
//! bounds must be values that occur (`FileTable::bounds_are_exact`).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt64Array};
use arrow::compute::{SortOptions, sort_to_indices, take};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Result, ScalarValue, Statistics};
use delta_log::Snapshot;

use crate::errors::external;

/// Statistics of all rows in `selected` files: one entry for each of `columns`, or unknown where
/// the column is not in `wanted`.
pub(crate) fn of_selection(
    snapshot: &Snapshot,
    selected: &[usize],
    columns: &[String],
    wanted: &[bool],
) -> Result<Statistics> {
    let files = snapshot.files();
    let counts: Option<Vec<u64>> = selected.iter().map(|&i| files.num_records(i)).collect();
    let num_rows = match &counts {
        Some(counts) => exact(total(counts.iter().copied())),
        None => Precision::Absent,
    };
    let bytes = total(selected.iter().map(|&i| files.size(i)));
    let mut column_statistics = Vec::with_capacity(columns.len());
    for (column, wanted) in columns.iter().zip(wanted) {
        column_statistics.push(match &counts {
            Some(counts) if *wanted => of_column(snapshot, selected, counts, column)?,
            _ => ColumnStatistics::new_unknown(),
        });
    }
    Ok(Statistics {
        num_rows,
        total_byte_size: exact(bytes).to_inexact(),
        column_statistics,
    })
}

fn of_column(
    snapshot: &Snapshot,
    selected: &[usize],
    counts: &[u64],
    column: &str,
) -> Result<ColumnStatistics> {
    let mut statistics = ColumnStatistics::new_unknown();
    let nulls = null_counts(snapshot, selected, counts, column)?;
    if let Some(nulls) = &nulls {
        // More nulls than rows: whatever else these statistics say of the column may be wrong too.
        if nulls.iter().zip(counts).any(|(nulls, rows)| nulls > rows) {
            return Ok(statistics);
        }
        statistics.null_count = exact(total(nulls.iter().copied()));
    }
    let (min, max, are_exact) = bounds(snapshot, column)?;
    if !are_exact {
        return Ok(statistics);
    }
    // A file says nothing of a column without values; such a file is the only one that may be left
    // out.
    let has_values = |k: usize| {
        let nulls = nulls.as_ref().map(|nulls| nulls[k]);
        nulls.is_none_or(|nulls| nulls < counts[k]) && counts[k] > 0
    };
    let relevant: Vec<usize> = (0..selected.len())
        .filter(|&k| has_values(k))
        .map(|k| selected[k])
        .collect();
    statistics.min_value = extreme(min, &relevant, false)?;
    statistics.max_value = extreme(max, &relevant, true)?;
    Ok(statistics)
}

fn is_partition_column(snapshot: &Snapshot, column: &str) -> bool {
    let mut names = snapshot.partition_columns().iter();
    names.any(|name| name == column)
}

/// Lower and upper bounds of a column by file, and whether they are values that occur.
fn bounds(snapshot: &Snapshot, column: &str) -> Result<(Option<ArrayRef>, Option<ArrayRef>, bool)> {
    let files = snapshot.files();
    if is_partition_column(snapshot, column) {
        let values = files.partition_values(column).map_err(external)?;
        return Ok((Some(Arc::clone(&values)), Some(values), true));
    }
    let min = files.min_values(column).map_err(external)?;
    let max = files.max_values(column).map_err(external)?;
    Ok((min, max, files.bounds_are_exact(column)))
}

fn null_counts(
    snapshot: &Snapshot,
    selected: &[usize],
    counts: &[u64],
    column: &str,
) -> Result<Option<Vec<u64>>> {
    let files = snapshot.files();
    if is_partition_column(snapshot, column) {
        let values = files.partition_values(column).map_err(external)?;
        let nulls = selected
            .iter()
            .zip(counts)
            .map(|(&i, &rows)| match values.is_null(i) {
                true => rows,
                false => 0,
            });
        return Ok(Some(nulls.collect()));
    }
    let Some(nulls) = files.null_counts(column) else {
        return Ok(None);
    };
    Ok(selected
        .iter()
        .map(|&i| nulls.is_valid(i).then(|| nulls.value(i)))
        .collect())
}

/// The smallest or greatest of the `relevant` bounds; absent if one of them is unknown.
fn extreme(
    bounds: Option<ArrayRef>,
    relevant: &[usize],
    greatest: bool,
) -> Result<Precision<ScalarValue>> {
    let Some(bounds) = bounds else {
        return Ok(Precision::Absent);
    };
    if relevant.is_empty() || relevant.iter().any(|&i| bounds.is_null(i)) {
        return Ok(Precision::Absent);
    }
    let relevant: UInt64Array = relevant.iter().map(|&i| Some(i as u64)).collect();
    let bounds = take(&bounds, &relevant, None)?;
    let order = SortOptions {
        descending: greatest,
        nulls_first: false,
    };
    let first = sort_to_indices(&bounds, Some(order), Some(1))?;
    ScalarValue::try_from_array(&bounds, first.value(0) as usize).map(Precision::Exact)
}

/// The sum of numbers that come from the log, which may be anything; `None` if it overflows.
fn total(numbers: impl IntoIterator<Item = u64>) -> Option<u64> {
    numbers.into_iter().try_fold(0, u64::checked_add)
}

fn exact(count: Option<u64>) -> Precision<usize> {
    let count = count.and_then(|count| usize::try_from(count).ok());
    count.map_or(Precision::Absent, Precision::Exact)
}

/// Bounds of one file, for skipping it while a query runs (the threshold of a TopK, the keys of a
/// join). Counts are inexact on purpose: with exact ones DataFusion would take a column whose
/// bounds are equal for a constant, which rounded bounds do not prove.
pub(crate) struct FileBounds {
    columns: Vec<Option<(ArrayRef, ArrayRef)>>,
}

impl FileBounds {
    pub fn new(snapshot: &Snapshot, columns: &[String], wanted: &[bool]) -> Result<Self> {
        let columns = columns.iter().zip(wanted).map(|(column, wanted)| {
            if !wanted {
                return Ok(None);
            }
            let (min, max, _) = bounds(snapshot, column)?;
            Ok(min.zip(max))
        });
        Ok(Self {
            columns: columns.collect::<Result<_>>()?,
        })
    }

    pub fn of_file(&self, i: usize) -> Result<Statistics> {
        let columns = self.columns.iter().map(|bounds| {
            let mut statistics = ColumnStatistics::new_unknown();
            if let Some((min, max)) = bounds {
                statistics.min_value = bound(min, i)?;
                statistics.max_value = bound(max, i)?;
            }
            Ok(statistics)
        });
        Ok(Statistics {
            num_rows: Precision::Absent,
            total_byte_size: Precision::Absent,
            column_statistics: columns.collect::<Result<_>>()?,
        })
    }
}

fn bound(bounds: &ArrayRef, i: usize) -> Result<Precision<ScalarValue>> {
    if bounds.is_null(i) {
        return Ok(Precision::Absent);
    }
    ScalarValue::try_from_array(bounds, i).map(Precision::Exact)
}
