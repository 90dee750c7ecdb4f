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

/// How the columns of a table are found in its data files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColumnMapping {
    /// By the names that users see.
    #[default]
    None,
    /// By names that stay when a column is renamed.
    Name,
    /// By the ids of Parquet fields.
    Id,
}

impl ColumnMapping {
    /// The mode that `metadata` sets, where `protocol` lets it count.
    ///
    /// # Errors
    /// [`Error::UnsupportedFeature`] for a mode that the protocol does not know.
    pub(crate) fn of(protocol: &Protocol, metadata: &Metadata) -> Result<Self> {
        let features = protocol.reader_features.as_deref().unwrap_or_default();
        let counts = match protocol.min_reader_version {
            ..=1 => false,
            2 => true,
            _ => features.iter().any(|feature| feature == "columnMapping"),
        };
        match metadata.configuration.get(MODE).map(String::as_str) {
            Some(mode) if counts => match mode.to_ascii_lowercase().as_str() {
                "none" => Ok(Self::None),
                "name" => Ok(Self::Name),
                "id" => Ok(Self::Id),
                _ => Err(Error::UnsupportedFeature(format!(
                    "columnMapping mode {mode}"
                ))),
            },
            _ => Ok(Self::None),
        }
    }

    /// Refuses a schema in which a field lacks what the mode needs to find it.
    pub(crate) fn check(self, schema: &StructType) -> Result<()> {
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
