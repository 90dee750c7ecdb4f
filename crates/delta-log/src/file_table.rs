use arrow::array::{ArrayRef, UInt64Array};
use object_store::path::Path;

use crate::error::Result;

/// The active data files of a version, one row each.
#[derive(Debug)]
pub struct FileTable {}

impl FileTable {
    /// How many files.
    pub fn len(&self) -> usize {
        todo!()
    }

    /// Whether the table has no files.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where file `i` is in the table's store.
    ///
    /// # Errors
    /// [`crate::Error::ForeignPath`] if it is in another store.
    pub fn path(&self, i: usize) -> Result<Path> {
        let _ = i;
        todo!()
    }

    /// The size of file `i` in bytes.
    pub fn size(&self, i: usize) -> u64 {
        let _ = i;
        todo!()
    }

    /// The size of all files in bytes.
    pub fn size_in_bytes(&self) -> u64 {
        todo!()
    }

    /// When file `i` was made, in milliseconds since the epoch.
    pub fn modification_time(&self, i: usize) -> i64 {
        let _ = i;
        todo!()
    }

    /// The rows of file `i`, if its statistics say.
    pub fn num_records(&self, i: usize) -> Option<u64> {
        let _ = i;
        todo!()
    }

    /// The rows of all files, if all their statistics say.
    pub fn num_records_total(&self) -> Option<u64> {
        todo!()
    }

    /// The values of a partition column, one for each file, of the column's Arrow type.
    ///
    /// # Errors
    /// [`crate::Error::UnknownColumn`], [`crate::Error::InvalidPartitionValue`].
    pub fn partition_values(&self, column: &str) -> Result<ArrayRef> {
        let _ = column;
        todo!()
    }

    /// A lower bound of a column's values in each file, of the column's Arrow type; null where a
    /// file does not say. `None` for a column that has no such statistics: nested, or a partition
    /// column.
    ///
    /// It is a bound, not always a value that occurs: see [`Self::bounds_are_exact`]. For float
    /// and double it holds for values other than NaN, which some writers leave out.
    pub fn min_values(&self, column: &str) -> Result<Option<ArrayRef>> {
        let _ = column;
        todo!()
    }

    /// An upper bound; else as [`Self::min_values`].
    pub fn max_values(&self, column: &str) -> Result<Option<ArrayRef>> {
        let _ = column;
        todo!()
    }

    /// How many nulls a column has in each file; null where a file does not say. `None` where no
    /// file says.
    pub fn null_counts(&self, column: &str) -> Option<UInt64Array> {
        let _ = column;
        todo!()
    }

    /// Whether [`Self::min_values`] and [`Self::max_values`] of this column are, in each file that
    /// has a row with a value in it, values that occur: enough to answer `MIN` and `MAX` from.
    /// Never so for strings and timestamps, which writers cut, nor for float and double (NaN).
    pub fn bounds_are_exact(&self, column: &str) -> bool {
        let _ = column;
        todo!()
    }
}
