//! EXPLAIN: the plans of a query, and with ANALYZE what they did.
//!
//! DataFusion's own operator for ANALYZE spawns tasks, which a browser worker cannot.

use datafusion::physical_plan::display::DisplayableExecutionPlan;
use futures::TryStreamExt;
use messages::Error;
use spark_dialect::ExplainMode;

use crate::engine_core::EngineCore;
use crate::errors::from_datafusion;
use crate::plan::physical::{Planned, start_measured};

/// The text that EXPLAIN answers.
pub(crate) async fn explain(
    core: &EngineCore,
    planned: &Planned,
    mode: ExplainMode,
) -> Result<String, Error> {
    let physical = planned.physical().await?;
    let show = |metrics: bool, verbose: bool| {
        let shown = match metrics {
            true => DisplayableExecutionPlan::with_metrics(physical.as_ref()),
            false => DisplayableExecutionPlan::new(physical.as_ref()),
        };
        shown.indent(verbose).to_string()
    };
    Ok(match mode {
        ExplainMode::Plan => format!("== Physical Plan ==\n{}", show(false, false)),
        ExplainMode::Verbose => {
            let optimized = planned.state.optimize(&planned.plan);
            let optimized = optimized.map_err(|error| from_datafusion(&error))?;
            format!(
                "== Analyzed Logical Plan ==\n{}\n\n== Optimized Logical Plan ==\n{}\n\n\
                 == Physical Plan ==\n{}",
                planned.plan.display_indent_schema(),
                optimized.display_indent(),
                show(false, true)
            )
        }
        ExplainMode::Analyze => {
            let mut rows = start_measured(&physical, &planned.state, &core.yield_timer)?;
            let mut count = 0usize;
            while let Some(batch) = rows
                .try_next()
                .await
                .map_err(|error| from_datafusion(&error))?
            {
                count += batch.num_rows();
            }
            format!(
                "== Physical Plan, after {count} rows ==\n{}",
                show(true, false)
            )
        }
    })
}
