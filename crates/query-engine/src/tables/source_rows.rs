//! The rows that a MERGE takes, counted and marked.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Column, Result};
use datafusion::datasource::TableType;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::StreamExt;

use crate::unary_plan::unary_plan;

/// A column that is true in every row: where an outer join makes it NULL, there is no row of the source.
pub(crate) const IN_SOURCE: &str = "\u{1e}source";

/// The rows of a plan, with the column [`IN_SOURCE`] after its own.
///
/// The plan is run as it is: no condition gets into it, so that its rows are computed once, and counted.
#[derive(Debug)]
pub(crate) struct SourceRows {
    plan: LogicalPlan,
    schema: SchemaRef,
    count: Arc<AtomicU64>,
}

impl SourceRows {
    /// The columns are those of `plan` under other names, one for each.
    pub fn new(plan: LogicalPlan, names: &[String], count: Arc<AtomicU64>) -> Self {
        let fields = plan.schema().fields().iter().zip(names);
        let fields = fields.map(|(field, name)| {
            Arc::new(Field::new(name, field.data_type().clone(), true)) as FieldRef
        });
        let marker: FieldRef = Arc::new(Field::new(IN_SOURCE, DataType::Boolean, false));
        let schema = Arc::new(Schema::new(fields.chain([marker]).collect::<Vec<_>>()));
        Self {
            plan,
            schema,
            count,
        }
    }
}

#[async_trait]
impl TableProvider for SourceRows {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let projection = projection.unwrap_or(&all);
        let marker = self.schema.fields().len().saturating_sub(1);
        let columns: Vec<Expr> = projection
            .iter()
            .filter(|position| **position < marker)
            .map(|position| {
                Expr::Column(Column::from(self.plan.schema().qualified_field(*position)))
            })
            .collect();
        let plan = LogicalPlanBuilder::from(self.plan.clone());
        let plan = plan.project(columns)?.build()?;
        let input = session.create_physical_plan(&plan).await?;
        let schema = Arc::new(self.schema.project(projection)?);
        let marker = projection.iter().position(|position| *position == marker);
        Ok(Arc::new(CountedExec::new(
            input,
            schema,
            marker,
            Arc::clone(&self.count),
        )))
    }
}

/// Passes rows on under other names, marks and counts them.
#[derive(Debug, Clone)]
struct CountedExec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    /// Position among the columns of the one that marks.
    marker: Option<usize>,
    count: Arc<AtomicU64>,
}

impl CountedExec {
    fn new(
        input: Arc<dyn ExecutionPlan>,
        schema: SchemaRef,
        marker: Option<usize>,
        count: Arc<AtomicU64>,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            input.output_partitioning().clone(),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Self {
            input,
            properties: Arc::new(properties),
            marker,
            count,
        }
    }

    fn with_input(&self, input: Arc<dyn ExecutionPlan>) -> Self {
        let schema = Arc::clone(self.properties.eq_properties.schema());
        Self::new(input, schema, self.marker, Arc::clone(&self.count))
    }
}

impl DisplayAs for CountedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CountedExec")
    }
}

impl ExecutionPlan for CountedExec {
    unary_plan!();

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let (schema, marker, count) = (self.schema(), self.marker, Arc::clone(&self.count));
        let fitted = Arc::clone(&schema);
        let rows = self.input.execute(partition, context)?.map(move |batch| {
            let batch = batch?;
            let rows = batch.num_rows();
            count.fetch_add(rows as u64, Ordering::Relaxed);
            let mut columns = batch.columns().to_vec();
            if let Some(marker) = marker {
                let marked: ArrayRef = Arc::new(BooleanArray::from(vec![true; rows]));
                columns.insert(marker, marked);
            }
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            let schema = Arc::clone(&fitted);
            Ok(RecordBatch::try_new_with_options(
                schema, columns, &options,
            )?)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}
