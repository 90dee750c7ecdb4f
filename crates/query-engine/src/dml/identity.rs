//! Identity columns: the numbers that a writer gives to new rows.
//!
//! Protocol: [Identity Columns](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#identity-columns)

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use messages::Error;

use crate::dml::table_columns::{Identity, TableColumn};
use crate::errors::from_datafusion;

/// The identity columns of a table, and how far their numbers have come.
#[derive(Debug, Default)]
pub(crate) struct IdentityNumbers {
    columns: Vec<Numbers>,
}

#[derive(Debug)]
struct Numbers {
    /// The column's place in the table.
    position: usize,
    name: String,
    identity: Identity,
    /// Whether a row has got a number.
    moved: bool,
}

impl IdentityNumbers {
    pub fn of(columns: &[TableColumn]) -> Self {
        let numbers = columns.iter().enumerate().filter_map(|(position, column)| {
            Some(Numbers {
                position,
                name: column.name.clone(),
                identity: column.identity?,
                moved: false,
            })
        });
        Self {
            columns: numbers.collect(),
        }
    }

    /// `rows`, of the table's columns, with the next numbers in those at these positions.
    ///
    /// # Errors
    /// `ARITHMETIC_OVERFLOW` where there is no next one.
    pub fn number(&mut self, rows: RecordBatch, positions: &[usize]) -> Result<RecordBatch, Error> {
        let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
        for numbers in &mut self.columns {
            let column = columns.get_mut(numbers.position);
            if let (true, Some(column)) = (positions.contains(&numbers.position), column) {
                *column = Arc::new(numbers.next(rows.num_rows())?);
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        RecordBatch::try_new_with_options(rows.schema(), columns, &options)
            .map_err(|error| from_datafusion(&error.into()))
    }

    /// The last number of each column that has got some, by the column's name.
    pub fn high_water_marks(&self) -> BTreeMap<String, i64> {
        let moved = self.columns.iter().filter(|numbers| numbers.moved);
        let marks = moved.filter_map(|numbers| {
            let mark = numbers.identity.high_water_mark?;
            Some((numbers.name.clone(), mark))
        });
        marks.collect()
    }
}

impl Numbers {
    fn next(&mut self, rows: usize) -> Result<Int64Array, Error> {
        let mut values = Vec::with_capacity(rows);
        for _ in 0..rows {
            let next = next(&self.identity).ok_or_else(|| {
                let message = format!(
                    "Nothing was written: the numbers of the identity column {} are used up.",
                    self.name
                );
                Error::new("ARITHMETIC_OVERFLOW", message)
            })?;
            self.identity.high_water_mark = Some(next);
            self.moved = true;
            values.push(next);
        }
        Ok(Int64Array::from(values))
    }
}

/// The first of `start + k * step`, k not negative, beyond the high water mark. `None` for one that is
/// no BIGINT.
fn next(identity: &Identity) -> Option<i64> {
    let (start, step) = (i128::from(identity.start), i128::from(identity.step));
    let Some(mark) = identity.high_water_mark else {
        return Some(identity.start);
    };
    let gone = i128::from(mark).checked_sub(start)?;
    // In steps: how many there are up to the mark, or up to the last one before it.
    let forward = gone.checked_mul(step.signum())?;
    let steps = forward.checked_div_euclid(step.checked_abs()?)?;
    let k = steps.checked_add(1)?.max(0);
    let value = start.checked_add(k.checked_mul(step)?)?;
    i64::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_on_beyond_the_mark_in_whole_steps_from_the_start() {
        for (start, step, mark, expected) in [
            (1, 1, None, Some(1)),
            (1, 1, Some(1), Some(2)),
            (0, 10, Some(30), Some(40)),
            (0, 10, Some(31), Some(40)),
            (0, 10, Some(-25), Some(0)),
            (5, -3, None, Some(5)),
            (5, -3, Some(5), Some(2)),
            (5, -3, Some(1), Some(-1)),
            (5, -3, Some(100), Some(5)),
            (0, 1, Some(i64::MAX), None),
            (i64::MIN, i64::MAX, Some(i64::MAX), None),
            (i64::MAX, i64::MIN, Some(i64::MAX), Some(-1)),
        ] {
            let identity = Identity {
                start,
                step,
                high_water_mark: mark,
                allow_explicit_insert: false,
            };
            assert_eq!(next(&identity), expected, "{start} {step} {mark:?}");
        }
    }
}
