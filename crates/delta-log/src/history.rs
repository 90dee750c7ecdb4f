use serde_json::{Map, Value};

/// One commit of the log.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CommitRecord {
    /// The version that it made.
    pub version: u64,
    /// When, in milliseconds since the epoch.
    pub timestamp_ms: i64,
    /// What its writer says about it.
    pub commit_info: Option<Map<String, Value>>,
    /// Data files that it added.
    pub files_added: u64,
    /// Data files that it removed.
    pub files_removed: u64,
    /// Rows of the added files, copied ones included; `None` where statistics are missing.
    pub rows_added: Option<u64>,
    /// Rows of the removed files; `None` where statistics are missing.
    pub rows_removed: Option<u64>,
    /// Data files of the table as of this version, where the log tells.
    pub num_files: Option<u64>,
    /// Rows of the table as of this version, where the log tells.
    pub num_rows: Option<u64>,
    /// What it did to the schema; `None`: nothing, or the schema before it is not known.
    pub schema_change: Option<SchemaChange>,
}

/// What a commit did to the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaChange {
    /// The first schema.
    Created,
    /// These columns were added, none changed.
    Added(Vec<String>),
    /// Columns went away or changed their type.
    Replaced,
}

impl CommitRecord {
    /// `WRITE`, `MERGE` and so on.
    pub fn operation(&self) -> Option<&str> {
        self.text("operation")
    }

    /// The operation's parameters in the log's order; values that are no strings as JSON.
    pub fn operation_parameters(&self) -> Vec<(String, Option<String>)> {
        self.entries("operationParameters")
    }

    /// The operation's metrics in the log's order.
    pub fn operation_metrics(&self) -> Vec<(String, Option<String>)> {
        self.entries("operationMetrics")
    }

    /// The writer's name and version.
    pub fn engine_info(&self) -> Option<&str> {
        self.text("engineInfo")
    }

    /// A field of the commit info that is a string: `userId`, `userName`, `isolationLevel`, ….
    pub fn text(&self, field: &str) -> Option<&str> {
        self.commit_info.as_ref()?.get(field)?.as_str()
    }

    /// `readVersion`: the version that the commit builds on.
    pub fn read_version(&self) -> Option<i64> {
        self.commit_info.as_ref()?.get("readVersion")?.as_i64()
    }

    /// `isBlindAppend`: whether the commit only added, without looking at the table's rows.
    pub fn is_blind_append(&self) -> Option<bool> {
        self.commit_info.as_ref()?.get("isBlindAppend")?.as_bool()
    }

    fn entries(&self, field: &str) -> Vec<(String, Option<String>)> {
        let entries = self.commit_info.as_ref().and_then(|info| info.get(field)?.as_object());
        entries
            .into_iter()
            .flatten()
            .map(|(key, value)| {
                let value = match value {
                    Value::Null => None,
                    Value::String(text) => Some(text.clone()),
                    other => Some(other.to_string()),
                };
                (key.clone(), value)
            })
            .collect()
    }
}
