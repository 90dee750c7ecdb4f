//! Delta's table properties: their names, the values they take, and which of them Lakeglass can set.
//!
//! Properties of the user's own are free. A `delta.` property means something to every reader and
//! writer of the table, so an unknown one is refused rather than stored and ignored, and one that
//! would turn on a feature which Lakeglass does not write yet is refused by name.
#![warn(missing_docs)]

mod interval;

use std::collections::BTreeMap;

use messages::Error;

pub use interval::parse_interval;

/// The values that a property takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Positive,
    /// `-1` or more.
    Count,
    /// `interval 30 days`.
    Interval,
    Text,
    OneOf(&'static [&'static str]),
    /// Known to Delta; Lakeglass writes tables with these values only.
    Only(&'static [&'static str]),
}

const KNOWN: &[(&str, Kind)] = &[
    ("delta.appendOnly", Kind::Bool),
    (
        "delta.autoOptimize.autoCompact",
        Kind::OneOf(&["true", "false", "auto", "legacy"]),
    ),
    ("delta.autoOptimize.optimizeWrite", Kind::Bool),
    ("delta.checkpoint.writeStatsAsJson", Kind::Bool),
    ("delta.checkpoint.writeStatsAsStruct", Kind::Bool),
    ("delta.checkpointInterval", Kind::Positive),
    ("delta.checkpointPolicy", Kind::OneOf(&["classic", "v2"])),
    (
        "delta.columnMapping.mode",
        Kind::OneOf(&["none", "name", "id"]),
    ),
    (
        "delta.compatibility.symlinkFormatManifest.enabled",
        Kind::Only(&["false"]),
    ),
    ("delta.dataSkippingNumIndexedCols", Kind::Count),
    ("delta.dataSkippingStatsColumns", Kind::Text),
    ("delta.deletedFileRetentionDuration", Kind::Interval),
    ("delta.enableChangeDataFeed", Kind::Bool),
    ("delta.enableDeletionVectors", Kind::Bool),
    ("delta.enableExpiredLogCleanup", Kind::Bool),
    ("delta.enableIcebergCompatV1", Kind::Only(&["false"])),
    ("delta.enableIcebergCompatV2", Kind::Only(&["false"])),
    ("delta.enableInCommitTimestamps", Kind::Bool),
    ("delta.enableRowTracking", Kind::Only(&["false"])),
    ("delta.enableTypeWidening", Kind::Bool),
    ("delta.enableVariantShredding", Kind::Only(&["false"])),
    ("delta.isolationLevel", Kind::Only(&["Serializable"])),
    ("delta.logRetentionDuration", Kind::Interval),
    ("delta.randomizeFilePrefixes", Kind::Bool),
    ("delta.sampleRetentionDuration", Kind::Interval),
    ("delta.setTransactionRetentionDuration", Kind::Interval),
    ("delta.targetFileSize", Kind::Positive),
    ("delta.tuneFileSizesForRewrites", Kind::Bool),
];

/// Delta's spelling of a property's name, which it recognises in any case: `delta.appendOnly` for
/// `DELTA.APPENDONLY`. `None` for a name that is not Delta's.
pub fn canonical_name(name: &str) -> Option<&'static str> {
    find(name).map(|(name, _)| *name)
}

/// What the properties of a statement ask of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties {
    /// Those that the table's metadata store, under Delta's spelling of their names.
    pub stored: BTreeMap<String, String>,
    /// Names of table features that the protocol is to name, as they were written:
    /// `delta.feature.<name> = 'supported'`.
    pub features: Vec<String>,
}

/// The properties of a `CREATE TABLE` or `SET TBLPROPERTIES`.
///
/// # Errors
/// For the first property that can't be set, or not to this value: `DELTA_UNKNOWN_CONFIGURATION`,
/// `DELTA_INVALID_TABLE_PROPERTY_VALUE`, `DELTA_UNSUPPORTED_FEATURE_STATUS`, or
/// `DELTA_UNSUPPORTED_TABLE_PROPERTY` where Delta knows it and Lakeglass does not write it.
/// `DUPLICATE_KEY` where two names differ by their case alone.
pub fn check(properties: &BTreeMap<String, String>) -> Result<Properties, Error> {
    let mut checked = Properties::default();
    for (name, value) in properties {
        if let Some(feature) = feature_of(name) {
            if !value.eq_ignore_ascii_case("supported") {
                return Err(Error::new(
                    "DELTA_UNSUPPORTED_FEATURE_STATUS",
                    format!("{name} can't be '{value}': it must be 'supported'."),
                ));
            }
            checked.features.push(feature.to_owned());
            continue;
        }
        let name = check_one(name, value)?;
        if checked.stored.contains_key(&name) {
            return Err(Error::new(
                "DUPLICATE_KEY",
                format!("The property {name} is set twice."),
            ));
        }
        checked.stored.insert(name, value.clone());
    }
    Ok(checked)
}

/// What follows `delta.feature.` in the name of a property.
fn feature_of(name: &str) -> Option<&str> {
    const PREFIX: &str = "delta.feature.";
    let (prefix, feature) = name.split_at_checked(PREFIX.len())?;
    prefix.eq_ignore_ascii_case(PREFIX).then_some(feature)
}

fn find(name: &str) -> Option<&'static (&'static str, Kind)> {
    KNOWN
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
}

fn check_one(name: &str, value: &str) -> Result<String, Error> {
    let lower = name.to_lowercase();
    if !lower.starts_with("delta.") {
        return Ok(name.to_owned());
    }
    if lower.starts_with("delta.constraints.") {
        return Err(Error::new(
            "DELTA_UNSUPPORTED_TABLE_PROPERTY",
            format!("{name} is a CHECK constraint and can't be set as a property."),
        ));
    }
    if ["delta.minreaderversion", "delta.minwriterversion"].contains(&lower.as_str()) {
        return Err(Error::new(
            "DELTA_UNSUPPORTED_TABLE_PROPERTY",
            format!("{name} can't be set: the protocol follows from what a table uses."),
        )
        .with_hint(
            "Set the property that needs a feature, such as delta.enableChangeDataFeed = true, or \
             name it: delta.feature.<name> = 'supported'.",
        ));
    }
    let Some((canonical, kind)) = find(name) else {
        return Err(Error::new(
            "DELTA_UNKNOWN_CONFIGURATION",
            format!("{name} is not a property that Delta knows."),
        )
        .with_hint(
            "Names that start with delta. are Delta's own; choose another prefix for yours.",
        ));
    };
    let expected = match kind {
        Kind::Bool if ["true", "false"].contains(&value.to_lowercase().as_str()) => None,
        Kind::Bool => Some("true or false".to_owned()),
        Kind::Positive if value.parse::<u64>().is_ok_and(|n| n > 0) => None,
        Kind::Positive => Some("a whole number above 0".into()),
        Kind::Count if value.parse::<i64>().is_ok_and(|n| n >= -1) => None,
        Kind::Count => Some("a whole number of -1 or more".into()),
        Kind::Interval if parse_interval(value).is_some() => None,
        Kind::Interval => Some("an interval such as 'interval 30 days'".into()),
        Kind::Text => None,
        Kind::OneOf(values) if values.contains(&value.to_lowercase().as_str()) => None,
        Kind::OneOf(values) => Some(values.join(", ")),
        Kind::Only(values) if values.iter().any(|v| v.eq_ignore_ascii_case(value)) => None,
        Kind::Only(values) => {
            return Err(Error::new(
                "DELTA_UNSUPPORTED_TABLE_PROPERTY",
                format!(
                    "{canonical} = {value} asks for a feature that is not supported yet; it can only be {}.",
                    values.join(" or ")
                ),
            ));
        }
    };
    match expected {
        None => Ok((*canonical).to_owned()),
        Some(expected) => Err(Error::new(
            "DELTA_INVALID_TABLE_PROPERTY_VALUE",
            format!("{canonical} can't be '{value}': it must be {expected}."),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_properties_take_deltas_spelling() {
        assert_eq!(
            check_one("delta.enablechangedatafeed", "true").unwrap(),
            "delta.enableChangeDataFeed"
        );
        assert_eq!(
            check_one("delta.logRetentionDuration", "interval 30 days").unwrap(),
            "delta.logRetentionDuration"
        );
        assert_eq!(check_one("team", "blue").unwrap(), "team");
    }

    #[test]
    fn a_property_is_set_once_however_its_name_is_spelt() {
        let twice = [("delta.appendOnly", "true"), ("DELTA.appendonly", "false")];
        let twice = twice.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(check(&twice.into()).unwrap_err().code, "DUPLICATE_KEY");
        let own = [("team", "blue"), ("TEAM", "red")];
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(check(&own.clone().into()).unwrap().stored, own.into());
    }

    #[test]
    fn features_are_named_and_not_stored() {
        let said = |value: &str| [("Delta.Feature.aB".to_owned(), value.to_owned())].into();
        let checked = check(&said("Supported")).unwrap();
        assert_eq!(
            (checked.stored.len(), checked.features),
            (0, vec!["aB".to_owned()])
        );
        let code = check(&said("enabled")).unwrap_err().code;
        assert_eq!(code, "DELTA_UNSUPPORTED_FEATURE_STATUS");
    }

    #[test]
    fn other_properties_of_delta_are_refused_by_name() {
        for (name, value, code) in [
            (
                "delta.enableChangeDataFed",
                "true",
                "DELTA_UNKNOWN_CONFIGURATION",
            ),
            (
                "delta.enableChangeDataFeed",
                "yes",
                "DELTA_INVALID_TABLE_PROPERTY_VALUE",
            ),
            (
                "delta.checkpointInterval",
                "0",
                "DELTA_INVALID_TABLE_PROPERTY_VALUE",
            ),
            (
                "delta.logRetentionDuration",
                "30",
                "DELTA_INVALID_TABLE_PROPERTY_VALUE",
            ),
            (
                "delta.enableRowTracking",
                "true",
                "DELTA_UNSUPPORTED_TABLE_PROPERTY",
            ),
            (
                "delta.columnMapping.mode",
                "names",
                "DELTA_INVALID_TABLE_PROPERTY_VALUE",
            ),
            (
                "delta.minWriterVersion",
                "7",
                "DELTA_UNSUPPORTED_TABLE_PROPERTY",
            ),
        ] {
            let error = check_one(name, value).unwrap_err();
            assert_eq!(error.code, code, "{name}");
            assert!(error.message.contains(name), "{}", error.message);
        }
    }
}
