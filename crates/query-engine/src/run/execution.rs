//! The result of a statement that has started, and what it has cost so far.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;
use messages::Error;
use messages::engine::QueryMetrics;
use messages::table::Column;
use spark_dialect::strip_duplicate_suffixes;

use crate::errors::from_datafusion;
use crate::run::statement_context::StatementContext;
use crate::run::yielding::YieldTimer;
use crate::spark_types;

/// A statement that has started: its result, batch by batch, and its metrics. Dropping it stops the
/// statement; nothing goes on in the background.
pub struct Execution {
    schema: SchemaRef,
    rows: Rows,
    context: Arc<StatementContext>,
    yield_timer: Arc<YieldTimer>,
    is_write: bool,
    table: Option<String>,
    version: Option<u64>,
    from_log: bool,
}

enum Rows {
    Stream(SendableRecordBatchStream),
    Batch(Option<RecordBatch>),
}

impl Execution {
    /// Schema of the batches; without fields if the statement has no result.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Columns of the result with Spark's type names; empty if the statement has no result.
    pub fn columns(&self) -> Vec<Column> {
        spark_types::columns(&self.schema)
    }

    /// The next batch, of at least one row; `None` at the end. No batch follows an error.
    ///
    /// # Errors
    /// Whatever keeps the rows from being computed, under Spark's error classes where Spark has
    /// one.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, Error>> {
        loop {
            self.yield_timer.yield_if_due().await;
            let next = match &mut self.rows {
                Rows::Stream(stream) => stream.next().await,
                Rows::Batch(batch) => batch.take().map(Ok),
            };
            match next {
                Some(Ok(batch)) if batch.num_rows() == 0 => {}
                Some(Ok(batch)) => {
                    self.context.first_row();
                    return Some(Ok(batch));
                }
                Some(Err(error)) => {
                    self.end();
                    return Some(Err(from_datafusion(&error)));
                }
                None => {
                    self.end();
                    return None;
                }
            }
        }
    }

    /// Whether the statement may have changed a table or the list of tables.
    pub fn is_write(&self) -> bool {
        self.is_write
    }

    /// Location of the table that is read or was written; `None` if there is none, or several.
    pub fn table(&self) -> Option<&str> {
        self.table.as_deref()
    }

    /// Version of that table: the one that is read, or that the write made. `None` where several
    /// versions are read.
    pub fn version(&self) -> Option<u64> {
        self.version
    }

    /// Sentences about faults of the tables' logs that did not keep the statement from its answer, each
    /// with the table's location.
    pub fn warnings(&self) -> Vec<String> {
        self.context.warnings()
    }

    /// Requests, bytes, files and time that the statement has cost so far.
    pub fn metrics(&self) -> QueryMetrics {
        QueryMetrics {
            from_log: self.from_log,
            ..self.context.metrics()
        }
    }

    /// Rows that come from a plan.
    pub(crate) fn streaming(
        context: Arc<StatementContext>,
        yield_timer: Arc<YieldTimer>,
        schema: SchemaRef,
        stream: SendableRecordBatchStream,
        reads_no_files: bool,
    ) -> Self {
        let from_log = reads_no_files && context.reads_tables();
        let (schema, stream) = match strip_duplicate_suffixes(&schema) {
            Some(plain) => (Arc::clone(&plain), renamed(stream, plain)),
            None => (schema, stream),
        };
        Self {
            from_log,
            ..Self::new(context, yield_timer, schema, Rows::Stream(stream))
        }
    }

    /// A result that is already there.
    pub(crate) fn of_batch(
        context: Arc<StatementContext>,
        yield_timer: Arc<YieldTimer>,
        batch: RecordBatch,
    ) -> Self {
        // An EXPLAIN plans scans, or even runs them.
        let from_log = context.reads_tables() && context.metrics().files_total == 0;
        let schema = batch.schema();
        Self {
            from_log,
            ..Self::new(context, yield_timer, schema, Rows::Batch(Some(batch)))
        }
    }

    /// A statement without a result, of no table.
    pub(crate) fn nothing(context: Arc<StatementContext>, yield_timer: Arc<YieldTimer>) -> Self {
        let schema = Arc::new(Schema::empty());
        Self {
            table: None,
            version: None,
            ..Self::new(context, yield_timer, schema, Rows::Batch(None))
        }
    }

    fn new(
        context: Arc<StatementContext>,
        yield_timer: Arc<YieldTimer>,
        schema: SchemaRef,
        rows: Rows,
    ) -> Self {
        let (table, version) = context.single_table();
        Self {
            schema,
            rows,
            context,
            yield_timer,
            is_write: false,
            table,
            version,
            from_log: false,
        }
    }

    /// A write that is done.
    pub(crate) fn written(self, table: String, version: Option<u64>) -> Self {
        Self {
            is_write: true,
            table: Some(table),
            version,
            from_log: false,
            ..self
        }
    }

    /// A change to the list of tables and views.
    pub(crate) fn changing_names(self) -> Self {
        Self {
            is_write: true,
            ..self
        }
    }

    /// Lets go of the plan and what it holds in memory.
    fn end(&mut self) {
        self.context.finished();
        self.rows = Rows::Batch(None);
    }
}

fn renamed(stream: SendableRecordBatchStream, schema: SchemaRef) -> SendableRecordBatchStream {
    let names = Arc::clone(&schema);
    let rows = stream.map(move |batch| {
        let batch = batch?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let (schema, columns) = (Arc::clone(&names), batch.columns().to_vec());
        Ok(RecordBatch::try_new_with_options(
            schema, columns, &options,
        )?)
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, rows))
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution")
            .field("schema", &self.schema)
            .field("table", &self.table)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
