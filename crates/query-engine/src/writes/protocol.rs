//! The protocol that a table needs for what its properties and columns ask for.

use delta_log::schema::{DataType, StructType};
use delta_log::{Metadata, Protocol};
use delta_transaction::Feature;
use messages::Error;

/// The protocol of a table that uses nothing, as Spark makes it.
pub(crate) fn least() -> Protocol {
    Protocol {
        min_reader_version: 1,
        min_writer_version: 2,
        reader_features: None,
        writer_features: None,
    }
}

/// Properties that ask for a feature when they are `true`.
const PROPERTIES: [(&str, Feature); 4] = [
    ("delta.enableChangeDataFeed", Feature::ChangeDataFeed),
    ("delta.enableDeletionVectors", Feature::DeletionVectors),
    ("delta.enableInCommitTimestamps", Feature::InCommitTimestamp),
    ("delta.enableTypeWidening", Feature::TypeWidening),
];

/// `protocol` with all features that the metadata needs. A table's protocol never goes back.
pub(crate) fn needed(protocol: &Protocol, metadata: &Metadata, schema: &StructType) -> Protocol {
    let mut protocol = protocol.clone();
    let mut enable = |feature: Feature| protocol = feature.add_to(&protocol);
    for (property, feature) in PROPERTIES {
        if metadata.is_enabled(property) {
            enable(feature);
        }
    }
    let properties = &metadata.configuration;
    let is = |name: &str, value: &str| {
        let set = properties.get(name);
        set.is_some_and(|set| set.eq_ignore_ascii_case(value))
    };
    let mode = "delta.columnMapping.mode";
    if is(mode, "name") || is(mode, "id") {
        enable(Feature::ColumnMapping);
    }
    if is("delta.checkpointPolicy", "v2") {
        enable(Feature::V2Checkpoint);
    }
    if properties
        .keys()
        .any(|name| name.starts_with("delta.constraints."))
    {
        enable(Feature::CheckConstraints);
    }
    let fields = schema.fields().iter();
    if fields.clone().any(|field| has_ntz(&field.data_type)) {
        enable(Feature::TimestampNtz);
    }
    let has = |key: &str| fields.clone().any(|field| field.metadata.contains_key(key));
    if has("delta.generationExpression") {
        enable(Feature::GeneratedColumns);
    }
    if has("delta.identity.start") {
        enable(Feature::IdentityColumns);
    }
    if has("CURRENT_DEFAULT") {
        enable(Feature::AllowColumnDefaults);
    }
    protocol
}

/// `protocol` with the features of these names, which a statement asks for. Metadata may need more.
///
/// # Errors
/// `DELTA_UNSUPPORTED_FEATURES_IN_CONFIG` for one that is not written.
pub(crate) fn with_features(protocol: &Protocol, names: &[String]) -> Result<Protocol, Error> {
    let mut protocol = protocol.clone();
    for name in names {
        let feature = Feature::named(name).filter(|feature| *feature != Feature::Clustering);
        let Some(feature) = feature else {
            let message = format!("The table feature {name} is not written here.");
            return Err(Error::new("DELTA_UNSUPPORTED_FEATURES_IN_CONFIG", message)
                .with_hint("Leave it out, or make the table with Spark."));
        };
        protocol = feature.add_to(&protocol);
    }
    Ok(protocol)
}

fn has_ntz(data_type: &DataType) -> bool {
    match data_type {
        DataType::TimestampNtz => true,
        DataType::Struct(fields) => {
            let mut fields = fields.fields().iter();
            fields.any(|field| has_ntz(&field.data_type))
        }
        DataType::Array { element, .. } => has_ntz(element),
        DataType::Map { key, value, .. } => has_ntz(key) || has_ntz(value),
        DataType::Boolean
        | DataType::Byte
        | DataType::Short
        | DataType::Integer
        | DataType::Long
        | DataType::Float
        | DataType::Double
        | DataType::Decimal { .. }
        | DataType::String
        | DataType::Binary
        | DataType::Date
        | DataType::Timestamp
        | DataType::Void
        | DataType::Variant => false,
    }
}
