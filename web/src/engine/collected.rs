//! The result of a script's last statement, as it grows: what `window.lakeglass.run` waits for.

use cells::Column as _;
use messages::Error;
use messages::engine::{FromWorker, StatementSummary};
use messages::proxy::COMMIT_OUTCOME_UNKNOWN;
use messages::table::Column;

use super::client::RunEvent;
use crate::arrow::decode;

/// Rows that one call may return; more would not fit into a script's memory.
const MAX_ROWS: u64 = 1_000_000;

/// Tables that a script has written, as far as its caller can know.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Writes {
    /// Locations of tables, with the versions that statements made of them.
    pub tables: Vec<(String, Option<u64>)>,
    /// The engine was lost, and nobody knows what it has still written.
    pub unknown: bool,
}

/// See the module's documentation. `R`: the rows of a batch as the caller has them.
pub struct Collected<R> {
    pub columns: Vec<Column>,
    pub rows: Vec<R>,
    pub summary: Option<StatementSummary>,
    /// Of all statements so far.
    pub writes: Writes,
    /// Reads rows from JSON: an array of arrays.
    parse: fn(&str) -> Result<R, Error>,
    count: u64,
    is_last: bool,
    too_large: bool,
}

/// Consequence of an event, for the caller to carry out.
#[derive(Debug, PartialEq)]
pub enum Step {
    Wait,
    Grant,
    Stop,
    Resolve,
    Reject(Error),
}

impl<R> Collected<R> {
    pub fn new(parse: fn(&str) -> Result<R, Error>) -> Self {
        Self {
            columns: Vec::new(),
            rows: Vec::new(),
            summary: None,
            writes: Writes::default(),
            parse,
            count: 0,
            is_last: false,
            too_large: false,
        }
    }

    /// Takes in what happened to the run.
    pub fn take(&mut self, event: RunEvent) -> Step {
        let (message, bytes) = match event {
            RunEvent::Message(message, bytes) => (message, bytes),
            RunEvent::Lost(error) => {
                self.writes.unknown = true;
                return Step::Reject(error);
            }
            RunEvent::Replaced => {
                self.writes.unknown = true;
                return Step::Reject(self.stopped());
            }
        };
        match message {
            FromWorker::StatementStarted { index, count, .. } => {
                self.is_last = index + 1 == count;
                self.columns.clear();
                self.rows.clear();
                self.summary = None;
                self.count = 0;
                Step::Wait
            }
            FromWorker::ResultColumns { columns, .. } => {
                self.columns = columns;
                Step::Wait
            }
            FromWorker::Batch { rows, .. } => {
                if !self.is_last {
                    return Step::Grant;
                }
                self.count += rows;
                if self.count > MAX_ROWS {
                    self.too_large = true;
                    return Step::Stop;
                }
                match self.push(bytes.unwrap_or_default()) {
                    Ok(()) => Step::Grant,
                    Err(error) => Step::Reject(error),
                }
            }
            FromWorker::StatementDone { summary, .. } => {
                if let Some(table) = summary.table.clone().filter(|_| summary.is_write) {
                    self.writes.tables.push((table, summary.version));
                }
                self.summary = Some(summary);
                Step::Wait
            }
            FromWorker::Done { .. } => Step::Resolve,
            FromWorker::Failed { error, .. } => {
                self.writes.unknown |= error.code == COMMIT_OUTCOME_UNKNOWN;
                Step::Reject(error)
            }
            FromWorker::Cancelled { .. } => Step::Reject(self.stopped()),
            // Figures on the way, and what is not about a run.
            FromWorker::Progress { .. }
            | FromWorker::Downloading { .. }
            | FromWorker::Crashed { .. }
            | FromWorker::Ready { .. }
            | FromWorker::Folder { .. }
            | FromWorker::Described { .. } => Step::Wait,
        }
    }

    /// Turns a batch into rows, by way of JSON: one parse is faster than a call for each value.
    fn push(&mut self, bytes: Vec<u8>) -> Result<(), Error> {
        for batch in decode(bytes)? {
            let mut json = String::from("[");
            for row in 0..batch.rows {
                json.push_str(if row == 0 { "[" } else { ",[" });
                for (index, column) in batch.columns.iter().enumerate() {
                    if index > 0 {
                        json.push(',');
                    }
                    cells::write_json(&mut json, column.value(row));
                }
                json.push(']');
            }
            json.push(']');
            self.rows.push((self.parse)(&json)?);
        }
        Ok(())
    }

    fn stopped(&self) -> Error {
        if self.too_large {
            Error::new(
                "RESULT_TOO_LARGE",
                format!("the result has more than {MAX_ROWS} rows"),
            )
            .with_hint("Add a LIMIT, or aggregate in SQL.")
        } else {
            Error::new("CANCELLED", "the statement was cancelled")
        }
    }
}

#[cfg(test)]
mod tests;
