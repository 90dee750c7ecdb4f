//! The rows that a statement changes: computed here, from one version of each table, before anything
//! is written.
//!
//! ```text
//! statement ─ spark-dialect ► query over the target ─► plan: place of each row, old values, new values
//!                                                            │ conform: the columns' types, defaults,
//!                                                            │ generated columns
//!                                                            ▼
//!                                                       RowChange: rows, checked against constraints,
//!                                                                  and the places of those that go
//! ```
#![warn(clippy::arithmetic_side_effects)]

mod conform;
mod constraints;
mod defined_values;
mod delete;
mod display;
mod identity;
mod insert;
mod merge;
mod merge_clauses;
mod new_rows;
mod not_null;
mod overwritten;
mod partition_condition;
mod positions;
mod refusals;
mod row_change;
mod row_expressions;
mod rules;
mod stage;
mod table_columns;
mod target;
mod touched_rows;
mod unchanged_rows;
mod update;

use std::sync::Arc;

use delta_log::{Snapshot, Table};
use messages::Error;
use spark_dialect::{Write, WriteOperation};

pub(crate) use conform::column_names::check_column_name;
pub(crate) use constraints::{CHECK as CONSTRAINT, invariant};
pub(crate) use defined_values::{check_default, check_defined_values};
pub(crate) use insert::rows_of_new_table;
pub(crate) use overwritten::OverwriteRead;
pub(crate) use partition_condition::files_of_partitions;
pub use row_change::RowChange;
pub(crate) use rules::{Violations, columns_of_rule, violations};
pub(crate) use table_columns::{HIGH_WATER_MARK, table_columns};
pub use touched_rows::{ChangedRows, RowCounts, RowKind, TouchedRows};
pub use unchanged_rows::UnchangedRows;

pub(crate) use crate::dml::target::Target;

use crate::dml::delete::delete;
use crate::dml::insert::insert;
use crate::dml::merge::merge;
use crate::dml::update::update;
use crate::engine_core::EngineCore;
use crate::run::statement_context::StatementContext;

/// The rows that `write` changes in `snapshot`, a version of `table`.
///
/// # Errors
/// Those of binding and planning the statement. What is wrong with a row is told when it comes.
pub(crate) async fn changed_rows(
    core: &EngineCore,
    context: &Arc<StatementContext>,
    (table, snapshot): (Table, Arc<Snapshot>),
    write: &Write,
) -> Result<RowChange, Error> {
    let target = Target::new(table, snapshot, Arc::clone(context))?;
    let change = match &write.operation {
        WriteOperation::Delete(statement) => delete(core, &target, statement).await,
        WriteOperation::Update(statement) => update(core, &target, statement).await,
        WriteOperation::Insert(statement) => insert(core, &target, statement).await,
        WriteOperation::Merge(statement) => merge(core, &target, statement).await,
        WriteOperation::CreateTable { .. }
        | WriteOperation::CreateTableAsSelect { .. }
        | WriteOperation::Restore(_)
        | WriteOperation::SetTableProperties(_)
        | WriteOperation::AddColumns(_)
        | WriteOperation::Alter(_)
        | WriteOperation::Clone(_)
        | WriteOperation::Maintain(_) => Err(changes_no_rows()),
    }?;
    change.of(target)
}

/// The error of a statement that changes no rows.
pub(crate) fn changes_no_rows() -> Error {
    Error::new(
        "UNSUPPORTED_FEATURE",
        "This statement changes no rows of a table.",
    )
}
