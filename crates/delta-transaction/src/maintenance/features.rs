//! Tables whose log this writer knows all about.

use delta_log::Protocol;

use super::error::{MaintenanceError, Result};

/// Features that add no action to a log beyond those that a checkpoint holds here.
const KNOWN: [&str; 27] = [
    "allowColumnDefaults",
    "appendOnly",
    "changeDataFeed",
    "checkConstraints",
    "checkpointProtection",
    "clustering",
    "columnMapping",
    "deletionVectors",
    "domainMetadata",
    "generatedColumns",
    "icebergCompatV1",
    "icebergCompatV2",
    "identityColumns",
    "inCommitTimestamp",
    "inCommitTimestamp-preview",
    "invariants",
    "rowTracking",
    "timestampNtz",
    "typeWidening",
    "typeWidening-preview",
    "v2Checkpoint",
    "vacuumProtocolCheck",
    "variantShredding",
    "variantShredding-preview",
    "variantType",
    "variantType-preview",
    "materializePartitionColumns",
];

/// Refuses a table that uses a feature which may put more into its log than this writer knows, and
/// would leave out. That includes tables managed by a catalog, which alone knows their commits.
pub(super) fn check_checkpoint(protocol: &Protocol) -> Result<()> {
    let versions = [
        ("minReaderVersion", protocol.min_reader_version, 3),
        ("minWriterVersion", protocol.min_writer_version, 7),
    ];
    for (name, version, known) in versions {
        if version > known {
            let unknown = format!("{name} {version}");
            return Err(MaintenanceError::UnsupportedFeature(unknown));
        }
    }
    match features(protocol).find(|feature| !KNOWN.contains(feature)) {
        Some(unknown) => Err(MaintenanceError::UnsupportedFeature(unknown.to_owned())),
        None => Ok(()),
    }
}

/// Refuses, beyond that, a table whose older commits may only go together with the history of its
/// protocol.
pub(super) fn check_clean_up(protocol: &Protocol) -> Result<()> {
    check_checkpoint(protocol)?;
    match features(protocol).find(|feature| *feature == "checkpointProtection") {
        Some(feature) => Err(MaintenanceError::UnsupportedFeature(feature.to_owned())),
        None => Ok(()),
    }
}

/// Whether readers and writers have to know checkpoints of the V2 spec.
pub(super) fn has_v2_checkpoints(protocol: &Protocol) -> bool {
    let has = |features: &Option<Vec<String>>| {
        let features = features.as_deref().unwrap_or_default();
        features.iter().any(|feature| feature == "v2Checkpoint")
    };
    has(&protocol.reader_features) && has(&protocol.writer_features)
}

fn features(protocol: &Protocol) -> impl Iterator<Item = &str> {
    let lists = [&protocol.reader_features, &protocol.writer_features];
    lists.into_iter().flatten().flatten().map(String::as_str)
}
