//! NULL where a column, or a field within it, must have a value.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::NullBuffer;
use delta_log::schema::{DataType, StructField};

/// The path of the first column or field of `field` that must not be null and is, in `values`: `a.b`,
/// `a.element`.
pub(crate) fn first_null(field: &StructField, values: &ArrayRef) -> Option<String> {
    find(&field.name, field.nullable, &field.data_type, values, None)
}

/// `present`: the rows that count, because what is around them is not null.
fn find(
    path: &str,
    nullable: bool,
    data_type: &DataType,
    values: &ArrayRef,
    present: Option<&NullBuffer>,
) -> Option<String> {
    let own = values.logical_nulls();
    if !nullable && let Some(own) = &own {
        let mut rows = 0..values.len();
        let counts = |row: usize| present.is_none_or(|present| present.is_valid(row));
        if rows.any(|row| own.is_null(row) && counts(row)) {
            return Some(path.to_owned());
        }
    }
    let present = NullBuffer::union(present, own.as_ref());
    match data_type {
        DataType::Struct(fields) => {
            let columns = values.as_struct_opt()?.columns();
            fields
                .fields()
                .iter()
                .zip(columns)
                .find_map(|(field, values)| {
                    let path = format!("{path}.{}", field.name);
                    find(
                        &path,
                        field.nullable,
                        &field.data_type,
                        values,
                        present.as_ref(),
                    )
                })
        }
        // Elements of a list that is null are none of its rows, for Arrow's readers and kernels leave
        // such lists empty.
        DataType::Array {
            element,
            contains_null,
        } => {
            let list = values.as_list_opt::<i32>()?;
            let inner = elements(list.value_offsets(), list.values());
            find(
                &format!("{path}.element"),
                *contains_null,
                element,
                &inner,
                None,
            )
        }
        DataType::Map {
            key,
            value,
            value_contains_null,
        } => {
            let map = values.as_map_opt()?;
            let keys = elements(map.value_offsets(), map.keys());
            let inner = elements(map.value_offsets(), map.values());
            find(&format!("{path}.key"), false, key, &keys, None).or_else(|| {
                find(
                    &format!("{path}.value"),
                    *value_contains_null,
                    value,
                    &inner,
                    None,
                )
            })
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
        | DataType::Variant => None,
    }
}

/// The values that `offsets` are about: a slice of a list keeps those of its neighbours.
fn elements(offsets: &[i32], values: &ArrayRef) -> ArrayRef {
    let at = |offset: Option<&i32>| offset.map_or(0, |o| usize::try_from(*o).unwrap_or(0));
    let (first, last) = (at(offsets.first()), at(offsets.last()));
    values.slice(first, last.saturating_sub(first))
}
