//! Writes version checksums.

use delta_log::actions::{DomainMetadata, SetTransaction};
use delta_log::{Reconciliation, Snapshot, Table, checksum_path};
use serde::Serialize;
use serde_json::{Map, Value};

use super::error::{MaintenanceError, Result};
use super::features::check_checkpoint;
use super::put::put_new;
use super::table_actions::check_same;

/// Protocol: [Version Checksum File Schema](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#version-checksum-file-schema)
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Checksum<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    txn_id: Option<&'a str>,
    table_size_bytes: i64,
    num_files: usize,
    num_metadata: u32,
    num_protocol: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_commit_timestamp_opt: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    set_transactions: Option<Vec<&'a SetTransaction>>,
    domain_metadata: Vec<&'a DomainMetadata>,
    metadata: &'a Map<String, Value>,
    protocol: &'a Map<String, Value>,
}

/// Writes the checksum of the snapshot's version, `N.crc`, unless there is one.
///
/// # Errors
/// [`MaintenanceError::Doubt`] where the log does not make its content certain; else as
/// [`super::write_checkpoint`].
///
/// Protocol: [Version Checksum File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#version-checksum-file)
pub async fn write_checksum(
    table: &Table,
    snapshot: &Snapshot,
    actions: &Reconciliation,
) -> Result<()> {
    check_checkpoint(snapshot.protocol())?;
    check_same(snapshot, actions)?;
    let doubt = |reason: &str| MaintenanceError::Doubt {
        version: snapshot.version(),
        reason: reason.to_owned(),
    };
    let size = size_in_bytes(snapshot).ok_or_else(|| doubt("sizes of its files are not known"))?;
    let info = actions.commit_info();
    let timestamp = match snapshot.has_in_commit_timestamps() {
        false => None,
        true => {
            let timestamp = info.and_then(|info| info.get("inCommitTimestamp")?.as_i64());
            Some(timestamp.ok_or_else(|| doubt("its commit does not say when it was made"))?)
        }
    };
    // Which of them are still in force then depends on the time that one looks.
    let expire = snapshot
        .metadata()
        .configuration
        .contains_key("delta.setTransactionRetentionDuration");
    let content = Checksum {
        txn_id: info.and_then(|info| info.get("txnId")?.as_str()),
        table_size_bytes: size,
        num_files: snapshot.files().len(),
        num_metadata: 1,
        num_protocol: 1,
        in_commit_timestamp_opt: timestamp,
        set_transactions: (!expire).then(|| actions.transactions().values().collect()),
        domain_metadata: actions.domain_metadata().values().collect(),
        metadata: actions.metadata(),
        protocol: actions.protocol(),
    };
    let path = checksum_path(&table.root, snapshot.version());
    put_new(table, &path, serde_json::to_vec(&content)?.into()).await?;
    Ok(())
}

/// `None` where a file's size can't be, or the sum.
fn size_in_bytes(snapshot: &Snapshot) -> Option<i64> {
    let files = snapshot.files();
    (0..files.len()).try_fold(0i64, |sum, i| {
        // Parquet files are not empty: the log had a number that is none.
        let size = Some(files.size(i)).filter(|size| *size > 0)?;
        sum.checked_add(i64::try_from(size).ok()?)
    })
}
