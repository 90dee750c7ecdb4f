//! Whether a table may have the metadata that a commit leaves it with.
//!
//! Protocol: [Change Metadata](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#change-metadata)

use std::collections::HashSet;

use delta_log::Snapshot;
use delta_log::schema::{DataType, StructType};

use crate::commit::protocol::has_feature;
use crate::commit::stored_types::fits;
use crate::error::{Refusal, invalid};

/// Checks the schema and the partition columns of `after`. `keeps_files` says whether files of
/// `before` are still among those of `after`.
pub(crate) fn check(
    before: Option<&Snapshot>,
    after: &Snapshot,
    keeps_files: bool,
) -> Result<(), Refusal> {
    let schema = after.schema();
    check_names(schema)?;
    let mut seen = HashSet::new();
    for column in after.partition_columns() {
        let field = schema.field(column);
        let field =
            field.ok_or_else(|| invalid(format!("there is no partition column {column}")))?;
        if !field.data_type.is_primitive() || matches!(field.data_type, DataType::Void) {
            return Err(invalid(format!(
                "column {column} has a type that no table is partitioned by"
            )));
        }
        if !seen.insert(column) {
            return Err(invalid(format!("partition column {column} is there twice")));
        }
    }
    let Some(before) = before.filter(|_| keeps_files) else {
        return Ok(());
    };
    let physical = |snapshot: &Snapshot| -> Vec<String> {
        let columns = snapshot.partition_columns().iter();
        let fields = columns.filter_map(|column| snapshot.schema().field(column));
        fields
            .map(|field| snapshot.column_mapping().physical_name(field).to_owned())
            .collect()
    };
    if physical(before) != physical(after) {
        return Err(invalid(
            "the partition columns change, and files of before are still there",
        ));
    }
    check_types(before, after)
}

/// Files of before must still be readable: a column keeps its type, or gets a wider one.
fn check_types(before: &Snapshot, after: &Snapshot) -> Result<(), Refusal> {
    let widens = has_feature(after.protocol(), "typeWidening")
        || has_feature(after.protocol(), "typeWidening-preview");
    for old in before.schema().fields() {
        let name = before.column_mapping().physical_name(old);
        let mut fields = after.schema().fields().iter();
        let Some(new) = fields.find(|new| after.column_mapping().physical_name(new) == name) else {
            continue;
        };
        let (was, is) = (&old.data_type, &new.data_type);
        let is_readable = match (was, is) {
            (DataType::Void, _) => true,
            (DataType::Struct(_), DataType::Struct(_))
            | (DataType::Array { .. }, DataType::Array { .. })
            | (DataType::Map { .. }, DataType::Map { .. }) => true,
            _ => {
                was == is
                    || (widens
                        && is.is_primitive()
                        && fits(&was.to_arrow(), is, after.column_mapping()).is_ok())
            }
        };
        if !is_readable {
            let column = &new.name;
            return Err(invalid(format!(
                "column {column} was {was}, and can't become {is}"
            )));
        }
    }
    Ok(())
}

/// Names are unique in their struct, whatever their case.
fn check_names(schema: &StructType) -> Result<(), Refusal> {
    let mut seen = HashSet::new();
    for field in schema.fields() {
        if !seen.insert(field.name.to_lowercase()) {
            return Err(invalid(format!("there are two columns {}", field.name)));
        }
        check_nested(&field.data_type)?;
    }
    Ok(())
}

fn check_nested(data_type: &DataType) -> Result<(), Refusal> {
    match data_type {
        DataType::Struct(fields) => check_names(fields),
        DataType::Array { element, .. } => check_nested(element),
        DataType::Map { key, value, .. } => {
            check_nested(key)?;
            check_nested(value)
        }
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
        | DataType::TimestampNtz
        | DataType::Void
        | DataType::Variant => Ok(()),
    }
}
