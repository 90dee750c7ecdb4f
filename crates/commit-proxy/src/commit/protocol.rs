//! Whether a commit keeps to a protocol that Lakeglass writes.
//!
//! Protocol: [Protocol Evolution](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#protocol-evolution)

use delta_log::Protocol;

use crate::error::{Refusal, invalid, unsupported};

/// Writer features that Lakeglass's writers keep to.
const WRITTEN: [&str; 18] = [
    "appendOnly",
    "changeDataFeed",
    "checkConstraints",
    "clustering",
    "columnMapping",
    "deletionVectors",
    "domainMetadata",
    "generatedColumns",
    "identityColumns",
    "inCommitTimestamp",
    "inCommitTimestamp-preview",
    "invariants",
    "timestampNtz",
    "typeWidening",
    "typeWidening-preview",
    "v2Checkpoint",
    "vacuumProtocolCheck",
    "allowColumnDefaults",
];

/// Features that a writer version below 7 stands for, and the least such version of each.
const OF_WRITER_VERSIONS: [(u32, &str); 7] = [
    (2, "appendOnly"),
    (2, "invariants"),
    (3, "checkConstraints"),
    (4, "changeDataFeed"),
    (4, "generatedColumns"),
    (5, "columnMapping"),
    (6, "identityColumns"),
];

/// Whether writers must support a feature.
pub(crate) fn has_feature(protocol: &Protocol, feature: &str) -> bool {
    let listed = protocol.writer_features.iter().flatten();
    let mut implied = OF_WRITER_VERSIONS.iter();
    listed.into_iter().any(|listed| listed == feature)
        || (protocol.min_writer_version < 7
            && implied.any(|(least, of)| *of == feature && *least <= protocol.min_writer_version))
}

/// Refuses what a protocol asks of writers and Lakeglass does not do.
pub(crate) fn check_written(protocol: &Protocol) -> Result<(), Refusal> {
    if protocol.min_writer_version > 7 {
        let version = protocol.min_writer_version;
        return Err(unsupported(&format!("minWriterVersion {version}")));
    }
    let listed = protocol.writer_features.iter().flatten();
    let mut unknown = listed.filter(|feature| !WRITTEN.contains(&feature.as_str()));
    unknown
        .next()
        .map_or(Ok(()), |feature| Err(unsupported(feature)))
}

/// Checks the protocol that a commit brings: well-formed, and not less than the one `before`.
pub(crate) fn check_upgrade(before: Option<&Protocol>, after: &Protocol) -> Result<(), Refusal> {
    check_written(after)?;
    let lists = |features: &Option<Vec<String>>, is_due: bool, version: &str| match features
        .is_some()
        == is_due
    {
        true => Ok(()),
        false => Err(invalid(format!(
            "the protocol's {version} and its features do not fit"
        ))),
    };
    let (reader, writer) = (after.min_reader_version, after.min_writer_version);
    lists(&after.reader_features, reader == 3, "minReaderVersion")?;
    lists(&after.writer_features, writer == 7, "minWriterVersion")?;
    if reader == 3 && writer != 7 {
        return Err(invalid(
            "a protocol with reader features needs writer features",
        ));
    }
    let for_readers = after.reader_features.iter().flatten();
    for feature in for_readers {
        if !has_feature(after, feature) {
            return Err(invalid(format!(
                "the protocol names {feature} for readers, not for writers"
            )));
        }
    }
    let Some(before) = before else {
        return Ok(());
    };
    if reader < before.min_reader_version || writer < before.min_writer_version {
        return Err(invalid("a protocol may not be lowered"));
    }
    let implied = OF_WRITER_VERSIONS.iter().map(|(_, feature)| *feature);
    let listed = before.writer_features.iter().chain(&before.reader_features);
    let kept = implied
        .filter(|feature| has_feature(before, feature))
        .chain(listed.flatten().map(String::as_str));
    for feature in kept {
        if !has_feature(after, feature) {
            return Err(invalid(format!(
                "the protocol may not lose the feature {feature}"
            )));
        }
    }
    for feature in before.reader_features.iter().flatten() {
        if !after
            .reader_features
            .iter()
            .flatten()
            .any(|kept| kept == feature)
        {
            return Err(invalid(format!(
                "the protocol may not lose the feature {feature}"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn protocol(value: Value) -> Protocol {
        serde_json::from_value(value).unwrap()
    }

    fn legacy(reader: u32, writer: u32) -> Protocol {
        protocol(json!({"minReaderVersion": reader, "minWriterVersion": writer}))
    }

    fn features(reader: &[&str], writer: &[&str]) -> Protocol {
        protocol(json!({
            "minReaderVersion": 3, "minWriterVersion": 7,
            "readerFeatures": reader, "writerFeatures": writer,
        }))
    }

    #[test]
    fn protocols_only_ever_ask_for_more() {
        let with_vectors = features(
            &["deletionVectors"],
            &["deletionVectors", "appendOnly", "invariants"],
        );
        for (before, after, is_fine) in [
            (None, legacy(1, 2), true),
            (Some(legacy(1, 2)), legacy(1, 4), true),
            (Some(legacy(1, 4)), legacy(1, 2), false),
            (Some(legacy(2, 5)), legacy(1, 5), false),
            (Some(legacy(1, 2)), with_vectors.clone(), true),
            (Some(legacy(1, 3)), with_vectors.clone(), false),
            (
                Some(with_vectors.clone()),
                features(&[], &["appendOnly", "invariants"]),
                false,
            ),
            (
                Some(with_vectors.clone()),
                features(&[], &["deletionVectors", "appendOnly", "invariants"]),
                false,
            ),
            (None, features(&["deletionVectors"], &[]), false),
            (None, features(&[], &["rowTracking"]), false),
            (None, legacy(1, 8), false),
            (None, legacy(1, 7), false),
            (None, legacy(3, 7), false),
            (
                None,
                protocol(
                    json!({"minReaderVersion": 1, "minWriterVersion": 2, "writerFeatures": []}),
                ),
                false,
            ),
        ] {
            let result = check_upgrade(before.as_ref(), &after);
            assert_eq!(
                result.is_ok(),
                is_fine,
                "{before:?} to {after:?}: {result:?}"
            );
        }
    }
}
