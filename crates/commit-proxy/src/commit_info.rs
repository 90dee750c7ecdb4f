//! The `commitInfo` action in Spark's words, and the totals of a commit's file actions.
//!
//! delta-rs names its operations and metrics in its own way, in places different from one operation
//! to the next. The history should read the same whoever wrote a version, so the proxy writes the
//! provenance itself: operation, parameters and metrics as Spark's Delta writes them.
//!
//! Protocol: [Commit Provenance Information](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#commit-provenance-information)

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// What the history shall say about a commit.
#[derive(Debug, Clone)]
pub(crate) struct Provenance {
    /// Spark's name: `MERGE`, `CREATE OR REPLACE TABLE AS SELECT`.
    pub operation: &'static str,
    /// Parameters as Spark writes them: most values are strings that hold JSON.
    pub parameters: Map<String, Value>,
    /// Which metrics to count.
    pub metrics: Metrics,
    /// The version that the operation read; `None` where it created the table.
    pub read_version: Option<u64>,
    /// Whether the operation added rows without looking at the table's.
    pub is_blind_append: bool,
}

/// The set of metrics that belongs to an operation.
#[derive(Debug, Clone)]
pub(crate) enum Metrics {
    /// Operations on metadata alone.
    None,
    /// `WRITE` and `CREATE … AS SELECT`; `removes` where files may be replaced.
    Write {
        removes: bool,
    },
    Update,
    Delete,
    Merge(MergeShape),
    /// Sizes of the table before and after are known to the operation alone.
    Restore(BTreeMap<String, String>),
}

/// Which clauses can have updated and deleted rows: delta-rs counts them together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MergeShape {
    pub matched_update: bool,
    pub matched_delete: bool,
    pub by_source_update: bool,
    pub by_source_delete: bool,
}

/// Totals over the file actions of one commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FileTotals {
    pub added_files: u64,
    pub added_bytes: u64,
    /// `None` once a file came without statistics.
    pub added_rows: Option<u64>,
    pub removed_files: u64,
    pub removed_bytes: u64,
    pub change_files: u64,
}

impl FileTotals {
    pub fn of(actions: &[Value]) -> Self {
        let mut totals = Self {
            added_rows: Some(0),
            ..Self::default()
        };
        for action in actions {
            if let Some(add) = action.get("add") {
                totals.added_files += 1;
                totals.added_bytes += add["size"].as_u64().unwrap_or(0);
                let rows = add["stats"]
                    .as_str()
                    .and_then(|stats| serde_json::from_str::<Value>(stats).ok())
                    .and_then(|stats| stats["numRecords"].as_u64());
                totals.added_rows = totals.added_rows.zip(rows).map(|(sum, n)| sum + n);
            } else if let Some(remove) = action.get("remove") {
                totals.removed_files += 1;
                totals.removed_bytes += remove["size"].as_u64().unwrap_or(0);
            } else if action.get("cdc").is_some() {
                totals.change_files += 1;
            }
        }
        totals
    }
}

impl Metrics {
    /// The metrics under Spark's names. `native` are delta-rs's own, for what the actions alone
    /// don't tell (how many of a file's rows were copied, how long it took).
    pub fn count(&self, totals: &FileTotals, native: &Value) -> BTreeMap<String, String> {
        let mut metrics = BTreeMap::new();
        let mut set = |name: &str, value: Option<u64>| {
            if let Some(value) = value {
                metrics.insert(name.to_owned(), value.to_string());
            }
        };
        let native = |name: &str| native[name].as_u64();
        match self {
            Self::None => {}
            Self::Write { removes } => {
                set("numFiles", Some(totals.added_files));
                set("numOutputRows", totals.added_rows);
                set("numOutputBytes", Some(totals.added_bytes));
                if *removes {
                    set("numRemovedFiles", Some(totals.removed_files));
                    set("numRemovedBytes", Some(totals.removed_bytes));
                }
            }
            Self::Update | Self::Delete => {
                if matches!(self, Self::Update) {
                    set("numUpdatedRows", native("num_target_rows_updated"));
                    set("numCopiedRows", native("num_target_rows_copied"));
                } else {
                    set("numDeletedRows", native("num_deleted_rows"));
                    set("numCopiedRows", native("num_copied_rows"));
                }
                set("numAddedFiles", Some(totals.added_files));
                set("numAddedBytes", Some(totals.added_bytes));
                set("numRemovedFiles", Some(totals.removed_files));
                set("numRemovedBytes", Some(totals.removed_bytes));
                set("numAddedChangeFiles", Some(totals.change_files));
                for name in ["Added", "Removed", "Updated"] {
                    set(&format!("numDeletionVectors{name}"), Some(0));
                }
                set("executionTimeMs", native("execution_time_ms"));
                set("scanTimeMs", native("scan_time_ms"));
                set("rewriteTimeMs", native("rewrite_time_ms"));
            }
            Self::Merge(shape) => {
                let updated = native("num_target_rows_updated");
                let deleted = native("num_target_rows_deleted");
                set("numSourceRows", native("num_source_rows"));
                set("numOutputRows", native("num_output_rows"));
                set("numTargetRowsInserted", native("num_target_rows_inserted"));
                set("numTargetRowsCopied", native("num_target_rows_copied"));
                set("numTargetRowsUpdated", updated);
                set("numTargetRowsDeleted", deleted);
                let (matched, by_source) =
                    split(updated, shape.matched_update, shape.by_source_update);
                set("numTargetRowsMatchedUpdated", matched);
                set("numTargetRowsNotMatchedBySourceUpdated", by_source);
                let (matched, by_source) =
                    split(deleted, shape.matched_delete, shape.by_source_delete);
                set("numTargetRowsMatchedDeleted", matched);
                set("numTargetRowsNotMatchedBySourceDeleted", by_source);
                set("numTargetFilesAdded", Some(totals.added_files));
                set("numTargetBytesAdded", Some(totals.added_bytes));
                set("numTargetFilesRemoved", Some(totals.removed_files));
                set("numTargetBytesRemoved", Some(totals.removed_bytes));
                set("numTargetChangeFilesAdded", Some(totals.change_files));
                for name in ["Added", "Removed", "Updated"] {
                    set(&format!("numTargetDeletionVectors{name}"), Some(0));
                }
                set("executionTimeMs", native("execution_time_ms"));
                set("scanTimeMs", native("scan_time_ms"));
                set("rewriteTimeMs", native("rewrite_time_ms"));
            }
            Self::Restore(counted) => metrics.clone_from(counted),
        }
        metrics
    }
}

/// Rows that only one kind of clause can have touched belong to it; where both could, the split is
/// not known and neither number is given.
fn split(total: Option<u64>, matched: bool, by_source: bool) -> (Option<u64>, Option<u64>) {
    match (matched, by_source) {
        (true, true) => (None, None),
        (false, true) => (Some(0), total),
        (_, false) => (total, Some(0)),
    }
}

impl Provenance {
    /// The `commitInfo` action. `transaction` identifies this attempt for good.
    pub fn action(
        &self,
        timestamp_ms: i64,
        transaction: &str,
        metrics: &BTreeMap<String, String>,
    ) -> Value {
        let mut info = Map::new();
        info.insert("timestamp".into(), json!(timestamp_ms));
        info.insert("operation".into(), json!(self.operation));
        info.insert(
            "operationParameters".into(),
            Value::Object(self.parameters.clone()),
        );
        if let Some(version) = self.read_version {
            info.insert("readVersion".into(), json!(version));
        }
        info.insert("isolationLevel".into(), json!("Serializable"));
        info.insert("isBlindAppend".into(), json!(self.is_blind_append));
        info.insert("operationMetrics".into(), json!(metrics));
        info.insert("engineInfo".into(), json!(engine_info()));
        info.insert("txnId".into(), json!(transaction));
        json!({ "commitInfo": info })
    }
}

/// `Lakeglass/0.1.0 delta-rs/1.1.3`.
fn engine_info() -> String {
    format!(
        "Lakeglass/{} delta-rs/{}",
        env!("CARGO_PKG_VERSION"),
        deltalake::crate_version()
    )
}

/// A parameter whose value is JSON in a string, as most of Spark's are.
pub(crate) fn json_string(value: &Value) -> Value {
    Value::String(value.to_string())
}

/// `["(predicate)"]` in a string; `[]` without one.
pub(crate) fn predicates(predicate: Option<&str>) -> Value {
    json_string(&predicate.map_or_else(|| json!([]), |p| json!([format!("({p})")])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_file_without_statistics_leave_the_sum_unknown() {
        let with = json!({"add": {"size": 10, "stats": "{\"numRecords\":3}"}});
        let without = json!({"add": {"size": 5}});
        assert_eq!(
            FileTotals::of(std::slice::from_ref(&with)).added_rows,
            Some(3)
        );
        let both = FileTotals::of(&[with, without]);
        assert_eq!((both.added_rows, both.added_bytes), (None, 15));
    }

    #[test]
    fn rows_that_two_kinds_of_clauses_may_have_updated_are_not_guessed() {
        assert_eq!(split(Some(3), true, false), (Some(3), Some(0)));
        assert_eq!(split(Some(3), false, true), (Some(0), Some(3)));
        assert_eq!(split(Some(3), true, true), (None, None));
        assert_eq!(split(Some(0), false, false), (Some(0), Some(0)));
    }
}
