use std::collections::BTreeMap;

use serde::Deserialize;

/// What a client must understand to read and to write the table.
///
/// Protocol: [Protocol Evolution](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#protocol-evolution)
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Protocol {
    /// 1 to 3.
    pub min_reader_version: u32,
    /// 1 to 7.
    pub min_writer_version: u32,
    /// Only with reader version 3.
    pub reader_features: Option<Vec<String>>,
    /// Only with writer version 7.
    pub writer_features: Option<Vec<String>>,
}

/// Who the table is.
///
/// Protocol: [Change Metadata](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#change-metadata)
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// A GUID.
    pub id: String,
    /// Given by the user.
    pub name: Option<String>,
    /// Given by the user.
    pub description: Option<String>,
    /// The schema as JSON; parsed: [`crate::Snapshot::schema`].
    pub schema_string: String,
    /// Names of columns.
    #[serde(default)]
    pub partition_columns: Vec<String>,
    /// Milliseconds since the epoch.
    pub created_time: Option<i64>,
    /// The table's properties: `delta.enableChangeDataFeed` and others.
    #[serde(default)]
    pub configuration: BTreeMap<String, String>,
}
