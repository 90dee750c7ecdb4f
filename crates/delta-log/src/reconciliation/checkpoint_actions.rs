//! What a checkpoint says of the table itself: everything but its files, whose columns stay unread.

use arrow::array::{Array, RecordBatch};
use futures::{FutureExt, TryStreamExt};
use parquet::arrow::ProjectionMask;
use parquet::schema::types::SchemaDescriptor;

use super::action_lines::ActionLines;
use super::actions::{RawAction, TableActions};
use crate::error::{Error, Result};
use crate::log::checkpoint::part_reader::{open_part, parquet_error};
use crate::log::checkpoint::{Invalid, action};
use crate::log::concurrent::ordered;
use crate::log::log_path::LogFile;
use crate::table::Table;

/// Parts that are read at a time.
const CONCURRENT_PARTS: usize = 8;

/// Columns of the actions that are of no file.
const COLUMNS: [&str; 5] = ["protocol", "metaData", "txn", "domainMetadata", "sidecar"];

/// A checkpoint without the files that its Parquet files have.
#[derive(Debug, Default)]
pub(super) struct CheckpointActions {
    pub(super) actions: TableActions,
    /// The Parquet files that may have file actions: its parts, then its sidecars.
    pub(super) parts: Vec<LogFile>,
    /// File actions of a top level in JSON.
    pub(super) lines: Vec<ActionLines>,
}

/// Reads all parts of a checkpoint; not the sidecars, which have nothing but files.
pub(super) async fn read(table: &Table, parts: &[LogFile]) -> Result<CheckpointActions> {
    let reads = parts.iter().map(|part| read_part(table, part).boxed());
    let reads: Vec<ActionLines> = ordered(reads.collect(), CONCURRENT_PARTS)
        .try_collect()
        .await?;
    let mut checkpoint = CheckpointActions::default();
    for (part, mut read) in parts.iter().zip(reads) {
        checkpoint.actions.extend(std::mem::take(&mut read.actions));
        match is_json(part) {
            true => checkpoint.lines.push(read),
            false => checkpoint.parts.push(part.clone()),
        }
    }
    let sidecars = checkpoint.actions.sidecars.iter();
    let sidecars: Vec<LogFile> = sidecars.map(|sidecar| sidecar.file(table)).collect();
    checkpoint.parts.extend(sidecars);
    Ok(checkpoint)
}

fn is_json(part: &LogFile) -> bool {
    part.path.extension() == Some("json")
}

async fn read_part(table: &Table, part: &LogFile) -> Result<ActionLines> {
    if is_json(part) {
        let (bytes, _) = table.fetch(&part.path).await?;
        if part.size.is_some_and(|size| size > bytes.len() as u64) {
            return Err(table.truncated(&part.path, bytes.len(), part.size));
        }
        return ActionLines::parse(&part.path, &bytes);
    }
    let failed = |error| parquet_error(&part.path, error);
    let builder = open_part(table, part).await?;
    let mask = projection(builder.parquet_schema());
    let mut batches = builder.with_projection(mask).build().map_err(failed)?;
    let mut actions = TableActions::default();
    while let Some(batch) = batches.try_next().await.map_err(failed)? {
        add_batch(&mut actions, &batch).map_err(|Invalid(reason)| Error::CorruptLog {
            path: part.path.to_string(),
            reason,
        })?;
    }
    Ok(ActionLines {
        actions,
        files: Vec::new(),
    })
}

fn projection(schema: &SchemaDescriptor) -> ProjectionMask {
    let columns = schema.columns().iter().enumerate();
    let leaves = columns.filter(|(_, column)| {
        let root = column.path().parts().first();
        root.is_some_and(|root| COLUMNS.contains(&root.as_str()))
    });
    ProjectionMask::leaves(schema, leaves.map(|(leaf, _)| leaf).collect::<Vec<_>>())
}

fn add_batch(actions: &mut TableActions, batch: &RecordBatch) -> Result<(), Invalid> {
    for name in COLUMNS {
        let Some(column) = batch.column_by_name(name) else {
            continue;
        };
        if column.null_count() == column.len() {
            continue;
        }
        for row in (0..column.len()).filter(|row| column.is_valid(*row)) {
            let action: RawAction = action(name, &column.slice(row, 1))?;
            actions.push(action);
        }
    }
    Ok(())
}
