//! DELETE: the rows for which its condition is true.

use std::sync::Arc;

use datafusion::logical_expr::LogicalPlanBuilder;
use messages::Error;
use spark_dialect::{Delete, Query, TARGET};

use crate::dml::constraints::Constraints;
use crate::dml::refusals::refuse_volatile_filters;
use crate::dml::row_change::RowChange;
use crate::dml::stage::{Action, Layout, Stage};
use crate::dml::target::Target;
use crate::engine_core::EngineCore;
use crate::errors::from_datafusion;
use crate::plan::physical::{Planned, start};
use crate::plan::planning::plan_given;

/// The rows that the statement deletes.
pub(crate) async fn delete(
    core: &EngineCore,
    target: &Target,
    statement: &Delete,
) -> Result<RowChange, Error> {
    let query = statement.rows(&target.schema())?;
    let stage = deleting(core, target, &query, "DELETE").await?;
    let schema = Arc::clone(target.snapshot.schema());
    let constraints = Constraints::default();
    Ok(RowChange::new(core, schema, vec![stage], constraints))
}

/// Deletes the rows of `query`, a query over the target.
pub(crate) async fn deleting(
    core: &EngineCore,
    target: &Target,
    query: &Query,
    statement: &str,
) -> Result<Stage, Error> {
    let rows = target.provider()?;
    let Planned { state, plan } =
        plan_given(core, &target.context, query, &[(TARGET, rows)]).await?;
    refuse_volatile_filters(&plan, statement)?;
    let kept = target.kept(&plan);
    let plan = LogicalPlanBuilder::from(plan)
        .project(kept)
        .and_then(LogicalPlanBuilder::build)
        .map_err(|error| from_datafusion(&error))?;
    let planned = Planned { state, plan };
    let physical = planned.physical().await?;
    let rows = start(&physical, &planned.state, &core.yield_timer)?;
    let kept = if target.keeps_changes {
        target.columns.len()
    } else {
        0
    };
    Ok(Stage {
        rows,
        layout: Layout::over_target(kept, 0),
        actions: Arc::from([Action::delete()]),
    })
}
