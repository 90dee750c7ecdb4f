//! Rows of which only their place and their partition is asked: counted out, without a data file read.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};

/// Scan of the rows in `runs`: for each file the runs of its rows, ascending, and beside it in `values`
/// the values of the `given` columns. Its columns are those of `given` and then `row`, as far as
/// `projection` selects them.
pub(crate) fn count_out(
    given: &[FieldRef],
    row: FieldRef,
    projection: Vec<usize>,
    values: Vec<Vec<ScalarValue>>,
    runs: Vec<Vec<Range<usize>>>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let fields: Vec<FieldRef> = given.iter().cloned().chain([row]).collect();
    let schema = Arc::new(Schema::new(fields).project(&projection)?);
    let rows = CountedRows {
        schema: Arc::clone(&schema),
        row: given.len(),
        projection: projection.into(),
        files: values.into_iter().zip(runs).collect(),
    };
    let scan = StreamingTableExec::try_new(schema, vec![Arc::new(rows)], None, [], false, None)?;
    Ok(Arc::new(scan))
}

/// Values of the given columns of a file, and the runs of its rows.
type FileRuns = (Vec<ScalarValue>, Vec<Range<usize>>);

#[derive(Debug)]
struct CountedRows {
    schema: SchemaRef,
    /// Position of the row's number among the columns.
    row: usize,
    projection: Arc<[usize]>,
    files: Arc<[FileRuns]>,
}

impl PartitionStream for CountedRows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let counting = Counting {
            schema: Arc::clone(&self.schema),
            row: self.row,
            projection: Arc::clone(&self.projection),
            files: Arc::clone(&self.files),
            batch_size: context.session_config().batch_size().max(1),
            file: 0,
            run: 0,
            start: 0,
        };
        let batches = futures::stream::iter(counting);
        let schema = Arc::clone(&self.schema);
        Box::pin(RecordBatchStreamAdapter::new(schema, batches))
    }
}

/// Batches of rows, each of one run of one file.
struct Counting {
    schema: SchemaRef,
    row: usize,
    projection: Arc<[usize]>,
    files: Arc<[FileRuns]>,
    batch_size: usize,
    file: usize,
    run: usize,
    /// Rows of the run that were counted.
    start: usize,
}

impl Iterator for Counting {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (values, runs) = self.files.get(self.file)?;
            let Some(run) = runs.get(self.run) else {
                self.file = self.file.saturating_add(1);
                self.run = 0;
                continue;
            };
            let from = run.start.saturating_add(self.start);
            let to = run.end.min(from.saturating_add(self.batch_size));
            if from >= to {
                self.run = self.run.saturating_add(1);
                self.start = 0;
                continue;
            }
            let count = to.saturating_sub(from);
            let batch = self.batch(values, from..to, count);
            self.start = self.start.saturating_add(count);
            return Some(batch);
        }
    }
}

impl Counting {
    fn batch(
        &self,
        values: &[ScalarValue],
        rows: Range<usize>,
        count: usize,
    ) -> Result<RecordBatch> {
        let columns = self.projection.iter().map(|&position| {
            if position == self.row {
                let numbers = rows.clone().map(i64::try_from);
                let numbers: Int64Array = numbers
                    .collect::<Result<Vec<i64>, _>>()
                    .map_err(|error| DataFusionError::External(error.into()))?
                    .into();
                return Ok(Arc::new(numbers) as ArrayRef);
            }
            match values.get(position) {
                Some(value) => value.to_array_of_size(count),
                None => datafusion::common::internal_err!("no value for column {position}"),
            }
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let schema = Arc::clone(&self.schema);
        Ok(RecordBatch::try_new_with_options(
            schema, columns, &options,
        )?)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::{DataType, Field, Int64Type};

    use super::*;

    #[test]
    fn rows_are_counted_in_batches_over_the_gaps_of_each_file() {
        let field = |name| Arc::new(Field::new(name, DataType::Int64, false));
        let counting = Counting {
            schema: Arc::new(Schema::new(vec![field("row"), field("file")])),
            row: 1,
            projection: [1, 0].into(),
            files: [
                (vec![ScalarValue::from(7_i64)], vec![0..1, 3..6]),
                (vec![ScalarValue::from(8_i64)], vec![]),
                (
                    vec![ScalarValue::from(9_i64)],
                    Vec::from([Range { start: 2, end: 3 }]),
                ),
            ]
            .into(),
            batch_size: 2,
            file: 0,
            run: 0,
            start: 0,
        };
        let mut seen = Vec::new();
        for batch in counting {
            let batch = batch.unwrap();
            assert!(batch.num_rows() <= 2);
            let (rows, files) = (batch.column(0), batch.column(1));
            let rows = rows.as_primitive::<Int64Type>().values().to_vec();
            let files = files.as_primitive::<Int64Type>().values().to_vec();
            seen.extend(files.into_iter().zip(rows));
        }
        assert_eq!(seen, [(7, 0), (7, 3), (7, 4), (7, 5), (9, 2)]);
    }
}
