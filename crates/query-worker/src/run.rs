//! One script, from its text to its last row.

use std::pin::pin;
use std::rc::Rc;

use arrow::record_batch::RecordBatch;
use futures::future::{Either, select};
use messages::Error;
use messages::engine::{FromWorker, RequestId, StatementSummary};
use query_engine::{Execution, Scheduler, Statement};

use crate::credit::Credit;
use crate::ipc;
use crate::session::{Outbox, Session};
use crate::timer::sleep;

/// Between two `progress` messages, in milliseconds.
const PROGRESS_INTERVAL: u32 = 100;

/// A script that the page asked to run.
#[derive(Debug)]
pub(crate) struct Run {
    pub id: RequestId,
    pub sql: String,
    pub credit: Rc<Credit>,
}

impl Run {
    /// Runs all statements, the last message being `done` or `failed`. Dropping the future stops
    /// the statement that runs.
    pub async fn run(&self, session: &Session, outbox: &Outbox) {
        let id = self.id;
        let statements = match session.engine.parse(&self.sql) {
            Ok(statements) => statements,
            Err(error) => {
                return outbox.post(&FromWorker::Failed {
                    id,
                    index: None,
                    error,
                });
            }
        };
        let count = to_u32(statements.len());
        for (index, statement) in statements.iter().enumerate() {
            let index = to_u32(index);
            let text = statement.text().to_owned();
            outbox.post(&FromWorker::StatementStarted {
                id,
                index,
                count,
                text,
                is_write: statement.is_write(),
            });
            if let Err(error) = self.statement(session, outbox, index, statement).await {
                return outbox.post(&FromWorker::Failed {
                    id,
                    index: Some(index),
                    error,
                });
            }
        }
        outbox.post(&FromWorker::Done { id });
    }

    async fn statement(
        &self,
        session: &Session,
        outbox: &Outbox,
        index: u32,
        statement: &Statement,
    ) -> Result<(), Error> {
        let id = self.id;
        let mut execution = session.engine.execute(statement).await?;
        let columns = execution.columns();
        let has_result = !columns.is_empty();
        if has_result {
            outbox.post(&FromWorker::ResultColumns { id, index, columns });
        }
        let mut row_count = 0;
        while let Some(batch) = self.next(outbox, index, &mut execution).await {
            let batch = batch?;
            for piece in ipc::pieces(&batch, row_count == 0) {
                let rows = piece.num_rows() as u64;
                let bytes = ipc::to_stream(&piece).map_err(|error| {
                    Error::new(
                        "INTERNAL_ERROR",
                        format!("cannot send the rows to the page: {error}"),
                    )
                })?;
                self.credit.take().await;
                outbox.post_rows(&FromWorker::Batch { id, index, rows }, &bytes);
                row_count += rows;
            }
            // The page may have something to say: more credit, or that it has seen enough.
            session.scheduler.yield_now().await;
        }
        let summary = StatementSummary {
            row_count,
            version: execution.version(),
            table: execution.table().map(str::to_owned),
            is_write: execution.is_write(),
            warnings: execution.warnings(),
            metrics: execution.metrics(),
        };
        outbox.post(&FromWorker::StatementDone { id, index, summary });
        Ok(())
    }

    /// The next batch, with `progress` on the way to it.
    async fn next(
        &self,
        outbox: &Outbox,
        index: u32,
        execution: &mut Execution,
    ) -> Option<Result<RecordBatch, Error>> {
        loop {
            match select(pin!(execution.next()), sleep(PROGRESS_INTERVAL)).await {
                Either::Left((batch, _)) => return batch,
                Either::Right(_) => {}
            }
            let metrics = execution.metrics();
            outbox.post(&FromWorker::Progress {
                id: self.id,
                index,
                metrics,
            });
        }
    }
}

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
