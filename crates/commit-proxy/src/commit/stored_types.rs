//! Whether columns of a data file hold values of a table's columns.

use arrow::datatypes::{DataType as ArrowType, Field, Fields, TimeUnit};
use delta_log::ColumnMapping;
use delta_log::schema::{DataType, StructType};

/// Key under which a Parquet field's id is in the metadata of its Arrow field.
const FIELD_ID: &str = "PARQUET:field_id";

/// Checks the columns of a data file. `partition_columns` are not in it; a column that it lacks reads
/// as null.
///
/// # Errors
/// The first column that does not fit; a clause.
pub(crate) fn check_columns(
    file: &Fields,
    schema: &StructType,
    mapping: ColumnMapping,
    partition_columns: &[String],
) -> Result<(), String> {
    let is_stored =
        |column: &&delta_log::schema::StructField| !partition_columns.contains(&column.name);
    let stored = schema.fields().iter().filter(is_stored);
    let stored = StructType::new(stored.cloned().collect());
    for column in stored.fields() {
        if !column.nullable && !file.iter().any(|field| is_of(field, column, mapping)) {
            return Err(format!(
                "it lacks the column {}, which may not be null",
                column.name
            ));
        }
    }
    check_struct(file, &stored, mapping)
}

fn check_struct(file: &Fields, schema: &StructType, mapping: ColumnMapping) -> Result<(), String> {
    for (i, field) in file.iter().enumerate() {
        let name = field.name();
        if file.iter().take(i).any(|other| other.name() == name) {
            return Err(format!("it has two columns {name}"));
        }
        let column = schema
            .fields()
            .iter()
            .find(|column| is_of(field, column, mapping));
        match column {
            Some(column) => fits(field.data_type(), &column.data_type, mapping)
                .map_err(|why| format!("its column {name} {why}"))?,
            // Under column mapping, a column that was dropped stays in the files.
            None if mapping != ColumnMapping::None => {}
            None => {
                return Err(format!(
                    "it has a column {name} that the table does not store"
                ));
            }
        }
    }
    Ok(())
}

fn is_of(field: &Field, column: &delta_log::schema::StructField, mapping: ColumnMapping) -> bool {
    match mapping.field_id(column) {
        Some(id) => field
            .metadata()
            .get(FIELD_ID)
            .is_some_and(|of| *of == id.to_string()),
        None => field.name() == mapping.physical_name(column),
    }
}

/// Whether values of an Arrow type, as Parquet's types map to them, can be read as a Delta type:
/// the same type, or a narrower one that the table's has been widened from.
///
/// # Errors
/// What is there instead; a clause without its subject.
pub(crate) fn fits(
    stored: &ArrowType,
    wanted: &DataType,
    mapping: ColumnMapping,
) -> Result<(), String> {
    use ArrowType::{Date32, Float32, Float64, Int8, Int16, Int32, Int64, Timestamp};
    let is_fit = match wanted {
        DataType::Boolean => matches!(stored, ArrowType::Boolean),
        DataType::Byte => matches!(stored, Int8),
        DataType::Short => matches!(stored, Int8 | Int16),
        DataType::Integer => matches!(stored, Int8 | Int16 | Int32),
        DataType::Long => matches!(stored, Int8 | Int16 | Int32 | Int64),
        DataType::Float => matches!(stored, Float32),
        DataType::Double => matches!(stored, Int8 | Int16 | Int32 | Float32 | Float64),
        DataType::Decimal { precision, scale } => is_decimal(stored, *precision, *scale),
        DataType::String => matches!(
            stored,
            ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View
        ),
        DataType::Binary => matches!(
            stored,
            ArrowType::Binary
                | ArrowType::LargeBinary
                | ArrowType::BinaryView
                | ArrowType::FixedSizeBinary(_)
        ),
        DataType::Date => matches!(stored, Date32),
        // Spark used to store timestamps as INT96, which has no zone.
        DataType::Timestamp => matches!(
            stored,
            Timestamp(_, Some(_)) | Timestamp(TimeUnit::Nanosecond, None)
        ),
        DataType::TimestampNtz => matches!(
            stored,
            Timestamp(TimeUnit::Millisecond | TimeUnit::Microsecond, None) | Date32
        ),
        DataType::Void => matches!(stored, ArrowType::Null),
        DataType::Variant => matches!(stored, ArrowType::Struct(_)),
        DataType::Struct(wanted) => match stored {
            ArrowType::Struct(fields) => return check_struct(fields, wanted, mapping),
            _ => false,
        },
        DataType::Array { element, .. } => match stored {
            ArrowType::List(of) | ArrowType::LargeList(of) => {
                return fits(of.data_type(), element, mapping);
            }
            _ => false,
        },
        DataType::Map { key, value, .. } => match stored {
            ArrowType::Map(entries, _) => match entries.data_type() {
                ArrowType::Struct(of) if of.len() == 2 => {
                    fits(of[0].data_type(), key, mapping)?;
                    return fits(of[1].data_type(), value, mapping);
                }
                _ => false,
            },
            _ => false,
        },
    };
    match is_fit {
        true => Ok(()),
        false => Err(format!("is {stored}, where the table has {wanted}")),
    }
}

/// Whether a stored number has no digit that a decimal lacks.
fn is_decimal(stored: &ArrowType, precision: u8, scale: i8) -> bool {
    let (digits, stored_scale) = match stored {
        ArrowType::Decimal32(precision, scale)
        | ArrowType::Decimal64(precision, scale)
        | ArrowType::Decimal128(precision, scale) => (*precision, *scale),
        ArrowType::Int8 | ArrowType::Int16 | ArrowType::Int32 => (10, 0),
        ArrowType::Int64 => (20, 0),
        _ => return false,
    };
    let more_digits = i16::from(precision) - i16::from(digits);
    let more_scale = i16::from(scale) - i16::from(stored_scale);
    more_scale >= 0 && more_digits >= more_scale
}
