//! Which files hold the rows in which two versions of a table differ.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, DynComparator, make_comparator};
use arrow::compute::{SortOptions, cast};

use crate::change_plan::{ChangeKind, ChangePlan, ChangeSource, ChangeVersion};
use crate::error::{Error, Result};
use crate::files::data_path::{DataPaths, FileKey};
use crate::files::deletion_vector::FileRows;
use crate::schema::compatibility::SchemaCompatibility;
use crate::snapshot::Snapshot;
use crate::table::Table;
use crate::warning::distinct;

impl Table {
    /// Plans the difference between two versions: the files to read for the rows of `from` that are not
    /// in `to`, as deleted, and for those of `to` that are not in `from`, as inserted; both with the
    /// version and the time of `to`. `from` may be the later one.
    ///
    /// A file that is in both versions is left out, or read only where its deletion vectors differ.
    /// Rows that were rewritten as they are come as deleted and as inserted.
    ///
    /// Requests: none.
    ///
    /// # Errors
    /// [`Error::IncompatibleSchemaInDiff`]; [`Error::ForeignPath`];
    /// [`Error::InvalidPartitionValue`].
    pub fn diff(&self, from: &Snapshot, to: &Snapshot) -> Result<ChangePlan> {
        plan(self, from, to)
    }
}

/// See [`Table::diff`].
fn plan(table: &Table, from: &Snapshot, to: &Snapshot) -> Result<ChangePlan> {
    if let Some(reason) = compatibility(from, to).incompatibility(from.schema(), to.schema()) {
        return Err(Error::IncompatibleSchemaInDiff {
            from: from.version(),
            to: to.version(),
            reason,
        });
    }
    let sources = differing(
        &DataPaths::new(table),
        &Side::new(ChangeKind::Delete, from, to)?,
        &Side::new(ChangeKind::Insert, to, to)?,
    )?;
    let version = ChangeVersion {
        version: to.version(),
        timestamp_ms: to.timestamp(),
        sources,
    };
    Ok(ChangePlan {
        start: from.version(),
        end: to.version(),
        schema: Arc::clone(to.schema()),
        column_mapping: to.column_mapping(),
        arrow_schema: to.arrow_schema(),
        versions: vec![version],
        warnings: distinct([from.warnings(), to.warnings()].concat()),
    })
}

fn compatibility(from: &Snapshot, to: &Snapshot) -> SchemaCompatibility {
    SchemaCompatibility {
        before: from.column_mapping(),
        after: to.column_mapping(),
        evolution: true,
    }
}

/// The rows of `before` that are not in the same place of the same file in `after`, and vice versa.
fn differing(paths: &DataPaths, before: &Side<'_>, after: &Side<'_>) -> Result<Vec<ChangeSource>> {
    let mut sources = Vec::new();
    let files = before.snapshot.files();
    let mut unmatched: HashMap<FileKey, usize> = HashMap::with_capacity(files.len());
    for i in 0..files.len() {
        // Should a log list a file twice, one of the two finds no partner.
        if let Some(twice) = unmatched.insert(paths.key(files.raw_path(i), None), i) {
            sources.push(before.whole(twice)?);
        }
    }
    let same_values = SameValues::new(before, after)?;
    for j in 0..after.snapshot.files().len() {
        let key = paths.key(after.snapshot.files().raw_path(j), None);
        let partner = unmatched.remove(&key);
        match partner.filter(|&i| same_values.of(i, j)) {
            Some(i) => {
                let old = files.deletion_vector(i);
                let new = after.snapshot.files().deletion_vector(j);
                if let Some(deleted) = FileRows::between(new, old) {
                    sources.push(before.source(i, deleted)?);
                }
                if let Some(restored) = FileRows::between(old, new) {
                    sources.push(after.source(j, restored)?);
                }
            }
            None => {
                if let Some(i) = partner {
                    sources.push(before.whole(i)?);
                }
                sources.push(after.whole(j)?);
            }
        }
    }
    let mut gone: Vec<usize> = unmatched.into_values().collect();
    gone.sort_unstable();
    for i in gone {
        sources.push(before.whole(i)?);
    }
    Ok(sources)
}

/// One of the two versions.
struct Side<'a> {
    kind: ChangeKind,
    snapshot: &'a Snapshot,
    /// Each partition column with its value for each file, under the name and of the type that it
    /// has in the end.
    partitions: Vec<(&'a str, ArrayRef)>,
}

impl<'a> Side<'a> {
    fn new(kind: ChangeKind, snapshot: &'a Snapshot, to: &'a Snapshot) -> Result<Self> {
        let compatibility = compatibility(snapshot, to);
        let values = |column: &'a String| {
            let field = snapshot.schema().field(column);
            let field = field.and_then(|field| compatibility.successor(field, to.schema()));
            let field = field.ok_or_else(|| Error::UnknownColumn(column.clone()))?;
            let values = snapshot.files().partition_values(column)?;
            let values = cast(&values, &field.data_type.to_arrow())?;
            Ok((field.name.as_str(), values))
        };
        let partitions = snapshot.partition_columns().iter().map(values);
        Ok(Self {
            kind,
            snapshot,
            partitions: partitions.collect::<Result<_>>()?,
        })
    }

    /// All rows that file `i` has in this version.
    fn whole(&self, i: usize) -> Result<ChangeSource> {
        self.source(
            i,
            FileRows::remaining(self.snapshot.files().deletion_vector(i)),
        )
    }

    fn source(&self, i: usize, rows: FileRows) -> Result<ChangeSource> {
        let files = self.snapshot.files();
        let stored = files.num_stored_records(i);
        let value =
            |(column, values): &(&str, ArrayRef)| ((*column).to_owned(), values.slice(i, 1));
        Ok(ChangeSource {
            kind: self.kind,
            path: files.path(i)?,
            size: files.size(i),
            partition_values: self.partitions.iter().map(value).collect(),
            num_records: rows.count(stored),
            num_stored_records: stored,
            rows,
        })
    }
}

/// Whether a file means the same rows in both versions, its deletion vector aside. It does unless a
/// writer gave it other partition values, which the protocol does not expect and does not rule out.
struct SameValues {
    /// `None` where the partition columns are others.
    comparators: Option<Vec<DynComparator>>,
}

impl SameValues {
    fn new(before: &Side<'_>, after: &Side<'_>) -> Result<Self> {
        if before.partitions.len() != after.partitions.len() {
            return Ok(Self { comparators: None });
        }
        let mut comparators = Vec::with_capacity(before.partitions.len());
        for (column, old) in &before.partitions {
            let new = after.partitions.iter().find(|(other, _)| other == column);
            let Some((_, new)) = new else {
                return Ok(Self { comparators: None });
            };
            comparators.push(make_comparator(old, new, SortOptions::default())?);
        }
        let comparators = Some(comparators);
        Ok(Self { comparators })
    }

    fn of(&self, i: usize, j: usize) -> bool {
        let comparators = self.comparators.as_ref();
        comparators.is_some_and(|all| all.iter().all(|compare| compare(i, j) == Ordering::Equal))
    }
}
