//! The Z-order of rows: a curve on which rows are near to each other whose values are, in each of some
//! columns.
//!
//! As in Spark, a value counts by its rank: the number of the range that it is in, among ranges that
//! hold about as many rows each. The bits of a row's ranks, interleaved, are its place on the curve.

use arrow::array::ArrayRef;
use arrow::error::ArrowError;
use arrow::row::{OwnedRow, RowConverter, SortField};

/// Bits of a rank.
const RANK_BITS: usize = 10;

/// Bits of a place that ranks have.
const PLACE_BITS: usize = 112;

/// Bits of a place that tell apart rows of the same ranks.
const TIE_BITS: usize = 16;

/// A place on the curve.
pub(crate) type Place = u128;

/// The place of the row of number `row` among `rows`: those of the same ranks come in their order, and
/// may be in several files.
pub(crate) fn before_others(place: Place, row: u64, rows: u64) -> Place {
    let tie = (Place::from(row) << TIE_BITS) / Place::from(rows.max(1));
    let most = (1 << TIE_BITS) - 1;
    (place << TIE_BITS) | tie.min(most)
}

/// The curve through the values of some columns.
pub(crate) struct Curve {
    columns: Vec<RankedColumn>,
    /// The first of a rank's bits that count.
    bits: usize,
}

impl Curve {
    /// The curve for columns that have values like those of `sample`: at least one column, all of the
    /// same length.
    ///
    /// # Errors
    /// For a type that has no order.
    pub fn through(sample: &[ArrayRef]) -> Result<Self, ArrowError> {
        let bits = PLACE_BITS.checked_div(sample.len()).unwrap_or(0);
        Ok(Self {
            columns: sample
                .iter()
                .map(RankedColumn::of)
                .collect::<Result<_, _>>()?,
            bits: bits.clamp(1, RANK_BITS),
        })
    }

    /// The place of each row by its ranks; [`before_others`] completes it.
    ///
    /// # Errors
    /// As [`Self::through`].
    pub fn places(&self, columns: &[ArrayRef]) -> Result<Vec<Place>, ArrowError> {
        let ranks = self.columns.iter().zip(columns);
        let ranks = ranks.map(|(column, values)| column.ranks(values));
        let ranks = ranks.collect::<Result<Vec<_>, _>>()?;
        let rows = columns.first().map_or(0, |column| column.len());
        let places = (0..rows).map(|row| {
            let of_row = ranks.iter().take(PLACE_BITS).map(|ranks| ranks[row]);
            interleave(of_row, self.bits)
        });
        Ok(places.collect())
    }
}

/// The first bits of each rank, then the second ones.
fn interleave(ranks: impl Iterator<Item = usize> + Clone, bits: usize) -> Place {
    let mut place = 0;
    for bit in 0..bits {
        for rank in ranks.clone() {
            let shift = RANK_BITS.saturating_sub(1).saturating_sub(bit);
            place = (place << 1) | Place::from(rank >> shift & 1 == 1);
        }
    }
    place
}

/// A column's ranges.
struct RankedColumn {
    converter: RowConverter,
    /// The least value of each range but the first, ascending.
    bounds: Vec<OwnedRow>,
}

impl RankedColumn {
    fn of(sample: &ArrayRef) -> Result<Self, ArrowError> {
        let converter = RowConverter::new(vec![SortField::new(sample.data_type().clone())])?;
        let rows = converter.convert_columns(std::slice::from_ref(sample))?;
        let mut sorted: Vec<_> = rows.iter().collect();
        sorted.sort_unstable();
        let ranges = 1_usize << RANK_BITS;
        let bound = |i: usize| sorted.get(i.saturating_mul(sorted.len()) / ranges);
        let mut bounds: Vec<OwnedRow> = Vec::new();
        for row in (1..ranges).filter_map(bound) {
            // A bound that is the least value would have an empty range before it.
            let is_least = sorted.first() == Some(row);
            if !is_least && bounds.last().is_none_or(|last| last.row() < *row) {
                bounds.push(row.owned());
            }
        }
        Ok(Self { converter, bounds })
    }

    /// The rank of each value, spread over all ranks that there are.
    fn ranks(&self, values: &ArrayRef) -> Result<Vec<usize>, ArrowError> {
        let rows = self
            .converter
            .convert_columns(std::slice::from_ref(values))?;
        let ranges = self.bounds.len().saturating_add(1);
        let ranks = rows.iter().map(|row| {
            let range = self.bounds.partition_point(|bound| bound.row() <= row);
            (range << RANK_BITS) / ranges
        });
        Ok(ranks.collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};

    use super::*;

    #[test]
    fn bits_are_interleaved_from_the_highest_on() {
        let all = (1 << RANK_BITS) - 1;
        assert_eq!(interleave([all, 0].into_iter(), 2), 0b1010);
        assert_eq!(interleave([0, all].into_iter(), 2), 0b0101);
        assert_eq!(interleave([1 << 9, 1 << 8].into_iter(), 2), 0b1001);
        assert_eq!(interleave([all; 12].into_iter(), 10), (1 << 120) - 1);
    }

    /// A square of 16 × 16 points, cut in four: each part has a quarter of both columns' values.
    #[test]
    fn quarters_of_the_curve_are_quarters_of_the_square() {
        let points: Vec<(i64, i64)> = (0..256).map(|i| (i % 16, i / 16)).collect();
        let xs: ArrayRef = Arc::new(points.iter().map(|(x, _)| Some(*x)).collect::<Int64Array>());
        let ys = points.iter().map(|(_, y)| Some(format!("{y:02}")));
        let ys: ArrayRef = Arc::new(ys.collect::<StringArray>());
        let columns = [xs, ys];
        let places = Curve::through(&columns).unwrap().places(&columns).unwrap();
        let mut order: Vec<usize> = (0..points.len()).collect();
        order.sort_by_key(|row| places[*row]);
        for quarter in order.chunks(64) {
            let span = |of: fn(&(i64, i64)) -> i64| {
                let values: Vec<i64> = quarter.iter().map(|row| of(&points[*row])).collect();
                values.iter().max().unwrap() - values.iter().min().unwrap()
            };
            assert_eq!((span(|p| p.0), span(|p| p.1)), (7, 7));
        }
    }

    #[test]
    fn values_that_repeat_and_nulls_have_ranks_too() {
        let values: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(1), Some(9)]));
        let column = RankedColumn::of(&values).unwrap();
        let ranks = column.ranks(&values).unwrap();
        assert!(ranks[1] < ranks[0] && ranks[0] == ranks[2] && ranks[2] < ranks[3]);
        let none: ArrayRef = Arc::new(Int64Array::from(Vec::<i64>::new()));
        let column = RankedColumn::of(&none).unwrap();
        assert_eq!(column.ranks(&values).unwrap(), [0; 4]);
    }
}
