//! Values of partition columns as texts, as the log and the folders have them.
//!
//! Protocol: [Partition Value Serialization](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#partition-value-serialization)

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, TimestampMicrosecondType,
};
use chrono::{DateTime, Timelike, Utc};
use delta_log::schema::{DataType, StructField};

use crate::files::error::{FileError, Result};
use crate::files::text;

/// A partition value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PartitionText {
    /// As in `add.partitionValues`. An empty text would be read as null, so it is none.
    pub(crate) logged: String,
    /// As in the name of a folder, before it is escaped: where that is not the text of the log.
    pub(crate) in_folder: Option<String>,
}

/// The value in a row of a partition column; `None` for null, and for empty strings and binaries,
/// which the protocol makes null.
///
/// # Errors
/// [`FileError::UnwritablePartitionValue`] for a value that has no text which all readers read back
/// as that value; [`FileError::InvalidRows`] for an array of another type than the column's.
pub(crate) fn partition_text(
    column: &StructField,
    array: &ArrayRef,
    row: usize,
) -> Result<Option<PartitionText>> {
    if array.data_type() != &column.data_type.to_arrow() {
        return Err(FileError::InvalidRows {
            column: column.name.clone(),
            reason: format!("they have {} there", array.data_type()),
        });
    }
    if array.is_null(row) || column.data_type == DataType::Void {
        return Ok(None);
    }
    let unwritable = |reason: &'static str| FileError::UnwritablePartitionValue {
        column: column.name.clone(),
        reason,
    };
    let out_of_range = || unwritable("its year is not between 1 and 9999");
    let moment =
        || text::moment(value::<TimestampMicrosecondType>(array, row)).ok_or_else(out_of_range);
    let mut in_folder = None;
    let logged = match &column.data_type {
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Byte => value::<Int8Type>(array, row).to_string(),
        DataType::Short => value::<Int16Type>(array, row).to_string(),
        DataType::Integer => value::<Int32Type>(array, row).to_string(),
        DataType::Long => value::<Int64Type>(array, row).to_string(),
        DataType::Float => text::float(value::<Float32Type>(array, row)),
        DataType::Double => text::double(value::<Float64Type>(array, row)),
        DataType::Decimal { scale, .. } => {
            text::decimal(value::<Decimal128Type>(array, row), *scale)
        }
        DataType::String => array.as_string::<i32>().value(row).to_owned(),
        DataType::Binary => binary(array.as_binary::<i32>().value(row)).map_err(unwritable)?,
        DataType::Date => text::date(value::<Date32Type>(array, row)).ok_or_else(out_of_range)?,
        DataType::Timestamp => {
            // With its zone: without, readers take it for their own zone's time.
            let moment = moment()?;
            in_folder = Some(wall_clock(moment));
            moment.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
        }
        DataType::TimestampNtz => wall_clock(moment()?),
        DataType::Void
        | DataType::Variant
        | DataType::Struct(_)
        | DataType::Array { .. }
        | DataType::Map { .. } => return Err(unwritable("its type has no texts")),
    };
    Ok((!logged.is_empty()).then_some(PartitionText { logged, in_folder }))
}

fn value<T: ArrowPrimitiveType>(array: &ArrayRef, row: usize) -> T::Native {
    array.as_primitive::<T>().value(row)
}

/// `2021-09-08 11:11:11`, or with six digits more.
fn wall_clock(moment: DateTime<Utc>) -> String {
    let format = match moment.nanosecond() {
        0 => "%Y-%m-%d %H:%M:%S",
        _ => "%Y-%m-%d %H:%M:%S%.6f",
    };
    moment.format(format).to_string()
}

/// Bytes as Spark has them: as if they were UTF-8, which is all that it can read back. Some writers
/// spell every byte `\u00XX`, so a text that looks like that is not what it seems to all readers.
fn binary(bytes: &[u8]) -> Result<String, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
    if text.starts_with("\\u00") {
        return Err("it begins like an escape sequence");
    }
    Ok(text.to_owned())
}
