//! Table properties: which may be set, and to what.
//!
//! Properties of the user's own are free. A `delta.` property means something to every reader and
//! writer of the table, so an unknown one is refused rather than stored and ignored, and one that
//! would turn on a feature which this proxy can't write, or the page can't read yet, is refused by
//! name.

use std::collections::BTreeMap;

use messages::Error;

/// What a value must look like.
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
    /// Known to Delta; only these values are possible here.
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
    ("delta.checkpointPolicy", Kind::Only(&["classic"])),
    ("delta.columnMapping.mode", Kind::Only(&["none"])),
    (
        "delta.compatibility.symlinkFormatManifest.enabled",
        Kind::Only(&["false"]),
    ),
    ("delta.dataSkippingNumIndexedCols", Kind::Count),
    ("delta.dataSkippingStatsColumns", Kind::Text),
    ("delta.deletedFileRetentionDuration", Kind::Interval),
    ("delta.enableChangeDataFeed", Kind::Bool),
    ("delta.enableDeletionVectors", Kind::Only(&["false"])),
    ("delta.enableExpiredLogCleanup", Kind::Bool),
    ("delta.enableIcebergCompatV1", Kind::Only(&["false"])),
    ("delta.enableIcebergCompatV2", Kind::Only(&["false"])),
    ("delta.enableInCommitTimestamps", Kind::Only(&["false"])),
    ("delta.enableRowTracking", Kind::Only(&["false"])),
    ("delta.enableTypeWidening", Kind::Only(&["false"])),
    ("delta.enableVariantShredding", Kind::Only(&["false"])),
    ("delta.isolationLevel", Kind::Only(&["Serializable"])),
    ("delta.logRetentionDuration", Kind::Interval),
    ("delta.randomizeFilePrefixes", Kind::Only(&["false"])),
    ("delta.sampleRetentionDuration", Kind::Interval),
    ("delta.setTransactionRetentionDuration", Kind::Interval),
    ("delta.targetFileSize", Kind::Positive),
    ("delta.tuneFileSizesForRewrites", Kind::Bool),
];

/// The properties under Delta's spelling of their names, or the first that may not be set so.
pub(crate) fn check(
    properties: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Error> {
    properties
        .iter()
        .map(|(name, value)| Ok((check_one(name, value)?, value.clone())))
        .collect()
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
    if lower.starts_with("delta.feature.")
        || ["delta.minreaderversion", "delta.minwriterversion"].contains(&lower.as_str())
    {
        return Err(Error::new(
            "DELTA_UNSUPPORTED_TABLE_PROPERTY",
            format!("{name} can't be set: the protocol follows from what a table uses."),
        )
        .with_hint(
            "Set the property that needs the feature, such as delta.enableChangeDataFeed = true.",
        ));
    }
    let Some((canonical, kind)) = KNOWN
        .iter()
        .find(|(known, _)| known.to_lowercase() == lower)
    else {
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
        Kind::Interval if is_interval(value) => None,
        Kind::Interval => Some("an interval such as 'interval 30 days'".into()),
        Kind::Text => None,
        Kind::OneOf(values) if values.contains(&value.to_lowercase().as_str()) => None,
        Kind::OneOf(values) => Some(values.join(", ")),
        Kind::Only(values) if values.iter().any(|v| v.eq_ignore_ascii_case(value)) => None,
        Kind::Only(values) => {
            return Err(Error::new(
                "DELTA_UNSUPPORTED_TABLE_PROPERTY",
                format!(
                    "{canonical} = {value} asks for a feature that is not supported here yet; it can only be {}.",
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

/// `interval 30 days`, `2 weeks 12 hours`.
fn is_interval(value: &str) -> bool {
    const UNITS: &[&str] = &[
        "nanosecond",
        "microsecond",
        "millisecond",
        "second",
        "minute",
        "hour",
        "day",
        "week",
    ];
    let lower = value.trim().to_lowercase();
    let words: Vec<&str> = lower
        .strip_prefix("interval ")
        .unwrap_or(&lower)
        .split_whitespace()
        .collect();
    !words.is_empty()
        && words.len() % 2 == 0
        && words.chunks(2).all(|pair| {
            pair[0].parse::<u64>().is_ok()
                && UNITS.contains(&pair[1].strip_suffix('s').unwrap_or(pair[1]))
        })
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
                "delta.enableDeletionVectors",
                "true",
                "DELTA_UNSUPPORTED_TABLE_PROPERTY",
            ),
            (
                "delta.columnMapping.mode",
                "name",
                "DELTA_UNSUPPORTED_TABLE_PROPERTY",
            ),
            (
                "delta.feature.rowTracking",
                "supported",
                "DELTA_UNSUPPORTED_TABLE_PROPERTY",
            ),
        ] {
            let error = check_one(name, value).unwrap_err();
            assert_eq!(error.code, code, "{name}");
            assert!(error.message.contains(name), "{}", error.message);
        }
    }
}
