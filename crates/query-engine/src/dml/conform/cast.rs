//! Casts into a column's type that never lose a value silently.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, LargeListArray, ListArray, MapArray, StringArray,
    StructArray, new_null_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Field, Fields, Float32Type, Float64Type};
use arrow::error::ArrowError;
use datafusion::common::{DataFusionError, exec_datafusion_err};

/// A value that has no place in the target type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misfit {
    /// Index into the array that was cast.
    pub row: usize,
    /// Whether a number was too large, rather than text malformed.
    pub overflow: bool,
}

/// Why a cast did not succeed.
#[derive(Debug)]
pub(crate) enum CastError {
    Misfit(Misfit),
    Arrow(ArrowError),
}

impl From<ArrowError> for CastError {
    fn from(error: ArrowError) -> Self {
        Self::Arrow(error)
    }
}

impl From<CastError> for DataFusionError {
    fn from(error: CastError) -> Self {
        match error {
            CastError::Arrow(error) => error.into(),
            CastError::Misfit(misfit) => {
                exec_datafusion_err!("row {} has no place in a column's type", misfit.row)
            }
        }
    }
}

/// Whether values of one type can be stored in a column of another at all. Numbers among each
/// other (with a check of the range), text as anything that it may spell, dates and timestamps
/// among each other, anything atomic as text; nested types by their parts.
pub(crate) fn is_castable(from: &DataType, to: &DataType) -> bool {
    use DataType::*;
    match (from, to) {
        (a, b) if a == b => true,
        (Null, _) => true,
        (Dictionary(_, values), to) => is_castable(values, to),
        (Struct(from), Struct(to)) => from.iter().all(|source| {
            find(to, source.name())
                .is_some_and(|(_, target)| is_castable(source.data_type(), target.data_type()))
        }),
        (List(a) | LargeList(a) | FixedSizeList(a, _), List(b)) => {
            is_castable(a.data_type(), b.data_type())
        }
        (Map(a, _), Map(b, _)) => match (a.data_type(), b.data_type()) {
            (Struct(a), Struct(b)) if a.len() == 2 && b.len() == 2 => {
                is_castable(a[0].data_type(), b[0].data_type())
                    && is_castable(a[1].data_type(), b[1].data_type())
            }
            _ => false,
        },
        (a, _) if a.is_nested() => false,
        (_, b) if b.is_nested() => false,
        (a, b) if a.is_numeric() && b.is_numeric() => true,
        (a, Utf8) => !matches!(a, Interval(_) | Duration(_)),
        (Utf8 | LargeUtf8 | Utf8View, _) => true,
        (Binary | LargeBinary | BinaryView | FixedSizeBinary(_), Binary) => true,
        (Date32 | Date64 | Timestamp(..), Date32 | Timestamp(..)) => true,
        _ => false,
    }
}

/// Casts, or names the first value that the target type can't hold.
pub(crate) fn checked_cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, CastError> {
    if array.data_type() == to {
        return Ok(Arc::clone(array));
    }
    match (array.data_type(), to) {
        (DataType::Null, _) => Ok(new_null_array(to, array.len())),
        (DataType::Dictionary(_, values), _) => checked_cast(&cast(array, values)?, to),
        (DataType::Struct(_), DataType::Struct(fields)) => cast_struct(array, fields),
        (DataType::LargeList(item), DataType::List(_)) => {
            let list: ListArray = cast_large_list(array.as_list::<i64>(), item)?;
            checked_cast(&(Arc::new(list) as ArrayRef), to)
        }
        (DataType::FixedSizeList(item, _), DataType::List(_)) => {
            let list: &FixedSizeListArray = array.as_fixed_size_list();
            let list = cast(list, &DataType::List(Arc::clone(item)))?;
            checked_cast(&list, to)
        }
        (DataType::List(_), DataType::List(item)) => {
            let list = array.as_list::<i32>();
            let values = checked_cast(list.values(), item.data_type())
                .map_err(|e| outer_row(e, |value| row_of(list.value_offsets(), value)))?;
            Ok(Arc::new(ListArray::try_new(
                Arc::clone(item),
                list.offsets().clone(),
                values,
                list.nulls().cloned(),
            )?))
        }
        (DataType::Map(..), DataType::Map(entries, sorted)) => {
            cast_map(array.as_map(), entries, *sorted)
        }
        _ => cast_leaf(array, to),
    }
}

fn cast_large_list(list: &LargeListArray, item: &Arc<Field>) -> Result<ListArray, ArrowError> {
    let list = cast(list, &DataType::List(Arc::clone(item)))?;
    Ok(list.as_list::<i32>().clone())
}

/// Fields by name; those that the source lacks become null.
fn cast_struct(array: &ArrayRef, fields: &Fields) -> Result<ArrayRef, CastError> {
    let source = array.as_struct();
    let columns = fields
        .iter()
        .map(|field| match find(source.fields(), field.name()) {
            Some((index, _)) => checked_cast(source.column(index), field.data_type()),
            None => Ok(new_null_array(field.data_type(), source.len())),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let nulls: Option<NullBuffer> = source.nulls().cloned();
    if fields.is_empty() {
        return Ok(Arc::new(StructArray::new_empty_fields(source.len(), nulls)));
    }
    Ok(Arc::new(StructArray::try_new(
        fields.clone(),
        columns,
        nulls,
    )?))
}

fn cast_map(map: &MapArray, entries: &Arc<Field>, sorted: bool) -> Result<ArrayRef, CastError> {
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(ArrowError::CastError("a map without entries".into()).into());
    };
    let row = |value| row_of(map.value_offsets(), value);
    let keys = checked_cast(map.keys(), fields[0].data_type()).map_err(|e| outer_row(e, row))?;
    let values =
        checked_cast(map.values(), fields[1].data_type()).map_err(|e| outer_row(e, row))?;
    let columns = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    Ok(Arc::new(MapArray::try_new(
        Arc::clone(entries),
        map.offsets().clone(),
        columns,
        map.nulls().cloned(),
        sorted,
    )?))
}

fn cast_leaf(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, CastError> {
    let from_text = matches!(
        array.data_type(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    );
    // Spark ignores white space around what a string spells.
    let trimmed: ArrayRef;
    let input = if from_text && !is_text(to) && !matches!(to, DataType::Binary) {
        let text = cast(array, &DataType::Utf8)?;
        trimmed = Arc::new(
            text.as_string::<i32>()
                .iter()
                .map(|s| s.map(str::trim))
                .collect::<StringArray>(),
        );
        &trimmed
    } else {
        array
    };
    // With `safe`, what can't be cast becomes null: that is how the culprit is found.
    let options = CastOptions {
        safe: true,
        ..CastOptions::default()
    };
    let output = cast_with_options(input, to, &options)?;
    let lost = |row: &usize| {
        input.is_valid(*row) && (output.is_null(*row) || became_infinite(input, &output, *row))
    };
    match (0..input.len()).find(lost) {
        Some(row) => Err(CastError::Misfit(Misfit {
            row,
            overflow: !from_text,
        })),
        None => Ok(output),
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

/// A double beyond a float's range.
fn became_infinite(input: &ArrayRef, output: &ArrayRef, row: usize) -> bool {
    match (input.data_type(), output.data_type()) {
        (DataType::Float64, DataType::Float32) => {
            input.as_primitive::<Float64Type>().value(row).is_finite()
                && output
                    .as_primitive::<Float32Type>()
                    .value(row)
                    .is_infinite()
        }
        _ => false,
    }
}

fn outer_row(error: CastError, row: impl FnOnce(usize) -> usize) -> CastError {
    match error {
        CastError::Misfit(misfit) => CastError::Misfit(Misfit {
            row: row(misfit.row),
            ..misfit
        }),
        other @ CastError::Arrow(_) => other,
    }
}

/// The row whose range of values holds the value at `index`.
fn row_of(offsets: &[i32], index: usize) -> usize {
    offsets
        .partition_point(|offset| usize::try_from(*offset).is_ok_and(|o| o <= index))
        .saturating_sub(1)
}

/// The field of that name, ignoring case as Spark does, and its index.
fn find<'a>(fields: &'a Fields, name: &str) -> Option<(usize, &'a Arc<Field>)> {
    let index = find_named(fields.iter().map(|field| field.name().as_str()), name)?;
    Some((index, &fields[index]))
}

/// Position of a name, ignoring case as Spark does where none is spelt like it.
pub(crate) fn find_named<'a>(
    names: impl Iterator<Item = &'a str> + Clone,
    name: &str,
) -> Option<usize> {
    names.clone().position(|other| other == name).or_else(|| {
        let lower = name.to_lowercase();
        let mut names = names;
        names.position(|other| other.to_lowercase() == lower)
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int32Array, Int64Array};
    use arrow::datatypes::Int32Type;

    use super::*;

    fn misfit(array: impl Array + 'static, to: &DataType) -> Misfit {
        match checked_cast(&(Arc::new(array) as ArrayRef), to) {
            Err(CastError::Misfit(misfit)) => misfit,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn malformed_text_is_found_and_valid_text_is_read() {
        let text = StringArray::from(vec![Some("1.5"), None, Some(" 2 "), Some("FIVE HUNDRED")]);
        assert_eq!(
            misfit(text.clone(), &DataType::Float64),
            Misfit {
                row: 3,
                overflow: false
            }
        );
        let numbers = checked_cast(
            &(Arc::new(text.slice(0, 3)) as ArrayRef),
            &DataType::Float64,
        )
        .unwrap();
        assert_eq!(
            numbers.as_primitive::<Float64Type>(),
            &Float64Array::from(vec![Some(1.5), None, Some(2.0)])
        );
    }

    #[test]
    fn numbers_beyond_the_range_are_found() {
        let big = Int64Array::from(vec![1, i64::from(i32::MAX) + 1]);
        assert_eq!(
            misfit(big, &DataType::Int32),
            Misfit {
                row: 1,
                overflow: true
            }
        );
        let huge = Float64Array::from(vec![1e300]);
        assert_eq!(
            misfit(huge, &DataType::Float32),
            Misfit {
                row: 0,
                overflow: true
            }
        );
        let decimal = Float64Array::from(vec![1234.5]);
        assert_eq!(
            misfit(decimal, &DataType::Decimal128(5, 2)),
            Misfit {
                row: 0,
                overflow: true
            }
        );
    }

    #[test]
    fn value_inside_a_list_is_blamed_on_its_row() {
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
            Some(vec![Some(1)]),
            None,
            Some(vec![Some(2), Some(300)]),
        ]);
        let to = DataType::List(Arc::new(Field::new("element", DataType::Int8, true)));
        assert_eq!(
            misfit(list, &to),
            Misfit {
                row: 2,
                overflow: true
            }
        );
    }

    #[test]
    fn struct_fields_match_by_name_and_missing_ones_are_null() {
        let source: ArrayRef = Arc::new(StructArray::from(vec![(
            Arc::new(Field::new("B", DataType::Int32, true)),
            Arc::new(Int32Array::from(vec![7])) as ArrayRef,
        )]));
        let to = DataType::Struct(Fields::from(vec![
            Field::new("a", DataType::Utf8, true),
            Field::new("b", DataType::Int64, true),
        ]));
        let cast = checked_cast(&source, &to).unwrap();
        assert!(cast.as_struct().column(0).is_null(0));
        assert_eq!(display(&cast), "7");
        fn display(array: &ArrayRef) -> String {
            crate::dml::display::display_value(array.as_struct().column(1), 0)
        }
    }

    #[test]
    fn booleans_are_not_numbers() {
        assert!(!is_castable(&DataType::Boolean, &DataType::Float64));
        assert!(is_castable(&DataType::Boolean, &DataType::Utf8));
    }
}
