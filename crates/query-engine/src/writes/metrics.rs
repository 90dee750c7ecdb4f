//! What the history says of a statement that changes rows, and what the statement answers: Spark's
//! names for operations, parameters and metrics.

use delta_log::Snapshot;
use delta_log::actions::Add;
use delta_transaction::Operation;
use messages::Error;
use serde_json::{Value, json};
use spark_dialect::{MergeWhen, Write, WriteOperation};

use crate::dml::RowCounts;
use crate::writes::rewrite::Vectors;

/// What a statement has done.
pub(crate) struct Change<'a> {
    pub counts: RowCounts,
    /// Rows in new files.
    pub written_rows: u64,
    /// Of these, rows that were there before.
    pub copied_rows: u64,
    pub adds: &'a [Add],
    pub removes: Vec<&'a Add>,
    pub change_files: usize,
    pub vectors: Vectors,
    pub milliseconds: i64,
}

impl Change<'_> {
    fn added_bytes(&self) -> u64 {
        bytes(self.adds.iter())
    }

    fn removed_bytes(&self) -> u64 {
        bytes(self.removes.iter().copied())
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.milliseconds).unwrap_or(0)
    }

    /// Rows of files that go as a whole count as deleted, where the log says how many they are.
    fn deleted(&self) -> u64 {
        self.counts.deleted
    }
}

fn bytes<'a>(files: impl Iterator<Item = &'a Add>) -> u64 {
    files
        .filter_map(|add| u64::try_from(add.size).ok())
        .fold(0, u64::saturating_add)
}

/// The operation as the history shows it.
pub(crate) fn describe(
    write: &Write,
    snapshot: &Snapshot,
    change: &Change<'_>,
) -> Result<Operation, Error> {
    Ok(match &write.operation {
        WriteOperation::Insert(insert) => {
            let mode = match insert.appends() {
                true => "Append",
                false => "Overwrite",
            };
            let mut operation = Operation::new("WRITE").parameter("mode", mode);
            if let Some(condition) = insert.condition() {
                operation = operation.parameter("predicate", condition);
            }
            let partition_by = json!(snapshot.partition_columns()).to_string();
            let mut operation = operation.parameter("partitionBy", partition_by);
            written(&mut operation, change, !insert.appends());
            operation
        }
        WriteOperation::Update(update) => {
            let mut operation =
                Operation::new("UPDATE").parameter("predicate", predicates(update.condition()));
            rewritten(&mut operation, change);
            operation.metric("numUpdatedRows", change.counts.updated);
            operation
        }
        WriteOperation::Delete(delete) => {
            let mut operation =
                Operation::new("DELETE").parameter("predicate", predicates(delete.condition()));
            rewritten(&mut operation, change);
            operation.metric("numDeletedRows", change.deleted());
            operation
        }
        WriteOperation::Merge(merge) => {
            let mut operation =
                Operation::new("MERGE").parameter("predicate", predicates(Some(merge.condition())));
            for (name, clauses) in [
                ("matchedPredicates", merge.clauses_when(MergeWhen::Matched)),
                (
                    "notMatchedPredicates",
                    merge.clauses_when(MergeWhen::NotMatched),
                ),
                (
                    "notMatchedBySourcePredicates",
                    merge.clauses_when(MergeWhen::NotMatchedBySource),
                ),
            ] {
                let clauses: Vec<Value> = clauses
                    .into_iter()
                    .map(|(condition, action)| match condition {
                        Some(condition) => {
                            json!({"predicate": format!("({condition})"), "actionType": action})
                        }
                        None => json!({"actionType": action}),
                    })
                    .collect();
                operation = operation.parameter(name, json!(clauses).to_string());
            }
            merged(&mut operation, change);
            operation
        }
        WriteOperation::CreateTable { .. }
        | WriteOperation::CreateTableAsSelect { .. }
        | WriteOperation::Restore(_)
        | WriteOperation::SetTableProperties(_)
        | WriteOperation::AddColumns(_)
        | WriteOperation::Alter(_)
        | WriteOperation::Clone(_)
        | WriteOperation::Maintain(_) => {
            return Err(Error::new(
                "INTERNAL_ERROR",
                "The statement changes no rows.",
            ));
        }
    })
}

/// `["(condition)"]` in a text; `[]` without one.
fn predicates(condition: Option<String>) -> String {
    let conditions: Vec<String> = condition
        .map(|text| format!("({text})"))
        .into_iter()
        .collect();
    json!(conditions).to_string()
}

/// Metrics of new files. `removes`: files may go.
pub(crate) fn written(operation: &mut Operation, change: &Change<'_>, removes: bool) {
    operation.metric("numFiles", change.adds.len() as u64);
    operation.metric("numOutputRows", change.written_rows);
    operation.metric("numOutputBytes", change.added_bytes());
    if removes {
        operation.metric("numRemovedFiles", change.removes.len() as u64);
        operation.metric("numRemovedBytes", change.removed_bytes());
    }
}

fn rewritten(operation: &mut Operation, change: &Change<'_>) {
    operation.metric("numAddedFiles", change.adds.len() as u64);
    operation.metric("numAddedBytes", change.added_bytes());
    operation.metric("numRemovedFiles", change.removes.len() as u64);
    operation.metric("numRemovedBytes", change.removed_bytes());
    operation.metric("numCopiedRows", change.copied_rows);
    operation.metric("numAddedChangeFiles", change.change_files as u64);
    operation.metric("numDeletionVectorsAdded", change.vectors.added);
    operation.metric("numDeletionVectorsRemoved", change.vectors.removed);
    operation.metric("numDeletionVectorsUpdated", change.vectors.updated);
    operation.metric("executionTimeMs", change.milliseconds());
}

fn merged(operation: &mut Operation, change: &Change<'_>) {
    let counts = &change.counts;
    let output = change.copied_rows.saturating_add(counts.updated);
    for (name, value) in [
        ("numSourceRows", counts.source),
        ("numOutputRows", output.saturating_add(counts.inserted)),
        ("numTargetRowsInserted", counts.inserted),
        ("numTargetRowsUpdated", counts.updated),
        ("numTargetRowsMatchedUpdated", counts.matched_updated),
        (
            "numTargetRowsNotMatchedBySourceUpdated",
            counts.not_matched_by_source_updated,
        ),
        ("numTargetRowsDeleted", counts.deleted),
        ("numTargetRowsMatchedDeleted", counts.matched_deleted),
        (
            "numTargetRowsNotMatchedBySourceDeleted",
            counts.not_matched_by_source_deleted,
        ),
        ("numTargetRowsCopied", change.copied_rows),
        ("numTargetFilesAdded", change.adds.len() as u64),
        ("numTargetBytesAdded", change.added_bytes()),
        ("numTargetFilesRemoved", change.removes.len() as u64),
        ("numTargetBytesRemoved", change.removed_bytes()),
        ("numTargetChangeFilesAdded", change.change_files as u64),
        ("numTargetDeletionVectorsAdded", change.vectors.added),
        ("numTargetDeletionVectorsRemoved", change.vectors.removed),
        ("numTargetDeletionVectorsUpdated", change.vectors.updated),
        ("executionTimeMs", change.milliseconds()),
    ] {
        operation.metric(name, value);
    }
}

/// The row that Spark answers.
pub(crate) fn result(write: &Write, change: &Change<'_>) -> Vec<(String, i64)> {
    let RowCounts {
        inserted,
        updated,
        deleted,
        ..
    } = change.counts;
    let affected = inserted.saturating_add(updated).saturating_add(deleted);
    let columns = match &write.operation {
        WriteOperation::Update(_) => vec![("num_affected_rows", updated)],
        WriteOperation::Delete(_) => vec![("num_affected_rows", deleted)],
        WriteOperation::Merge(_) => vec![
            ("num_affected_rows", affected),
            ("num_updated_rows", updated),
            ("num_deleted_rows", deleted),
            ("num_inserted_rows", inserted),
        ],
        WriteOperation::Insert(_)
        | WriteOperation::CreateTable { .. }
        | WriteOperation::CreateTableAsSelect { .. }
        | WriteOperation::Restore(_)
        | WriteOperation::SetTableProperties(_)
        | WriteOperation::AddColumns(_)
        | WriteOperation::Alter(_)
        | WriteOperation::Clone(_)
        | WriteOperation::Maintain(_) => Vec::new(),
    };
    let value = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    columns
        .into_iter()
        .map(|(name, count)| (name.to_owned(), value(count)))
        .collect()
}
