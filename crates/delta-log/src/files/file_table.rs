use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, StringArray, UInt64Array};
use arrow::compute::interleave;
use arrow::datatypes::DataType as ArrowType;
use object_store::path::Path;

use crate::actions::PartitionTexts;
use crate::error::{Error, Result};
use crate::files::bounds::{self, Bound};
use crate::files::data_path::DataPaths;
use crate::files::deletion_vector::DeletionVector;
use crate::files::file_segment::{Segment, SegmentColumns};
use crate::files::statistics::Statistics;
use crate::files::values::parse_partition_values;
use crate::schema::column_mapping::ColumnMapping;
use crate::schema::types::{DataType, StructType};

/// The active data files of a version, one row each.
#[derive(Debug)]
pub struct FileTable {
    paths: DataPaths,
    schema: Arc<StructType>,
    column_mapping: ColumnMapping,
    partition_columns: Vec<String>,
    segments: Vec<Segment>,
    /// Segment and row in it of each file.
    rows: Vec<(usize, usize)>,
    num_records: OnceLock<UInt64Array>,
}

impl FileTable {
    pub(crate) fn new(
        paths: DataPaths,
        schema: Arc<StructType>,
        column_mapping: ColumnMapping,
        partition_columns: Vec<String>,
        segments: Vec<Arc<SegmentColumns>>,
        rows: Vec<(usize, usize)>,
    ) -> Self {
        let segments = segments.into_iter().map(Segment::new).collect();
        Self {
            paths,
            schema,
            column_mapping,
            partition_columns,
            segments,
            rows,
            num_records: OnceLock::new(),
        }
    }

    /// The parts that another version's table can be made of.
    pub(crate) fn parts(&self) -> (Vec<Arc<SegmentColumns>>, &[(usize, usize)]) {
        (
            self.segments
                .iter()
                .map(|segment| segment.columns.clone())
                .collect(),
            &self.rows,
        )
    }

    /// Other files of a table of the same columns.
    pub(super) fn with_segments(
        &self,
        segments: Vec<Arc<SegmentColumns>>,
        rows: Vec<(usize, usize)>,
    ) -> Self {
        Self::new(
            self.paths.clone(),
            Arc::clone(&self.schema),
            self.column_mapping,
            self.partition_columns.clone(),
            segments,
            rows,
        )
    }

    pub(super) fn columns(&self, i: usize) -> (&SegmentColumns, usize) {
        let (segment, row) = self.rows[i];
        (&self.segments[segment].columns, row)
    }

    /// Number of files.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the table has no files.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Path of file `i` in the table's store.
    ///
    /// # Errors
    /// [`Error::ForeignPath`] if it is in another store.
    pub fn path(&self, i: usize) -> Result<Path> {
        let (columns, row) = self.columns(i);
        self.paths.resolve(columns.path.value(row))
    }

    /// The path of file `i` as the log has it: percent-encoded, relative to the table or absolute.
    pub fn raw_path(&self, i: usize) -> &str {
        let (columns, row) = self.columns(i);
        columns.path.value(row)
    }

    /// Size of file `i` in bytes.
    pub fn size(&self, i: usize) -> u64 {
        let (columns, row) = self.columns(i);
        u64::try_from(columns.size.value(row)).unwrap_or(0)
    }

    /// The size of all files in bytes.
    pub fn size_in_bytes(&self) -> u64 {
        (0..self.len())
            .map(|i| self.size(i))
            .fold(0, u64::saturating_add)
    }

    /// When file `i` was made, in milliseconds since the epoch.
    pub fn modification_time(&self, i: usize) -> i64 {
        let (columns, row) = self.columns(i);
        columns.modification_time.value(row)
    }

    /// Deletion vector of file `i`; `None` if all of its rows are in the table.
    pub fn deletion_vector(&self, i: usize) -> Option<&DeletionVector> {
        let (columns, row) = self.columns(i);
        columns.deletion_vector[row].as_deref()
    }

    /// Number of files that have a deletion vector.
    pub fn num_with_deletion_vector(&self) -> usize {
        (0..self.len())
            .filter(|&i| self.deletion_vector(i).is_some())
            .count()
    }

    /// The rows of file `i` that are in the table, if its statistics say.
    pub fn num_records(&self, i: usize) -> Option<u64> {
        let counts = self.all_num_records();
        counts.is_valid(i).then(|| counts.value(i))
    }

    /// The rows of file `i`, those that are deleted included, if its statistics say.
    pub fn num_stored_records(&self, i: usize) -> Option<u64> {
        let deleted = self
            .deletion_vector(i)
            .map_or(Some(0), |vector| u64::try_from(vector.cardinality).ok())?;
        self.num_records(i)?.checked_add(deleted)
    }

    /// The rows of all files that are in the table, if all their statistics say.
    pub fn num_records_total(&self) -> Option<u64> {
        let counts = self.all_num_records();
        if counts.null_count() > 0 {
            return None;
        }
        counts
            .values()
            .iter()
            .try_fold(0u64, |sum, count| sum.checked_add(*count))
    }

    fn all_num_records(&self) -> &UInt64Array {
        self.num_records.get_or_init(|| {
            let stored = self.counts(|statistics| statistics.num_records());
            let remaining = (0..self.len()).map(|i| {
                let stored = stored.is_valid(i).then(|| stored.value(i))?;
                match self.deletion_vector(i) {
                    None => Some(stored),
                    // A vector that deletes more than there is says that one of the two is wrong.
                    Some(vector) => stored.checked_sub(u64::try_from(vector.cardinality).ok()?),
                }
            });
            remaining.collect()
        })
    }

    /// The values of a partition column, one for each file, of the column's Arrow type.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`], [`Error::InvalidPartitionValue`].
    pub fn partition_values(&self, column: &str) -> Result<ArrayRef> {
        let unknown = || Error::UnknownColumn(column.to_owned());
        if !self.partition_columns.iter().any(|name| name == column) {
            return Err(unknown());
        }
        let field = self.schema.field(column).ok_or_else(unknown)?;
        let name = self.column_mapping.physical_name(field);
        let texts: Vec<StringArray> = self
            .segments
            .iter()
            .map(|segment| segment.columns.partition_texts(name))
            .collect();
        let texts: Vec<Option<&str>> = self
            .rows
            .iter()
            .map(|(segment, row)| {
                let texts = &texts[*segment];
                texts.is_valid(*row).then(|| texts.value(*row))
            })
            .collect();
        parse_partition_values(column, &field.data_type, &texts)
    }

    /// The partition values of each file as the log has them, by physical name.
    pub(crate) fn partition_texts(&self) -> Vec<PartitionTexts> {
        let mut files = vec![PartitionTexts::new(); self.len()];
        for column in self
            .partition_columns
            .iter()
            .map(|column| self.physical_name(column))
        {
            let texts: Vec<StringArray> = self
                .segments
                .iter()
                .map(|segment| segment.columns.partition_texts(column))
                .collect();
            for (file, (segment, row)) in files.iter_mut().zip(&self.rows) {
                let texts = &texts[*segment];
                let text = texts.is_valid(*row).then(|| texts.value(*row).to_owned());
                file.insert(column.to_owned(), text);
            }
        }
        files
    }

    /// A lower bound of a column's values in each file, of the column's Arrow type; null where a
    /// file does not say. `None` for a column that has no such statistics: nested, binary, or a
    /// partition column.
    ///
    /// It is a bound, not always a value that occurs: see [`Self::bounds_are_exact`].
    ///
    /// # Errors
    /// [`Error::UnknownColumn`].
    pub fn min_values(&self, column: &str) -> Result<Option<ArrayRef>> {
        self.bounds(column, Bound::Min)
    }

    /// An upper bound; else as [`Self::min_values`]. `None` for float and double: NaN is above all
    /// numbers, and there are writers that leave it out of their statistics.
    pub fn max_values(&self, column: &str) -> Result<Option<ArrayRef>> {
        let field = self.schema.field(column);
        match field.map(|field| &field.data_type) {
            Some(DataType::Float | DataType::Double) => Ok(None),
            _ => self.bounds(column, Bound::Max),
        }
    }

    fn bounds(&self, column: &str, bound: Bound) -> Result<Option<ArrayRef>> {
        let unknown = || Error::UnknownColumn(column.to_owned());
        let field = self.schema.field(column).ok_or_else(unknown)?;
        let data_type = &field.data_type;
        let name = self.column_mapping.physical_name(field);
        let is_partition = self.partition_columns.iter().any(|name| name == column);
        if is_partition || !bounds::has_bounds(data_type) {
            return Ok(None);
        }
        let arrays: Vec<ArrayRef> = self
            .segments
            .iter()
            .map(|segment| self.statistics(segment).bounds(name, data_type, bound))
            .collect();
        self.gather(&arrays, &data_type.to_arrow()).map(Some)
    }

    /// Number of nulls of a column in each file; null where a file does not say. `None` where no
    /// file says.
    pub fn null_counts(&self, column: &str) -> Option<UInt64Array> {
        let name = self.physical_name(column);
        let stored = self.counts(|statistics| statistics.null_counts(name));
        if stored.null_count() == stored.len() {
            return None;
        }
        if self.num_with_deletion_vector() == 0 {
            return Some(stored);
        }
        // Deleted rows are still counted: only where no row, or every row, is null is it known how
        // many of the others are.
        let records = self.counts(|statistics| statistics.num_records());
        let remaining = (0..self.len()).map(|i| {
            let nulls = stored.is_valid(i).then(|| stored.value(i))?;
            let all = records.is_valid(i) && records.value(i) == nulls;
            match self.deletion_vector(i) {
                None => Some(nulls),
                Some(_) if nulls == 0 => Some(0),
                Some(_) if all => self.num_records(i),
                Some(_) => None,
            }
        });
        Some(remaining.collect())
    }

    /// Whether [`Self::min_values`] and [`Self::max_values`] of this column are, in each file that
    /// has a row with a value in it, values that occur: enough to answer `MIN` and `MAX` from.
    /// Never so for strings and timestamps, which writers cut, nor for float and double (NaN).
    pub fn bounds_are_exact(&self, column: &str) -> bool {
        let Some(field) = self.schema.field(column) else {
            return false;
        };
        if !bounds::is_exact(&field.data_type) {
            return false;
        }
        let (Ok(Some(min)), Ok(Some(max))) = (self.min_values(column), self.max_values(column))
        else {
            return false;
        };
        // Where rows are deleted, a bound may be a value of one of them.
        if self.num_with_deletion_vector() > 0 {
            return false;
        }
        let name = self.column_mapping.physical_name(field);
        let nulls = self.counts(|statistics| statistics.null_counts(name));
        let tight: Vec<Vec<bool>> = self
            .segments
            .iter()
            .map(|segment| self.statistics(segment).tight_bounds())
            .collect();
        self.rows.iter().enumerate().all(|(i, (segment, row))| {
            let empty = self.num_records(i).is_some_and(|records| {
                records == 0 || (nulls.is_valid(i) && nulls.value(i) == records)
            });
            tight[*segment][*row] && (empty || (min.is_valid(i) && max.is_valid(i)))
        })
    }

    fn statistics<'a>(&'a self, segment: &'a Segment) -> Statistics<'a> {
        segment.statistics(&self.schema, self.column_mapping)
    }

    fn physical_name<'a>(&'a self, column: &'a str) -> &'a str {
        let field = self.schema.field(column);
        field.map_or(column, |field| self.column_mapping.physical_name(field))
    }

    fn counts(&self, count: impl Fn(Statistics<'_>) -> UInt64Array) -> UInt64Array {
        let counts: Vec<UInt64Array> = self
            .segments
            .iter()
            .map(|segment| count(self.statistics(segment)))
            .collect();
        self.rows
            .iter()
            .map(|(segment, row)| {
                let counts = &counts[*segment];
                counts.is_valid(*row).then(|| counts.value(*row))
            })
            .collect()
    }

    /// One array for all files out of one for each segment.
    fn gather(&self, arrays: &[ArrayRef], data_type: &ArrowType) -> Result<ArrayRef> {
        if self.rows.is_empty() {
            return Ok(arrow::array::new_empty_array(data_type));
        }
        let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
        Ok(interleave(&arrays, &self.rows)?)
    }
}
