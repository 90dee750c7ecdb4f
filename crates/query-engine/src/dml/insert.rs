//! INSERT, and the rows of a new table.

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::Column;
use datafusion::logical_expr::Expr;
use messages::{ColumnProblem, Error};
use spark_dialect::{Insert, Query, strip_duplicate_suffixes};

use crate::dml::conform::evolution::{created, evolved};
use crate::dml::constraints::Constraints;
use crate::dml::defined_values::column_defaults;
use crate::dml::delete::deleting;
use crate::dml::new_rows::{NewValue, defaults, unsaid, with_new_rows};
use crate::dml::overwritten::Overwritten;
use crate::dml::row_change::RowChange;
use crate::dml::row_expressions::expressions_of;
use crate::dml::stage::{Action, Layout, Stage};
use crate::dml::table_columns::{TableColumn, table_columns};
use crate::dml::target::Target;
use crate::engine_core::EngineCore;
use crate::plan::physical::{Planned, start};
use crate::plan::planning::plan_query;
use crate::run::statement_context::StatementContext;

/// The rows that the statement adds, and what they replace.
pub(crate) async fn insert(
    core: &EngineCore,
    target: &Target,
    statement: &Insert,
) -> Result<RowChange, Error> {
    let statement = &statement.with_defaults(&column_defaults(&target.columns))?;
    let auto_merge = core.session.auto_merge();
    let source = Source::plan(core, &target.context, &statement.source).await?;
    let names = statement.column_names(&target.schema(), &source.schema, auto_merge)?;
    let schema = match statement.schema_evolution || auto_merge {
        true => Arc::new(evolved(&target.snapshot, source.columns(&names))?),
        false => Arc::clone(target.snapshot.schema()),
    };
    let mut constraints = Constraints::of(core, &target.snapshot, &schema).await?;
    let mut stages = Vec::new();
    if let Some(replaced) = statement.replaced_rows(&target.schema())? {
        stages.push(deleting(core, target, &replaced, "INSERT").await?);
        if let Some((condition, text)) = statement.replace_condition(&target.schema())? {
            let mut condition = expressions_of(core, &target.columns, &condition).await?;
            if let Some(condition) = condition.pop() {
                constraints = constraints.replacing(core, condition, text)?;
            }
        }
    }
    let columns = table_columns(&schema)?;
    stages.push(source.stored(core, &columns, &names).await?);
    let overwritten = match statement.overwrites() {
        false => Overwritten::Nothing,
        true if core.session.overwrites_partitions()
            && !target.snapshot.partition_columns().is_empty() =>
        {
            Overwritten::partitions(&target.snapshot)?
        }
        true => Overwritten::Everything(target.snapshot.files().len()),
    };
    Ok(RowChange::new(core, schema, stages, constraints).overwriting(overwritten))
}

/// The rows of a new table: those of `query`, in the types in which it stores them. `any_name`: files
/// do not have the columns' names.
///
/// # Errors
/// `COLUMN_ALREADY_EXISTS` where two columns share a name; those of [`created`].
pub(crate) async fn rows_of_new_table(
    core: &EngineCore,
    context: &Arc<StatementContext>,
    query: &Query,
    any_name: bool,
) -> Result<RowChange, Error> {
    let source = Source::plan(core, context, query).await?;
    let names: Vec<String> = source
        .schema
        .fields()
        .iter()
        .map(|f| f.name().clone())
        .collect();
    for (i, name) in names.iter().enumerate() {
        let lower = name.to_lowercase();
        let mut before = names.iter().take(i);
        if before.any(|other| other.to_lowercase() == lower) {
            let message = format!("The column {name} is there twice.");
            return Err(Error::new("COLUMN_ALREADY_EXISTS", message)
                .with_hint("Give one of them another name: AS …."));
        }
    }
    let schema = Arc::new(created(source.columns(&names), any_name)?);
    let columns = table_columns(&schema)?;
    let stage = source.stored(core, &columns, &names).await?;
    let constraints = Constraints::of_new_table(&schema);
    Ok(RowChange::new(core, schema, vec![stage], constraints))
}

/// The rows that a statement takes.
struct Source {
    planned: Planned,
    /// The columns under the names that the query shows.
    schema: SchemaRef,
}

impl Source {
    async fn plan(
        core: &EngineCore,
        context: &Arc<StatementContext>,
        query: &Query,
    ) -> Result<Self, Error> {
        let planned = plan_query(core, context, query, 0).await?;
        let schema = planned.schema();
        let schema = strip_duplicate_suffixes(&schema).unwrap_or(schema);
        Ok(Self { planned, schema })
    }

    /// The columns' types under other names.
    fn columns<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = (&'a str, &'a DataType)> {
        let fields = self.schema.fields().iter();
        names
            .iter()
            .map(String::as_str)
            .zip(fields.map(|field| field.data_type()))
    }

    /// The rows in the columns of a table; `names` are the table's for the source's columns.
    async fn stored(
        self,
        core: &EngineCore,
        columns: &[TableColumn],
        names: &[String],
    ) -> Result<Stage, Error> {
        let Planned { state, plan } = self.planned;
        let given: Vec<Expr> = plan
            .schema()
            .iter()
            .map(|column| Expr::Column(Column::from(column)))
            .collect();
        let defaults = defaults(core, columns).await?;
        let mut problems = Problems::default();
        let mut values = Vec::with_capacity(columns.len());
        for (column, default) in columns.iter().zip(defaults) {
            let position = names.iter().position(|name| *name == column.name);
            let value = match position.and_then(|i| given.get(i)) {
                Some(expr) => NewValue::assigned(expr.clone(), plan.schema(), column),
                None => unsaid(column, default, plan.schema()),
            };
            values.extend(problems.keep(value)?);
        }
        problems.refuse_if_any()?;
        let numbered = values.iter().enumerate();
        let numbered = numbered
            .filter(|(_, value)| matches!(value, NewValue::Numbered))
            .map(|(i, _)| i)
            .collect();
        let plan = with_new_rows(core, columns, plan, Vec::new(), values).await?;
        let planned = Planned { state, plan };
        let physical = planned.physical().await?;
        Ok(Stage {
            rows: start(&physical, &planned.state, &core.yield_timer)?,
            layout: Layout::of_new_rows(columns.len()),
            actions: Arc::from([Action::insert(numbered)]),
        })
    }
}

/// All columns that do not fit, so that one error names them.
#[derive(Debug, Default)]
struct Problems {
    first: Option<Error>,
    columns: Vec<ColumnProblem>,
}

impl Problems {
    /// Keeps an error about columns for later.
    fn keep(&mut self, value: Result<NewValue, Error>) -> Result<Option<NewValue>, Error> {
        match value {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.columns.is_empty() => Err(error),
            Err(mut error) => {
                self.columns.append(&mut error.columns);
                self.first.get_or_insert(error);
                Ok(None)
            }
        }
    }

    fn refuse_if_any(self) -> Result<(), Error> {
        match self.first {
            None => Ok(()),
            Some(error) => Err(error.with_columns(self.columns)),
        }
    }
}
