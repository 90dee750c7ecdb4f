//! The table that a statement changes, opened once for all parts of the statement.

use std::sync::{Arc, OnceLock};

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlan};
use delta_log::{Snapshot, Table};
use messages::Error;

use crate::dml::table_columns::{TableColumn, table_columns};
use crate::run::statement_context::StatementContext;
use crate::tables::target_table::{FILE, ROW, TargetRead, TargetTable};

/// Table property: whether a change data feed is recorded.
const CHANGE_FEED: &str = "delta.enableChangeDataFeed";

/// Name of a kept column that holds a value as it was.
pub(crate) fn old_name(i: usize) -> String {
    format!("\u{1e}old{i}")
}

/// One version of the table, and what a writer must know of it.
#[derive(Debug)]
pub(crate) struct Target {
    pub table: Table,
    pub snapshot: Arc<Snapshot>,
    pub context: Arc<StatementContext>,
    pub columns: Vec<TableColumn>,
    /// Rows as they were are wanted too.
    pub keeps_changes: bool,
    /// What of it is read, once that is planned.
    pub read: Arc<OnceLock<TargetRead>>,
}

impl Target {
    /// # Errors
    /// Those of [`table_columns`].
    pub fn new(
        table: Table,
        snapshot: Arc<Snapshot>,
        context: Arc<StatementContext>,
    ) -> Result<Self, Error> {
        let columns = table_columns(snapshot.schema())?;
        let configuration = &snapshot.metadata().configuration;
        let keeps_changes = configuration
            .get(CHANGE_FEED)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        Ok(Self {
            table,
            snapshot,
            context,
            columns,
            keeps_changes,
            read: Arc::default(),
        })
    }

    /// The columns without those that the engine adds.
    pub fn schema(&self) -> SchemaRef {
        self.snapshot.arrow_schema()
    }

    /// The table's rows, each with its place.
    pub fn rows(&self) -> Result<TargetTable, Error> {
        let (snapshot, context) = (Arc::clone(&self.snapshot), Arc::clone(&self.context));
        let rows = TargetTable::new(self.table.clone(), snapshot, context)?;
        Ok(rows.telling(Arc::clone(&self.read)))
    }

    /// The same, as a relation of a plan.
    pub fn provider(&self) -> Result<Arc<dyn TableProvider>, Error> {
        Ok(Arc::new(self.rows()?))
    }

    /// The columns that every plan over the target's rows keeps: the row's place and, where changes are
    /// kept, its values.
    pub fn kept(&self, plan: &LogicalPlan) -> Vec<Expr> {
        let place = [FILE, ROW]
            .into_iter()
            .filter_map(|name| own_column(plan, name).map(|column| column.alias(name)));
        let values = self.columns.iter().enumerate().filter_map(|(i, own)| {
            self.keeps_changes
                .then(|| own_column(plan, &own.name))
                .flatten()
                .map(|column| column.alias(old_name(i)))
        });
        place.chain(values).collect()
    }
}

/// The column of that name that a plan has.
pub(crate) fn column(plan: &LogicalPlan, name: &str) -> Option<Expr> {
    let mut columns = plan.schema().iter();
    let (qualifier, field) = columns.find(|(_, field)| field.name() == name)?;
    Some(Expr::Column(Column::from((qualifier, field))))
}

/// The target's own column of that name, whatever else a plan over it has.
pub(crate) fn own_column(plan: &LogicalPlan, name: &str) -> Option<Expr> {
    let mut columns = plan.schema().iter();
    let (target, _) = columns.find(|(_, field)| field.name() == FILE)?;
    let mut columns = plan.schema().iter();
    let (qualifier, field) =
        columns.find(|(qualifier, field)| field.name() == name && *qualifier == target)?;
    Some(Expr::Column(Column::from((qualifier, field))))
}
