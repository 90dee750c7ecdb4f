//! The `commitInfo` action, as Spark writes it.
//!
//! Protocol: [Commit Provenance Information](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#commit-provenance-information)

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::commit::isolation::IsolationLevel;

/// Name and version of this writer, as history shows it.
pub const ENGINE_INFO: &str = concat!("Lakeglass/", env!("CARGO_PKG_VERSION"));

/// What a statement says about itself in the history.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Operation {
    /// Spark's name: `MERGE`, `WRITE`.
    pub name: String,
    /// Parameters in order; a value that is no text is JSON, as Spark has it.
    pub parameters: Vec<(String, Value)>,
    /// Metrics in order.
    pub metrics: Vec<(String, u64)>,
    /// A note of the user.
    pub user_metadata: Option<String>,
}

impl Operation {
    /// An operation without parameters and metrics yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Adds a parameter. Spark's values are texts, lists and maps as JSON in a text.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.parameters.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a metric.
    pub fn metric(&mut self, name: &str, value: u64) {
        self.metrics.push((name.to_owned(), value));
    }
}

/// What a commit knows of itself when it is made.
pub(crate) struct Provenance<'a> {
    pub(crate) operation: &'a Operation,
    pub(crate) timestamp: i64,
    pub(crate) in_commit_timestamp: Option<i64>,
    pub(crate) read_version: Option<u64>,
    pub(crate) isolation: IsolationLevel,
    pub(crate) is_blind_append: bool,
    pub(crate) id: Uuid,
}

impl Provenance<'_> {
    pub(crate) fn to_json(&self) -> Value {
        let Self {
            operation,
            timestamp,
            in_commit_timestamp,
            read_version,
            isolation,
            is_blind_append,
            id,
        } = self;
        let mut info = Map::new();
        let mut set = |name: &str, value: Value| info.insert(name.to_owned(), value);
        // First, so that readers of many commits find it without parsing the rest.
        if let Some(time) = in_commit_timestamp {
            set("inCommitTimestamp", json!(time));
        }
        set("timestamp", json!(timestamp));
        set("operation", json!(operation.name));
        let parameters: Map<String, Value> = operation.parameters.iter().cloned().collect();
        set("operationParameters", Value::Object(parameters));
        if let Some(version) = read_version {
            set("readVersion", json!(version));
        }
        set("isolationLevel", json!(isolation.name()));
        set("isBlindAppend", json!(is_blind_append));
        let metrics = operation.metrics.iter();
        let metrics: Map<String, Value> = metrics
            .map(|(name, value)| (name.clone(), json!(value.to_string())))
            .collect();
        set("operationMetrics", Value::Object(metrics));
        if let Some(note) = &operation.user_metadata {
            set("userMetadata", json!(note));
        }
        set("engineInfo", json!(ENGINE_INFO));
        set("txnId", json!(id.to_string()));
        Value::Object(info)
    }
}
