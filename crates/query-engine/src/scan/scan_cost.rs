//! Cost of the scans of a statement, for [`messages::engine::QueryMetrics`].

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricValue};
use messages::engine::QueryMetrics;
use object_store::path::Path;

/// Cost of one scan of a table.
#[derive(Debug, Default)]
pub(crate) struct ScanCost {
    /// The active files of the version, and their bytes.
    files: u64,
    bytes: u64,
    /// Files that filters ruled out before anything of them was read.
    skipped: u64,
    /// Columns whose values ruled them out: `partition letter`, `max(amount)`.
    skipped_by: Vec<String>,
    /// The Parquet source's own counts, once there is one.
    pub parquet: OnceLock<ExecutionPlanMetricsSet>,
    opened: Mutex<Opened>,
}

#[derive(Debug, Default)]
struct Opened {
    files: HashSet<Path>,
    row_groups: u64,
}

impl ScanCost {
    /// A scan of `files` files of `bytes` bytes together, none of them skipped.
    pub fn of_all(files: u64, bytes: u64) -> Self {
        Self {
            files,
            bytes,
            ..Self::default()
        }
    }

    /// A scan of files of these sizes, in bytes, none of them skipped.
    pub fn of_sizes(sizes: impl IntoIterator<Item = u64>) -> Self {
        sizes.into_iter().fold(Self::default(), |all, size| {
            Self::of_all(all.files.saturating_add(1), all.bytes.saturating_add(size))
        })
    }

    /// The same scan with some of its files skipped.
    pub fn skipping(self, skipped: u64, skipped_by: Vec<String>) -> Self {
        Self {
            skipped,
            skipped_by,
            ..self
        }
    }

    /// The scan has opened a data file.
    pub fn file_opened(&self, path: &Path, row_groups: usize) {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.files.insert(path.clone()) {
            opened.row_groups = opened.row_groups.saturating_add(row_groups as u64);
        }
    }

    fn row_groups_skipped(&self) -> u64 {
        let Some(metrics) = self.parquet.get() else {
            return 0;
        };
        let metrics = metrics.clone_inner();
        metrics
            .iter()
            .map(|metric| match metric.value() {
                MetricValue::PruningMetrics {
                    name,
                    pruning_metrics,
                } if matches!(
                    name.as_ref(),
                    "row_groups_pruned_statistics"
                        | "row_groups_pruned_bloom_filter"
                        | "limit_pruned_row_groups"
                ) =>
                {
                    pruning_metrics.pruned() as u64
                }
                MetricValue::Count { name, count }
                    if name.as_ref() == "row_groups_pruned_dynamic_filter" =>
                {
                    count.value() as u64
                }
                _ => 0,
            })
            .fold(0, u64::saturating_add)
    }
}

/// The scans of one statement.
#[derive(Debug, Default)]
pub(crate) struct ScanCosts {
    scans: Mutex<Vec<Arc<ScanCost>>>,
}

impl ScanCosts {
    pub fn add(&self, scan: Arc<ScanCost>) {
        self.scans
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(scan);
    }

    /// Adds the scans to `metrics`. Sizes come from the log, where they may be anything: what
    /// exceeds 64 bits is told as [`u64::MAX`].
    pub fn sum_into(&self, metrics: &mut QueryMetrics) {
        for scan in self
            .scans
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            let opened = scan.opened.lock().unwrap_or_else(PoisonError::into_inner);
            let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
            add(&mut metrics.table_bytes, scan.bytes);
            add(&mut metrics.files_total, scan.files);
            add(&mut metrics.files_skipped, scan.skipped);
            add(&mut metrics.files_read, opened.files.len() as u64);
            add(&mut metrics.row_groups_total, opened.row_groups);
            add(&mut metrics.row_groups_skipped, scan.row_groups_skipped());
            for reason in &scan.skipped_by {
                if !metrics.skipped_by.contains(reason) {
                    metrics.skipped_by.push(reason.clone());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_overflow_are_the_greatest_number() {
        let costs = ScanCosts::default();
        costs.add(Arc::new(ScanCost::of_sizes([u64::MAX, 1])));
        costs.add(Arc::new(ScanCost::of_sizes([7])));
        let mut metrics = QueryMetrics::default();
        costs.sum_into(&mut metrics);
        assert_eq!((metrics.files_total, metrics.table_bytes), (3, u64::MAX));
    }
}
