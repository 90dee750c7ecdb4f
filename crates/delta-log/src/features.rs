//! What this reader can read.
//!
//! Protocol: [Requirements for Readers](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#requirements-for-readers)

use crate::actions::{Metadata, Protocol};
use crate::error::{Error, Result};

/// Reader features that are read, or ask nothing of a reader. Column mapping is here because a
/// table may list it and not use it; where it is used, [`check_metadata`] refuses it.
const READ: [&str; 5] = [
    "deletionVectors",
    "timestampNtz",
    "v2Checkpoint",
    "vacuumProtocolCheck",
    "columnMapping",
];

/// Refuses what a protocol asks of readers and this one lacks.
pub(crate) fn check_protocol(protocol: &Protocol) -> Result<()> {
    let features = protocol.reader_features.as_deref().unwrap_or_default();
    if let Some(unknown) = features
        .iter()
        .find(|feature| !READ.contains(&feature.as_str()))
    {
        return Err(Error::UnsupportedFeature(unknown.clone()));
    }
    if protocol.min_reader_version > 3 {
        let version = protocol.min_reader_version;
        return Err(Error::UnsupportedFeature(format!(
            "minReaderVersion {version}"
        )));
    }
    Ok(())
}

/// Refuses what the table's properties switch on and this reader lacks.
pub(crate) fn check_metadata(protocol: &Protocol, metadata: &Metadata) -> Result<()> {
    let mapping = metadata.configuration.get("delta.columnMapping.mode");
    // Below reader version 2 the property means nothing.
    if protocol.min_reader_version >= 2 && mapping.is_some_and(|mode| mode != "none") {
        return Err(Error::UnsupportedFeature("columnMapping".to_owned()));
    }
    let provider = &metadata.format.provider;
    if provider != "parquet" {
        return Err(Error::UnsupportedFeature(format!(
            "data files in the format {provider}"
        )));
    }
    Ok(())
}

/// Whether commits carry their own time.
///
/// Protocol: [In-Commit Timestamps](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#in-commit-timestamps)
pub(crate) fn has_in_commit_timestamps(protocol: &Protocol, metadata: &Metadata) -> bool {
    let features = protocol.writer_features.as_deref().unwrap_or_default();
    features
        .iter()
        .any(|feature| feature.starts_with("inCommitTimestamp"))
        && metadata.is_enabled("delta.enableInCommitTimestamps")
}
