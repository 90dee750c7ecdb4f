//! Reads checkpoints: Parquet files with one action in each row, or JSON files that look like
//! commits, and the sidecars that either may name.
//!
//! Protocol: [Checkpoints](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#checkpoints),
//! [V2 Spec](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#v2-spec),
//! [Checkpoint Schema](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#checkpoint-schema)

pub(crate) mod part_reader;

use std::sync::OnceLock;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, MapArray, RecordBatch, StringArray, StructArray,
};
use arrow::compute::{cast, filter, is_not_null};
use arrow::datatypes::{DataType as ArrowType, Int64Type};
use arrow::json::LineDelimitedWriter;
use futures::{FutureExt, TryStreamExt};
use parquet::arrow::ProjectionMask;
use parquet::schema::types::SchemaDescriptor;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use self::part_reader::{open_part, parquet_error};
use crate::actions::{Action, Commit, Metadata, Protocol, Sidecar};
use crate::error::{Error, Result};
use crate::files::deletion_vector::DeletionVector;
use crate::files::file_segment::{FileDetails, PartitionValues, SegmentColumns, map_texts};
use crate::log::concurrent::ordered;
use crate::log::log_path::{LogFile, log_folder};
use crate::table::Table;

/// Parts that are read at a time.
const CONCURRENT_PARTS: usize = 8;

/// The part of a checkpoint that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckpointScope {
    /// Protocol, metadata and files.
    All,
    /// Protocol and metadata.
    WithoutFiles,
}

/// Content of a checkpoint, or of a part of one.
#[derive(Debug, Default)]
pub(crate) struct CheckpointContent {
    pub(crate) protocol: Option<Protocol>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) files: Vec<SegmentColumns>,
    /// Where more files are. Read already where [`read`] returns it.
    sidecars: Vec<Sidecar>,
}

/// Reads all parts of a checkpoint. What it is tells its content, not its name: one of the V2 spec
/// may go under a classic name.
///
/// Requests: the parts, at once; then the sidecars they name, at once, if files are asked for.
pub(crate) async fn read(
    table: &Table,
    parts: &[LogFile],
    scope: CheckpointScope,
) -> Result<CheckpointContent> {
    let mut all = read_parts(table, parts, scope).await?;
    if scope == CheckpointScope::All && !all.sidecars.is_empty() {
        let sidecars: Vec<LogFile> = all
            .sidecars
            .iter()
            .map(|sidecar| sidecar.file(table))
            .collect();
        let files = read_parts(table, &sidecars, scope).await?.files;
        all.files.extend(files);
    }
    Ok(all)
}

async fn read_parts(
    table: &Table,
    parts: &[LogFile],
    scope: CheckpointScope,
) -> Result<CheckpointContent> {
    let parts = parts
        .iter()
        .map(|part| read_part(table, part, scope).boxed())
        .collect();
    let parts: Vec<CheckpointContent> = ordered(parts, CONCURRENT_PARTS).try_collect().await?;
    Ok(parts
        .into_iter()
        .fold(CheckpointContent::default(), |mut all, part| {
            all.protocol = part.protocol.or(all.protocol);
            all.metadata = part.metadata.or(all.metadata);
            all.files.extend(part.files);
            all.sidecars.extend(part.sidecars);
            all
        }))
}

impl Sidecar {
    /// A sidecar is always in the table's own folder of them, however its path is spelt.
    pub(crate) fn file(&self, table: &Table) -> LogFile {
        let decoded = percent_decode_str(&self.path).decode_utf8_lossy();
        let name = decoded.rsplit('/').next().unwrap_or_default();
        LogFile {
            path: log_folder(&table.root).join("_sidecars").join(name),
            size: Some(self.size_in_bytes),
            modified: 0,
            e_tag: None,
        }
    }
}

async fn read_part(
    table: &Table,
    file: &LogFile,
    scope: CheckpointScope,
) -> Result<CheckpointContent> {
    if file.path.extension() == Some("json") {
        return read_json(table, file, scope).await;
    }
    let failed = |error| parquet_error(&file.path, error);
    let builder = open_part(table, file).await?;
    let mask = projection(builder.parquet_schema(), scope);
    let mut batches = builder.with_projection(mask).build().map_err(failed)?;
    let mut part = CheckpointContent::default();
    while let Some(batch) = batches.try_next().await.map_err(failed)? {
        part.add_batch(&batch)
            .map_err(|Invalid(reason)| Error::CorruptLog {
                path: file.path.to_string(),
                reason,
            })?;
    }
    Ok(part)
}

/// The top level of a V2 checkpoint may be written as a commit is.
async fn read_json(
    table: &Table,
    file: &LogFile,
    scope: CheckpointScope,
) -> Result<CheckpointContent> {
    let (bytes, _) = table.fetch(&file.path).await?;
    if file.size.is_some_and(|size| size > bytes.len() as u64) {
        return Err(table.truncated(&file.path, bytes.len(), file.size));
    }
    let actions = Commit::parse(&file.path, &bytes)?;
    let files = match scope {
        CheckpointScope::All if !actions.adds.is_empty() => {
            vec![SegmentColumns::from_adds(actions.adds)]
        }
        _ => Vec::new(),
    };
    Ok(CheckpointContent {
        protocol: actions.protocol,
        metadata: actions.metadata,
        files,
        sidecars: actions.sidecars,
    })
}

/// The columns of files and of what says how to read them; tombstones stay where they are.
fn projection(schema: &SchemaDescriptor, scope: CheckpointScope) -> ProjectionMask {
    let needed = |parts: &[String]| match parts.first().map(String::as_str) {
        Some("protocol" | "metaData") => true,
        Some("sidecar") => scope == CheckpointScope::All,
        Some("add") if scope == CheckpointScope::All => matches!(
            parts.get(1).map(String::as_str),
            Some(
                "path"
                    | "partitionValues"
                    | "partitionValues_parsed"
                    | "size"
                    | "modificationTime"
                    | "stats"
                    | "stats_parsed"
                    | "deletionVector"
                    | "tags"
                    | "baseRowId"
                    | "defaultRowCommitVersion"
                    | "clusteringProvider"
            )
        ),
        _ => false,
    };
    let columns = schema.columns().iter().enumerate();
    let leaves = columns
        .filter(|(_, column)| needed(column.path().parts()))
        .map(|(leaf, _)| leaf);
    ProjectionMask::leaves(schema, leaves.collect::<Vec<_>>())
}

/// Reason why a checkpoint's row is invalid.
pub(crate) struct Invalid(pub(crate) String);

impl<E: std::error::Error> From<E> for Invalid {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl CheckpointContent {
    fn add_batch(&mut self, batch: &RecordBatch) -> Result<(), Invalid> {
        for name in ["protocol", "metaData", "sidecar"] {
            let Some(column) = batch.column_by_name(name) else {
                continue;
            };
            for row in (0..column.len()).filter(|row| column.is_valid(*row)) {
                let action: Action = action(name, &column.slice(row, 1))?;
                self.protocol = action.protocol.or(self.protocol.take());
                self.metadata = action.meta_data.or(self.metadata.take());
                self.sidecars.extend(action.sidecar);
            }
        }
        if let Some(adds) = batch.column_by_name("add")
            && adds.null_count() < adds.len()
        {
            let adds = match adds.null_count() {
                0 => adds.clone(),
                _ => filter(adds, &is_not_null(adds)?)?,
            };
            let adds = adds
                .as_struct_opt()
                .ok_or_else(|| invalid("add is not a struct"))?;
            self.files.push(files(adds)?);
        }
        Ok(())
    }
}

/// One action that is of no file, by way of the JSON that a commit has for it.
pub(crate) fn action<T: DeserializeOwned>(name: &str, value: &ArrayRef) -> Result<T, Invalid> {
    let batch = RecordBatch::try_from_iter([(name, value.clone())])?;
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(&batch)?;
    writer.finish()?;
    Ok(serde_json::from_slice(&writer.into_inner())?)
}

fn files(adds: &StructArray) -> Result<SegmentColumns, Invalid> {
    let texts = |name: &str| -> Option<StringArray> {
        let texts = cast(adds.column_by_name(name)?, &ArrowType::Utf8).ok()?;
        texts.as_string_opt().cloned()
    };
    let numbers = |name: &str| -> Option<Int64Array> {
        let numbers = cast(adds.column_by_name(name)?, &ArrowType::Int64).ok()?;
        numbers.as_primitive_opt::<Int64Type>().cloned()
    };
    let path = texts("path").filter(|paths| paths.null_count() == 0);
    let size = numbers("size").filter(|sizes| sizes.null_count() == 0);
    Ok(SegmentColumns {
        path: path.ok_or_else(|| invalid("an add without a path"))?,
        size: size.ok_or_else(|| invalid("an add without a size"))?,
        modification_time: numbers("modificationTime")
            .unwrap_or_else(|| Int64Array::from_value(0, adds.len())),
        stats: texts("stats"),
        stats_parsed: adds
            .column_by_name("stats_parsed")
            .and_then(|stats| stats.as_struct_opt().cloned()),
        partition_values: PartitionValues::Checkpoint {
            map: adds.column_by_name("partitionValues").cloned(),
            parsed: adds.column_by_name("partitionValues_parsed").cloned(),
        },
        deletion_vector: deletion_vectors(adds)?,
        details: details(
            adds.len(),
            adds.column_by_name("tags")
                .and_then(|tags| tags.as_map_opt()),
            [numbers("baseRowId"), numbers("defaultRowCommitVersion")],
            texts("clusteringProvider").as_ref(),
        ),
        json: OnceLock::new(),
    })
}

fn details(
    files: usize,
    tags: Option<&MapArray>,
    [base_row_ids, row_commit_versions]: [Option<Int64Array>; 2],
    clustering: Option<&StringArray>,
) -> Vec<Option<Box<FileDetails>>> {
    let number = |numbers: &Option<Int64Array>, row: usize| {
        let numbers = numbers.as_ref().filter(|numbers| numbers.is_valid(row))?;
        Some(numbers.value(row))
    };
    FileDetails::of_all((0..files).map(|row| {
        FileDetails {
            tags: tags.and_then(|tags| map_texts(tags, row)),
            base_row_id: number(&base_row_ids, row),
            default_row_commit_version: number(&row_commit_versions, row),
            clustering_provider: clustering
                .filter(|names| names.is_valid(row))
                .map(|names| names.value(row).to_owned()),
        }
    }))
}

/// The deletion vector of each file action.
pub(crate) fn deletion_vectors(
    adds: &StructArray,
) -> Result<Vec<Option<Box<DeletionVector>>>, Invalid> {
    let Some(vectors) = adds.column_by_name("deletionVector") else {
        return Ok(vec![None; adds.len()]);
    };
    let malformed = || invalid("a malformed deletion vector");
    let vectors = vectors.as_struct_opt().ok_or_else(malformed)?;
    let texts = |name: &str| {
        let texts = cast(vectors.column_by_name(name)?, &ArrowType::Utf8).ok()?;
        texts.as_string_opt::<i32>().cloned()
    };
    let numbers = |name: &str| {
        let numbers = cast(vectors.column_by_name(name)?, &ArrowType::Int64).ok()?;
        numbers.as_primitive_opt::<Int64Type>().cloned()
    };
    let (storage, place) = (texts("storageType"), texts("pathOrInlineDv"));
    let [offset, size, cardinality] = ["offset", "sizeInBytes", "cardinality"].map(numbers);
    let text = |texts: &Option<StringArray>, row: usize| {
        let texts = texts.as_ref().filter(|texts| texts.is_valid(row));
        texts
            .map(|texts| texts.value(row).to_owned())
            .ok_or_else(malformed)
    };
    let number = |numbers: &Option<Int64Array>, row: usize| {
        let numbers = numbers.as_ref().filter(|numbers| numbers.is_valid(row));
        numbers.map(|numbers| numbers.value(row))
    };
    (0..vectors.len())
        .map(|row| {
            if vectors.is_null(row) {
                return Ok(None);
            }
            Ok(Some(Box::new(DeletionVector {
                storage_type: text(&storage, row)?,
                path_or_inline_dv: text(&place, row)?,
                offset: number(&offset, row),
                size_in_bytes: number(&size, row).ok_or_else(malformed)?,
                cardinality: number(&cardinality, row).ok_or_else(malformed)?,
            })))
        })
        .collect()
}

fn invalid(reason: &str) -> Invalid {
    Invalid(reason.to_owned())
}
