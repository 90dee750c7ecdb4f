//! One script, from its text to its last row.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;

use arrow::record_batch::RecordBatch;
use futures::future::{Either, select};
use messages::Error;
use messages::engine::{Attempt, FromWorker, RequestId, Resume, StatementSummary};
use messages::proxy::COMMIT_OUTCOME_UNKNOWN;
use query_engine::{Execution, Scheduler, Statement};

use crate::credit::Credit;
use crate::ipc;
use crate::sandbox::preview::{Effect, effect};
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
    /// Whether each write is followed by what it has done.
    pub preview: bool,
    /// Where the script goes on; `None` from its start.
    pub resume: Option<Resume>,
    /// The statement that runs, and its place in the script.
    pub running: RefCell<Option<(u32, Statement)>>,
}

/// How far a script is: statements that were started, and all that it has.
struct Progress {
    next: u32,
    count: u32,
}

impl Run {
    /// Runs all statements, the last message being `done` or `failed`. Dropping the future stops
    /// the statement that runs.
    pub async fn run(&self, session: &Session, outbox: &Outbox) {
        let id = self.id;
        session.opened().await;
        let statements = match session.engine().parse(&self.sql) {
            Ok(statements) => statements,
            Err(error) => {
                return outbox.post(&FromWorker::Failed {
                    id,
                    index: None,
                    error,
                    attempt: None,
                });
            }
        };
        let count = to_u32(statements.len());
        let (from, mut attempt) = match &self.resume {
            Some(Resume { from, attempt }) => (*from, attempt.clone()),
            None => (0, None),
        };
        let mut progress = Progress { next: from, count };
        for statement in statements.into_iter().skip(from as usize) {
            let statement = &match attempt.take().and_then(|attempt| known(&attempt)) {
                Some(attempt) => statement.attempted(attempt),
                None => statement,
            };
            self.running
                .replace(Some((progress.next, statement.clone())));
            let index = self.start(outbox, &mut progress, statement);
            let ended = self.statement(session, outbox, index, statement).await;
            let ended = match ended {
                Ok(summary) if self.preview && summary.is_write => {
                    self.effect(session, outbox, &mut progress, index, &summary)
                        .await
                }
                other => other.map(drop),
            };
            if let Err(error) = ended {
                let is_unknown = error.code == COMMIT_OUTCOME_UNKNOWN;
                return outbox.post(&FromWorker::Failed {
                    id,
                    index: Some(progress.next.saturating_sub(1)),
                    error,
                    attempt: is_unknown.then(|| attempt_of(statement)).flatten(),
                });
            }
        }
        outbox.post(&FromWorker::Done { id });
    }

    /// The statement that runs, or ran last: its place in the script, and how its commit can be known.
    pub fn current(&self) -> (Option<u32>, Option<Attempt>) {
        let running = self.running.borrow();
        let (index, statement) = running.as_ref().map(|(index, s)| (*index, s)).unzip();
        (index, statement.and_then(attempt_of))
    }

    fn start(&self, outbox: &Outbox, progress: &mut Progress, statement: &Statement) -> u32 {
        let index = progress.next;
        progress.next += 1;
        outbox.post(&FromWorker::StatementStarted {
            id: self.id,
            index,
            count: progress.count,
            text: statement.text().to_owned(),
            is_write: statement.is_write(),
        });
        index
    }

    /// Tells what a statement has done, and shows the rows that it changes.
    async fn effect(
        &self,
        session: &Session,
        outbox: &Outbox,
        progress: &mut Progress,
        index: u32,
        summary: &StatementSummary,
    ) -> Result<(), Error> {
        let (Some(sandbox), Some(table)) = (&session.sandbox, &summary.table) else {
            return Ok(());
        };
        let engine = session.engine();
        let Effect { mut preview, rows } =
            effect(&engine, sandbox.overlay(), table, summary.version).await?;
        let mut shown = None;
        if let Some(rows) = rows {
            for statement in engine.parse(&rows)? {
                match engine.execute(&statement).await {
                    Ok(execution) => shown = Some((statement, execution)),
                    // The difference of two schemas, for instance: all else is told.
                    Err(error) => preview.no_rows = Some(error.message),
                }
            }
        }
        outbox.post(&FromWorker::Previewed {
            id: self.id,
            index,
            preview: Box::new(preview),
        });
        if let Some((statement, execution)) = shown {
            progress.count += 1;
            let index = self.start(outbox, progress, &statement);
            self.rows(session, outbox, index, execution).await?;
        }
        Ok(())
    }

    async fn statement(
        &self,
        session: &Session,
        outbox: &Outbox,
        index: u32,
        statement: &Statement,
    ) -> Result<StatementSummary, Error> {
        let writes_to = session.sandbox.as_ref().filter(|_| statement.is_write());
        let undo = writes_to.map(|sandbox| sandbox.undo());
        let execution = session.engine().execute(statement).await?;
        if let (Some(sandbox), Some(undo)) = (writes_to, undo) {
            undo.all_is_well();
            if !self.preview {
                sandbox.keep();
                let state = sandbox.state();
                outbox.post(&FromWorker::Sandbox { state });
            }
        }
        self.rows(session, outbox, index, execution).await
    }

    /// Sends a result to its end.
    async fn rows(
        &self,
        session: &Session,
        outbox: &Outbox,
        index: u32,
        mut execution: Execution,
    ) -> Result<StatementSummary, Error> {
        let id = self.id;
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
        outbox.post(&FromWorker::StatementDone {
            id,
            index,
            summary: summary.clone(),
        });
        Ok(summary)
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

/// How the commit of a statement can be known.
fn attempt_of(statement: &Statement) -> Option<Attempt> {
    let query_engine::Attempt { id, after } = statement.attempt()?;
    Some(Attempt {
        id: id.to_string(),
        after,
    })
}

/// The attempt as the engine has it; `None` if its id is none.
fn known(attempt: &Attempt) -> Option<query_engine::Attempt> {
    let id = attempt.id.parse().ok()?;
    Some(query_engine::Attempt {
        id,
        after: attempt.after,
    })
}

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
