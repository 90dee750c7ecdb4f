//! Table properties that tell how a log is kept.
//!
//! Protocol: [Checkpoints](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#checkpoints-1),
//! [Metadata Cleanup](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#metadata-cleanup)

use delta_log::Metadata;
use table_properties::parse_interval;

use super::error::{MaintenanceError, Result};

/// A day, in milliseconds.
pub(super) const DAY: i64 = 86_400_000;

const CHECKPOINT_INTERVAL: u64 = 10;

/// Whether a property is `true`; `default` where it is not there, or neither.
pub(super) fn is_enabled(metadata: &Metadata, property: &str, default: bool) -> bool {
    let value = metadata.configuration.get(property);
    let value = value.and_then(|value| value.to_lowercase().parse().ok());
    value.unwrap_or(default)
}

/// A property's interval in milliseconds, if it is set.
///
/// # Errors
/// [`MaintenanceError::InvalidInterval`].
pub(super) fn interval(metadata: &Metadata, property: &'static str) -> Result<Option<i64>> {
    let Some(value) = metadata.configuration.get(property) else {
        return Ok(None);
    };
    let invalid = || MaintenanceError::InvalidInterval {
        property,
        value: value.clone(),
    };
    parse_interval(value).map(Some).ok_or_else(invalid)
}

/// Commits from one checkpoint to the next.
pub(super) fn checkpoint_interval(metadata: &Metadata) -> u64 {
    let interval = metadata.configuration.get("delta.checkpointInterval");
    let interval = interval.and_then(|interval| interval.trim().parse().ok());
    interval.filter(|n| *n > 0).unwrap_or(CHECKPOINT_INTERVAL)
}
