//! The actions of the log, and how a commit file spells them.
//!
//! Protocol: [Actions](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#actions)

use std::collections::{BTreeMap, HashMap};

use object_store::path::Path;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::files::deletion_vector::DeletionVector;

/// The `protocol` action: versions and features that a client must support to read or write the table.
///
/// Protocol: [Protocol Evolution](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#protocol-evolution)
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Protocol {
    /// Least version of the reader protocol that a client must support, 1 to 3.
    pub min_reader_version: u32,
    /// Least version of the writer protocol that a client must support, 1 to 7.
    pub min_writer_version: u32,
    /// Table features that readers must support; only with reader version 3.
    pub reader_features: Option<Vec<String>>,
    /// Table features that writers must support; only with writer version 7.
    pub writer_features: Option<Vec<String>>,
}

/// The `metaData` action: the table's identity, schema and properties.
///
/// Protocol: [Change Metadata](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#change-metadata)
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Identity of the table, a GUID.
    pub id: String,
    /// Name that a user gave the table.
    pub name: Option<String>,
    /// Description that a user gave the table.
    pub description: Option<String>,
    /// Format of the data files.
    #[serde(default)]
    pub format: Format,
    /// The schema as JSON; parsed: [`crate::Snapshot::schema`]. Empty where a writer left it out;
    /// such a version cannot be read, but a later one may be.
    #[serde(default, deserialize_with = "null_as_default")]
    pub schema_string: String,
    /// Names of the partition columns, in order.
    #[serde(default, deserialize_with = "null_as_default")]
    pub partition_columns: Vec<String>,
    /// When the table was created, in milliseconds since the epoch.
    pub created_time: Option<i64>,
    /// Table properties: `delta.enableChangeDataFeed` and others.
    #[serde(default, deserialize_with = "without_nulls")]
    pub configuration: BTreeMap<String, String>,
}

/// Format of data files.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Format {
    /// Name of the format: `parquet`.
    pub provider: String,
}

impl Default for Format {
    fn default() -> Self {
        Self {
            provider: "parquet".to_owned(),
        }
    }
}

impl Metadata {
    /// Whether a property of the table is `true`.
    pub(crate) fn is_enabled(&self, property: &str) -> bool {
        self.configuration
            .get(property)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Whether changes are recorded.
    pub(crate) fn records_changes(&self) -> bool {
        self.is_enabled("delta.enableChangeDataFeed")
    }
}

/// A file that is added, with the fields that a reader needs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Add {
    pub(crate) path: String,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) partition_values: HashMap<String, Option<String>>,
    pub(crate) size: i64,
    #[serde(default)]
    pub(crate) modification_time: i64,
    #[serde(default = "yes")]
    pub(crate) data_change: bool,
    pub(crate) stats: Option<String>,
    pub(crate) deletion_vector: Option<Box<DeletionVector>>,
}

/// A file that is removed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Remove {
    pub(crate) path: String,
    #[serde(default = "yes")]
    pub(crate) data_change: bool,
    pub(crate) partition_values: Option<HashMap<String, Option<String>>>,
    pub(crate) size: Option<i64>,
    pub(crate) stats: Option<String>,
    pub(crate) deletion_vector: Option<Box<DeletionVector>>,
}

/// A file with the changes of a commit.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cdc {
    pub(crate) path: String,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) partition_values: HashMap<String, Option<String>>,
    pub(crate) size: i64,
}

/// A part of a V2 checkpoint.
///
/// Protocol: [Sidecar File Information](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#sidecar-file-information)
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sidecar {
    /// Its name in `_delta_log/_sidecars`, percent-encoded.
    pub(crate) path: String,
    /// In bytes.
    pub(crate) size_in_bytes: u64,
}

/// The actions of a commit that a reader needs, or of a checkpoint that is written as JSON.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Commit {
    pub(crate) protocol: Option<Protocol>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) adds: Vec<Add>,
    pub(crate) removes: Vec<Remove>,
    pub(crate) cdcs: Vec<Cdc>,
    pub(crate) sidecars: Vec<Sidecar>,
    pub(crate) commit_info: Option<Map<String, Value>>,
    /// Whether a protocol or a metadata was followed by another one.
    pub(crate) is_ambiguous: bool,
}

/// One line of a commit. Actions that a reader does not need (`txn`, `domainMetadata`) are skipped.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Action {
    pub(crate) protocol: Option<Protocol>,
    pub(crate) meta_data: Option<Metadata>,
    add: Option<Add>,
    remove: Option<Remove>,
    cdc: Option<Cdc>,
    pub(crate) sidecar: Option<Sidecar>,
    commit_info: Option<Map<String, Value>>,
}

impl Commit {
    /// Reads a commit file.
    ///
    /// # Errors
    /// [`Error::CorruptLog`], with the line. A file that was cut short ends in a broken line.
    pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        let mut commit = Self::default();
        for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let action: Action = serde_json::from_slice(line).map_err(|error| {
                let path = format!("{path} line {}", number.saturating_add(1));
                Error::CorruptLog {
                    path,
                    reason: error.to_string(),
                }
            })?;
            commit.is_ambiguous |= (commit.protocol.is_some() && action.protocol.is_some())
                || (commit.metadata.is_some() && action.meta_data.is_some());
            commit.protocol = action.protocol.or(commit.protocol);
            commit.metadata = action.meta_data.or(commit.metadata);
            commit.commit_info = action.commit_info.or(commit.commit_info);
            commit.adds.extend(action.add);
            commit.removes.extend(action.remove);
            commit.cdcs.extend(action.cdc);
            commit.sidecars.extend(action.sidecar);
        }
        Ok(commit)
    }

    /// `commitInfo.inCommitTimestamp`, in milliseconds since the epoch.
    pub(crate) fn in_commit_timestamp(&self) -> Option<i64> {
        self.commit_info
            .as_ref()?
            .get("inCommitTimestamp")?
            .as_i64()
    }
}

/// `numRecords` of an action's statistics.
pub(crate) fn num_records(stats: Option<&str>) -> Option<u64> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Stats {
        num_records: Option<u64>,
    }
    serde_json::from_str::<Stats>(stats?).ok()?.num_records
}

fn yes() -> bool {
    true
}

fn null_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn without_nulls<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let entries: Option<BTreeMap<String, Option<String>>> = Option::deserialize(deserializer)?;
    let entries = entries.unwrap_or_default().into_iter();
    Ok(entries
        .filter_map(|(key, value)| Some((key, value?)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commit_cut_short_names_file_and_line() {
        let text = b"{\"commitInfo\":{}}\n{\"add\":{\"path\":\"a\",\"si";
        let error = Commit::parse(&Path::from("t/_delta_log/1.json"), text).unwrap_err();
        assert!(
            error.to_string().contains("t/_delta_log/1.json line 2"),
            "{error}"
        );
    }

    #[test]
    fn unknown_actions_and_fields_are_skipped() {
        let text = b"{\"txn\":{\"appId\":\"a\"}}\r\n\n{\"newAction\":{}}\n\
            {\"add\":{\"path\":\"a\",\"size\":1,\"partitionValues\":{\"p\":null},\"x\":[]}}";
        let commit = Commit::parse(&Path::from("c"), text).unwrap();
        assert_eq!(commit.adds.len(), 1);
        assert_eq!(commit.adds[0].partition_values["p"], None);
    }
}
