//! The actions of a checkpoint that are of no file, as lines of JSON.

use delta_log::{Metadata, Protocol, Reconciliation, Snapshot};
use serde_json::{Map, Value, json};

use super::error::{MaintenanceError, Result};

/// Whether two ways to read the log lead to the same table: a snapshot, and the reconciled actions
/// that are to be written down.
///
/// # Errors
/// [`MaintenanceError::Doubt`].
pub(super) fn check_same(snapshot: &Snapshot, actions: &Reconciliation) -> Result<()> {
    let version = snapshot.version();
    let doubt = |reason: String| Err(MaintenanceError::Doubt { version, reason });
    if actions.version() != version {
        return doubt(format!(
            "its actions are those of version {}",
            actions.version()
        ));
    }
    let protocol: Protocol = serde_json::from_value(Value::Object(actions.protocol().clone()))?;
    if protocol != *snapshot.protocol() {
        return doubt("the log gives two protocols for it".to_owned());
    }
    let metadata: Metadata = serde_json::from_value(Value::Object(actions.metadata().clone()))?;
    if metadata != *snapshot.metadata() {
        return doubt("the log gives two metadata for it".to_owned());
    }
    Ok(())
}

/// Protocol, metadata, transactions and domains. Transactions of before `since`, in milliseconds since
/// the epoch, are left out; of those that don't say when they were made, none.
pub(super) fn table_actions(actions: &Reconciliation, since: Option<i64>) -> Vec<Value> {
    let mut lines = vec![
        json!({"protocol": protocol(actions)}),
        json!({"metaData": metadata(actions)}),
    ];
    let transactions = actions.transactions().values();
    let transactions = transactions.filter(|transaction| match (since, transaction.last_updated) {
        (Some(since), Some(updated)) => updated > since,
        (None, _) | (_, None) => true,
    });
    lines.extend(transactions.map(|transaction| json!({"txn": transaction})));
    let domains = actions.domain_metadata().values();
    lines.extend(domains.map(|domain| json!({"domainMetadata": domain})));
    lines
}

/// Lists of features are there for versions that have them, and only for those.
fn protocol(actions: &Reconciliation) -> Map<String, Value> {
    let mut protocol = actions.protocol().clone();
    let versions = [
        ("minReaderVersion", 3, "readerFeatures"),
        ("minWriterVersion", 7, "writerFeatures"),
    ];
    for (name, with_features, features) in versions {
        let has_features = protocol.get(name).and_then(Value::as_u64) == Some(with_features);
        match has_features {
            true => fill(&mut protocol, features, json!([])),
            false => {
                protocol.remove(features);
            }
        }
    }
    protocol
}

/// Fields that must be there are, if only empty.
fn metadata(actions: &Reconciliation) -> Map<String, Value> {
    let mut metadata = actions.metadata().clone();
    fill(&mut metadata, "partitionColumns", json!([]));
    fill(&mut metadata, "configuration", json!({}));
    fill(&mut metadata, "format", json!({"provider": "parquet"}));
    if let Some(Value::Object(format)) = metadata.get_mut("format") {
        fill(format, "options", json!({}));
    }
    metadata
}

fn fill(fields: &mut Map<String, Value>, name: &str, default: Value) {
    if fields.get(name).is_none_or(Value::is_null) {
        fields.insert(name.to_owned(), default);
    }
}
