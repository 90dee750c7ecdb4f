//! UPDATE: the rows for which its condition is true, with their new values.

use std::sync::Arc;

use messages::Error;
use spark_dialect::{TARGET, Update, expression_name};

use crate::dml::constraints::Constraints;
use crate::dml::defined_values::column_defaults;
use crate::dml::new_rows::{NewValue, identity_is_set, with_new_rows};
use crate::dml::refusals::{refuse_aggregates, refuse_volatile_filters};
use crate::dml::row_change::RowChange;
use crate::dml::stage::{Action, Layout, Stage};
use crate::dml::target::{Target, column, own_column};
use crate::engine_core::EngineCore;
use crate::plan::physical::{Planned, start};
use crate::plan::planning::plan_given;

/// The rows that the statement updates, before and after.
pub(crate) async fn update(
    core: &EngineCore,
    target: &Target,
    statement: &Update,
) -> Result<RowChange, Error> {
    let statement = statement.with_defaults(&column_defaults(&target.columns))?;
    let updated = statement.rows(&target.schema())?;
    let rows = target.provider()?;
    let Planned { state, plan } =
        plan_given(core, &target.context, &updated.query, &[(TARGET, rows)]).await?;
    refuse_volatile_filters(&plan, "UPDATE")?;
    refuse_aggregates(&plan)?;
    let kept = target.kept(&plan);
    let layout = Layout::over_target(kept.len().saturating_sub(2), target.columns.len());
    let values = target.columns.iter().map(|own| {
        let set = updated.columns.iter().position(|name| *name == own.name);
        let value = match set {
            Some(i) => column(&plan, &expression_name(i)),
            None => own_column(&plan, &own.name),
        };
        match (set, value) {
            (Some(_), _) if own.identity.is_some() => Err(identity_is_set(&own.name)),
            (Some(_), Some(value)) => NewValue::assigned(value, plan.schema(), own),
            (None, Some(value)) if own.generation.is_none() => Ok(NewValue::Given(value)),
            _ => Ok(NewValue::Generated { given: None }),
        }
    });
    let values = values.collect::<Result<Vec<_>, _>>()?;
    let plan = with_new_rows(core, &target.columns, plan, kept, values).await?;
    let planned = Planned { state, plan };
    let physical = planned.physical().await?;
    let stage = Stage {
        rows: start(&physical, &planned.state, &core.yield_timer)?,
        layout,
        actions: Arc::from([Action::update()]),
    };
    let schema = Arc::clone(target.snapshot.schema());
    let constraints = Constraints::of(core, &target.snapshot, &schema).await?;
    Ok(RowChange::new(core, schema, vec![stage], constraints))
}
