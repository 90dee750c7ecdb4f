//! One module per kind of operation; [`run`] makes the commit.

mod alter;
mod assignment;
mod constraints;
mod create;
mod delete;
mod evolve;
mod files;
mod insert;
mod merge;
mod restore;
mod table;
mod update;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use deltalake::DeltaTableError;
use deltalake::logstore::LogStore;
use messages::Error;
use messages::commit::{CommitOutcome, CommitRequest, Operation, OperationFacts};
use messages::commit_http::{COMMIT_OUTCOME_UNKNOWN, LOOK_AT_HISTORY};

use crate::commit_log::{CommitLog, Outcome};
use crate::error::from_delta;
use crate::location::TableLocation;
use crate::source::Source;
use crate::staging::{Staged, StagingStore};
use crate::store::Bucket;

/// Why an operation ended without a commit.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Refused by our own checks.
    Refused(Error),
    /// Failed in delta-rs.
    Delta(DeltaTableError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<DeltaTableError> for Failure {
    fn from(error: DeltaTableError) -> Self {
        Self::Delta(error)
    }
}

impl From<object_store::Error> for Failure {
    fn from(error: object_store::Error) -> Self {
        Self::Delta(error.into())
    }
}

impl From<deltalake::datafusion::error::DataFusionError> for Failure {
    fn from(error: deltalake::datafusion::error::DataFusionError) -> Self {
        Self::Delta(error.into())
    }
}

/// What the modules below work on: one commit on one table.
pub(crate) struct Context {
    pub location: TableLocation,
    pub bucket: Bucket,
    pub log: Arc<CommitLog>,
    /// The time of the statement.
    pub now: DateTime<Utc>,
    /// The first refusal from inside a running plan, which reaches us as text otherwise.
    pub refusal: Refusal,
}

/// A place for a refusal, shared with the functions of a plan.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refusal(Arc<Mutex<Option<Error>>>);

impl Refusal {
    pub fn put(&self, error: Error) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(error);
    }

    pub fn take(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Context {
    fn log_store(&self) -> Arc<dyn LogStore> {
        Arc::clone(&self.log) as Arc<dyn LogStore>
    }
}

/// Runs an operation: one commit, or a refusal that leaves the table as it was.
pub(crate) async fn run(
    bucket: Bucket,
    location: TableLocation,
    request: CommitRequest,
    source: Option<Source>,
) -> Result<CommitOutcome, Error> {
    let staged = Staged::default();
    let inner = bucket.log_store(&location, |inner| {
        Arc::new(StagingStore {
            inner,
            staged: staged.clone(),
        })
    })?;
    let log = CommitLog::new(Arc::clone(&inner));
    let context = Context {
        location,
        bucket,
        log: Arc::clone(&log),
        now: Utc::now(),
        refusal: Refusal::default(),
    };
    let operation = request.operation;
    let facts = operation.facts();
    let result = dispatch(&context, operation, source).await;
    let outcome = log.outcome();

    let error = match (outcome, result) {
        (Outcome::Committed { version, metrics }, result) => {
            if let Err(failure) = result {
                // A checkpoint, say, could not be written. The commit stands all the same.
                tracing::warn!(?failure, version, table = %context.location, "after the commit");
            }
            return Ok(answer(facts, Some(version), metrics));
        }
        (Outcome::Unknown { version }, _) => {
            return Err(Error::new(
                COMMIT_OUTCOME_UNKNOWN,
                format!(
                    "The object store failed while version {version} of {} was being committed, and it is not known whether it is there.",
                    context.location
                ),
            )
            .with_hint(LOOK_AT_HISTORY));
        }
        (_, Ok(())) => return Ok(answer(facts, None, BTreeMap::new())),
        (outcome, Err(failure)) => {
            if matches!(outcome, Outcome::NotCommitted) {
                staged.discard(inner.object_store(None).as_ref()).await;
            }
            failure
        }
    };
    Err(match error {
        Failure::Refused(error) => error,
        Failure::Delta(error) => match context.refusal.take() {
            Some(refusal) => refusal,
            None => {
                tracing::info!(%error, table = %context.location, "refused");
                let latest = inner.get_latest_version(0).await.ok();
                from_delta(&error, &context.location, latest)
            }
        },
    })
}

async fn dispatch(
    context: &Context,
    operation: Operation,
    source: Option<Source>,
) -> Result<(), Failure> {
    let rows = || {
        source.ok_or_else(|| {
            Error::new(
                "INVALID_REQUEST",
                "The operation takes rows, but the request has none.",
            )
        })
    };
    match operation {
        Operation::CreateTable {
            mode,
            columns,
            options,
        } => create::table(context, mode, &columns, options).await,
        Operation::CreateTableAsSelect { mode, options } => {
            create::table_as_select(context, mode, options, rows()?).await
        }
        Operation::Insert { mode, merge_schema } => {
            insert::insert(context, mode, merge_schema, rows()?).await
        }
        Operation::Update {
            assignments,
            predicate,
        } => update::update(context, &assignments, predicate.as_deref()).await,
        Operation::Delete { predicate } => delete::delete(context, predicate.as_deref()).await,
        Operation::Merge {
            target_alias,
            source_alias,
            on,
            schema_evolution,
            clauses,
        } => {
            let merge = merge::Merge {
                target_alias,
                source_alias,
                on,
                schema_evolution,
                clauses,
            };
            merge.run(context, rows()?).await
        }
        Operation::Restore { to } => restore::restore(context, to).await,
        Operation::SetTableProperties { properties } => {
            alter::set_properties(context, &properties).await
        }
        Operation::AddColumns { columns } => alter::add_columns(context, &columns).await,
    }
}

fn answer(
    operation: OperationFacts,
    version: Option<u64>,
    metrics: BTreeMap<String, String>,
) -> CommitOutcome {
    let value = |name: &&str| match metrics.get(*name) {
        Some(number) => number.parse().unwrap_or(-1),
        // As Spark does where a file without statistics was deleted whole.
        None if version.is_some() => -1,
        None => 0,
    };
    let columns = operation.result_columns.iter();
    let result = columns
        .map(|column| {
            let sum = column.metrics.iter().map(value).sum::<i64>();
            (column.name.to_owned(), sum)
        })
        .collect();
    CommitOutcome {
        version,
        operation: operation.spark_name.to_owned(),
        result,
        metrics,
    }
}
