use arrow::datatypes::SchemaRef;

use crate::actions::{Metadata, Protocol};
use crate::file_table::FileTable;
use crate::schema::StructType;

/// A table as of one version. Never changes.
#[derive(Debug)]
pub struct Snapshot {
    pub(crate) version: u64,
    pub(crate) timestamp: i64,
    pub(crate) protocol: Protocol,
    pub(crate) metadata: Metadata,
    pub(crate) schema: StructType,
    pub(crate) arrow_schema: SchemaRef,
    pub(crate) files: FileTable,
}

impl Snapshot {
    /// The version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// When the version was committed, in milliseconds since the epoch.
    pub fn timestamp(&self) -> i64 {
        self.timestamp
    }

    /// What a client must understand to read and to write this version.
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// The table's identity and properties.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The columns, partition columns included.
    pub fn schema(&self) -> &StructType {
        &self.schema
    }

    /// The columns as rows are read into them: see [`StructType::to_arrow`].
    pub fn arrow_schema(&self) -> SchemaRef {
        self.arrow_schema.clone()
    }

    /// The columns whose values are in the log and not in the data files.
    pub fn partition_columns(&self) -> &[String] {
        &self.metadata.partition_columns
    }

    /// The data files.
    pub fn files(&self) -> &FileTable {
        &self.files
    }
}
