//! Physical plans: made for one task, started, and looked into.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::sql::parser::Statement as SqlStatement;
use futures::TryStreamExt;
use messages::Error;

use crate::engine_core::EngineCore;
use crate::errors::from_datafusion;
use crate::run::yielding::{YieldTimer, yield_after, yield_within};
use crate::scan::footer_prefetch::prefetch_footers;
use crate::session::single_task::single_partition;

/// A query whose tables are open.
pub(crate) struct Planned {
    pub state: SessionState,
    pub plan: LogicalPlan,
}

impl Planned {
    /// The columns of the result.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(self.plan.schema().inner())
    }

    /// The plan that runs.
    pub async fn physical(&self) -> Result<Arc<dyn ExecutionPlan>, Error> {
        let plan = self.state.create_physical_plan(&self.plan).await;
        plan.map_err(|error| from_datafusion(&error))
    }
}

/// Starts a physical plan: in this task, with turns of the event loop, reading ahead.
pub(crate) fn start(
    plan: &Arc<dyn ExecutionPlan>,
    state: &SessionState,
    yield_timer: &Arc<YieldTimer>,
) -> Result<SendableRecordBatchStream, Error> {
    let run = || {
        let plan = prefetch_footers(single_partition(Arc::clone(plan)))?;
        yield_within(plan, yield_timer)?.execute(0, state.task_ctx())
    };
    run().map_err(|error| from_datafusion(&error))
}

/// Starts a plan whose operators are to be asked later what they did: they run as they are, for
/// what is wrapped is copied, and the copies do the counting.
pub(crate) fn start_measured(
    plan: &Arc<dyn ExecutionPlan>,
    state: &SessionState,
    yield_timer: &Arc<YieldTimer>,
) -> Result<SendableRecordBatchStream, Error> {
    let plan = yield_after(Arc::clone(plan), yield_timer);
    plan.execute(0, state.task_ctx())
        .map_err(|error| from_datafusion(&error))
}

/// Whether the plan reads no data file.
pub(crate) fn reads_no_files(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let mut reads = false;
    let walked = plan.apply(|node| {
        let scan = node.downcast_ref::<DataSourceExec>();
        let config = scan.and_then(|scan| scan.data_source().downcast_ref::<FileScanConfig>());
        reads |=
            config.is_some_and(|config| config.file_groups.iter().any(|group| !group.is_empty()));
        Ok(TreeNodeRecursion::Continue)
    });
    !reads && walked.is_ok()
}

/// Runs a statement that reads no tables.
pub(crate) async fn collect_statement(
    core: &EngineCore,
    statement: SqlStatement,
) -> Result<Vec<RecordBatch>, Error> {
    let state = core.session.statement_state();
    let plan = state
        .statement_to_plan(statement)
        .await
        .map_err(|error| from_datafusion(&error))?;
    let planned = Planned { state, plan };
    let physical = planned.physical().await?;
    let rows = start(&physical, &planned.state, &core.yield_timer)?;
    rows.try_collect()
        .await
        .map_err(|error| from_datafusion(&error))
}
