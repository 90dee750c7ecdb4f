//! Column mapping: the names and ids under which files, statistics and partition values have a
//! table's columns.
//!
//! Protocol: [Column Mapping](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#column-mapping)

use serde_json::Value;

use crate::actions::{Metadata, Protocol};
use crate::error::{Error, Result};
use crate::schema::types::{DataType, StructField, StructType};

const MODE: &str = "delta.columnMapping.mode";
const PHYSICAL_NAME: &str = "delta.columnMapping.physicalName";
const ID: &str = "delta.columnMapping.id";

/// Column mapping mode: how the columns of a table are found in its data files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColumnMapping {
    /// By the columns' names in the schema, which users see.
    #[default]
    None,
    /// By physical names, which stay when a column is renamed.
    Name,
    /// By the ids of Parquet fields.
    Id,
}

impl ColumnMapping {
    /// The mode that the table's properties set, as Spark reads it. What the protocol says of column
    /// mapping decides only where the columns have no physical names:
    ///
    /// | protocol | fields | mode |
    /// | --- | --- | --- |
    /// | reader version 2, or `columnMapping` among the reader features | any | the property's |
    /// | `columnMapping` among the writer features alone, as Spark 3.5 writes tables for Iceberg | any | the property's |
    /// | nothing of it | with physical names | the property's: some writer has applied it |
    /// | nothing of it | without | none: the property is a text that nobody has acted on |
    ///
    /// # Errors
    /// [`Error::UnsupportedFeature`] for a mode that counts and is not known;
    /// [`Error::CorruptLog`] where a field lacks what the mode needs to find it.
    pub fn of(protocol: &Protocol, metadata: &Metadata, schema: &StructType) -> Result<Self> {
        let Some(mode) = metadata.configuration.get(MODE) else {
            return Ok(Self::None);
        };
        let is_named = |field: &StructField| field.metadata.contains_key(PHYSICAL_NAME);
        if !is_supported(protocol) && !schema.fields().iter().any(is_named) {
            return Ok(Self::None);
        }
        let mode = match mode.to_ascii_lowercase().as_str() {
            "none" => Self::None,
            "name" => Self::Name,
            "id" => Self::Id,
            _ => {
                let feature = format!("columnMapping mode {mode}");
                return Err(Error::UnsupportedFeature(feature));
            }
        };
        mode.check(schema)?;
        Ok(mode)
    }

    /// Refuses a schema in which a field lacks what the mode needs to find it.
    fn check(self, schema: &StructType) -> Result<()> {
        if self == Self::None {
            return Ok(());
        }
        schema.fields().iter().try_for_each(|field| {
            let lacking = match self {
                _ if !field.metadata.contains_key(PHYSICAL_NAME) => PHYSICAL_NAME,
                Self::Id if self.field_id(field).is_none() => ID,
                _ => return self.check_type(&field.data_type),
            };
            Err(Error::CorruptLog {
                path: "metaData.schemaString".to_owned(),
                reason: format!(
                    "column mapping is on, and column {} has no {lacking}",
                    field.name
                ),
            })
        })
    }

    fn check_type(self, data_type: &DataType) -> Result<()> {
        match data_type {
            DataType::Struct(fields) => self.check(fields),
            DataType::Array { element, .. } => self.check_type(element),
            DataType::Map { key, value, .. } => {
                self.check_type(key)?;
                self.check_type(value)
            }
            _ => Ok(()),
        }
    }

    /// The field's name in statistics and partition values, and in data files unless they are read
    /// by id.
    pub fn physical_name(self, field: &StructField) -> &str {
        match (self, field.metadata.get(PHYSICAL_NAME)) {
            (Self::Name | Self::Id, Some(Value::String(name))) => name,
            _ => &field.name,
        }
    }

    /// The id of the field in data files, where that is what they are read by.
    pub fn field_id(self, field: &StructField) -> Option<i64> {
        match self {
            Self::Id => field.metadata.get(ID)?.as_i64(),
            Self::None | Self::Name => None,
        }
    }
}

/// Whether a protocol names column mapping, be it to writers alone.
fn is_supported(protocol: &Protocol) -> bool {
    let lists = [&protocol.reader_features, &protocol.writer_features];
    let mut features = lists.into_iter().flatten().flatten();
    protocol.min_reader_version == 2 || features.any(|feature| feature == "columnMapping")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema(has_names: bool, has_ids: bool) -> StructType {
        let mut field = StructField::new("a", DataType::Long, true);
        if has_names {
            let name = Value::from("col-1");
            field.metadata.insert(PHYSICAL_NAME.to_owned(), name);
        }
        if has_ids {
            field.metadata.insert(ID.to_owned(), Value::from(1));
        }
        StructType::new(vec![field])
    }

    fn protocol(reader: u32, reader_features: Value, writer_features: Value) -> Protocol {
        let protocol = json!({
            "minReaderVersion": reader, "minWriterVersion": 7,
            "readerFeatures": reader_features, "writerFeatures": writer_features,
        });
        serde_json::from_value(protocol).unwrap()
    }

    fn metadata(mode: Option<&str>) -> Metadata {
        let mut configuration = serde_json::Map::new();
        if let Some(mode) = mode {
            configuration.insert(MODE.to_owned(), Value::from(mode));
        }
        serde_json::from_value(json!({"id": "1", "configuration": configuration})).unwrap()
    }

    #[test]
    fn property_counts_where_the_protocol_or_the_fields_know_column_mapping() {
        let (none, mapping) = (Value::Null, json!(["columnMapping"]));
        let supported = [
            protocol(2, none.clone(), none.clone()),
            protocol(3, mapping.clone(), mapping.clone()),
            protocol(3, json!([]), mapping.clone()),
            protocol(3, none.clone(), mapping.clone()),
            protocol(1, none.clone(), mapping),
        ];
        let unsupported = [
            protocol(1, none.clone(), none.clone()),
            protocol(1, json!([]), json!([])),
            protocol(3, json!(["deletionVectors"]), json!(["deletionVectors"])),
        ];
        for protocol in supported.iter().chain(&unsupported) {
            for (mode, expected) in [
                (None, ColumnMapping::None),
                (Some("none"), ColumnMapping::None),
                (Some("name"), ColumnMapping::Name),
                (Some("NAME"), ColumnMapping::Name),
                (Some("id"), ColumnMapping::Id),
            ] {
                let mapping = ColumnMapping::of(protocol, &metadata(mode), &schema(true, true));
                assert_eq!(mapping.unwrap(), expected, "{protocol:?} {mode:?}");
            }
            let unknown = ColumnMapping::of(protocol, &metadata(Some("new")), &schema(true, true));
            assert!(matches!(unknown, Err(Error::UnsupportedFeature(_))));
        }
        for mode in ["name", "id", "new"] {
            for protocol in &unsupported {
                let mapping =
                    ColumnMapping::of(protocol, &metadata(Some(mode)), &schema(false, true));
                assert_eq!(mapping.unwrap(), ColumnMapping::None);
            }
        }
        for protocol in &supported {
            for (mode, schema) in [
                ("name", schema(false, true)),
                ("id", schema(false, true)),
                ("id", schema(true, false)),
            ] {
                let lacking = ColumnMapping::of(protocol, &metadata(Some(mode)), &schema);
                assert!(matches!(lacking, Err(Error::CorruptLog { .. })), "{mode}");
            }
        }
    }
}
