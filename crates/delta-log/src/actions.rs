//! The actions of the log, and how a commit file spells them.
//!
//! Protocol: [Actions](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#actions)

use std::collections::BTreeMap;

use object_store::path::Path;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::files::deletion_vector::DeletionVector;

/// The `protocol` action: versions and features that a client must support to read or write the table.
///
/// Protocol: [Protocol Evolution](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#protocol-evolution)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Protocol {
    /// Least version of the reader protocol that a client must support, 1 to 3.
    pub min_reader_version: u32,
    /// Least version of the writer protocol that a client must support, 1 to 7.
    pub min_writer_version: u32,
    /// Table features that readers must support; only with reader version 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reader_features: Option<Vec<String>>,
    /// Table features that writers must support; only with writer version 7.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writer_features: Option<Vec<String>>,
}

/// The `metaData` action: the table's identity, schema and properties.
///
/// Protocol: [Change Metadata](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#change-metadata)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Identity of the table, a GUID.
    pub id: String,
    /// Name that a user gave the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Description that a user gave the table.
    #[serde(skip_serializing_if = "Option::is_none")]
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
    /// Table properties: `delta.enableChangeDataFeed` and others.
    #[serde(default, deserialize_with = "without_nulls")]
    pub configuration: BTreeMap<String, String>,
    /// When the table was created, in milliseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_time: Option<i64>,
}

/// Format of data files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Format {
    /// Name of the format: `parquet`.
    pub provider: String,
    /// Options of the format. None are known for `parquet`.
    #[serde(default, deserialize_with = "without_nulls")]
    pub options: BTreeMap<String, String>,
}

impl Default for Format {
    fn default() -> Self {
        Self {
            provider: "parquet".to_owned(),
            options: BTreeMap::new(),
        }
    }
}

impl Metadata {
    /// Whether a property of the table is `true`.
    pub fn is_enabled(&self, property: &str) -> bool {
        self.configuration
            .get(property)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Whether changes are recorded.
    pub(crate) fn records_changes(&self) -> bool {
        self.is_enabled("delta.enableChangeDataFeed")
    }
}

/// Partition values as the log has them, by physical column name. An empty text is null.
///
/// Protocol: [Partition Value Serialization](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#partition-value-serialization)
pub type PartitionTexts = BTreeMap<String, Option<String>>;

/// Tags of a file: texts that only their writer knows the meaning of.
pub type Tags = BTreeMap<String, Option<String>>;

/// The `add` action: a data file that the table has from this commit on.
///
/// Protocol: [Add File and Remove File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#add-file-and-remove-file)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Add {
    /// URI reference: percent-encoded, relative to the table or absolute.
    pub path: String,
    /// Values of the partition columns.
    #[serde(default, deserialize_with = "null_as_default")]
    pub partition_values: PartitionTexts,
    /// Size in bytes.
    pub size: i64,
    /// When the file was made, in milliseconds since the epoch.
    #[serde(default)]
    pub modification_time: i64,
    /// Whether the commit's changes of rows need this file to be looked at.
    #[serde(default = "yes")]
    pub data_change: bool,
    /// Statistics of the file, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stats: Option<String>,
    /// Tags of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
    /// Rows of the file that are not in the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_vector: Option<Box<DeletionVector>>,
    /// Row id of the file's first row; the others count on from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_row_id: Option<i64>,
    /// The version in which the file was first added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_row_commit_version: Option<i64>,
    /// Name of the implementation that clustered the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clustering_provider: Option<String>,
}

/// The `remove` action: a data file that the table has no longer.
///
/// Protocol: [Add File and Remove File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#add-file-and-remove-file)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Remove {
    /// The path of the `add`, spelled as there.
    pub path: String,
    /// When the file was removed, in milliseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_timestamp: Option<i64>,
    /// Whether the commit's changes of rows need this file to be looked at.
    #[serde(default = "yes")]
    pub data_change: bool,
    /// Whether partition values, size and tags are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extended_file_metadata: Option<bool>,
    /// Values of the partition columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_values: Option<PartitionTexts>,
    /// Size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// Statistics of the file, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stats: Option<String>,
    /// Tags of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
    /// Rows of the file that had gone before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_vector: Option<Box<DeletionVector>>,
    /// As in [`Add`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_row_id: Option<i64>,
    /// As in [`Add`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_row_commit_version: Option<i64>,
}

/// The `cdc` action: a file with rows that the commit changed.
///
/// Protocol: [Add CDC File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#add-cdc-file)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cdc {
    /// URI reference: percent-encoded, relative to the table or absolute.
    pub path: String,
    /// Values of the partition columns.
    #[serde(default, deserialize_with = "null_as_default")]
    pub partition_values: PartitionTexts,
    /// Size in bytes.
    pub size: i64,
    /// Always false: the file is no part of the table.
    #[serde(default)]
    pub data_change: bool,
    /// Tags of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
}

/// The `txn` action: how far an application has come in its own count of what it writes.
///
/// Protocol: [Transaction Identifiers](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#transaction-identifiers)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetTransaction {
    /// Id of the application.
    pub app_id: String,
    /// Its count.
    pub version: i64,
    /// When, in milliseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_updated: Option<i64>,
}

/// The `domainMetadata` action: configuration of a named part of the table's metadata.
///
/// Protocol: [Domain Metadata](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#domain-metadata)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DomainMetadata {
    /// Name of the domain: `delta.clustering`.
    pub domain: String,
    /// What its owner wants to keep.
    pub configuration: String,
    /// Whether the domain is gone.
    #[serde(default)]
    pub removed: bool,
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

/// The actions of a commit, or of a checkpoint that is written as JSON.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Commit {
    /// What the commit's writer says about it.
    pub commit_info: Option<Map<String, Value>>,
    /// The new protocol.
    pub protocol: Option<Protocol>,
    /// The new metadata.
    pub metadata: Option<Metadata>,
    /// Data files that came.
    pub adds: Vec<Add>,
    /// Data files that went.
    pub removes: Vec<Remove>,
    /// Files with changed rows.
    pub cdcs: Vec<Cdc>,
    /// Counts of applications.
    pub transactions: Vec<SetTransaction>,
    /// Domains that came, changed or went.
    pub domains: Vec<DomainMetadata>,
    pub(crate) sidecars: Vec<Sidecar>,
    /// Whether a protocol or a metadata was followed by another one.
    pub(crate) is_ambiguous: bool,
}

/// One line of a commit. Actions with other names are skipped.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Action {
    pub(crate) protocol: Option<Protocol>,
    pub(crate) meta_data: Option<Metadata>,
    add: Option<Add>,
    remove: Option<Remove>,
    cdc: Option<Cdc>,
    #[serde(default, deserialize_with = "if_well_formed")]
    txn: Option<SetTransaction>,
    #[serde(default, deserialize_with = "if_well_formed")]
    domain_metadata: Option<DomainMetadata>,
    pub(crate) sidecar: Option<Sidecar>,
    commit_info: Option<Map<String, Value>>,
}

impl Commit {
    /// Reads a commit file.
    ///
    /// # Errors
    /// [`Error::CorruptLog`], with the line. A file that was cut short ends in a broken line.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
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
            commit.transactions.extend(action.txn);
            commit.domains.extend(action.domain_metadata);
            commit.sidecars.extend(action.sidecar);
        }
        Ok(commit)
    }

    /// `commitInfo.inCommitTimestamp`, in milliseconds since the epoch.
    pub fn in_commit_timestamp(&self) -> Option<i64> {
        self.commit_info
            .as_ref()?
            .get("inCommitTimestamp")?
            .as_i64()
    }

    /// A field of `commitInfo` that is a text: `operation`, `txnId`.
    pub fn info(&self, field: &str) -> Option<&str> {
        self.commit_info.as_ref()?.get(field)?.as_str()
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

/// Actions that say nothing about rows must not keep a table from being read.
fn if_well_formed<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let value = Option::<Value>::deserialize(deserializer)?;
    Ok(value.and_then(|value| serde_json::from_value(value).ok()))
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
