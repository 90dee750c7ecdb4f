//! Files that lose rows by a deletion vector: they stay as they are, and the log says which rows don't
//! count.
//!
//! Protocol: [Deletion Vectors](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#deletion-vectors),
//! [Per-file Statistics](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics)

use std::collections::BTreeMap;
use std::sync::Arc;

use delta_log::actions::Add;
use delta_log::{DeletionVector, Snapshot};
use delta_transaction::{TableLayout, write_deletion_vectors};
use roaring::RoaringTreemap;

use crate::dml::TouchedRows;
use crate::writes::errors::WriteError;
use crate::writes::rewrite::{Rewritten, Vectors};
use crate::writes::round::Round;

/// Takes the rows that `touched` names out of their files. A file that has none left goes.
///
/// Requests: one GET for each vector that a file has already and that is not in the log; one PUT for
/// each 2 MiB of vectors.
pub(crate) async fn delete_by_vectors(
    round: &Round<'_>,
    snapshot: &Snapshot,
    touched: &TouchedRows,
    layout: &Arc<TableLayout>,
) -> Result<Rewritten, WriteError> {
    let files = snapshot.files();
    let mut gone = gone(round, snapshot, touched).await?;
    let all: Vec<usize> = gone.keys().copied().collect();
    let removes = files.adds(&all)?;
    let mut vectors = Vectors::default();
    gone.retain(|file, rows| {
        let is_all = files.num_stored_records(*file) == Some(rows.len());
        let had_one = files.deletion_vector(*file).is_some();
        match (is_all, had_one) {
            (true, true) => vectors.removed = vectors.removed.saturating_add(1),
            (true, false) => {}
            (false, true) => vectors.updated = vectors.updated.saturating_add(1),
            (false, false) => vectors.added = vectors.added.saturating_add(1),
        }
        !is_all
    });
    let left: Vec<usize> = gone.keys().copied().collect();
    let sets: Vec<&RoaringTreemap> = gone.values().collect();
    let table = &round.table;
    let (store, root) = (Arc::clone(&table.store), table.root.clone());
    let environment = round.environment();
    let written = write_deletion_vectors(layout, store, root, &*environment, &sets).await?;
    let adds = files.adds(&left)?.into_iter().zip(written);
    Ok(Rewritten {
        removes,
        adds: adds.map(|(add, vector)| with_vector(add, vector)).collect(),
        copied_rows: 0,
        vectors,
    })
}

/// The rows that each touched file has lost then, those that it had lost before included.
async fn gone(
    round: &Round<'_>,
    snapshot: &Snapshot,
    touched: &TouchedRows,
) -> Result<BTreeMap<usize, RoaringTreemap>, WriteError> {
    let mut gone: BTreeMap<usize, RoaringTreemap> = BTreeMap::new();
    for (file, rows) in touched.deleted.iter().chain(&touched.updated) {
        gone.entry(*file).or_default().extend(rows);
    }
    for (file, rows) in &mut gone {
        if let Some(vector) = snapshot.files().deletion_vector(*file) {
            rows.extend(&round.table.deleted_rows(vector).await?);
        }
    }
    Ok(gone)
}

/// The same file without some of its rows: its bounds may be those of rows that are gone.
fn with_vector(add: Add, vector: DeletionVector) -> Add {
    Add {
        deletion_vector: Some(Box::new(vector)),
        stats: add.stats.map(|stats| wide(&stats)),
        data_change: true,
        ..add
    }
}

/// Statistics whose bounds are wide. Edited as text: numbers must stay to the digit.
fn wide(stats: &str) -> String {
    const TIGHT: &str = "\"tightBounds\":true";
    const WIDE: &str = "\"tightBounds\":false";
    // Within a JSON string the quotes would be escaped.
    if stats.contains(TIGHT) {
        return stats.replace(TIGHT, WIDE);
    }
    if stats.contains(WIDE) {
        return stats.to_owned();
    }
    match stats.trim_end().strip_suffix('}') {
        Some("{") => format!("{{{WIDE}}}"),
        Some(fields) => format!("{fields},{WIDE}}}"),
        None => stats.to_owned(),
    }
}
