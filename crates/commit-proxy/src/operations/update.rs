//! `UPDATE`, as a MERGE with a source of one row that matches every row of the condition.
//!
//! delta-rs has an UPDATE of its own, but it finds the change data as the difference between the
//! rows before and after as sets: an update that makes a row equal to another one loses its
//! postimage. Its MERGE keeps row by row what changed.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use deltalake::datafusion::common::Column;
use deltalake::datafusion::logical_expr::lit;
use deltalake::datafusion::prelude::SessionContext;
use deltalake::operations::merge::MergeBuilder;
use messages::Error;
use messages::commit::Assignment;
use serde_json::Map;

use super::table::{self, commit_properties};
use super::{Context, Failure, assignment};
use crate::commit_info::{Metrics, Provenance, predicates};
use crate::expression::Scope;

/// No column can have these names: they hold a space, which Delta does not allow in names.
const SOURCE: &str = "one row";
const TARGET: &str = "the table";

pub(super) async fn update(
    context: &Context,
    assignments: &[Assignment],
    predicate: Option<&str>,
) -> Result<(), Failure> {
    let table = table::load(context).await?;
    let state = table::session();
    let schema = table.qualified(TARGET)?;
    let scope = Scope::new(&state, schema.clone(), context.now);
    let condition = match predicate {
        Some(text) => scope.predicate(text)?,
        None => lit(true),
    };
    let mut updates = Vec::with_capacity(assignments.len());
    for Assignment { column, expression } in assignments {
        let Some(target) = scope.column(&[column])? else {
            return Err(scope.unresolved(column).into());
        };
        if updates
            .iter()
            .any(|(known, _): &(Column, _)| known.name == target.name)
        {
            return Err(Error::new(
                "DELTA_CONFLICT_SET_COLUMN",
                format!("The column {column} is set twice."),
            )
            .into());
        }
        let data_type = table
            .schema
            .field_with_name(&target.name)
            .map_err(|e| Error::new("INTERNAL_ERROR", e.to_string()))?
            .data_type();
        let expr = assignment::into_column(
            scope.expr(expression)?,
            &schema,
            &target.name,
            data_type,
            &context.refusal,
        )?;
        updates.push((target, expr));
    }

    context.log.describe(
        Provenance {
            operation: "UPDATE",
            parameters: Map::from_iter([("predicate".to_owned(), predicates(predicate))]),
            metrics: Metrics::Update,
            read_version: Some(table.version()),
            is_blind_append: false,
        },
        table.before(true)?,
    );
    let row =
        RecordBatch::try_from_iter([("one", Arc::new(BooleanArray::from(vec![true])) as ArrayRef)])
            .map_err(deltalake::DeltaTableError::from)?;
    let source = SessionContext::new_with_state(state.clone()).read_batch(row)?;
    MergeBuilder::new(
        context.log_store(),
        Some(table.snapshot.clone()),
        condition,
        source,
    )
    .with_source_alias(SOURCE)
    .with_target_alias(TARGET)
    .with_session_state(Arc::new(state))
    .with_commit_properties(commit_properties())
    .when_matched_update(|update| {
        updates
            .into_iter()
            .fold(update, |update, (column, expr)| update.update(column, expr))
    })?
    .await?;
    Ok(())
}
