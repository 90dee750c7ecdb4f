//! Turns of the host's event loop while a plan computes.
//!
//! In a browser the engine shares its thread with the messages of the page: a CANCEL is only seen
//! when the engine lets the event loop turn. DataFusion's operators await nothing while their input
//! is at hand, so each operator's stream is wrapped: when the last turn is more than [`TURN`] ago,
//! the stream waits for a turn before it goes on.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
};
use futures::Stream;
use futures::future::BoxFuture;
use web_time::Instant;

use crate::host::Scheduler;

/// How long the engine computes before it lets the event loop turn.
const TURN: Duration = Duration::from_millis(30);

/// Knows when the event loop last had its turn. One for all that runs on a thread.
#[derive(Debug)]
pub(crate) struct Pacer {
    scheduler: Arc<dyn Scheduler>,
    last_turn: Mutex<Instant>,
}

impl Pacer {
    pub fn new(scheduler: Arc<dyn Scheduler>) -> Self {
        Self {
            scheduler,
            last_turn: Mutex::new(Instant::now()),
        }
    }

    /// Lets the event loop turn if it has waited long enough.
    pub async fn turn_if_due(&self) {
        if self.is_due() {
            self.turn().await;
        }
    }

    fn is_due(&self) -> bool {
        self.last_turn
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .elapsed()
            >= TURN
    }

    async fn turn(&self) {
        self.scheduler.yield_now().await;
        *self
            .last_turn
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// Wraps every operator of a plan that is about to run.
///
/// # Errors
/// Those of DataFusion's replacement of children.
pub(crate) fn paced(
    plan: Arc<dyn ExecutionPlan>,
    pacer: &Arc<Pacer>,
) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| Ok(Transformed::yes(paced_as_a_whole(node, pacer))))
        .data()
}

/// Wraps a plan, but none of the operators in it: they take their turns when rows leave it.
pub(crate) fn paced_as_a_whole(
    plan: Arc<dyn ExecutionPlan>,
    pacer: &Arc<Pacer>,
) -> Arc<dyn ExecutionPlan> {
    Arc::new(PacedExec {
        input: plan,
        pacer: Arc::clone(pacer),
    })
}

/// Its input, with turns of the event loop in between.
#[derive(Debug)]
struct PacedExec {
    input: Arc<dyn ExecutionPlan>,
    pacer: Arc<Pacer>,
}

impl PacedExec {
    fn around(&self, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self {
            input: children.swap_remove(0),
            pacer: Arc::clone(&self.pacer),
        })
    }
}

impl DisplayAs for PacedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PacedExec")
    }
}

impl ExecutionPlan for PacedExec {
    fn name(&self) -> &str {
        "PacedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self.around(children))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self.around(children))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        Ok(Box::pin(PacedStream {
            input,
            pacer: Arc::clone(&self.pacer),
            turn: None,
        }))
    }
}

struct PacedStream {
    input: SendableRecordBatchStream,
    pacer: Arc<Pacer>,
    turn: Option<BoxFuture<'static, ()>>,
}

impl Stream for PacedStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.turn.is_none() && self.pacer.is_due() {
            let pacer = Arc::clone(&self.pacer);
            self.turn = Some(Box::pin(async move { pacer.turn().await }));
        }
        if let Some(turn) = &mut self.turn {
            ready!(turn.as_mut().poll(cx));
            self.turn = None;
        }
        self.input.as_mut().poll_next(cx)
    }
}

impl RecordBatchStream for PacedStream {
    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}
