//! Columns of one checkpoint in the types of another: writers differ in what they name the entries
//! of a map, and in which fields they have at all.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Fields};
use arrow::error::ArrowError;
use arrow::util::display::FormatOptions;

/// Whether a value that the other type can't have is an error, or becomes null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    AllFit,
    /// For what a reader can do without.
    MayBeLost,
}

/// `array` as `data_type`; fields of structs are found by name, and null where there are none.
pub(super) fn conform(
    array: &ArrayRef,
    data_type: &DataType,
    values: Values,
) -> Result<ArrayRef, ArrowError> {
    if array.data_type() == data_type {
        return Ok(array.clone());
    }
    match (array.data_type(), data_type) {
        (DataType::Struct(_), DataType::Struct(fields)) => {
            let conformed = conform_struct(array.as_struct(), fields, values)?;
            Ok(Arc::new(conformed))
        }
        (DataType::Map(_, _), DataType::Map(field, ordered)) => {
            let map: &MapArray = array.as_map();
            let DataType::Struct(fields) = field.data_type() else {
                return Err(mismatch(array, data_type));
            };
            let [key, value] = fields.as_ref() else {
                return Err(mismatch(array, data_type));
            };
            let columns = vec![
                conform(map.keys(), key.data_type(), values)?,
                conform(map.values(), value.data_type(), values)?,
            ];
            let entries = StructArray::try_new(fields.clone(), columns, None)?;
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            let map = MapArray::try_new(field.clone(), offsets, entries, nulls, *ordered)?;
            Ok(Arc::new(map))
        }
        (DataType::List(_), DataType::List(field)) => {
            let list = array.as_list::<i32>();
            let elements = conform(list.values(), field.data_type(), values)?;
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Ok(Arc::new(ListArray::try_new(
                field.clone(),
                offsets,
                elements,
                nulls,
            )?))
        }
        (from, to) if from.is_nested() || to.is_nested() => match values {
            Values::AllFit => Err(mismatch(array, data_type)),
            Values::MayBeLost => Ok(new_null_array(data_type, array.len())),
        },
        _ => {
            let options = CastOptions {
                safe: values == Values::MayBeLost,
                format_options: FormatOptions::default(),
            };
            cast_with_options(array, data_type, &options).or_else(|error| match values {
                Values::AllFit => Err(error),
                Values::MayBeLost => Ok(new_null_array(data_type, array.len())),
            })
        }
    }
}

/// A struct with these fields.
pub(super) fn conform_struct(
    array: &StructArray,
    fields: &Fields,
    values: Values,
) -> Result<StructArray, ArrowError> {
    let columns = fields
        .iter()
        .map(|field| field_of(array, field.name(), field.data_type(), values));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let nulls = array.nulls().cloned();
    StructArray::try_new_with_length(fields.clone(), columns, nulls, array.len())
}

/// A field of a struct, in another type.
pub(super) fn field_of(
    array: &StructArray,
    name: &str,
    data_type: &DataType,
    values: Values,
) -> Result<ArrayRef, ArrowError> {
    match array.column_by_name(name) {
        Some(column) => conform(column, data_type, values),
        None => Ok(new_null_array(data_type, array.len())),
    }
}

fn mismatch(array: &ArrayRef, data_type: &DataType) -> ArrowError {
    ArrowError::CastError(format!("{} is not {data_type}", array.data_type()))
}
