//! The last step of a diff: rows with their counts → rows with the feed's columns.

use std::fmt;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, PrimitiveArray, RecordBatch, RecordBatchOptions,
    StringArray, TimestampMicrosecondArray, UInt32Array,
};
use arrow::compute::{SortOptions, concat_batches, partition, take_record_batch};
use arrow::datatypes::{FieldRef, Int64Type, SchemaRef};
use arrow::util::display::array_value_to_string;
use datafusion::common::{Result, internal_datafusion_err};
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    Distribution, EquivalenceProperties, LexOrdering, OrderingRequirements, PhysicalSortExpr,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties,
    InputDistributionRequirements, Partitioning, PlanProperties,
};
use futures::{StreamExt, TryStreamExt};
use messages::Error;

use super::encoding::decode;
use crate::unary_plan::unary_plan;

/// Rows of a batch.
const BATCH_ROWS: usize = 8192;

/// Shape of the rows of a diff.
#[derive(Debug)]
pub(super) struct Shape {
    pub schema: SchemaRef,
    /// Source of each column of `schema`.
    pub outputs: Vec<Output>,
    /// Positions of the key columns in the input.
    pub keys: Vec<usize>,
    /// The same as the table has them.
    pub key_fields: Vec<FieldRef>,
    /// The versions that are compared.
    pub versions: (u64, u64),
    /// When the second of them was committed, in milliseconds since the epoch.
    pub timestamp_ms: i64,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Output {
    /// This column of the input.
    Column(usize),
    ChangeType,
    Version,
    Timestamp,
}

/// Its input's last column says how often a row was inserted, or, below zero, deleted.
///
/// With keys the input comes in their order, deleted rows before inserted ones, and no more than
/// one row of each is held back until the next key is seen.
#[derive(Debug)]
pub(super) struct DiffExec {
    input: Arc<dyn ExecutionPlan>,
    shape: Arc<Shape>,
    properties: Arc<PlanProperties>,
}

impl DiffExec {
    pub fn new(input: Arc<dyn ExecutionPlan>, shape: Shape) -> Self {
        Self::over(input, Arc::new(shape))
    }

    fn over(input: Arc<dyn ExecutionPlan>, shape: Arc<Shape>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&shape.schema)),
            Partitioning::UnknownPartitioning(1),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Self {
            input,
            shape,
            properties: Arc::new(properties),
        }
    }

    fn with_input(&self, input: Arc<dyn ExecutionPlan>) -> Self {
        Self::over(input, Arc::clone(&self.shape))
    }
}

impl DisplayAs for DiffExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DiffExec")?;
        if !self.shape.keys.is_empty() {
            write!(f, ": key=[{}]", names(&self.shape.key_fields))?;
        }
        Ok(())
    }
}

impl ExecutionPlan for DiffExec {
    unary_plan!();

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![Distribution::SinglePartition])
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        if self.shape.keys.is_empty() {
            return vec![None];
        }
        let schema = self.input.schema();
        let count = schema.fields().len().saturating_sub(1);
        let columns = self.shape.keys.iter().copied().chain([count]).map(|i| {
            let column = Arc::new(Column::new(schema.field(i).name(), i));
            PhysicalSortExpr::new(column, SortOptions::default())
        });
        vec![LexOrdering::new(columns).map(OrderingRequirements::from)]
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = Rows {
            input: self.input.execute(0, context)?,
            shape: Arc::clone(&self.shape),
            held_back: None,
            repeating: None,
        };
        let batches = futures::stream::try_unfold(rows, Rows::next);
        let batches = batches.try_filter(|batch| std::future::ready(batch.num_rows() > 0));
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            batches,
        )))
    }
}

/// State of a running [`DiffExec`].
struct Rows {
    input: SendableRecordBatchStream,
    shape: Arc<Shape>,
    /// With keys: the last rows so far, whose key the next ones may share.
    held_back: Option<RecordBatch>,
    repeating: Option<Repeating>,
}

impl Rows {
    async fn next(mut self) -> Result<Option<(RecordBatch, Self)>> {
        loop {
            if let Some(repeating) = &mut self.repeating {
                match repeating.next()? {
                    Some((rows, types)) => {
                        let batch = self.shape.output(&rows, types)?;
                        return Ok(Some((batch, self)));
                    }
                    None => self.repeating = None,
                }
            }
            let batch = self.input.next().await.transpose()?;
            if self.shape.keys.is_empty() {
                let Some(batch) = batch else {
                    return Ok(None);
                };
                self.repeating = Some(Repeating::new(batch)?);
                continue;
            }
            let at_end = batch.is_none();
            let rows = match (self.held_back.take(), batch) {
                (None, None) => return Ok(None),
                (Some(rows), None) | (None, Some(rows)) => rows,
                (Some(held), Some(rows)) => concat_batches(&rows.schema(), [&held, &rows])?,
            };
            let (rows, types) = self.paired(rows, at_end)?;
            let batch = self.shape.output(&rows, types)?;
            return Ok(Some((batch, self)));
        }
    }

    /// Rows whose key is complete, with their types; the others are held back.
    fn paired(
        &mut self,
        rows: RecordBatch,
        at_end: bool,
    ) -> Result<(RecordBatch, Vec<&'static str>)> {
        let keys = self
            .shape
            .keys
            .iter()
            .map(|&key| Arc::clone(rows.column(key)));
        let keys: Vec<ArrayRef> = keys.collect();
        let counts = counts(&rows)?.values().clone();
        let mut types = Vec::with_capacity(rows.num_rows());
        for key in partition(&keys)?.ranges() {
            if !at_end && key.end == rows.num_rows() && key.len() <= 2 {
                self.held_back = Some(rows.slice(key.start, key.len()));
                break;
            }
            match counts.get(key.clone()) {
                Some([-1]) => types.push("delete"),
                Some([1]) => types.push("insert"),
                Some([-1, 1]) => types.extend(["update_preimage", "update_postimage"]),
                found => {
                    let found = found.unwrap_or_default();
                    return Err(self.shape.repeated_key(&keys, key.start, found));
                }
            }
        }
        Ok((rows.slice(0, types.len()), types))
    }
}

/// Rows as often as their counts say.
struct Repeating {
    rows: RecordBatch,
    counts: PrimitiveArray<Int64Type>,
    /// The row that comes next, and how many of it have come.
    row: usize,
    done: u64,
}

impl Repeating {
    fn new(rows: RecordBatch) -> Result<Self> {
        let counts = counts(&rows)?.clone();
        Ok(Self {
            rows,
            counts,
            row: 0,
            done: 0,
        })
    }

    fn next(&mut self) -> Result<Option<(RecordBatch, Vec<&'static str>)>> {
        let counts = self.counts.values();
        if self.row == counts.len() {
            return Ok(None);
        }
        let kind = |count: i64| if count < 0 { "delete" } else { "insert" };
        if self.row == 0 && self.done == 0 && counts.iter().all(|count| count.abs() == 1) {
            let types = counts.iter().map(|count| kind(*count)).collect();
            self.row = counts.len();
            return Ok(Some((self.rows.clone(), types)));
        }
        let mut positions: Vec<u32> = Vec::with_capacity(BATCH_ROWS);
        let mut types = Vec::with_capacity(BATCH_ROWS);
        while let Some(count) = counts.get(self.row)
            && positions.len() < BATCH_ROWS
        {
            let left = count.unsigned_abs().saturating_sub(self.done);
            let room = BATCH_ROWS.saturating_sub(positions.len()) as u64;
            let now = left.min(room);
            let row = u32::try_from(self.row)
                .map_err(|_| internal_datafusion_err!("a batch of {} rows", counts.len()))?;
            positions.extend((0..now).map(|_| row));
            types.extend((0..now).map(|_| kind(*count)));
            if now == left {
                self.row = self.row.saturating_add(1);
                self.done = 0;
            } else {
                self.done = self.done.saturating_add(now);
            }
        }
        let rows = take_record_batch(&self.rows, &UInt32Array::from(positions))?;
        Ok(Some((rows, types)))
    }
}

/// The last column.
fn counts(rows: &RecordBatch) -> Result<&PrimitiveArray<Int64Type>> {
    let counts = rows
        .columns()
        .last()
        .and_then(|column| column.as_primitive_opt());
    counts.ok_or_else(|| internal_datafusion_err!("a diff without counts"))
}

impl Shape {
    fn output(&self, rows: &RecordBatch, types: Vec<&'static str>) -> Result<RecordBatch> {
        let n = rows.num_rows();
        let columns = self
            .outputs
            .iter()
            .zip(self.schema.fields())
            .map(|(output, field)| {
                Ok(match output {
                    Output::Column(i) => decode(rows.column(*i), field.data_type())?,
                    Output::ChangeType => Arc::new(StringArray::from(types.clone())),
                    Output::Version => {
                        let version = i64::try_from(self.versions.1).ok();
                        Arc::new(Int64Array::from(vec![version; n])) as ArrayRef
                    }
                    Output::Timestamp => {
                        let micros = self.timestamp_ms.checked_mul(1000);
                        let times = TimestampMicrosecondArray::from(vec![micros; n]);
                        Arc::new(times.with_timezone("UTC"))
                    }
                })
            });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(n));
        let schema = Arc::clone(&self.schema);
        Ok(RecordBatch::try_new_with_options(
            schema, columns, &options,
        )?)
    }

    /// Several rows of one version have the key that `keys` have at `row`.
    fn repeated_key(&self, keys: &[ArrayRef], row: usize, counts: &[i64]) -> DataFusionError {
        let (from, to) = self.versions;
        let deleted: i64 = counts.iter().filter(|count| **count < 0).sum();
        let (version, other) = if deleted < -1 { (from, to) } else { (to, from) };
        let values = keys.iter().zip(&self.key_fields).map(|(key, field)| {
            let value = decode(key, field.data_type())
                .and_then(|key| match key.is_null(row) {
                    true => Ok("NULL".to_owned()),
                    false => array_value_to_string(&key, row),
                })
                .unwrap_or_default();
            format!("{} = {value}", field.name())
        });
        let values: Vec<String> = values.collect();
        let error = Error::new(
            "DELTA_DIFF_KEY_NOT_UNIQUE",
            format!(
                "({}) is no key of the rows that differ: several rows that version {version} has \
                 and version {other} has not have {}.",
                names(&self.key_fields),
                values.join(", ")
            ),
        )
        .with_hint(
            "Name more columns, so that they tell rows apart; or none: then changed rows come as \
             deleted and inserted.",
        );
        DataFusionError::External(Box::new(error))
    }
}

fn names(fields: &[FieldRef]) -> String {
    let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
    names.join(", ")
}
