//! Writes checkpoints.
//!
//! Protocol: [Checkpoints](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#checkpoints-1)

use std::mem;

use arrow::array::{Array, StructArray};
use arrow::datatypes::Field;
use bytes::Bytes;
use delta_log::{Metadata, Reconciliation, Snapshot, Table, checkpoint_schema, log_folder};
use futures::TryStreamExt;
use parquet::basic::Compression;
use serde_json::{Value, json};

use super::actions_file::ActionsFile;
use super::error::{MaintenanceError, Result};
use super::features::{check_checkpoint, has_v2_checkpoints};
use super::file_columns::FileColumns;
use super::last_checkpoint::{self, LastCheckpoint, V2Checkpoint};
use super::properties::{DAY, checkpoint_interval, interval};
use super::put::put_new;
use super::table_actions::{check_same, table_actions};
use crate::environment::Environment;
use crate::files::properties::codec;

/// File actions of a sidecar, about.
const SIDECAR: u64 = 50_000;

/// Whether a checkpoint of `version` is due: each `delta.checkpointInterval` commits, every ten
/// where the table does not say.
pub fn should_checkpoint(version: u64, metadata: &Metadata) -> bool {
    version > 0 && version.is_multiple_of(checkpoint_interval(metadata))
}

/// Writes a checkpoint of the snapshot's version, and `_last_checkpoint`: one Parquet file, or where the
/// table's `delta.checkpointPolicy` is `v2`, one and its sidecars.
///
/// What the log says of the version is read anew, from the newest checkpoint that can be used and
/// the commits after it. It must come to what the snapshot has. If someone else has written the same
/// checkpoint in the meantime, theirs stays.
///
/// # Errors
/// [`MaintenanceError`]; what was put by then stays, and is of no harm.
pub async fn write_checkpoint(
    table: &Table,
    snapshot: &Snapshot,
    environment: &dyn Environment,
) -> Result<()> {
    check_checkpoint(snapshot.protocol())?;
    let actions = table.reconcile(snapshot.version()).await?;
    write_reconciled(table, snapshot, actions, environment).await
}

/// As [`write_checkpoint`], of actions that were reconciled already.
pub(super) async fn write_reconciled(
    table: &Table,
    snapshot: &Snapshot,
    mut actions: Reconciliation,
    environment: &dyn Environment,
) -> Result<()> {
    check_checkpoint(snapshot.protocol())?;
    let draft = Draft::new(table, snapshot, environment);
    let written = loop {
        check_same(snapshot, &actions)?;
        match draft.write(&actions).await {
            Err(MaintenanceError::Log(error)) => {
                actions = actions.without_checkpoint(error).await?;
            }
            written => break written?,
        }
    };
    last_checkpoint::write(table, &written).await
}

/// A checkpoint that is to be written.
struct Draft<'a> {
    table: &'a Table,
    snapshot: &'a Snapshot,
    environment: &'a dyn Environment,
    columns: FileColumns,
    compression: Compression,
    /// Tombstones and transactions of before are left out; times in milliseconds since the epoch.
    tombstones_since: Option<i64>,
    transactions_since: Option<i64>,
}

/// The file actions of a checkpoint, as they were written.
#[derive(Debug, Default)]
struct FilesWritten {
    adds: u64,
    rows: u64,
    /// Of sidecars.
    bytes: u64,
    /// The sidecars' own actions.
    sidecars: Vec<Value>,
}

impl<'a> Draft<'a> {
    fn new(table: &'a Table, snapshot: &'a Snapshot, environment: &'a dyn Environment) -> Self {
        let metadata = snapshot.metadata();
        let now = environment.now();
        // A retention that can't be read keeps everything.
        let since = |property, default: Option<i64>| {
            let retention = interval(metadata, property).ok()?.or(default)?;
            Some(now.saturating_sub(retention))
        };
        Self {
            table,
            snapshot,
            environment,
            columns: FileColumns::of(snapshot),
            compression: codec(metadata).map_or(Compression::SNAPPY, |codec| codec.compression),
            tombstones_since: since(
                "delta.deletedFileRetentionDuration",
                Some(DAY.saturating_mul(7)),
            ),
            transactions_since: since("delta.setTransactionRetentionDuration", None),
        }
    }

    async fn write(&self, actions: &Reconciliation) -> Result<LastCheckpoint> {
        let policy = self
            .snapshot
            .metadata()
            .configuration
            .get("delta.checkpointPolicy");
        let is_v2 = policy.is_some_and(|policy| policy.eq_ignore_ascii_case("v2"));
        if is_v2 && has_v2_checkpoints(self.snapshot.protocol()) {
            self.write_v2(actions).await
        } else {
            self.write_classic(actions).await
        }
    }

    async fn write_classic(&self, actions: &Reconciliation) -> Result<LastCheckpoint> {
        let version = self.snapshot.version();
        let mut file = self.file(vec![
            checkpoint_schema::transaction(),
            self.columns.add(),
            self.columns.remove(),
            checkpoint_schema::metadata(),
            checkpoint_schema::protocol(),
            checkpoint_schema::domain_metadata(),
        ])?;
        file.write_json(&table_actions(actions, self.transactions_since))?;
        let mut adds: u64 = 0;
        let mut batches = actions.file_actions();
        while let Some(batch) = batches.try_next().await? {
            adds = adds.saturating_add(batch.adds.len() as u64);
            self.write_files(&mut file, &batch.adds, &batch.removes)?;
        }
        self.check_adds(adds)?;
        let (size, content) = (file.rows(), file.finish()?);
        let bytes = content.len() as u64;
        let name = format!("{version:020}.checkpoint.parquet");
        let path = log_folder(&self.table.root).join(name);
        let is_ours = put_new(self.table, &path, content).await?;
        Ok(LastCheckpoint {
            version,
            size,
            size_in_bytes: is_ours.then_some(bytes),
            num_of_add_files: adds,
            v2_checkpoint: None,
        })
    }

    async fn write_v2(&self, actions: &Reconciliation) -> Result<LastCheckpoint> {
        let version = self.snapshot.version();
        let written = self.write_sidecars(actions).await?;
        let mut file = self.file(vec![
            checkpoint_schema::transaction(),
            checkpoint_schema::metadata(),
            checkpoint_schema::protocol(),
            checkpoint_schema::domain_metadata(),
            checkpoint_schema::checkpoint_metadata(),
            checkpoint_schema::sidecar(),
        ])?;
        let tags = json!({
            "sidecarNumActions": written.rows.to_string(),
            "sidecarSizeInBytes": written.bytes.to_string(),
            "numOfAddFiles": written.adds.to_string(),
        });
        let mut lines = vec![json!({"checkpointMetadata": {"version": version, "tags": tags}})];
        lines.extend(table_actions(actions, self.transactions_since));
        lines.extend(written.sidecars);
        file.write_json(&lines)?;
        let (rows, content) = (file.rows(), file.finish()?);
        let bytes = content.len() as u64;
        let name = format!(
            "{version:020}.checkpoint.{}.parquet",
            self.environment.uuid()
        );
        let path = log_folder(&self.table.root).join(name.as_str());
        if !put_new(self.table, &path, content).await? {
            return Err(self.doubt(format!("{path} is there, under an id that is new")));
        }
        Ok(LastCheckpoint {
            version,
            size: rows.saturating_add(written.rows),
            size_in_bytes: Some(bytes.saturating_add(written.bytes)),
            num_of_add_files: written.adds,
            v2_checkpoint: Some(V2Checkpoint {
                path: name,
                size_in_bytes: bytes,
                modification_time: self.environment.now(),
            }),
        })
    }

    async fn write_sidecars(&self, actions: &Reconciliation) -> Result<FilesWritten> {
        let mut written = FilesWritten::default();
        let mut file = self.sidecar()?;
        let mut batches = actions.file_actions();
        while let Some(batch) = batches.try_next().await? {
            written.adds = written.adds.saturating_add(batch.adds.len() as u64);
            self.write_files(&mut file, &batch.adds, &batch.removes)?;
            if file.rows() >= SIDECAR {
                let full = mem::replace(&mut file, self.sidecar()?);
                self.put_sidecar(full, &mut written).await?;
            }
        }
        self.check_adds(written.adds)?;
        if file.rows() > 0 {
            self.put_sidecar(file, &mut written).await?;
        }
        Ok(written)
    }

    async fn put_sidecar(&self, file: ActionsFile, written: &mut FilesWritten) -> Result<()> {
        let rows = file.rows();
        let content: Bytes = file.finish()?;
        let bytes = content.len() as u64;
        let name = format!("{}.parquet", self.environment.uuid());
        let folder = log_folder(&self.table.root).join("_sidecars");
        let path = folder.join(name.as_str());
        if !put_new(self.table, &path, content).await? {
            return Err(self.doubt(format!("{path} is there, under an id that is new")));
        }
        written.rows = written.rows.saturating_add(rows);
        written.bytes = written.bytes.saturating_add(bytes);
        written.sidecars.push(json!({"sidecar": {
            "path": name,
            "sizeInBytes": bytes,
            "modificationTime": self.environment.now(),
        }}));
        Ok(())
    }

    fn file(&self, actions: Vec<Field>) -> Result<ActionsFile> {
        ActionsFile::new(actions, self.compression)
    }

    fn sidecar(&self) -> Result<ActionsFile> {
        self.file(vec![self.columns.add(), self.columns.remove()])
    }

    fn write_files(
        &self,
        file: &mut ActionsFile,
        adds: &StructArray,
        removes: &StructArray,
    ) -> Result<()> {
        if !adds.is_empty() {
            file.write("add", self.columns.adds(adds)?)?;
        }
        if !removes.is_empty() {
            let tombstones = self.columns.tombstones(removes, self.tombstones_since)?;
            if !tombstones.is_empty() {
                file.write("remove", tombstones)?;
            }
        }
        Ok(())
    }

    fn check_adds(&self, adds: u64) -> Result<()> {
        let expected = self.snapshot.files().len();
        if adds == expected as u64 {
            return Ok(());
        }
        Err(self.doubt(format!("it has {expected} files, and {adds} in its log")))
    }

    fn doubt(&self, reason: String) -> MaintenanceError {
        MaintenanceError::Doubt {
            version: self.snapshot.version(),
            reason,
        }
    }
}
