//! The difference between two versions, as a table: `table_diff('t', from, to [, 'key' …])`.
//!
//! The files that only one of the versions has are read as change feeds are, their rows as deleted
//! or inserted. Many of them are the same rows written anew (an UPDATE rewrites whole files, an
//! OPTIMIZE changes nothing at all), so equal rows are counted against each other, and what is left
//! is the difference:
//!
//! ```text
//! scan ► encoded columns, ±1 ► GROUP BY all columns, SUM ► WHERE sum <> 0 ► [sort by key] ► DiffExec
//! ```

mod encoding;
mod exec;

use std::sync::Arc;

use arrow::datatypes::{FieldRef, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Column, Result};
use datafusion::datasource::{TableType, provider_as_source};
use datafusion::functions_aggregate::expr_fn::sum;
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, TableProviderFilterPushDown, lit, when,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::ident;
use delta_log::{ChangePlan, Table};
use messages::Error;

use crate::errors::unresolved_column;
use crate::run::statement_context::StatementContext;
use crate::scan::pruning::has_subquery;
use crate::tables::change_feed::{
    CHANGE_TYPE, COMMIT_TIMESTAMP, COMMIT_VERSION, ChangeFeedProvider, FEED_COLUMNS,
};
use encoding::{encoded, is_encoded};
use exec::{DiffExec, Output, Shape};

/// Column for the number of times that a row was inserted, less the times that it was deleted. No
/// column of the table can have this name.
const COUNT: &str = CHANGE_TYPE;

/// The rows that two versions do not share, under the columns of [`ChangeFeedProvider`].
///
/// Rows are told apart by their values, and each counts: a row that is there twice before and three
/// times after was inserted once. Nulls are equal, all NaNs are, maps are whatever their order; 0.0
/// and -0.0 are not, as they are stored and shown differently. So `from`, less the deleted rows, and
/// with the inserted ones, is `to`.
///
/// Without key columns a changed row is a deleted and an inserted one. With them, two such rows of
/// the same key are `update_preimage` and `update_postimage`; two of a key on the same side are an
/// error. Rows that did not change are not looked at, so their keys may repeat.
///
/// `_commit_version` and `_commit_timestamp` are those of `to` for all rows, the deleted ones too:
/// the change that they are part of leads there. Between neighbouring versions they are what the
/// change feed of the later one has.
#[derive(Debug)]
pub(crate) struct DiffProvider {
    changes: Arc<ChangeFeedProvider>,
    schema: SchemaRef,
    /// Positions of the key columns.
    keys: Vec<usize>,
    /// The versions that are compared.
    versions: (u64, u64),
    timestamp_ms: i64,
}

impl DiffProvider {
    /// `plan`: see [`Table::diff`].
    ///
    /// # Errors
    /// `UNRESOLVED_COLUMN…` and `DELTA_DIFF_KEY_TYPE` for key columns that are none; else as
    /// [`ChangeFeedProvider::new`].
    pub fn new(
        table: Table,
        plan: ChangePlan,
        keys: &[String],
        context: Arc<StatementContext>,
    ) -> Result<Self, Error> {
        let fields = plan.arrow_schema.fields();
        let mut positions = Vec::with_capacity(keys.len());
        for key in keys {
            let position = fields
                .iter()
                .position(|field| field.name().to_lowercase() == key.to_lowercase())
                .ok_or_else(|| no_such_key(key, fields))?;
            let data_type = fields[position].data_type();
            if data_type.is_nested() || data_type.is_null() {
                return Err(Error::new(
                    "DELTA_DIFF_KEY_TYPE",
                    format!(
                        "Column `{key}` cannot be a key of table_diff: it has parts, or no values."
                    ),
                )
                .with_hint("Keys are columns of numbers, strings, dates and the like."));
            }
            if !positions.contains(&position) {
                positions.push(position);
            }
        }
        let versions = (plan.start, plan.end);
        let timestamp_ms = plan.versions.first().map_or(0, |to| to.timestamp_ms);
        let changes = Arc::new(ChangeFeedProvider::new(table, plan, context)?);
        Ok(Self {
            schema: changes.schema(),
            changes,
            keys: positions,
            versions,
            timestamp_ms,
        })
    }

    /// Number of the table's own columns.
    fn num_columns(&self) -> usize {
        self.schema.fields().len().saturating_sub(FEED_COLUMNS)
    }

    /// The rows that differ: `columns`, encoded, then [`COUNT`].
    fn plan(
        &self,
        filters: &[Expr],
        columns: &[usize],
        limit: Option<usize>,
    ) -> Result<LogicalPlan> {
        let field = |i: &usize| -> &FieldRef { &self.schema.fields()[*i] };
        let name = |i: &usize| ident(field(i).name());
        let source = provider_as_source(Arc::clone(&self.changes) as _);
        let mut plan = LogicalPlanBuilder::scan("changes", source, None)?;
        for filter in filters {
            plan = plan.filter(filter.clone())?;
        }
        // Without a counterpart no row can have been rewritten, and no other column matters.
        let rewritten = self.changes.has_deletes_and_inserts();
        let compared: Vec<usize> = match rewritten {
            true => (0..self.num_columns()).collect(),
            false => columns.to_vec(),
        };
        let inserted = ident(CHANGE_TYPE).eq(lit("insert"));
        let count = when(inserted, lit(1_i64)).otherwise(lit(-1_i64))?;
        let rows = compared
            .iter()
            .map(|i| encoded(name(i), field(i)).alias(field(i).name()));
        plan = plan.project(rows.chain([count.alias(COUNT)]).collect::<Vec<_>>())?;
        if rewritten {
            let groups: Vec<Expr> = compared.iter().map(name).collect();
            plan = plan
                .aggregate(groups, [sum(ident(COUNT)).alias(COUNT)])?
                .filter(ident(COUNT).not_eq(lit(0_i64)))?
                .project(columns.iter().map(name).chain([ident(COUNT)]))?;
        } else if self.keys.is_empty() {
            plan = plan.limit(0, limit)?;
        }
        plan.build()
    }

    /// Whether a filter says the same of equal rows, and does not part rows of the same key: then it
    /// can go first.
    fn can_go_first(&self, filter: &Expr) -> bool {
        let fields = &self.schema.fields()[..self.num_columns()];
        let columns = filter.column_refs();
        !columns.is_empty()
            && !filter.is_volatile()
            && !has_subquery(filter)
            && columns.iter().all(|column| {
                let position = fields.iter().position(|f| f.name() == column.name());
                position.is_some_and(|position| {
                    !is_encoded(fields[position].data_type())
                        && (self.keys.is_empty() || self.keys.contains(&position))
                })
            })
    }

    fn shape(&self, columns: &[usize], wanted: &[usize]) -> Result<Shape> {
        let place = |i: &usize| columns.iter().position(|column| column == i);
        let outputs = wanted.iter().map(|i| {
            let field = self.schema.field(*i);
            match (place(i), field.name().as_str()) {
                (Some(place), _) => Output::Column(place),
                (None, COMMIT_VERSION) => Output::Version,
                (None, COMMIT_TIMESTAMP) => Output::Timestamp,
                (None, _) => Output::ChangeType,
            }
        });
        Ok(Shape {
            outputs: outputs.collect(),
            schema: Arc::new(self.schema.project(wanted)?),
            keys: self.keys.iter().filter_map(place).collect(),
            key_fields: self
                .keys
                .iter()
                .map(|&i| Arc::clone(&self.schema.fields()[i]))
                .collect(),
            versions: self.versions,
            timestamp_ms: self.timestamp_ms,
        })
    }
}

#[async_trait]
impl TableProvider for DiffProvider {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let supported = filters
            .iter()
            .map(|filter| match self.can_go_first(filter) {
                true => TableProviderFilterPushDown::Exact,
                false => TableProviderFilterPushDown::Unsupported,
            });
        Ok(supported.collect())
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted: Vec<usize> = match projection {
            Some(projection) => projection.clone(),
            None => (0..self.schema.fields().len()).collect(),
        };
        let num_columns = self.num_columns();
        let columns: Vec<usize> = (0..num_columns)
            .filter(|i| wanted.contains(i) || self.keys.contains(i))
            .collect();
        let plan = self.plan(filters, &columns, limit)?;
        let input = session.create_physical_plan(&plan).await?;
        Ok(Arc::new(DiffExec::new(
            input,
            self.shape(&columns, &wanted)?,
        )))
    }
}

fn no_such_key(key: &str, fields: &[FieldRef]) -> Error {
    let known: Vec<Column> = fields
        .iter()
        .map(|field| Column::new_unqualified(field.name()))
        .collect();
    unresolved_column(&Column::new_unqualified(key), &known)
}
