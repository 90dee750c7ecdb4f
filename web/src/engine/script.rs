//! A script that was run: its statements, their results, and how many rows to ask for.
//!
//! A state machine without a browser in it: events of the worker go in, what to do comes out.

use messages::Error;
use messages::engine::{Attempt, FromWorker, QueryMetrics, RequestId, Resume, StatementSummary};
use messages::proxy::COMMIT_OUTCOME_UNKNOWN;
use messages::sandbox::Preview;
use messages::table::{Column, HistoryEntry};

use crate::arrow::decode;
use crate::engine::client::RunEvent;
use crate::engine::rows::Rows;

/// Rows that the grid holds at most: browsers bound the height of an element.
pub const MAX_ROWS: usize = 500_000;
/// Memory that a result may hold, in bytes.
pub const MAX_BYTES: usize = 256 << 20;
/// Rows kept of a result that is not the script's last.
const MAX_ROWS_BESIDE_LAST: usize = 10_000;
/// Batches asked for before anybody scrolls: the first is small, the second full.
pub const FIRST_CREDIT: u32 = 2;
/// When fewer rows than this wait below the visible ones, more are asked for.
const ROWS_AHEAD: usize = 4_000;

/// Progress of a script.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// Waits for the engine, or for another script.
    Queued,
    Running,
    Done,
    /// `index`: the statement at fault, where one was.
    Failed {
        index: Option<u32>,
        error: Error,
    },
    /// `note` says what else happened.
    Cancelled {
        note: Option<String>,
    },
}

impl Phase {
    /// Whether the script may still change.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

/// One statement and its result.
#[derive(Debug, Clone, Default)]
pub struct Statement {
    pub text: String,
    /// Whether it makes a commit.
    pub is_write: bool,
    /// Empty where the statement answers no rows.
    pub columns: Vec<Column>,
    pub rows: Rows,
    /// Whether rows came that were not kept.
    pub truncated: bool,
    pub metrics: QueryMetrics,
    pub summary: Option<StatementSummary>,
    /// Whether the page has followed its summary to the table.
    pub followed: bool,
    /// Whether it is not the script's, but shows what the statement before it changes.
    pub is_difference: bool,
}

/// Consequences of an event, for the caller to carry out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effects {
    /// Batches to ask for.
    pub credit: u32,
    /// The script has ended.
    pub ended: bool,
    /// Nobody knows what it has written: the engine or a commit's answer was lost.
    pub lost: bool,
}

/// What a script has done to a fork, and what becomes of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PreviewRun {
    /// The run's id, as soon as there is an effect.
    pub id: RequestId,
    /// Of its writes, in their order.
    pub effects: Vec<Preview>,
    pub fate: Fate,
    /// The statement whose changed rows are the next one's.
    shown_next: Option<u32>,
}

/// What becomes of a preview.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Fate {
    /// Nobody has decided.
    #[default]
    Open,
    Kept,
    Forgotten,
    /// It could not be kept.
    Refused(Error),
}

/// How a script that failed can be run again, so that nothing is written twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repeat {
    /// From its start.
    All,
    /// From the statement that failed: those before it have run.
    From(Resume),
    /// From the write whose outcome is unknown. If its commit is there, it is not run again.
    Find(Resume),
    /// From the write whose outcome is unknown, and whose commit can't be looked for: only if somebody
    /// has looked.
    Ask(Resume),
}

#[derive(Debug, Clone)]
pub struct Script {
    /// Tells this run from those before.
    pub number: u32,
    pub sql: String,
    pub phase: Phase,
    pub statements: Vec<Statement>,
    /// Statements in the script, as soon as it is known.
    pub count: u32,
    /// Of a script that was run to see what it would do.
    pub preview: Option<PreviewRun>,
    /// How the commit can be known of the write whose outcome is unknown.
    attempt: Option<Attempt>,
    granted: u32,
    received: u32,
}

impl Script {
    pub fn new(number: u32, sql: String) -> Self {
        Self {
            number,
            sql,
            phase: Phase::Queued,
            statements: Vec::new(),
            count: 0,
            preview: None,
            attempt: None,
            granted: FIRST_CREDIT,
            received: 0,
        }
    }

    /// The same script as it goes on: what ran before stays.
    pub fn resumed(&self, number: u32, resume: &Resume) -> Self {
        let ran = self.statements.iter().take(resume.from as usize);
        Self {
            statements: ran.cloned().collect(),
            count: self.count,
            ..Self::new(number, self.sql.clone())
        }
    }

    /// How the script can be run again; `None` if it has not failed.
    pub fn repeat(&self) -> Option<Repeat> {
        let Phase::Failed { index, error } = &self.phase else {
            return None;
        };
        if self.preview.is_some() {
            return Some(Repeat::All);
        }
        let last = self.statements.last();
        // The engine is gone, and with it the end of what ran.
        let is_cut_off = index.is_none() && last.is_some_and(|s| s.is_write && s.summary.is_none());
        let at_last = u32::try_from(self.statements.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let resume = Resume {
            from: index.unwrap_or(at_last),
            attempt: self.attempt.clone(),
        };
        let is_unknown = error.code == COMMIT_OUTCOME_UNKNOWN || is_cut_off;
        Some(match (is_unknown, &self.attempt, index) {
            (true, Some(_), _) => Repeat::Find(resume),
            (true, None, _) => Repeat::Ask(resume),
            (false, _, Some(1..)) => Repeat::From(resume),
            (false, _, Some(0) | None) => Repeat::All,
        })
    }

    /// The same script, run to see what it would do.
    pub fn into_preview(self) -> Self {
        Self {
            preview: Some(PreviewRun::default()),
            ..self
        }
    }

    /// The commits that a preview would make to a table, as long as nobody has decided: the oldest first.
    pub fn commits_to_be(&self, table: &str) -> Vec<HistoryEntry> {
        let failed = matches!(self.phase, Phase::Failed { .. } | Phase::Cancelled { .. });
        let preview = self.preview.as_ref();
        let Some(preview) = preview.filter(|run| run.fate == Fate::Open && !failed) else {
            return Vec::new();
        };
        let of_table = preview
            .effects
            .iter()
            .filter(|effect| effect.table == table);
        of_table
            .filter_map(|effect| effect.commit.clone())
            .collect()
    }

    /// Whether its effects are all known, and can be kept.
    pub fn can_be_kept(&self) -> bool {
        let ended = self.phase == Phase::Done || self.is_parked();
        let preview = self.preview.as_ref();
        ended && preview.is_some_and(|run| run.fate == Fate::Open && !run.effects.is_empty())
    }

    /// Takes in what happened to the run.
    pub fn on_event(&mut self, event: RunEvent) -> Effects {
        self.phase = match event {
            RunEvent::Message(message, bytes) => return self.apply(message, bytes),
            RunEvent::Replaced => Phase::Cancelled {
                note: Some(self.note_of_replacement()),
            },
            RunEvent::Lost(error) => Phase::Failed { index: None, error },
        };
        Effects {
            credit: 0,
            ended: true,
            lost: true,
        }
    }

    /// Explains what else is lost when a script is stopped by replacing the engine.
    fn note_of_replacement(&self) -> String {
        let note =
            "It did not stop by itself, so the engine was restarted; temporary views are gone.";
        let writing = self
            .statements
            .last()
            .is_some_and(|last| last.is_write && last.summary.is_none());
        if writing && self.preview.is_none() {
            format!(
                "{note} A commit that was already sent may have been made: look at the history."
            )
        } else {
            note.to_owned()
        }
    }

    /// Takes in one message of the worker.
    pub fn apply(&mut self, message: FromWorker, bytes: Option<Vec<u8>>) -> Effects {
        let mut effects = Effects::default();
        match message {
            FromWorker::StatementStarted {
                index,
                count,
                text,
                is_write,
                ..
            } => {
                self.phase = Phase::Running;
                self.count = count;
                self.statements
                    .resize_with(index as usize + 1, Statement::default);
                let effect = self.preview.as_mut().and_then(|run| run.shown_next.take());
                if let Some(statement) = self.statements.last_mut() {
                    statement.text = text;
                    statement.is_write = is_write;
                    statement.is_difference = effect == index.checked_sub(1) && effect.is_some();
                }
            }
            FromWorker::ResultColumns { index, columns, .. } => {
                if let Some(statement) = self.statement_mut(index) {
                    statement.columns = columns;
                }
            }
            FromWorker::Batch { index, .. } => {
                self.received += 1;
                if let Err(error) = self.take_batch(index, bytes.unwrap_or_default()) {
                    self.phase = Phase::Failed {
                        index: Some(index),
                        error,
                    };
                    effects.ended = true;
                } else if self.count > index + 1 {
                    // The statements behind this one wait for its end.
                    self.granted += 1;
                    effects.credit = 1;
                }
            }
            FromWorker::Progress { index, metrics, .. } => {
                if let Some(statement) = self.statement_mut(index) {
                    statement.metrics = metrics;
                }
            }
            FromWorker::StatementDone { index, summary, .. } => {
                if let Some(statement) = self.statement_mut(index) {
                    statement.metrics = summary.metrics.clone();
                    statement.summary = Some(summary);
                }
            }
            FromWorker::Previewed { id, index, preview } => {
                if let Some(run) = &mut self.preview {
                    run.id = id;
                    run.shown_next = preview.no_rows.is_none().then_some(index);
                    run.effects.push(*preview);
                }
            }
            FromWorker::Done { .. } => {
                self.phase = Phase::Done;
                effects.ended = true;
            }
            FromWorker::Failed {
                index,
                error,
                attempt,
                ..
            } => {
                effects.lost = error.code == COMMIT_OUTCOME_UNKNOWN;
                self.attempt = attempt;
                self.phase = Phase::Failed { index, error };
                effects.ended = true;
            }
            FromWorker::Cancelled { .. } => {
                let note = self.is_parked().then(|| {
                    "Another statement took its place; the rows below are the first of more."
                        .to_owned()
                });
                self.phase = Phase::Cancelled { note };
                effects.ended = true;
            }
            // None of these is about a run.
            FromWorker::Downloading { .. }
            | FromWorker::Crashed { .. }
            | FromWorker::Ready { .. }
            | FromWorker::Folder { .. }
            | FromWorker::Described { .. }
            | FromWorker::Sandbox { .. }
            | FromWorker::SandboxReset { .. }
            | FromWorker::PreviewKept { .. }
            | FromWorker::Exported { .. } => {}
        }
        effects
    }

    fn take_batch(&mut self, index: u32, bytes: Vec<u8>) -> Result<(), Error> {
        let kept = if self.count > index + 1 {
            MAX_ROWS_BESIDE_LAST
        } else {
            usize::MAX
        };
        let Some(statement) = self.statement_mut(index) else {
            return Ok(());
        };
        let size = bytes.len();
        for batch in decode(bytes)? {
            if statement.rows.len() >= kept {
                statement.truncated = true;
            } else {
                statement.rows.push(batch, size);
            }
        }
        Ok(())
    }

    fn statement_mut(&mut self, index: u32) -> Option<&mut Statement> {
        self.statements.get_mut(index as usize)
    }

    /// Whether the worker waits for credit: all batches asked for have come, and more may follow.
    pub fn is_parked(&self) -> bool {
        self.phase == Phase::Running
            && self.granted == self.received
            && self
                .statements
                .last()
                .is_some_and(|last| last.summary.is_none())
    }

    /// Whether the last statement's rows have reached what this page holds.
    pub fn is_full(&self) -> bool {
        self.statements
            .last()
            .is_some_and(|last| last.rows.len() >= MAX_ROWS || last.rows.bytes() >= MAX_BYTES)
    }

    /// Batches to ask for when rows up to `visible_end` are on the screen.
    pub fn want(&mut self, visible_end: usize) -> u32 {
        let have = self.statements.last().map_or(0, |last| last.rows.len());
        if !self.is_parked() || self.is_full() || visible_end + ROWS_AHEAD < have {
            return 0;
        }
        self.granted += 1;
        1
    }

    /// The result to show when nobody has chosen one: the last statement that answers rows, else
    /// the last one.
    pub fn shown_by_default(&self) -> usize {
        self.statements
            .iter()
            .rposition(|statement| !statement.columns.is_empty())
            .unwrap_or(self.statements.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests;
