//! Rows that are deleted, or that a change is not about, left out by the Parquet source.

use std::ops::Range;

use datafusion::common::Result;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use delta_log::{DeletionVector, Error as LogError, FileRows, Table};
use futures::future::{BoxFuture, try_join_all};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use parquet::arrow::arrow_reader::RowSelection;
use roaring::RoaringTreemap;

use crate::errors::external;
use crate::scan::data_files::DataFileReaderFactory;

/// Deletion vectors that are read at the same time. A browser opens six connections to a host.
const CONCURRENT: usize = 6;

/// A data file, and which of its rows to read.
pub(crate) struct SelectedRows {
    pub file: PartitionedFile,
    pub rows: FileRows,
    /// Number of its rows, deleted ones included; `None` if the log does not say.
    pub stored: Option<u64>,
}

/// Reads the deletion vectors of `files`, and tells the Parquet source which rows to read.
///
/// Requests: one for each deletion vector that is not in the log itself.
pub(crate) async fn with_rows(
    table: &Table,
    data_files: &DataFileReaderFactory,
    files: Vec<SelectedRows>,
) -> Result<Vec<PartitionedFile>> {
    let nothing = RoaringTreemap::new();
    let files = files.into_iter().map(|file| (file, &nothing)).collect();
    with_rows_except(table, data_files, files).await
}

/// Like [`with_rows`], without the rows of each file that are in the set beside it.
pub(crate) async fn with_rows_except(
    table: &Table,
    data_files: &DataFileReaderFactory,
    files: Vec<(SelectedRows, &RoaringTreemap)>,
) -> Result<Vec<PartitionedFile>> {
    let files: Vec<BoxFuture<'_, Result<PartitionedFile>>> = files
        .into_iter()
        .map(|(selected, except)| one(table, data_files, selected, except).boxed())
        .collect();
    stream::iter(files).buffered(CONCURRENT).try_collect().await
}

/// The runs of rows to read of each file, ascending.
///
/// Requests: one for each deletion vector that is not in the log itself, and a footer for each file
/// whose number of rows the log does not say, or says to be beyond all measure.
pub(crate) async fn runs_of_rows(
    table: &Table,
    data_files: &DataFileReaderFactory,
    files: Vec<SelectedRows>,
) -> Result<Vec<Vec<Range<usize>>>> {
    let files: Vec<BoxFuture<'_, Result<Vec<Range<usize>>>>> = files
        .into_iter()
        .map(|selected| {
            async move {
                let stored = selected.stored.filter(|stored| *stored <= MAX_TRUSTED_ROWS);
                let selected = SelectedRows { stored, ..selected };
                let nothing = RoaringTreemap::new();
                Ok(runs(table, data_files, &selected, &nothing).await?.0)
            }
            .boxed()
        })
        .collect();
    stream::iter(files).buffered(CONCURRENT).try_collect().await
}

/// A file of more rows than this shows its footer before its rows are counted out.
const MAX_TRUSTED_ROWS: u64 = 1 << 28;

async fn one(
    table: &Table,
    data_files: &DataFileReaderFactory,
    selected: SelectedRows,
    except: &RoaringTreemap,
) -> Result<PartitionedFile> {
    if selected.rows == FileRows::All && except.is_empty() {
        return Ok(selected.file);
    }
    let (ranges, total) = runs(table, data_files, &selected, except).await?;
    let selection = RowSelection::from_consecutive_ranges(ranges.into_iter(), total);
    let file = selected.file;
    Ok(file.with_extension(ParquetRowSelection::new(selection)))
}

/// The runs of rows to read, and the number of the file's rows.
async fn runs(
    table: &Table,
    data_files: &DataFileReaderFactory,
    selected: &SelectedRows,
    except: &RoaringTreemap,
) -> Result<(Vec<Range<usize>>, usize)> {
    let SelectedRows { file, rows, stored } = selected;
    let (vector, not_by) = match rows {
        FileRows::All => (None, None),
        FileRows::NotIn(vector) => (Some(vector), None),
        FileRows::Between { deleted_by, not_by } => (Some(deleted_by), not_by.as_ref()),
    };
    let vectors = vector.into_iter().chain(not_by);
    let vectors = try_join_all(vectors.map(|vector| table.deleted_rows(vector)));
    let mut deleted = vectors.await.map_err(external)?.into_iter();
    let mut set = deleted.next().unwrap_or_default();
    if let Some(before) = deleted.next() {
        set = difference(set, &before);
    }
    let stored = match stored {
        Some(stored) => *stored,
        None => {
            let meta = &file.object_meta;
            let footer = data_files.footer_of(&meta.location, meta.size).await?;
            u64::try_from(footer.metadata.file_metadata().num_rows()).unwrap_or(0)
        }
    };
    let beyond = || {
        external(LogError::InvalidDeletionVector {
            vector: vector.map_or_else(String::new, DeletionVector::unique_id),
            reason: format!("it deletes rows beyond the {stored} that its file has"),
        })
    };
    if set.max().is_some_and(|last| last >= stored) {
        return Err(beyond());
    }
    let total = usize::try_from(stored).map_err(|_| beyond())?;
    let ranges = match rows {
        FileRows::Between { .. } => ranges_of(&difference(set, except)),
        FileRows::All | FileRows::NotIn(_) => ranges_between(&union(set, except), total),
    };
    Ok((ranges, total))
}

fn union(set: RoaringTreemap, other: &RoaringTreemap) -> RoaringTreemap {
    set | other
}

#[expect(clippy::arithmetic_side_effects, reason = "sets have no overflow")]
fn difference(set: RoaringTreemap, other: &RoaringTreemap) -> RoaringTreemap {
    set - other
}

/// The runs of rows in `set`. All of them fit into `usize`: so does the number of the file's rows.
fn ranges_of(set: &RoaringTreemap) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for row in set.iter().map(|row| row as usize) {
        match ranges.last_mut() {
            Some(last) if last.end == row => last.end = row.saturating_add(1),
            _ => ranges.push(row..row.saturating_add(1)),
        }
    }
    ranges
}

/// The runs of rows that are not in `set`, of a file of `total` rows.
fn ranges_between(set: &RoaringTreemap, total: usize) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    for gap in ranges_of(set) {
        ranges.push(start..gap.start);
        start = gap.end;
    }
    ranges.push(start..total);
    ranges.retain(|range| !range.is_empty());
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_the_gaps_between_them_make_the_whole_file() {
        let set: RoaringTreemap = [0, 1, 2, 5, 9].into_iter().collect();
        assert_eq!(ranges_of(&set), [0..3, 5..6, 9..10]);
        assert_eq!(ranges_between(&set, 10), [3..5, 6..9]);
        assert_eq!(
            ranges_between(&RoaringTreemap::new(), 3),
            [Range { start: 0, end: 3 }]
        );
        assert_eq!(ranges_between(&set, 11), [3..5, 6..9, 10..11]);
    }
}
