use std::collections::BTreeMap;

/// A file that was written: what an `add` or a `cdc` action says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// `path`: relative to the table's root, percent-encoded.
    pub path: String,
    /// `partitionValues`: by physical name.
    pub partition_values: BTreeMap<String, Option<String>>,
    /// `size` in bytes.
    pub size: i64,
    /// `modificationTime`, in milliseconds since the epoch.
    pub modification_time: i64,
    /// Rows that the file has.
    pub num_records: i64,
    /// `stats`: statistics as JSON; none of change data.
    pub stats: Option<String>,
}
