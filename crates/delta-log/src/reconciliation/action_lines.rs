//! A commit, or a checkpoint that is written as JSON, line by line. Lines with file actions stay the
//! text that they are: those that count are decoded into columns, all at once.

use std::ops::Range;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, StructArray};
use arrow::compute::filter;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use bytes::Bytes;
use object_store::path::Path;

use super::actions::{FileId, RawAction, TableActions};
use crate::checkpoint_schema;
use crate::error::{Error, Result};

/// The actions of one file.
#[derive(Debug)]
pub(super) struct ActionLines {
    pub(super) actions: TableActions,
    /// Those with file actions.
    pub(super) files: Vec<FileLine>,
}

/// A line with file actions.
#[derive(Debug)]
pub(super) struct FileLine {
    pub(super) text: Bytes,
    pub(super) add: Option<FileId>,
    pub(super) remove: Option<FileId>,
}

/// A line of which one action, or both, are still in force.
#[derive(Debug)]
pub(super) struct KeptLine {
    pub(super) text: Bytes,
    pub(super) add: bool,
    pub(super) remove: bool,
}

impl ActionLines {
    /// # Errors
    /// [`Error::CorruptLog`], with the line.
    pub(super) fn parse(path: &Path, bytes: &Bytes) -> Result<Self> {
        let mut lines = Self {
            actions: TableActions::default(),
            files: Vec::new(),
        };
        for (number, range) in line_ranges(bytes).enumerate() {
            let text = bytes.slice(range);
            if text.trim_ascii().is_empty() {
                continue;
            }
            let mut action: RawAction =
                serde_json::from_slice(&text).map_err(|error| Error::CorruptLog {
                    path: format!("{path} line {}", number.saturating_add(1)),
                    reason: error.to_string(),
                })?;
            let (add, remove) = (action.add.take(), action.remove.take());
            lines.actions.push(action);
            if add.is_some() || remove.is_some() {
                lines.files.push(FileLine { text, add, remove });
            }
        }
        Ok(lines)
    }
}

fn line_ranges(bytes: &Bytes) -> impl Iterator<Item = Range<usize>> {
    let ends = bytes.iter().enumerate();
    let ends = ends.filter_map(|(at, byte)| (*byte == b'\n').then_some(at));
    let ends = ends.chain([bytes.len()]);
    ends.scan(0, |start, end| {
        let range = *start..end;
        *start = end.saturating_add(1);
        Some(range)
    })
}

/// The `add` and the `remove` actions of some lines that are in force, in the fields that a
/// checkpoint has for them.
///
/// # Errors
/// [`Error::CorruptLog`] for an action with a field that is not of its type.
pub(super) fn decode(lines: &[KeptLine]) -> Result<(StructArray, StructArray)> {
    let failed = |error: ArrowError| Error::CorruptLog {
        path: "a commit".to_owned(),
        reason: error.to_string(),
    };
    let schema = checkpoint_schema::file_actions();
    let batch = decode_all(&schema, lines).map_err(failed)?;
    let kept = |name: &str, keeps: fn(&KeptLine) -> bool| {
        let column = batch
            .column_by_name(name)
            .ok_or_else(|| ArrowError::SchemaError(format!("there is no column {name}")))?;
        let mask: BooleanArray = lines.iter().map(|line| Some(keeps(line))).collect();
        Ok::<_, ArrowError>(filter(column, &mask)?.as_struct().clone())
    };
    let adds = kept("add", |line| line.add).map_err(failed)?;
    let removes = kept("remove", |line| line.remove).map_err(failed)?;
    if adds.null_count() > 0 || removes.null_count() > 0 {
        return Err(failed(ArrowError::JsonError(
            "an action got lost".to_owned(),
        )));
    }
    Ok((adds, removes))
}

fn decode_all(schema: &SchemaRef, lines: &[KeptLine]) -> Result<RecordBatch, ArrowError> {
    let mut decoder = ReaderBuilder::new(schema.clone())
        .with_batch_size(lines.len().max(1))
        .with_coerce_primitive(true)
        .build_decoder()?;
    for (row, line) in lines.iter().enumerate() {
        let text = line.text.trim_ascii();
        let is_whole = decoder.decode(text)? == text.len() && !decoder.has_partial_record();
        if !is_whole || row.checked_add(1) != Some(decoder.len()) {
            return Err(ArrowError::JsonError("a line is not one object".to_owned()));
        }
    }
    let batch = decoder.flush()?;
    Ok(batch.unwrap_or_else(|| RecordBatch::new_empty(schema.clone())))
}
