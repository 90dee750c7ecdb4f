//! What this reader can read.
//!
//! Protocol: [Requirements for Readers](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#requirements-for-readers)

use crate::actions::{Metadata, Protocol};
use crate::error::{Error, Result};

/// Reader features that are read, or ask nothing of a reader.
const READ: [&str; 11] = [
    "columnMapping",
    "deletionVectors",
    "typeWidening",
    "typeWidening-preview",
    "timestampNtz",
    "v2Checkpoint",
    "vacuumProtocolCheck",
    "variantShredding",
    "variantShredding-preview",
    "variantType",
    "variantType-preview",
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

/// Refuses what the table's metadata asks for and this reader lacks.
pub(crate) fn check_metadata(metadata: &Metadata) -> Result<()> {
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
