//! delta-rs's log store, with a say in what a commit file holds.
//!
//! delta-rs prepares a commit as lines of JSON and hands them to its [`LogStore`] for the one
//! atomic put. [`CommitLog`] sits there: it rewrites the provenance ([`crate::commit_info`]), adds
//! the evolved schema, refuses a commit that would lose change data, and knows afterwards which
//! version was made.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use deltalake::DeltaResult;
use deltalake::kernel::Version;
use deltalake::kernel::transaction::TransactionError;
use deltalake::logstore::{CommitOrBytes, LogStore, LogStoreConfig};
use object_store::ObjectStore;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::commit_info::{FileTotals, Provenance};

/// The table before the commit, as far as the rewriting of its actions needs it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Before {
    /// Its `metaData` action's body; `None` where the commit creates or replaces the table.
    pub metadata: Option<Value>,
    /// Its `protocol` action's body.
    pub protocol: Option<Value>,
    /// The body of a `metaData` action to commit along: the table with new columns.
    pub evolved: Option<Value>,
    /// Whether each changed row must appear in a change data file (`delta.enableChangeDataFeed`,
    /// and the operation rewrites rows).
    pub needs_change_data: bool,
}

/// How the commit ended.
#[derive(Debug, Clone, Default)]
pub(crate) enum Outcome {
    /// No commit file was put.
    #[default]
    NotCommitted,
    Committed {
        version: u64,
        metrics: BTreeMap<String, String>,
    },
    /// The put failed, and the commit file was not there right after; it may still arrive.
    NotSeen,
    /// The store failed in a way that leaves open whether the commit file is there.
    Unknown { version: u64 },
}

/// A log store for one commit.
#[derive(Debug)]
pub(crate) struct CommitLog {
    inner: Arc<dyn LogStore>,
    state: Mutex<State>,
    /// Written into `commitInfo.txnId`, so that a commit can be recognised as this one.
    transaction: String,
}

#[derive(Debug, Default)]
struct State {
    provenance: Option<Provenance>,
    before: Before,
    outcome: Outcome,
}

impl CommitLog {
    pub fn new(inner: Arc<dyn LogStore>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            state: Mutex::default(),
            transaction: Uuid::new_v4().to_string(),
        })
    }

    /// Must be called before the operation commits.
    pub fn describe(&self, provenance: Provenance, before: Before) {
        let mut state = self.state();
        state.provenance = Some(provenance);
        state.before = before;
    }

    pub fn outcome(&self) -> Outcome {
        self.state().outcome.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The commit file as it shall be, and its metrics.
    fn rewrite(&self, bytes: &[u8]) -> Result<(Bytes, BTreeMap<String, String>), String> {
        let state = self.state();
        let provenance = state
            .provenance
            .as_ref()
            .ok_or("the commit was not described")?;
        let mut actions = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(serde_json::from_slice)
            .collect::<Result<Vec<Value>, _>>()
            .map_err(|e| e.to_string())?;
        let totals = FileTotals::of(&actions);
        if state.before.needs_change_data
            && totals.added_files > 0
            && totals.removed_files > 0
            && totals.change_files == 0
        {
            return Err("the table records change data, but none was written".into());
        }
        let mut metrics = BTreeMap::new();
        for action in &mut actions {
            if let Some(info) = action.get("commitInfo") {
                metrics = provenance.metrics.count(&totals, &info["operationMetrics"]);
                let timestamp = info["timestamp"]
                    .as_i64()
                    .unwrap_or_else(|| chrono::Utc::now().timestamp_millis());
                *action = provenance.action(timestamp, &self.transaction, &metrics);
            }
        }
        // Metadata and protocol that say what already holds are noise.
        actions.retain(|action| {
            let same_metadata = action
                .get("metaData")
                .zip(state.before.metadata.as_ref())
                .is_some_and(|(new, old)| new == old);
            let same_protocol = action
                .get("protocol")
                .zip(state.before.protocol.as_ref())
                .is_some_and(|(new, old)| same_protocol(new, old));
            !same_metadata && !same_protocol
        });
        if let Some(evolved) = &state.before.evolved {
            // The provenance comes first.
            actions.insert(1.min(actions.len()), json!({ "metaData": evolved }));
        }
        let mut lines = Vec::with_capacity(bytes.len());
        for action in &actions {
            serde_json::to_writer(&mut lines, action).map_err(|e| e.to_string())?;
            lines.push(b'\n');
        }
        Ok((lines.into(), metrics))
    }

    /// Whether the commit file of `version` is this transaction's.
    async fn is_ours(&self, version: Version) -> DeltaResult<bool> {
        let Some(bytes) = self.inner.read_commit_entry(version).await? else {
            return Ok(false);
        };
        Ok(bytes.split(|byte| *byte == b'\n').any(|line| {
            serde_json::from_slice::<Value>(line).is_ok_and(|action| {
                action["commitInfo"]["txnId"].as_str() == Some(&self.transaction)
            })
        }))
    }
}

fn same_protocol(a: &Value, b: &Value) -> bool {
    let features = |protocol: &Value, key: &str| {
        let mut names: Vec<String> = protocol[key]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|name| Some(name.as_str()?.to_owned()))
            .collect();
        names.sort();
        names
    };
    ["minReaderVersion", "minWriterVersion"]
        .iter()
        .all(|key| a[key] == b[key])
        && ["readerFeatures", "writerFeatures"]
            .iter()
            .all(|key| features(a, key) == features(b, key))
}

fn refused(message: String) -> TransactionError {
    TransactionError::LogStoreError {
        source: message.clone().into(),
        msg: message,
    }
}

#[async_trait]
impl LogStore for CommitLog {
    /// delta-rs passes the commit's bytes, rather than a temporary file, to the log store of this
    /// name.
    fn name(&self) -> String {
        self.inner.name()
    }

    async fn refresh(&self) -> DeltaResult<()> {
        self.inner.refresh().await
    }

    async fn read_commit_entry(&self, version: Version) -> DeltaResult<Option<Bytes>> {
        self.inner.read_commit_entry(version).await
    }

    async fn write_commit_entry(
        &self,
        version: Version,
        commit_or_bytes: CommitOrBytes,
        operation_id: Uuid,
    ) -> Result<(), TransactionError> {
        let CommitOrBytes::LogBytes(bytes) = commit_or_bytes else {
            return Err(refused("the commit came as a temporary file".into()));
        };
        let (bytes, metrics) = self.rewrite(&bytes).map_err(refused)?;
        let put = self
            .inner
            .write_commit_entry(version, CommitOrBytes::LogBytes(bytes), operation_id)
            .await;
        let Err(error) = put else {
            self.state().outcome = Outcome::Committed { version, metrics };
            return Ok(());
        };
        // A put whose answer was lost on the way may have been sent twice: the refusal of the
        // second then speaks of our own commit, and an error of a commit that is there.
        match self.is_ours(version).await {
            Ok(true) => {
                self.state().outcome = Outcome::Committed { version, metrics };
                Ok(())
            }
            Ok(false) => {
                if !matches!(error, TransactionError::VersionAlreadyExists(_)) {
                    self.state().outcome = Outcome::NotSeen;
                }
                Err(error)
            }
            Err(_) if matches!(error, TransactionError::VersionAlreadyExists(_)) => {
                self.state().outcome = Outcome::Unknown { version };
                // Not "already exists": that would commit once more under the next version.
                Err(refused(format!(
                    "it is not known whether version {version} was committed"
                )))
            }
            Err(_) => {
                self.state().outcome = Outcome::Unknown { version };
                Err(error)
            }
        }
    }

    async fn abort_commit_entry(
        &self,
        version: Version,
        commit_or_bytes: CommitOrBytes,
        operation_id: Uuid,
    ) -> Result<(), TransactionError> {
        self.inner
            .abort_commit_entry(version, commit_or_bytes, operation_id)
            .await
    }

    async fn get_latest_version(&self, start_version: Version) -> DeltaResult<Version> {
        self.inner.get_latest_version(start_version).await
    }

    fn object_store(&self, operation_id: Option<Uuid>) -> Arc<dyn ObjectStore> {
        self.inner.object_store(operation_id)
    }

    fn root_object_store(&self, operation_id: Option<Uuid>) -> Arc<dyn ObjectStore> {
        self.inner.root_object_store(operation_id)
    }

    fn config(&self) -> &LogStoreConfig {
        self.inner.config()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_equal_whatever_the_order_of_their_features() {
        let a = json!({"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["a", "b"]});
        let b = json!({"minWriterVersion": 7, "minReaderVersion": 1, "writerFeatures": ["b", "a"]});
        assert!(same_protocol(&a, &b));
        assert!(!same_protocol(
            &a,
            &json!({"minReaderVersion": 1, "minWriterVersion": 7})
        ));
    }
}
