//! Identity columns in a table's metadata.
//!
//! Protocol: [Identity Columns](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#identity-columns)

use std::collections::BTreeMap;

use delta_log::schema::{DataType, StructField, StructType};
use messages::Error;
use serde_json::{Map, Value, json};
use spark_dialect::IdentityDefinition;

use crate::dml::{HIGH_WATER_MARK, table_columns};

/// The metadata of a column that DDL declares so.
pub(crate) fn define(identity: &IdentityDefinition, metadata: &mut Map<String, Value>) {
    for (key, value) in [
        ("delta.identity.start", json!(identity.start)),
        ("delta.identity.step", json!(identity.step)),
        (
            "delta.identity.allowExplicitInsert",
            json!(identity.allow_explicit_insert),
        ),
    ] {
        metadata.insert(key.to_owned(), value);
    }
}

pub(crate) fn is_identity(field: &StructField) -> bool {
    field.metadata.contains_key("delta.identity.start")
}

/// Refuses an identity column of another type than BIGINT.
///
/// # Errors
/// `DELTA_IDENTITY_COLUMNS_UNSUPPORTED_DATA_TYPE`.
pub(crate) fn check_type(field: &StructField) -> Result<(), Error> {
    if !is_identity(field) || field.data_type == DataType::Long {
        return Ok(());
    }
    let message = format!(
        "The identity column {} can't be a {}: it must be a BIGINT.",
        field.name, field.data_type
    );
    Err(Error::new(
        "DELTA_IDENTITY_COLUMNS_UNSUPPORTED_DATA_TYPE",
        message,
    ))
}

/// A schema, as the log has it, with these high water marks, by the columns' names.
///
/// # Errors
/// `INTERNAL_ERROR` for what is no schema.
pub(crate) fn with_marks(schema: &str, marks: &BTreeMap<String, i64>) -> Result<String, Error> {
    let schema = StructType::from_json(schema)
        .map_err(|error| Error::new("INTERNAL_ERROR", format!("{error}.")))?;
    let fields = schema.fields().iter().cloned().map(|mut field| {
        if let Some(mark) = marks.get(&field.name) {
            let key = HIGH_WATER_MARK.to_owned();
            field.metadata.insert(key, json!(mark));
        }
        field
    });
    Ok(StructType::new(fields.collect()).to_json().to_string())
}

/// The schema of an earlier version, as the log has it, whose identity columns go on where those of
/// `now` are: a number that was given once is not given again.
///
/// # Errors
/// Those of [`with_marks`], and of columns that are not understood.
pub(crate) fn with_later_marks(then: &StructType, now: &StructType) -> Result<String, Error> {
    let now = table_columns(now)?;
    let mut marks = BTreeMap::new();
    for column in table_columns(then)? {
        let same = now.iter().find(|other| other.name == column.name);
        let (Some(then), Some(now)) = (column.identity, same.and_then(|other| other.identity))
        else {
            continue;
        };
        let Some(mark) = now.high_water_mark else {
            continue;
        };
        let is_later = then
            .high_water_mark
            .is_none_or(|before| match then.step > 0 {
                true => mark > before,
                false => mark < before,
            });
        if is_later {
            marks.insert(column.name, mark);
        }
    }
    with_marks(&then.to_json().to_string(), &marks)
}
