//! Table features: what a protocol asks of writers, which of it is written here, and how a protocol
//! comes to name one more.
//!
//! Protocol: [Table Features](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#table-features)

use std::collections::BTreeSet;

use delta_log::Protocol;

use crate::error::{Error, Result};

/// A table feature that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // The variants are the protocol's names.
pub enum Feature {
    AppendOnly,
    Invariants,
    CheckConstraints,
    ChangeDataFeed,
    GeneratedColumns,
    ColumnMapping,
    IdentityColumns,
    AllowColumnDefaults,
    DeletionVectors,
    TimestampNtz,
    TypeWidening,
    InCommitTimestamp,
    V2Checkpoint,
    VacuumProtocolCheck,
    DomainMetadata,
    Clustering,
}

/// What the protocol says of a feature.
struct Facts {
    feature: Feature,
    name: &'static str,
    /// The writer version that implied it before features had names; `None` for later ones.
    writer_version: Option<u32>,
    /// The same of readers. `Some` with `writer_version`: 1 where readers have nothing to do.
    reader_version: u32,
    /// Whether readers must know of it too.
    is_readers: bool,
}

const fn legacy(feature: Feature, name: &'static str, writer: u32, reader: u32) -> Facts {
    Facts {
        feature,
        name,
        writer_version: Some(writer),
        reader_version: reader,
        is_readers: reader > 1,
    }
}

const fn named(feature: Feature, name: &'static str, is_readers: bool) -> Facts {
    Facts {
        feature,
        name,
        writer_version: None,
        reader_version: 3,
        is_readers,
    }
}

const FEATURES: [Facts; 18] = [
    legacy(Feature::AppendOnly, "appendOnly", 2, 1),
    legacy(Feature::Invariants, "invariants", 2, 1),
    legacy(Feature::CheckConstraints, "checkConstraints", 3, 1),
    legacy(Feature::ChangeDataFeed, "changeDataFeed", 4, 1),
    legacy(Feature::GeneratedColumns, "generatedColumns", 4, 1),
    legacy(Feature::ColumnMapping, "columnMapping", 5, 2),
    legacy(Feature::IdentityColumns, "identityColumns", 6, 1),
    named(Feature::AllowColumnDefaults, "allowColumnDefaults", false),
    named(Feature::DeletionVectors, "deletionVectors", true),
    named(Feature::TimestampNtz, "timestampNtz", true),
    named(Feature::TypeWidening, "typeWidening", true),
    named(Feature::TypeWidening, "typeWidening-preview", true),
    named(Feature::InCommitTimestamp, "inCommitTimestamp", false),
    named(Feature::V2Checkpoint, "v2Checkpoint", true),
    named(Feature::VacuumProtocolCheck, "vacuumProtocolCheck", true),
    named(Feature::DomainMetadata, "domainMetadata", false),
    named(Feature::Clustering, "clustering", false),
    // A name of the time before it was final.
    named(
        Feature::InCommitTimestamp,
        "inCommitTimestamp-preview",
        false,
    ),
];

impl Feature {
    fn facts(self) -> &'static Facts {
        let found = FEATURES.iter().find(|facts| facts.feature == self);
        found.expect("every feature has a row")
    }

    /// The feature of that name, in any case; none of the names that were not final.
    pub fn named(name: &str) -> Option<Self> {
        let mut features = FEATURES.iter().map(|facts| facts.feature);
        features.find(|feature| feature.name().eq_ignore_ascii_case(name))
    }

    /// The protocol's name: `deletionVectors`.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// Whether a protocol names the feature, or implies it by its writer version.
    pub fn is_in(self, protocol: &Protocol) -> bool {
        match &protocol.writer_features {
            Some(names) => FEATURES
                .iter()
                .filter(|facts| facts.feature == self)
                .any(|facts| names.iter().any(|name| name == facts.name)),
            None => self
                .facts()
                .writer_version
                .is_some_and(|version| version <= protocol.min_writer_version),
        }
    }

    /// The protocol with the feature in it, changed as little as may be: as it is if it has it; with
    /// a higher version where that implies the feature and nothing that the table lacks and we do not
    /// write; else with the features by their names.
    pub fn add_to(self, protocol: &Protocol) -> Protocol {
        if self.is_in(protocol) {
            return protocol.clone();
        }
        let facts = self.facts();
        if let (Some(version), None) = (facts.writer_version, &protocol.writer_features) {
            return Protocol {
                min_reader_version: protocol.min_reader_version.max(facts.reader_version),
                min_writer_version: protocol.min_writer_version.max(version),
                reader_features: None,
                writer_features: None,
            };
        }
        let mut writers: BTreeSet<String> = match &protocol.writer_features {
            Some(names) => names.iter().cloned().collect(),
            None => implied(protocol).map(str::to_owned).collect(),
        };
        writers.insert(facts.name.to_owned());
        let mut readers: BTreeSet<String> = match &protocol.reader_features {
            Some(names) => names.iter().cloned().collect(),
            None if protocol.min_reader_version >= 2 => {
                BTreeSet::from([Feature::ColumnMapping.name().to_owned()])
            }
            None => BTreeSet::new(),
        };
        if facts.is_readers {
            readers.insert(facts.name.to_owned());
        }
        // Only reader version 3 lists features, and it lists all of them.
        let has_reader_features = !readers.is_empty() || protocol.min_reader_version >= 3;
        Protocol {
            min_reader_version: match has_reader_features {
                true => 3,
                false => protocol.min_reader_version,
            },
            min_writer_version: 7,
            reader_features: has_reader_features.then(|| readers.into_iter().collect()),
            writer_features: Some(writers.into_iter().collect()),
        }
    }
}

/// Names of the features that a writer version below 7 implies.
fn implied(protocol: &Protocol) -> impl Iterator<Item = &'static str> {
    let version = protocol.min_writer_version;
    FEATURES
        .iter()
        .filter(move |facts| facts.writer_version.is_some_and(|since| since <= version))
        .map(|facts| facts.name)
}

/// Refuses a table that asks of writers what is not written here.
///
/// A feature that no property or column of the table uses binds nobody, but who writes can't know
/// that of a feature that they do not know: an unknown name is refused in any case.
///
/// # Errors
/// [`Error::UnsupportedFeature`], with the feature's name.
pub fn check_writable(protocol: &Protocol) -> Result<()> {
    let unsupported = |feature: &str| Err(Error::UnsupportedFeature(feature.to_owned()));
    if protocol.min_writer_version > 7 {
        let version = protocol.min_writer_version;
        return unsupported(&format!("minWriterVersion {version}"));
    }
    if let Some(names) = &protocol.writer_features {
        let known = |name: &String| FEATURES.iter().any(|facts| facts.name == name);
        if let Some(unknown) = names.iter().find(|name| !known(name)) {
            return unsupported(unknown);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protocol(reader: u32, writer: u32) -> Protocol {
        Protocol {
            min_reader_version: reader,
            min_writer_version: writer,
            reader_features: None,
            writer_features: None,
        }
    }

    fn names(list: &[&str]) -> Option<Vec<String>> {
        Some(list.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn legacy_feature_raises_the_version_and_named_feature_names_all_that_was_implied() {
        let first = Feature::ChangeDataFeed.add_to(&protocol(1, 2));
        assert_eq!(first, protocol(1, 4));
        let second = Feature::DeletionVectors.add_to(&first);
        assert_eq!(
            second,
            Protocol {
                min_reader_version: 3,
                min_writer_version: 7,
                reader_features: names(&["deletionVectors"]),
                writer_features: names(&[
                    "appendOnly",
                    "changeDataFeed",
                    "checkConstraints",
                    "deletionVectors",
                    "generatedColumns",
                    "invariants"
                ]),
            }
        );
        assert_eq!(Feature::DeletionVectors.add_to(&second), second);
    }

    #[test]
    fn features_are_found_by_their_final_names() {
        let named = Feature::named("DeletionVectors");
        assert_eq!(named, Some(Feature::DeletionVectors));
        for name in ["typeWidening-preview", "rowTracking", ""] {
            assert_eq!(Feature::named(name), None, "{name}");
        }
    }

    #[test]
    fn feature_for_writers_alone_leaves_readers_alone() {
        let with = Feature::InCommitTimestamp.add_to(&protocol(1, 2));
        assert_eq!((with.min_reader_version, with.min_writer_version), (1, 7));
        assert_eq!(with.reader_features, None);
        let mapped = Feature::InCommitTimestamp.add_to(&protocol(2, 5));
        assert_eq!(mapped.min_reader_version, 3);
        assert_eq!(mapped.reader_features, names(&["columnMapping"]));
    }

    #[test]
    fn nothing_that_was_in_a_protocol_is_lost_by_adding_to_it() {
        for writer in 1..=6 {
            let before = protocol(if writer >= 5 { 2 } else { 1 }, writer);
            for facts in &FEATURES {
                let after = facts.feature.add_to(&before);
                assert!(facts.feature.is_in(&after));
                for other in &FEATURES {
                    if other.feature.is_in(&before) {
                        assert!(other.feature.is_in(&after), "{} lost", other.name);
                    }
                }
                assert!(after.min_reader_version >= before.min_reader_version);
                assert!(after.min_writer_version >= before.min_writer_version);
            }
        }
    }
}
