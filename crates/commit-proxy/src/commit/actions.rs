//! The content of a commit file, read strictly: what readers would pass over is refused.
//!
//! Protocol: [Actions](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#actions)

use std::collections::BTreeMap;

use delta_log::{DeletionVector, Metadata, Protocol};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The actions of a commit file.
#[derive(Debug, Default)]
pub(crate) struct Actions {
    /// `commitInfo`, and whether it is the file's first action.
    pub commit_info: Option<(Map<String, Value>, bool)>,
    pub protocol: Option<Protocol>,
    pub metadata: Option<Metadata>,
    pub adds: Vec<Add>,
    pub removes: Vec<Remove>,
    pub cdcs: Vec<Cdc>,
    /// Names of the applications of the `txn` actions.
    pub applications: Vec<String>,
    /// Names of the domains of the `domainMetadata` actions.
    pub domains: Vec<String>,
}

type PartitionTexts = BTreeMap<String, Option<String>>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Add {
    pub path: String,
    pub partition_values: PartitionTexts,
    pub size: u64,
    #[allow(dead_code, reason = "must be there")]
    modification_time: i64,
    #[allow(dead_code, reason = "must be there")]
    data_change: bool,
    pub stats: Option<String>,
    pub deletion_vector: Option<DeletionVector>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Remove {
    pub path: String,
    /// Without it VACUUM takes the file at once.
    #[allow(dead_code, reason = "must be there")]
    deletion_timestamp: i64,
    pub data_change: bool,
    pub deletion_vector: Option<DeletionVector>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cdc {
    pub path: String,
    pub partition_values: PartitionTexts,
    pub size: u64,
    pub data_change: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Txn {
    app_id: String,
    #[allow(dead_code, reason = "must be there")]
    version: i64,
}

#[derive(Debug, Deserialize)]
struct DomainMetadata {
    domain: String,
    #[allow(dead_code, reason = "must be there")]
    configuration: String,
    #[allow(dead_code, reason = "must be there")]
    removed: bool,
}

/// One line: an object of one action. Serde refuses others by name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Action {
    CommitInfo(Map<String, Value>),
    Protocol(Protocol),
    MetaData(Metadata),
    Add(Box<Add>),
    Remove(Box<Remove>),
    Cdc(Cdc),
    Txn(Txn),
    DomainMetadata(DomainMetadata),
}

impl Actions {
    /// Reads a commit file. JSON that is nested deeper than 128 levels is refused.
    ///
    /// # Errors
    /// What is wrong, with the line.
    pub fn parse(body: &[u8]) -> Result<Self, String> {
        let mut actions = Self::default();
        let lines = body
            .strip_suffix(b"\n")
            .unwrap_or(body)
            .split(|byte| *byte == b'\n');
        for (number, line) in lines.enumerate() {
            let at = |what: String| format!("line {}: {what}", number.saturating_add(1));
            let action = serde_json::from_slice(line).map_err(|error| at(error.to_string()))?;
            let name = actions.take(action, number == 0);
            if let Err(name) = name {
                return Err(at(format!("there is more than one {name}")));
            }
        }
        Ok(actions)
    }

    /// Fails with the name of an action that may be there once, and is there already.
    fn take(&mut self, action: Action, is_first: bool) -> Result<(), &'static str> {
        let is_second = match action {
            Action::CommitInfo(info) => self
                .commit_info
                .replace((info, is_first))
                .map(|_| "commitInfo"),
            Action::Protocol(protocol) => self.protocol.replace(protocol).map(|_| "protocol"),
            Action::MetaData(metadata) => self.metadata.replace(metadata).map(|_| "metaData"),
            Action::Add(add) => {
                self.adds.push(*add);
                None
            }
            Action::Remove(remove) => {
                self.removes.push(*remove);
                None
            }
            Action::Cdc(cdc) => {
                self.cdcs.push(cdc);
                None
            }
            Action::Txn(txn) => {
                let is_known = self.applications.contains(&txn.app_id);
                self.applications.push(txn.app_id);
                is_known.then_some("txn of one appId")
            }
            Action::DomainMetadata(metadata) => {
                let is_known = self.domains.contains(&metadata.domain);
                self.domains.push(metadata.domain);
                is_known.then_some("domainMetadata of one domain")
            }
        };
        is_second.map_or(Ok(()), Err)
    }

    /// `commitInfo.readVersion`.
    pub fn read_version(&self) -> Option<u64> {
        self.commit_info.as_ref()?.0.get("readVersion")?.as_u64()
    }

    /// `commitInfo.inCommitTimestamp`, where it is the file's first action.
    pub fn in_commit_timestamp(&self) -> Option<i64> {
        let (info, is_first) = self.commit_info.as_ref()?;
        info.get("inCommitTimestamp")?
            .as_i64()
            .filter(|_| *is_first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_readers_pass_over_is_refused() {
        for (body, why) in [
            (
                "{\"checkpointMetadata\":{}}",
                "line 1: unknown variant `checkpointMetadata`",
            ),
            (
                "{\"commitInfo\":{}}\n{\"sidecar\":{}}",
                "line 2: unknown variant `sidecar`",
            ),
            ("{\"commitInfo\":{},\"add\":{}}", "line 1: "),
            (
                "{\"commitInfo\":{}}\n{\"commitInfo\":{}}",
                "line 2: there is more than one commitInfo",
            ),
            (
                "{\"txn\":{\"appId\":\"a\",\"version\":1}}\n{\"txn\":{\"appId\":\"a\",\"version\":2}}",
                "line 2: there is more than one txn",
            ),
            (
                "{\"commitInfo\":{}}\n\n{\"txn\":{\"appId\":\"a\",\"version\":1}}",
                "line 2: EOF",
            ),
            ("", "line 1: EOF"),
            (
                "{\"add\":{\"path\":\"a\",\"path\":\"b\",\"partitionValues\":{},\"size\":1}}",
                "duplicate field `path`",
            ),
            (
                "{\"add\":{\"path\":\"a\",\"partitionValues\":{},\"size\":-1}}",
                "invalid value",
            ),
            (
                "{\"add\":{\"path\":\"a\",\"partitionValues\":{},\"size\":1,\"modificationTime\":1}}",
                "missing field `dataChange`",
            ),
            (
                "{\"remove\":{\"path\":\"a\",\"dataChange\":true}}",
                "missing field `deletionTimestamp`",
            ),
            (
                &format!(
                    "{{\"commitInfo\":{{\"a\":{}1{}}}}}",
                    "[".repeat(200),
                    "]".repeat(200)
                ),
                "recursion limit",
            ),
        ] {
            let error = Actions::parse(body.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{body}: {error}");
        }
    }
}
