//! One round of a statement: what it works with, and what it comes to.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use delta_log::{Snapshot, Table};
use delta_transaction::maintenance::{after_commit, should_checkpoint};
use delta_transaction::{Committed, Environment, Transaction, Uuid};
use messages::Error;

use crate::engine_core::EngineCore;
use crate::errors::from_log;
use crate::host::StoreLocation;
use crate::run::statement_context::StatementContext;
use crate::writes::errors::WriteError;

/// One round of a statement.
pub(crate) struct Round<'a> {
    pub core: &'a EngineCore,
    pub context: Arc<StatementContext>,
    pub table: Table,
    /// Where the table is, as the host has it.
    pub place: StoreLocation,
    /// The statement's id, the same in all rounds.
    pub id: Uuid,
}

/// What a statement came to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The commit; `None` where there was nothing to do.
    pub committed: Option<Committed>,
    /// The row that Spark answers: names and values.
    pub result: Vec<(String, i64)>,
    /// The rows that Spark answers, where they are no numbers.
    pub rows: Option<RecordBatch>,
}

impl Round<'_> {
    /// Clock and ids of the host.
    pub fn environment(&self) -> Arc<dyn Environment> {
        Arc::clone(&self.core.environment)
    }

    /// The table's latest version; the same one however often it is asked for.
    ///
    /// # Errors
    /// Where there is no table, or it can't be read.
    pub async fn snapshot(&self) -> Result<Arc<Snapshot>, Error> {
        let latest = self.context.latest(&self.table).await;
        let snapshot = latest.map_err(|error| from_log(&error))?;
        self.context.warn(&self.table, snapshot.warnings());
        Ok(snapshot)
    }

    /// The table's latest version, or `None` where there is no table.
    ///
    /// # Errors
    /// Where a table is there and can't be read.
    pub async fn snapshot_if_any(&self) -> Result<Option<Arc<Snapshot>>, Error> {
        match self.context.latest(&self.table).await {
            Ok(snapshot) => Ok(Some(snapshot)),
            Err(error) if matches!(*error, delta_log::Error::NotATable { .. }) => Ok(None),
            Err(error) => Err(from_log(&error)),
        }
    }

    /// The last transaction of an application in a version.
    ///
    /// Requests: one LIST, and a GET for each commit since the last checkpoint.
    ///
    /// # Errors
    /// Where the log can't be read.
    pub async fn transaction_version(
        &self,
        snapshot: &Snapshot,
        app_id: &str,
    ) -> Result<Option<i64>, Error> {
        let actions = self.table.reconcile(snapshot.version()).await;
        let actions = actions.map_err(|error| from_log(&error))?;
        Ok(actions.transaction(app_id))
    }

    /// Writes a checkpoint where one is due. The commit is made: what goes wrong here is a warning.
    pub async fn maintain(&self, committed: &Committed) {
        let Committed {
            version, snapshot, ..
        } = committed;
        if !should_checkpoint(*version, snapshot.metadata()) {
            return;
        }
        let faults = after_commit(&self.table, snapshot, &*self.core.environment).await;
        for fault in faults {
            let location = &self.table.location;
            let text = format!(
                "{location}: version {version} is committed, but its log was not tidied up: {fault}"
            );
            self.context.note(text);
        }
    }

    /// A transaction on a version.
    ///
    /// # Errors
    /// For a table feature that is not written.
    pub fn begin(&self, snapshot: &Arc<Snapshot>) -> Result<Transaction, WriteError> {
        let table = self.table.clone();
        let begun = Transaction::begin(table, Arc::clone(snapshot), self.environment(), self.id);
        Ok(begun?)
    }
}
