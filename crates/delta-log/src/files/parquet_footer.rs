use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::page_index::offset_index::OffsetIndexMetaData;

/// Checks what a damaged footer can say and the `parquet` crate takes on trust, up to a panic: chunks and
/// pages outside of the file, negative sizes, pages in no order. `size` is the file's, in bytes.
///
/// # Errors
/// A description of the fault, in words that follow the file's name.
pub fn check_parquet_footer(metadata: &ParquetMetaData, size: u64) -> Result<(), String> {
    let mut rows = 0i64;
    for (i, group) in metadata.row_groups().iter().enumerate() {
        if group.num_rows() < 0 {
            return Err(format!("row group {i} has {} rows", group.num_rows()));
        }
        rows = rows
            .checked_add(group.num_rows())
            .ok_or("its row groups have more rows than can be counted")?;
        let indexes = metadata.offset_index().and_then(|all| all.get(i));
        for (k, column) in group.columns().iter().enumerate() {
            let wrong = |what: &str| {
                let name = column.column_path().string();
                Err(format!("column {name} of row group {i} {what}"))
            };
            let Some((start, end)) = extent(column).filter(|(_, end)| *end <= size) else {
                return wrong("lies outside of the file");
            };
            let index = indexes.and_then(|all| all.get(k));
            if index.is_some_and(|index| !is_ordered(index, start, end, group.num_rows())) {
                return wrong("has pages outside of it");
            }
        }
    }
    let stated = metadata.file_metadata().num_rows();
    if stated != rows {
        return Err(format!(
            "it states {stated} rows, and its row groups have {rows}"
        ));
    }
    Ok(())
}

/// First byte of a column chunk, and the one after its last.
fn extent(column: &ColumnChunkMetaData) -> Option<(u64, u64)> {
    let data = u64::try_from(column.data_page_offset()).ok()?;
    let start = match column.dictionary_page_offset() {
        Some(dictionary) => u64::try_from(dictionary).ok()?,
        None => data,
    };
    let length = u64::try_from(column.compressed_size()).ok()?;
    let end = start.checked_add(length)?;
    (column.num_values() >= 0).then_some((start, end))
}

/// Whether pages follow each other, in bytes as in rows.
fn is_ordered(index: &OffsetIndexMetaData, start: u64, end: u64, rows: i64) -> bool {
    let mut next = (start, 0i64);
    index.page_locations().iter().all(|page| {
        let (Ok(offset), Ok(length)) = (
            u64::try_from(page.offset),
            u64::try_from(page.compressed_page_size),
        ) else {
            return false;
        };
        let follows = offset >= next.0 && page.first_row_index >= next.1;
        let fits = page.first_row_index <= rows
            && offset.checked_add(length).is_some_and(|last| last <= end);
        next = (offset.saturating_add(length), page.first_row_index);
        follows && fits
    })
}
