//! The actions of a version that are of no file, as a commit or a checkpoint spells them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::actions::{DomainMetadata, SetTransaction, Sidecar};
use crate::files::deletion_vector::DeletionVector;

/// What identifies the file of an `add` or a `remove`, apart from how its path is spelt.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileId {
    pub(super) path: String,
    pub(super) deletion_vector: Option<DeletionVector>,
}

/// One line of a commit, or one row of a checkpoint.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawAction {
    pub(super) protocol: Option<Map<String, Value>>,
    pub(super) meta_data: Option<Map<String, Value>>,
    pub(super) txn: Option<SetTransaction>,
    pub(super) domain_metadata: Option<DomainMetadata>,
    pub(super) commit_info: Option<Map<String, Value>>,
    pub(super) sidecar: Option<Sidecar>,
    pub(super) add: Option<FileId>,
    pub(super) remove: Option<FileId>,
}

/// The last word of some commits, or of a checkpoint, on everything but files. Protocol and metadata
/// are kept as the log has them, fields unknown to this crate included.
#[derive(Debug, Default)]
pub(super) struct TableActions {
    pub(super) protocol: Option<Map<String, Value>>,
    pub(super) metadata: Option<Map<String, Value>>,
    pub(super) transactions: BTreeMap<String, SetTransaction>,
    /// Those that were removed included.
    pub(super) domain_metadata: BTreeMap<String, DomainMetadata>,
    pub(super) commit_info: Option<Map<String, Value>>,
    pub(super) sidecars: Vec<Sidecar>,
}

impl TableActions {
    /// Adds a later action. Its file, if it is of one, is the caller's.
    pub(super) fn push(&mut self, action: RawAction) {
        self.protocol = action.protocol.or(self.protocol.take());
        self.metadata = action.meta_data.or(self.metadata.take());
        self.commit_info = action.commit_info.or(self.commit_info.take());
        self.sidecars.extend(action.sidecar);
        if let Some(transaction) = action.txn {
            let app_id = transaction.app_id.clone();
            self.transactions.insert(app_id, transaction);
        }
        if let Some(domain) = action.domain_metadata {
            self.domain_metadata.insert(domain.domain.clone(), domain);
        }
    }

    /// Adds what a later commit, or another part of the same checkpoint, says. Of what a commit said
    /// of itself only the last one's is kept.
    pub(super) fn extend(&mut self, later: Self) {
        self.protocol = later.protocol.or(self.protocol.take());
        self.metadata = later.metadata.or(self.metadata.take());
        self.transactions.extend(later.transactions);
        self.domain_metadata.extend(later.domain_metadata);
        self.commit_info = later.commit_info;
        self.sidecars.extend(later.sidecars);
    }
}
