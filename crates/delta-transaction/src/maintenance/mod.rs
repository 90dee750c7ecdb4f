//! What keeps a log short and sound: checkpoints, version checksums, and cleaning up what is old; and
//! which data files nothing needs.
//!
//! What is done to the log comes after a commit and never in its way: an error is to be told as a
//! warning, and fails no statement. Nothing is written or deleted that rests on a doubt.

mod actions_file;
mod checkpoint;
mod checksum;
mod conform;
mod error;
mod features;
mod file_columns;
mod last_checkpoint;
mod log_clean_up;
mod properties;
mod put;
mod statistics_columns;
mod table_actions;
mod vacuum;

use delta_log::{Snapshot, Table};

pub use self::checkpoint::{should_checkpoint, write_checkpoint};
pub use self::checksum::write_checksum;
pub use self::error::{MaintenanceError, Result};
pub use self::log_clean_up::clean_up_log;
pub use self::vacuum::{Unneeded, UnneededFile, deleted_file_retention, unneeded_files};
use crate::environment::Environment;

/// Does what is due after the commit of the snapshot's version: its checksum; where a checkpoint is
/// due, that, and with it the clean-up of the log. Gives what went wrong, if anything did.
///
/// Requests: one LIST and a GET for each commit since the last checkpoint, one PUT; more with a
/// checkpoint.
pub async fn after_commit(
    table: &Table,
    snapshot: &Snapshot,
    environment: &dyn Environment,
) -> Vec<MaintenanceError> {
    let actions = match table.reconcile(snapshot.version()).await {
        Ok(actions) => actions,
        Err(error) => return vec![error.into()],
    };
    let checksum = checksum::write_checksum(table, snapshot, &actions).await;
    let mut faults: Vec<_> = checksum.err().into_iter().collect();
    if should_checkpoint(snapshot.version(), snapshot.metadata()) {
        let tidied = async {
            checkpoint::write_reconciled(table, snapshot, actions, environment).await?;
            clean_up_log(table, snapshot, environment).await
        };
        faults.extend(tidied.await.err());
    }
    faults
}
