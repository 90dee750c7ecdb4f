//! Whether the files that a commit names are in the store, and are what it says.

use std::sync::Arc;

use bytes::Bytes;
use delta_log::{DeletionVector, DeletionVectorLocation, Snapshot, Table, check_parquet_footer};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::path::Path;
use object_store::{GetOptions, GetRange};
use parquet::arrow::parquet_to_arrow_schema;
use parquet::file::metadata::{FooterTail, ParquetMetaData, ParquetMetaDataReader};
use serde::Deserialize;

use crate::commit::actions::{Actions, Add, Cdc};
use crate::commit::files::{Added, FileChanges, check_is_inside};
use crate::commit::stored_types::check_columns;
use crate::error::{Refusal, from_log, from_store, invalid};
use crate::location::TablePlace;

/// Files that are looked at at a time.
const CONCURRENT: usize = 16;

/// Bytes that are read from the end of a file at first. Most footers are smaller.
const TAIL: u64 = 64 * 1024;

/// Largest footer, and largest deletion vector, that is read.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Length of a Parquet file's last part: the footer's length, and a magic number.
const FOOTER_TAIL: usize = 8;

/// Checks each file that is added, and each change data file.
///
/// Requests: for each file one ranged GET, two where its footer is large; one for its deletion vector.
pub(crate) async fn check(
    place: &TablePlace,
    table: &Table,
    after: &Arc<Snapshot>,
    changes: &FileChanges,
    actions: &Actions,
) -> Result<(), Refusal> {
    let files = stream::iter(&changes.added).map(Ok);
    files
        .try_for_each_concurrent(CONCURRENT, |added| {
            check_added(place, table, after, added, &actions.adds[added.index])
        })
        .await?;
    let files = stream::iter(&actions.cdcs).map(Ok);
    files
        .try_for_each_concurrent(CONCURRENT, |cdc| check_cdc(table, after, cdc))
        .await
}

async fn check_added(
    place: &TablePlace,
    table: &Table,
    after: &Snapshot,
    added: &Added,
    add: &Add,
) -> Result<(), Refusal> {
    let Added { path, is_known, .. } = added;
    let raw = &add.path;
    let wrong = |why: String| invalid(format!("the data file {raw} can't be added: {why}"));
    let footer = read_footer(table, path, raw, add.size).await?;
    if !is_known {
        let columns = stored_columns(&footer).map_err(wrong)?;
        check_columns(
            &columns,
            after.schema(),
            after.column_mapping(),
            after.partition_columns(),
        )
        .map_err(wrong)?;
    }
    let rows = u64::try_from(footer.file_metadata().num_rows())
        .map_err(|error| wrong(error.to_string()))?;
    let claim = claimed_rows(add.stats.as_deref()).map_err(wrong)?;
    if claim.is_some_and(|claim| claim != rows) {
        return Err(wrong(format!(
            "it has {rows} rows, and its statistics say {}",
            claim.unwrap_or_default()
        )));
    }
    let Some(vector) = &add.deletion_vector else {
        return Ok(());
    };
    if claim.is_none() {
        return Err(wrong(
            "it has a deletion vector, and its statistics don't count its rows".to_owned(),
        ));
    }
    check_vector(place, table, raw, vector, rows).await
}

async fn check_vector(
    place: &TablePlace,
    table: &Table,
    raw: &str,
    vector: &DeletionVector,
    rows: u64,
) -> Result<(), Refusal> {
    let location = vector.location().map_err(invalid)?;
    if let DeletionVectorLocation::File { path, start, end } = location {
        let file = table.data_path(&path).map_err(invalid)?;
        check_is_inside(table, &path, &file)?;
        if end.saturating_sub(start) > LARGEST {
            return Err(invalid(format!(
                "the deletion vector of {raw} is too large"
            )));
        }
    }
    let deleted = match table.deleted_rows(vector).await {
        Ok(deleted) => deleted,
        Err(delta_log::Error::Storage { source, .. }) if is_absence(&source) => {
            return Err(invalid(format!(
                "the deletion vector of {raw} is not there"
            )));
        }
        Err(error) => return Err(from_log(place, error)),
    };
    match deleted.max() {
        Some(last) if last >= rows => Err(invalid(format!(
            "the deletion vector of {raw} deletes row {last} of {rows}"
        ))),
        Some(_) => Ok(()),
        None => Err(invalid(format!(
            "the deletion vector of {raw} deletes nothing"
        ))),
    }
}

async fn check_cdc(table: &Table, after: &Snapshot, cdc: &Cdc) -> Result<(), Refusal> {
    let raw = &cdc.path;
    let path = table.data_path(raw).map_err(invalid)?;
    check_is_inside(table, raw, &path)?;
    let footer = read_footer(table, &path, raw, cdc.size).await?;
    let wrong = |why: String| invalid(format!("the change data file {raw} can't be added: {why}"));
    let columns = stored_columns(&footer).map_err(wrong)?;
    let (change_types, columns): (Vec<_>, Vec<_>) = columns
        .iter()
        .cloned()
        .partition(|column| column.name() == "_change_type");
    match change_types.as_slice() {
        [column] if *column.data_type() == arrow::datatypes::DataType::Utf8 => {}
        _ => {
            return Err(wrong(
                "it does not say what kind of change a row is".to_owned(),
            ));
        }
    }
    check_columns(
        &columns.into(),
        after.schema(),
        after.column_mapping(),
        after.partition_columns(),
    )
    .map_err(wrong)
}

fn stored_columns(footer: &ParquetMetaData) -> Result<arrow::datatypes::Fields, String> {
    let schema = parquet_to_arrow_schema(footer.file_metadata().schema_descr(), None);
    Ok(schema.map_err(|error| error.to_string())?.fields)
}

/// `numRecords` of a file's statistics.
fn claimed_rows(stats: Option<&str>) -> Result<Option<u64>, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Stats {
        num_records: Option<u64>,
    }
    let Some(stats) = stats else {
        return Ok(None);
    };
    let stats: Stats = serde_json::from_str(stats)
        .map_err(|error| format!("its statistics are broken: {error}"))?;
    Ok(stats.num_records)
}

/// Reads the footer of a Parquet file that should have `size` bytes.
async fn read_footer(
    table: &Table,
    path: &Path,
    raw: &str,
    size: u64,
) -> Result<ParquetMetaData, Refusal> {
    let wrong = |why: String| invalid(format!("{raw} can't be added: {why}"));
    if size < FOOTER_TAIL as u64 {
        return Err(wrong(format!("no Parquet file has {size} bytes")));
    }
    let tail = read_range(table, path, size, size.saturating_sub(TAIL))
        .await
        .map_err(|error| unread(raw, error))?;
    let tail = tail.ok_or_else(|| {
        wrong(format!(
            "it does not have the {size} bytes that the commit says"
        ))
    })?;
    let last = tail
        .last_chunk::<FOOTER_TAIL>()
        .ok_or_else(|| wrong("it came incomplete".to_owned()))?;
    let last = FooterTail::try_new(last).map_err(|error| wrong(error.to_string()))?;
    let length = (last.metadata_length() as u64).saturating_add(FOOTER_TAIL as u64);
    if last.is_encrypted_footer() || length > size.min(LARGEST) {
        return Err(wrong("its footer can't be read".to_owned()));
    }
    let footer = match usize::try_from(length)
        .ok()
        .and_then(|length| tail.len().checked_sub(length))
    {
        Some(start) => tail.slice(start..),
        None => {
            let read = read_range(table, path, size, size.saturating_sub(length))
                .await
                .map_err(|error| unread(raw, error))?;
            read.ok_or_else(|| wrong("it changes".to_owned()))?
        }
    };
    let end = footer.len().saturating_sub(FOOTER_TAIL);
    let metadata = ParquetMetaDataReader::decode_metadata(&footer[..end])
        .map_err(|error| wrong(error.to_string()))?;
    check_parquet_footer(&metadata, size).map_err(wrong)?;
    Ok(metadata)
}

/// The bytes of an object from `start` on; `None` where it does not have `size` bytes.
async fn read_range(
    table: &Table,
    path: &Path,
    size: u64,
    start: u64,
) -> object_store::Result<Option<Bytes>> {
    let options = GetOptions {
        range: Some(GetRange::Bounded(start..size)),
        ..GetOptions::default()
    };
    let answer = match table.store.get_opts(path, options).await {
        Ok(answer) => answer,
        Err(error) if is_absence(&error) => return Err(error),
        // A store that is asked for bytes beyond an object's end answers with an error of its own.
        Err(error) => {
            let options = GetOptions {
                head: true,
                ..GetOptions::default()
            };
            let meta = table.store.get_opts(path, options).await?.meta;
            return if meta.size == size {
                Err(error)
            } else {
                Ok(None)
            };
        }
    };
    if answer.meta.size != size {
        return Ok(None);
    }
    let bytes = answer.bytes().await?;
    Ok((bytes.len() as u64 == size.saturating_sub(start)).then_some(bytes))
}

fn unread(raw: &str, error: object_store::Error) -> Refusal {
    match is_absence(&error) {
        true => invalid(format!("{raw} is not there")),
        false => from_store(&error).into(),
    }
}

fn is_absence(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::NotFound { .. })
}
