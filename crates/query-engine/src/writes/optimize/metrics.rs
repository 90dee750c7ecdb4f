//! What the history says of an OPTIMIZE, and what the statement answers: Spark's names.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, StructArray,
    new_null_array,
};
use arrow::datatypes::{Field, Fields, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use delta_log::Snapshot;
use delta_log::actions::Add;
use delta_transaction::Operation;
use serde_json::json;

use crate::writes::optimize::bins::Bin;

/// Columns with statistics, where the table does not say.
const INDEXED_COLUMNS: i64 = 32;

/// What an OPTIMIZE has done.
pub(crate) struct Optimized<'a> {
    pub adds: &'a [Add],
    pub removes: &'a [Add],
    pub bins: &'a [Bin],
    /// Files in the partitions that were asked for.
    pub considered: usize,
    pub is_z_ordered: bool,
    pub snapshot: &'a Snapshot,
    /// In milliseconds since the epoch.
    pub started: i64,
    pub ended: i64,
}

/// Number, total and bounds of files' sizes, in bytes.
#[derive(Debug, Clone, Default)]
struct Sizes(Vec<i64>);

impl Sizes {
    fn of(files: &[Add]) -> Self {
        let mut sizes: Vec<i64> = files.iter().map(|add| add.size).collect();
        sizes.sort_unstable();
        Self(sizes)
    }

    fn count(&self) -> i64 {
        long(self.0.len())
    }

    fn total(&self) -> i64 {
        self.0.iter().copied().fold(0, i64::saturating_add)
    }

    /// The size below which `part` quarters of the files are.
    fn quartile(&self, part: usize) -> i64 {
        let position = self.0.len().saturating_mul(part) / 4;
        self.0.get(position).or(self.0.last()).copied().unwrap_or(0)
    }

    fn to_struct(&self) -> ArrayRef {
        let count = self.0.len();
        let average = if count == 0 {
            0.0
        } else {
            self.total() as f64 / count as f64
        };
        structure(vec![
            ("min", longs(self.0.first().copied())),
            ("max", longs(self.0.last().copied())),
            ("avg", Arc::new(Float64Array::from(vec![average]))),
            ("totalFiles", longs(Some(self.count()))),
            ("totalSize", longs(Some(self.total()))),
        ])
    }
}

impl Optimized<'_> {
    /// The operation as the history shows it.
    pub fn operation(&self, condition: Option<String>, z_order_by: &[String]) -> Operation {
        let condition: Vec<String> = condition
            .map(|text| format!("({text})"))
            .into_iter()
            .collect();
        let mut operation = Operation::new("OPTIMIZE")
            .parameter("predicate", json!(condition).to_string())
            .parameter("auto", "false")
            .parameter("zOrderBy", json!(z_order_by).to_string())
            .parameter("clusterBy", "[]");
        let (added, removed) = (Sizes::of(self.adds), Sizes::of(self.removes));
        let (vectors, _) = self.removed_vectors();
        for (name, value) in [
            ("numRemovedFiles", removed.count()),
            ("numAddedFiles", added.count()),
            ("numRemovedBytes", removed.total()),
            ("numAddedBytes", added.total()),
            ("minFileSize", added.quartile(0)),
            ("p25FileSize", added.quartile(1)),
            ("p50FileSize", added.quartile(2)),
            ("p75FileSize", added.quartile(3)),
            ("maxFileSize", added.quartile(4)),
            ("numDeletionVectorsRemoved", vectors),
        ] {
            operation.metric(name, u64::try_from(value).unwrap_or(0));
        }
        operation
    }

    /// Deletion vectors of the files that go, and the rows that they deleted.
    fn removed_vectors(&self) -> (i64, i64) {
        let vectors = self
            .removes
            .iter()
            .filter_map(|add| add.deletion_vector.as_ref());
        let rows = vectors.clone().map(|vector| vector.cardinality);
        (long(vectors.count()), rows.fold(0, i64::saturating_add))
    }

    /// The row that Spark answers.
    pub fn answer(&self, location: &str) -> Result<RecordBatch, ArrowError> {
        let path: ArrayRef = Arc::new(StringArray::from(vec![location]));
        let metrics = self.metrics();
        let fields = vec![
            Field::new("path", path.data_type().clone(), true),
            Field::new("metrics", metrics.data_type().clone(), true),
        ];
        RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![path, metrics])
    }

    fn metrics(&self) -> ArrayRef {
        let (added, removed) = (Sizes::of(self.adds), Sizes::of(self.removes));
        let mut partitions: Vec<usize> = self.bins.iter().map(|bin| bin.partition).collect();
        partitions.dedup();
        let (vectors, deleted_rows) = self.removed_vectors();
        let number = |value: i64| longs(Some(value));
        let count = |value: usize| number(long(value));
        let columns = self.snapshot.schema().fields().len();
        structure(vec![
            ("numFilesAdded", number(added.count())),
            ("numFilesRemoved", number(removed.count())),
            ("filesAdded", added.to_struct()),
            ("filesRemoved", removed.to_struct()),
            ("partitionsOptimized", count(partitions.len())),
            (
                "zOrderStats",
                given(self.is_z_ordered, z_order_stats(&removed, partitions.len())),
            ),
            ("clusteringStats", given(false, clustering_stats())),
            ("numBins", count(self.bins.len())),
            ("numBatches", number(1)),
            ("totalConsideredFiles", count(self.considered)),
            (
                "totalFilesSkipped",
                count(self.considered.saturating_sub(self.removes.len())),
            ),
            (
                "preserveInsertionOrder",
                Arc::new(BooleanArray::from(vec![false])),
            ),
            ("numFilesSkippedToReduceWriteAmplification", number(0)),
            ("numBytesSkippedToReduceWriteAmplification", number(0)),
            ("startTimeMs", number(self.started)),
            ("endTimeMs", number(self.ended)),
            ("totalClusterParallelism", number(1)),
            ("totalScheduledTasks", number(0)),
            (
                "autoCompactParallelismStats",
                given(false, parallelism_stats()),
            ),
            (
                "deletionVectorStats",
                given(
                    vectors > 0,
                    structure(vec![
                        ("numDeletionVectorsRemoved", number(vectors)),
                        ("numDeletionVectorRowsRemoved", number(deleted_rows)),
                    ]),
                ),
            ),
            ("numTableColumns", count(columns)),
            (
                "numTableColumnsWithStats",
                number(self.indexed_columns(columns)),
            ),
        ])
    }

    fn indexed_columns(&self, columns: usize) -> i64 {
        let configuration = &self.snapshot.metadata().configuration;
        let indexed = configuration.get("delta.dataSkippingNumIndexedCols");
        let indexed = indexed.and_then(|count| count.trim().parse::<i64>().ok());
        match indexed.unwrap_or(INDEXED_COLUMNS) {
            count @ 0.. => count.min(long(columns)),
            // -1: all.
            _ => long(columns),
        }
    }
}

fn z_order_stats(input: &Sizes, cubes: usize) -> ArrayRef {
    let files = |count: i64, size: i64| {
        structure(vec![
            ("num", longs(Some(count))),
            ("size", longs(Some(size))),
        ])
    };
    structure(vec![
        ("strategyName", Arc::new(StringArray::from(vec!["all"]))),
        ("inputCubeFiles", files(0, 0)),
        ("inputOtherFiles", files(input.count(), input.total())),
        ("inputNumCubes", longs(Some(0))),
        ("mergedFiles", files(input.count(), input.total())),
        ("numOutputCubes", longs(Some(long(cubes)))),
        ("mergedNumCubes", longs(None)),
    ])
}

/// Of liquid clustering, which is not done here.
fn clustering_stats() -> ArrayRef {
    let files = || structure(vec![("numFiles", longs(None)), ("size", longs(None))]);
    structure(vec![
        ("inputZCubeFiles", files()),
        ("inputOtherFiles", files()),
        ("inputNumZCubes", longs(None)),
        ("mergedFiles", files()),
        ("numOutputZCubes", longs(None)),
    ])
}

/// Of auto compaction, which is not done here.
fn parallelism_stats() -> ArrayRef {
    structure(vec![
        ("maxClusterActiveParallelism", longs(None)),
        ("minClusterActiveParallelism", longs(None)),
        ("maxSessionActiveParallelism", longs(None)),
        ("minSessionActiveParallelism", longs(None)),
    ])
}

/// The value, or NULL of its type.
fn given(is_given: bool, value: ArrayRef) -> ArrayRef {
    match is_given {
        true => value,
        false => new_null_array(value.data_type(), 1),
    }
}

/// One row of these fields.
fn structure(fields: Vec<(&str, ArrayRef)>) -> ArrayRef {
    let (fields, values): (Vec<Field>, Vec<ArrayRef>) = fields
        .into_iter()
        .map(|(name, value)| (Field::new(name, value.data_type().clone(), true), value))
        .unzip();
    Arc::new(StructArray::new(Fields::from(fields), values, None))
}

fn longs(value: Option<i64>) -> ArrayRef {
    Arc::new(Int64Array::from(vec![value]))
}

fn long(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
