//! The files of a checkpoint that later commits leave as they are.

use arrow::array::{
    Array, AsArray, BooleanArray, RecordBatch, StringArray, StructArray, new_null_array,
};
use arrow::compute::{cast, filter, is_not_null};
use arrow::datatypes::{DataType, Int64Type};
use futures::{Stream, StreamExt};
use parquet::arrow::ProjectionMask;

use crate::error::{Error, Result};
use crate::files::data_path::DataPaths;
use crate::files::deletion_vector::DeletionVector;
use crate::log::checkpoint::part_reader::{open_part, parquet_error};
use crate::log::checkpoint::{Invalid, deletion_vectors};
use crate::log::log_path::LogFile;
use crate::log::state::LogicalFiles;
use crate::table::Table;

/// Some of a version's file actions, one row each, in the fields that their source has: a
/// checkpoint's own, or those of [`crate::checkpoint_schema`] for what commits say. None is null.
#[derive(Debug, Clone)]
pub struct FileActions {
    /// Files that are in the table.
    pub adds: StructArray,
    /// Tombstones: files that are no longer in the table.
    pub removes: StructArray,
}

/// A file that is no longer in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// The path of the `remove`, as it is spelled there.
    pub path: String,
    /// When the file was removed, in milliseconds since the epoch; `None` where that is not said.
    pub deletion_timestamp: Option<i64>,
    /// Its deletion vector, as of its removal.
    pub deletion_vector: Option<Box<DeletionVector>>,
}

impl FileActions {
    /// The tombstones, one by one.
    ///
    /// # Errors
    /// [`Error::CorruptLog`] for one whose fields are not what they should be.
    pub fn tombstones(&self) -> Result<Vec<Tombstone>> {
        self.read_tombstones()
            .map_err(|Invalid(reason)| Error::CorruptLog {
                path: "a tombstone".to_owned(),
                reason,
            })
    }

    fn read_tombstones(&self) -> Result<Vec<Tombstone>, Invalid> {
        let removes = &self.removes;
        if removes.is_empty() {
            return Ok(Vec::new());
        }
        let malformed = || Invalid("its path or its time is malformed".to_owned());
        let paths = removes.column_by_name("path").ok_or_else(malformed)?;
        let paths = cast(paths, &DataType::Utf8)?;
        let paths: &StringArray = paths.as_string_opt().ok_or_else(malformed)?;
        let times = match removes.column_by_name("deletionTimestamp") {
            Some(times) => cast(times, &DataType::Int64)?,
            None => new_null_array(&DataType::Int64, removes.len()),
        };
        let times = times
            .as_primitive_opt::<Int64Type>()
            .ok_or_else(malformed)?;
        let vectors = deletion_vectors(removes)?.into_iter().enumerate();
        let tombstones = vectors.map(|(row, deletion_vector)| {
            let path = paths.is_valid(row).then(|| paths.value(row).to_owned());
            Ok(Tombstone {
                path: path.ok_or_else(malformed)?,
                deletion_timestamp: times.is_valid(row).then(|| times.value(row)),
                deletion_vector,
            })
        });
        tombstones.collect()
    }
}

/// Reads the file actions of a checkpoint's Parquet file, without those of files in `superseded`.
pub(super) async fn read<'a>(
    table: &'a Table,
    part: &'a LogFile,
    superseded: &'a LogicalFiles,
) -> Result<impl Stream<Item = Result<FileActions>> + Send + 'a> {
    let failed = |error| parquet_error(&part.path, error);
    let builder = open_part(table, part).await?;
    let schema = builder.parquet_schema();
    let columns = schema.columns().iter().enumerate();
    let leaves = columns.filter(|(_, column)| {
        let root = column.path().parts().first().map(String::as_str);
        matches!(root, Some("add" | "remove"))
    });
    let leaves: Vec<usize> = leaves.map(|(leaf, _)| leaf).collect();
    let mask = ProjectionMask::leaves(schema, leaves);
    let batches = builder.with_projection(mask).build().map_err(failed)?;
    let paths = DataPaths::new(table);
    Ok(batches.map(move |batch| {
        let batch = batch.map_err(|error| parquet_error(&part.path, error))?;
        let invalid = |Invalid(reason)| Error::CorruptLog {
            path: part.path.to_string(),
            reason,
        };
        Ok(FileActions {
            adds: remaining(&batch, "add", &paths, superseded).map_err(invalid)?,
            removes: remaining(&batch, "remove", &paths, superseded).map_err(invalid)?,
        })
    }))
}

fn remaining(
    batch: &RecordBatch,
    name: &str,
    paths: &DataPaths,
    superseded: &LogicalFiles,
) -> Result<StructArray, Invalid> {
    let Some(column) = batch.column_by_name(name) else {
        return Ok(StructArray::new_empty_fields(0, None));
    };
    let malformed = || Invalid(format!("{name} is not a struct with paths"));
    let present = filter(column, &is_not_null(column)?)?;
    let actions = present.as_struct_opt().ok_or_else(malformed)?;
    if actions.is_empty() {
        return Ok(actions.clone());
    }
    let file_paths = actions.column_by_name("path").ok_or_else(malformed)?;
    let file_paths = cast(file_paths, &DataType::Utf8)?;
    let file_paths: &StringArray = file_paths.as_string_opt().ok_or_else(malformed)?;
    if file_paths.null_count() > 0 {
        return Err(malformed());
    }
    let vectors = deletion_vectors(actions)?;
    let mask: BooleanArray = vectors
        .iter()
        .enumerate()
        .map(|(row, vector)| {
            let path = paths.identity(file_paths.value(row));
            Some(!superseded.contains(&path, vector.as_deref()))
        })
        .collect();
    let kept = filter(&present, &mask)?;
    Ok(kept.as_struct_opt().ok_or_else(malformed)?.clone())
}
