//! Operators that DataFusion would run as tasks of their own, run in the task that polls them.
//!
//! A browser worker has one thread and no tokio runtime, where spawning panics. With
//! `target_partitions = 1` only a UNION still has several partitions; whatever gathers them is
//! replaced by [`SequentialPartitionsExec`], which reads one after the other.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, Statistics};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildStats, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning,
    PlanProperties, StatisticsArgs,
};
use futures::TryStreamExt;

use crate::unary_plan::unary_plan;

/// Replaces the operators that spawn; the last of the physical optimizer's rules.
#[derive(Debug)]
pub(crate) struct SingleTaskRule;

impl PhysicalOptimizerRule for SingleTaskRule {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = plan
            .transform_up(|node| {
                if let Some(gather) = node.downcast_ref::<CoalescePartitionsExec>() {
                    let input = Arc::clone(gather.input());
                    let plan = SequentialPartitionsExec::new(input, gather.fetch());
                    return Ok(Transformed::yes(Arc::new(plan) as _));
                }
                if let Some(repartition) = node.downcast_ref::<RepartitionExec>()
                    && repartition.partitioning().partition_count() == 1
                {
                    let input = Arc::clone(repartition.input());
                    let order = repartition.properties().output_ordering().cloned();
                    let plan: Arc<dyn ExecutionPlan> = match order {
                        Some(order) => Arc::new(SortPreservingMergeExec::new(order, input)),
                        None => Arc::new(SequentialPartitionsExec::new(input, None)),
                    };
                    return Ok(Transformed::yes(plan));
                }
                Ok(Transformed::no(node))
            })
            .data()?;
        Ok(single_partition(plan))
    }

    fn name(&self) -> &str {
        "single_task"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The plan with one partition.
pub(crate) fn single_partition(plan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    if plan.output_partitioning().partition_count() > 1 {
        Arc::new(SequentialPartitionsExec::new(plan, None))
    } else {
        plan
    }
}

/// Reads the partitions of its input one after the other.
#[derive(Debug, Clone)]
pub(crate) struct SequentialPartitionsExec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    /// Rows after which to stop.
    fetch: Option<usize>,
}

impl SequentialPartitionsExec {
    pub fn new(input: Arc<dyn ExecutionPlan>, fetch: Option<usize>) -> Self {
        let mut equivalences = input.equivalence_properties().clone();
        equivalences.clear_orderings();
        equivalences.clear_per_partition_constants();
        let properties = PlanProperties::new(
            equivalences,
            Partitioning::UnknownPartitioning(1),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Self {
            input,
            properties: Arc::new(properties),
            fetch,
        }
    }

    fn with_input(&self, input: Arc<dyn ExecutionPlan>) -> Self {
        Self::new(input, self.fetch)
    }
}

impl DisplayAs for SequentialPartitionsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SequentialPartitionsExec")?;
        match self.fetch {
            Some(fetch) => write!(f, ": fetch={fetch}"),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for SequentialPartitionsExec {
    unary_plan!();

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let reading = Reading {
            partitions: 0..self.input.output_partitioning().partition_count(),
            input: Arc::clone(&self.input),
            context,
            current: None,
            left: self.fetch.unwrap_or(usize::MAX),
        };
        let batches = futures::stream::try_unfold(reading, Reading::next);
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            batches,
        )))
    }

    fn child_stats_requests(&self, _: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(None)]
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let Some(input) = inputs.first() else {
            return Ok(Arc::new(Statistics::new_unknown(&self.schema())));
        };
        let statistics = input.as_ref().clone();
        Ok(Arc::new(match self.fetch {
            Some(_) => statistics.to_inexact(),
            None => statistics,
        }))
    }
}

/// State of a running [`SequentialPartitionsExec`].
struct Reading {
    input: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    partitions: Range<usize>,
    current: Option<SendableRecordBatchStream>,
    /// Rows that may still follow.
    left: usize,
}

impl Reading {
    async fn next(mut self) -> Result<Option<(RecordBatch, Self)>> {
        while self.left > 0 {
            if let Some(current) = &mut self.current {
                if let Some(batch) = current.try_next().await? {
                    let batch = batch.slice(0, batch.num_rows().min(self.left));
                    self.left -= batch.num_rows();
                    return Ok(Some((batch, self)));
                }
                self.current = None;
            }
            let Some(partition) = self.partitions.next() else {
                break;
            };
            self.current = Some(self.input.execute(partition, Arc::clone(&self.context))?);
        }
        Ok(None)
    }
}
