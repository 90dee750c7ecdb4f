//! Which files are rewritten, and which of them together.

use std::collections::BTreeMap;

use arrow::row::{OwnedRow, RowConverter, SortField};
use delta_log::Snapshot;
use delta_transaction::TableLayout;
use messages::Error;

use crate::errors::{external, from_datafusion};
use crate::session::Session;

/// Size of the files that Spark makes, in bytes.
const FILE_SIZE: u64 = 1 << 30;

/// Part of a file's rows that may be deleted before it is written again.
const DELETED_ROWS: f64 = 0.05;

const TARGET_FILE_SIZE: &str = "delta.targetFileSize";
const MIN_FILE_SIZE: &str = "spark.databricks.delta.optimize.minFileSize";
const MAX_FILE_SIZE: &str = "spark.databricks.delta.optimize.maxFileSize";

/// Sizes of files, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// Files below it are candidates.
    pub min: u64,
    /// Size that a bin must not exceed.
    pub max: u64,
}

impl Sizes {
    /// What the session sets, or else the table; or else Spark's.
    ///
    /// # Errors
    /// `INVALID_CONF_VALUE` for an option that is no number of bytes.
    pub fn of(session: &Session, snapshot: &Snapshot, layout: &TableLayout) -> Result<Self, Error> {
        let configuration = &snapshot.metadata().configuration;
        let own = match configuration.contains_key(TARGET_FILE_SIZE) {
            true => layout.target_file_size(),
            false => FILE_SIZE,
        };
        let option = |key: &str| match session.option(key) {
            None => Ok(own),
            Some(text) => match text.trim().parse::<u64>() {
                Ok(size) if size > 0 => Ok(size),
                Ok(_) | Err(_) => Err(Error::new(
                    "INVALID_CONF_VALUE",
                    format!("{key} can't be '{text}': it must be a number of bytes above 0."),
                )),
            },
        };
        Ok(Self {
            min: option(MIN_FILE_SIZE)?,
            max: option(MAX_FILE_SIZE)?,
        })
    }
}

/// Files of one partition that are rewritten together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bin {
    /// Number of the partition.
    pub partition: usize,
    /// Positions in [`Snapshot::files`].
    pub files: Vec<usize>,
}

/// The bins of those of the `considered` files that are worth to be rewritten; all of a partition in
/// one where they are clustered.
///
/// # Errors
/// Those of a log whose partition values are none.
pub(crate) fn bins(
    snapshot: &Snapshot,
    considered: &[usize],
    sizes: &Sizes,
    is_clustered: bool,
) -> Result<Vec<Bin>, Error> {
    let mut partitions: BTreeMap<Option<OwnedRow>, Vec<usize>> = BTreeMap::new();
    let keys = partition_keys(snapshot)?;
    for &file in considered {
        if is_clustered || is_candidate(snapshot, file, sizes.min) {
            let key = keys.get(file).cloned().flatten();
            partitions.entry(key).or_default().push(file);
        }
    }
    let mut bins = Vec::new();
    for (partition, files) in partitions.into_values().enumerate() {
        let of_partition = match is_clustered {
            true => vec![files],
            false => packed(snapshot, files, sizes.max),
        };
        bins.extend(
            of_partition
                .into_iter()
                .map(|files| Bin { partition, files }),
        );
    }
    Ok(bins)
}

/// Spark's next-fit packing, the smallest first. A bin of one file is of use only if that has deleted
/// rows.
fn packed(snapshot: &Snapshot, mut files: Vec<usize>, max: u64) -> Vec<Vec<usize>> {
    let size = |file: usize| snapshot.files().size(file);
    files.sort_by_key(|file| (size(*file), *file));
    let mut bins = Vec::new();
    let mut bin = Vec::new();
    let mut filled = 0_u64;
    for file in files {
        let size = logical_size(snapshot, file);
        if filled.saturating_add(size) > max {
            bins.push(std::mem::take(&mut bin));
            filled = 0;
        }
        bin.push(file);
        filled = filled.saturating_add(size);
    }
    bins.push(bin);
    bins.retain(|bin| match bin.as_slice() {
        [] => false,
        [one] => snapshot.files().deletion_vector(*one).is_some(),
        _ => true,
    });
    for bin in &mut bins {
        // The order in which the rows are now.
        bin.sort_unstable();
    }
    bins
}

fn is_candidate(snapshot: &Snapshot, file: usize, min: u64) -> bool {
    let files = snapshot.files();
    if files.size(file) < min {
        return true;
    }
    match (files.deletion_vector(file), deleted_part(snapshot, file)) {
        (None, _) => false,
        (Some(_), Some(part)) => part > DELETED_ROWS,
        // The new file has statistics.
        (Some(_), None) => true,
    }
}

/// The part of a file's rows that are deleted, if its statistics say.
fn deleted_part(snapshot: &Snapshot, file: usize) -> Option<f64> {
    let vector = snapshot.files().deletion_vector(file)?;
    let stored = snapshot.files().num_stored_records(file)?;
    let deleted = u64::try_from(vector.cardinality).ok()?;
    (stored > 0).then(|| deleted as f64 / stored as f64)
}

/// About the bytes of the rows that are left.
fn logical_size(snapshot: &Snapshot, file: usize) -> u64 {
    let size = snapshot.files().size(file);
    match deleted_part(snapshot, file) {
        Some(part) => (size as f64 * (1.0 - part)).max(0.0) as u64,
        None => size,
    }
}

/// What tells the files' partitions apart, one for each file; empty for a table without partitions.
fn partition_keys(snapshot: &Snapshot) -> Result<Vec<Option<OwnedRow>>, Error> {
    let names = snapshot.partition_columns().iter();
    let values = names.map(|name| snapshot.files().partition_values(name).map_err(external));
    let values = values.collect::<Result<Vec<_>, _>>();
    let values = values.map_err(|error| from_datafusion(&error))?;
    if values.is_empty() {
        return Ok(Vec::new());
    }
    let fields = values.iter().map(|v| SortField::new(v.data_type().clone()));
    let rows = RowConverter::new(fields.collect()).and_then(|rows| rows.convert_columns(&values));
    let rows = rows.map_err(|error| from_datafusion(&error.into()))?;
    Ok(rows.iter().map(|row| Some(row.owned())).collect())
}
