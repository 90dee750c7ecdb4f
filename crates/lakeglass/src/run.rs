//! Statements, run to their end.

use arrow::array::RecordBatch;
use messages::Error;
use messages::engine::QueryMetrics;
use messages::table::Column;
use query_engine::{Engine, Statement};

/// A finished statement.
#[derive(Debug)]
pub struct Outcome {
    /// The result's columns; none where the statement answers nothing.
    pub columns: Vec<Column>,
    /// The result's rows.
    pub batches: Vec<RecordBatch>,
    /// The version that was read, or made.
    pub version: Option<u64>,
    /// Faults of the tables' logs that did not keep it from its answer.
    pub warnings: Vec<String>,
    /// Its cost.
    pub metrics: QueryMetrics,
}

impl Outcome {
    /// Rows of the result.
    pub fn row_count(&self) -> u64 {
        self.batches
            .iter()
            .map(|batch| batch.num_rows() as u64)
            .sum()
    }
}

/// Runs a statement and collects its rows.
///
/// # Errors
/// The statement's.
pub async fn run(engine: &Engine, statement: &Statement) -> Result<Outcome, Error> {
    let mut execution = engine.execute(statement).await?;
    let columns = execution.columns();
    let mut batches = Vec::new();
    while let Some(batch) = execution.next().await {
        batches.push(batch?);
    }
    Ok(Outcome {
        columns,
        batches,
        version: execution.version(),
        warnings: execution.warnings(),
        metrics: execution.metrics(),
    })
}

/// Runs the statements of a script and gives the last one's rows.
///
/// # Errors
/// The first error of a statement.
pub async fn rows_of(engine: &Engine, sql: &str) -> Result<Vec<RecordBatch>, Error> {
    let mut batches = Vec::new();
    for statement in engine.parse(sql)? {
        batches = run(engine, &statement).await?.batches;
    }
    Ok(batches)
}
