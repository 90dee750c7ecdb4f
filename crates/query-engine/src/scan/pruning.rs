//! Selection of the data files that a scan must read, from the log alone.
//!
//! Filters over partition columns are evaluated on the partition values: that is exact, and such
//! filters need no second look at the rows. All others are proved against the files' statistics
//! with DataFusion's pruning; doubt keeps a file.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, UInt64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::catalog::Session;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, Result, ScalarValue};
use datafusion::logical_expr::Expr;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use delta_log::Snapshot;

use crate::errors::external;

/// The files that are left.
#[derive(Debug)]
pub(crate) struct Selection {
    /// Positions in [`Snapshot::files`], ascending.
    pub files: Vec<usize>,
    /// Reasons for leaving out the others: `partition letter`, `max(amount)`.
    pub skipped_by: Vec<String>,
}

/// Selects the files that may have rows for which all `filters` are true.
pub(crate) fn select(
    snapshot: &Snapshot,
    filters: &[Expr],
    session: &dyn Session,
) -> Result<Selection> {
    let mut keep = vec![true; snapshot.files().len()];
    let mut skipped_by = Vec::new();
    for filter in filters {
        let (matches, columns) = if is_partition_filter(snapshot, filter) {
            evaluate_on_partitions(snapshot, filter, session)?
        } else {
            match prove_with_statistics(snapshot, filter, session)? {
                Some(proof) => proof,
                None => continue,
            }
        };
        let mut skips = false;
        for (keep, matches) in keep.iter_mut().zip(matches) {
            skips |= *keep && !matches;
            *keep &= matches;
        }
        if skips {
            skipped_by.extend(columns);
        }
    }
    skipped_by.dedup();
    let files = keep
        .iter()
        .enumerate()
        .filter_map(|(i, keep)| keep.then_some(i))
        .collect();
    Ok(Selection { files, skipped_by })
}

/// Whether `filter` looks at partition columns only, so that [`select`] decides it for good. So does
/// one that looks at none: the optimizer may make a constant of a filter that was handed over.
pub(crate) fn is_partition_filter(snapshot: &Snapshot, filter: &Expr) -> bool {
    let partition_columns = snapshot.partition_columns();
    let columns = filter.column_refs();
    columns
        .iter()
        .all(|column| partition_columns.contains(&column.name))
        && !filter.is_volatile()
        && !has_subquery(filter)
}

pub(crate) fn has_subquery(filter: &Expr) -> bool {
    let mut found = false;
    let walked = filter.apply(|node| {
        found |= matches!(
            node,
            Expr::ScalarSubquery(_)
                | Expr::InSubquery(_)
                | Expr::Exists(_)
                | Expr::SetComparison(_)
                | Expr::OuterReferenceColumn(..)
        );
        Ok(if found {
            TreeNodeRecursion::Stop
        } else {
            TreeNodeRecursion::Continue
        })
    });
    found || walked.is_err()
}

fn evaluate_on_partitions(
    snapshot: &Snapshot,
    filter: &Expr,
    session: &dyn Session,
) -> Result<(Vec<bool>, Vec<String>)> {
    let schema = snapshot.arrow_schema();
    let used: HashSet<&str> = filter
        .column_refs()
        .into_iter()
        .map(|column| column.name.as_str())
        .collect();
    let mut fields = Vec::new();
    let mut values = Vec::new();
    for column in snapshot
        .partition_columns()
        .iter()
        .filter(|name| used.contains(name.as_str()))
    {
        fields.push(schema.field_with_name(column)?.clone());
        values.push(
            snapshot
                .files()
                .partition_values(column)
                .map_err(external)?,
        );
    }
    let reasons = fields
        .iter()
        .map(|field| format!("partition {}", field.name()))
        .collect();
    let rows = snapshot.files().len();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), values, &options)?;
    let schema = DFSchema::try_from(batch.schema())?;
    let result = session
        .create_physical_expr(filter.clone(), &schema)?
        .evaluate(&batch)?;
    // A NULL may come without a type.
    let result = cast(&result.into_array(rows)?, &DataType::Boolean)?;
    let result = result.as_boolean();
    Ok((
        result.iter().map(|matches| matches == Some(true)).collect(),
        reasons,
    ))
}

fn prove_with_statistics(
    snapshot: &Snapshot,
    filter: &Expr,
    session: &dyn Session,
) -> Result<Option<(Vec<bool>, Vec<String>)>> {
    let schema = snapshot.arrow_schema();
    let df_schema = DFSchema::try_from(Arc::clone(&schema))?;
    // A filter that only the rows can decide (a subquery, say) proves nothing here.
    let Ok(filter) = session.create_physical_expr(filter.clone(), &df_schema) else {
        return Ok(None);
    };
    let Some(predicate) = PruningPredicateBuilder::new()
        .with_file_schema(schema)
        .build(filter)
    else {
        return Ok(None);
    };
    let statistics = LogStatistics {
        snapshot,
        asked: Mutex::default(),
    };
    // Statistics that cannot be compared prove nothing.
    let Ok(matches) = predicate.prune(&statistics) else {
        return Ok(None);
    };
    Ok(Some((matches, statistics.reasons())))
}

/// The log's statistics as DataFusion's pruning asks for them; notes what it asks.
struct LogStatistics<'a> {
    snapshot: &'a Snapshot,
    asked: Mutex<Vec<(&'static str, String)>>,
}

impl LogStatistics<'_> {
    fn is_partition_column(&self, column: &Column) -> bool {
        self.snapshot.partition_columns().contains(&column.name)
    }

    fn partition_values(&self, column: &Column) -> Option<ArrayRef> {
        self.note("partition", column);
        self.snapshot.files().partition_values(&column.name).ok()
    }

    fn note(&self, what: &'static str, column: &Column) {
        let note = (what, column.name.clone());
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(note);
    }

    /// Null counts are asked for with every bound; they are a reason only on their own.
    fn reasons(self) -> Vec<String> {
        let asked = self
            .asked
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let has_bound = |name: &str| asked.iter().any(|(what, n)| *what != "nulls" && n == name);
        let mut reasons: Vec<String> = asked
            .iter()
            .filter(|(what, name)| *what != "nulls" || !has_bound(name))
            .map(|(what, name)| match *what {
                "partition" => format!("partition {name}"),
                what => format!("{what}({name})"),
            })
            .collect();
        reasons.sort_unstable();
        reasons.dedup();
        reasons
    }
}

impl PruningStatistics for LogStatistics<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        if self.is_partition_column(column) {
            return self.partition_values(column);
        }
        self.note("min", column);
        self.snapshot
            .files()
            .min_values(&column.name)
            .ok()
            .flatten()
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        if self.is_partition_column(column) {
            return self.partition_values(column);
        }
        self.note("max", column);
        self.snapshot
            .files()
            .max_values(&column.name)
            .ok()
            .flatten()
    }

    fn num_containers(&self) -> usize {
        self.snapshot.files().len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let files = self.snapshot.files();
        if !self.is_partition_column(column) {
            self.note("nulls", column);
            return Some(Arc::new(files.null_counts(&column.name)?));
        }
        let values = self.partition_values(column)?;
        let counts = (0..files.len()).map(|i| match values.is_null(i) {
            true => files.num_records(i),
            false => Some(0),
        });
        Some(Arc::new(counts.collect::<UInt64Array>()))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        let files = self.snapshot.files();
        let counts = (0..files.len()).map(|i| files.num_records(i));
        Some(Arc::new(counts.collect::<UInt64Array>()))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
