//! Yields to the host's event loop while a plan computes.
//!
//! In a browser the engine shares its thread with the messages of the page, and a CANCEL is only
//! handled when the engine yields to the event loop. DataFusion's operators await nothing while
//! their input is at hand, so the stream of each operator is wrapped: when the last yield is more
//! than [`INTERVAL`] ago, the stream yields before it goes on.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::Stream;
use futures::future::BoxFuture;
use web_time::Instant;

use crate::host::Scheduler;
use crate::run::clock::now;
use crate::unary_plan::unary_plan;

/// Time that the engine computes before it yields.
const INTERVAL: Duration = Duration::from_millis(30);

/// Time of the last yield; one timer for all that runs on a thread.
#[derive(Debug)]
pub(crate) struct YieldTimer {
    scheduler: Arc<dyn Scheduler>,
    last_yield: Mutex<Instant>,
}

impl YieldTimer {
    pub fn new(scheduler: Arc<dyn Scheduler>) -> Self {
        Self {
            scheduler,
            last_yield: Mutex::new(now()),
        }
    }

    /// Yields if the last yield is more than [`INTERVAL`] ago.
    pub async fn yield_if_due(&self) {
        if self.is_due() {
            self.yield_now().await;
        }
    }

    fn is_due(&self) -> bool {
        self.last_yield
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .elapsed()
            >= INTERVAL
    }

    async fn yield_now(&self) {
        self.scheduler.yield_now().await;
        *self
            .last_yield
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = now();
    }
}

/// Wraps every operator of a plan that is about to run, so that it yields while it computes.
///
/// # Errors
/// Those of DataFusion's replacement of children.
pub(crate) fn yield_within(
    plan: Arc<dyn ExecutionPlan>,
    timer: &Arc<YieldTimer>,
) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| Ok(Transformed::yes(yield_after(node, timer))))
        .data()
}

/// Wraps a plan, but none of the operators in it: it yields when rows leave it.
pub(crate) fn yield_after(
    plan: Arc<dyn ExecutionPlan>,
    timer: &Arc<YieldTimer>,
) -> Arc<dyn ExecutionPlan> {
    Arc::new(YieldExec {
        input: plan,
        timer: Arc::clone(timer),
    })
}

/// Passes its input on, and yields between batches where it is due.
#[derive(Debug)]
struct YieldExec {
    input: Arc<dyn ExecutionPlan>,
    timer: Arc<YieldTimer>,
}

impl YieldExec {
    fn with_input(&self, input: Arc<dyn ExecutionPlan>) -> Self {
        Self {
            input,
            timer: Arc::clone(&self.timer),
        }
    }
}

impl DisplayAs for YieldExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YieldExec")
    }
}

impl ExecutionPlan for YieldExec {
    unary_plan!();

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        Ok(Box::pin(YieldStream {
            input,
            timer: Arc::clone(&self.timer),
            yielding: None,
        }))
    }
}

struct YieldStream {
    input: SendableRecordBatchStream,
    timer: Arc<YieldTimer>,
    yielding: Option<BoxFuture<'static, ()>>,
}

impl Stream for YieldStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.yielding.is_none() && self.timer.is_due() {
            let timer = Arc::clone(&self.timer);
            self.yielding = Some(Box::pin(async move { timer.yield_now().await }));
        }
        if let Some(yielding) = &mut self.yielding {
            ready!(yielding.as_mut().poll(cx));
            self.yielding = None;
        }
        self.input.as_mut().poll_next(cx)
    }
}

impl RecordBatchStream for YieldStream {
    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}
