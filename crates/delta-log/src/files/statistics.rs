//! Per-file statistics: what they say for sure.
//!
//! The log has them as JSON, or as typed columns of a checkpoint. Either way they are bounds, and
//! some of them are cut: this module widens those, so that a file is never skipped wrongly.
//!
//! Protocol: [Per-file Statistics](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics)

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, Decimal128Array, PrimitiveArray, StringArray,
    StructArray, TimestampMicrosecondArray, UInt64Array, make_array, new_null_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::kernels::zip::zip;
use arrow::compute::{cast, is_not_null};
use arrow::datatypes::{
    DataType as ArrowType, Field, Fields, Float32Type, Float64Type, Schema,
    TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;

use crate::files::values;
use crate::schema::column_mapping::ColumnMapping;
use crate::schema::types::{DataType, StructType};

/// Strings of at least this many characters may be cut off; Spark's default is 32.
const WHOLE_STRING: usize = 32;

/// Decimals below this in their unscaled form survive a way through a double, which is how some
/// writers put them into JSON.
const EXACT_IN_DOUBLE: u128 = 1_000_000_000_000_000;

/// Which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    Min,
    Max,
}

/// Statistics of some files, one row each, in the layout of `stats_parsed` but with every value as
/// text, so that one value that is not of its column's type spoils nothing else.
#[derive(Debug)]
pub(crate) struct ParsedJson(StructArray);

impl ParsedJson {
    /// Parses `stats`, for the columns of `schema` that can have bounds, under their physical names.
    pub(crate) fn new(stats: &StringArray, schema: &StructType, mapping: ColumnMapping) -> Self {
        let columns: Fields = schema
            .fields()
            .iter()
            .filter(|field| field.data_type.is_primitive())
            .map(|field| Field::new(mapping.physical_name(field), ArrowType::Utf8, true))
            .collect();
        let mut fields = vec![
            Field::new("numRecords", ArrowType::Utf8, true),
            Field::new("tightBounds", ArrowType::Utf8, true),
        ];
        if !columns.is_empty() {
            for name in ["minValues", "maxValues", "nullCount"] {
                fields.push(Field::new(name, ArrowType::Struct(columns.clone()), true));
            }
        }
        let schema = Arc::new(Schema::new(fields));
        let rows = decode(&schema, stats).unwrap_or_else(|_| decode_one_by_one(&schema, stats));
        Self(rows)
    }

    fn texts(&self, group: Option<&str>, name: &str) -> Option<StringArray> {
        child(&self.0, group, name)?.as_string_opt().cloned()
    }
}

/// All texts at once; an error if any of them is not one JSON object.
fn decode(schema: &Arc<Schema>, stats: &StringArray) -> Result<StructArray, ArrowError> {
    let mut decoder = ReaderBuilder::new(schema.clone())
        .with_batch_size(stats.len().max(1))
        .with_coerce_primitive(true)
        .with_ignore_type_conflicts(true)
        .build_decoder()?;
    for (row, text) in stats.iter().enumerate() {
        let text = text.unwrap_or("{}").as_bytes();
        let read = decoder.decode(text)?;
        if read != text.len() || decoder.has_partial_record() || decoder.len() != row + 1 {
            return Err(ArrowError::JsonError("not one object".to_owned()));
        }
    }
    match decoder.flush()? {
        Some(batch) => Ok(batch.into()),
        None => Ok(StructArray::new_null(schema.fields().clone(), 0)),
    }
}

/// Where some text is broken: it says nothing, the others count.
fn decode_one_by_one(schema: &Arc<Schema>, stats: &StringArray) -> StructArray {
    let intact = stats.iter().map(|text| {
        let text = text?;
        decode(schema, &StringArray::from(vec![text]))
            .ok()
            .map(|_| text)
    });
    let intact: StringArray = intact.collect();
    decode(schema, &intact)
        .unwrap_or_else(|_| StructArray::new_null(schema.fields().clone(), stats.len()))
}

/// Statistics of some files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Statistics<'a> {
    pub(crate) json: Option<&'a ParsedJson>,
    /// A checkpoint's `stats_parsed`.
    pub(crate) parsed: Option<&'a StructArray>,
    pub(crate) len: usize,
}

impl Statistics<'_> {
    /// Rows of each file.
    pub(crate) fn num_records(&self) -> UInt64Array {
        self.counts(None, "numRecords")
    }

    /// Nulls of a column in each file.
    pub(crate) fn null_counts(&self, column: &str) -> UInt64Array {
        let counts = self.counts(Some("nullCount"), column);
        // With wide bounds the count is of rows that may be deleted: of no use.
        counts
            .iter()
            .zip(self.tight_bounds())
            .map(|(count, tight)| count.filter(|_| tight))
            .collect()
    }

    /// Whether bounds of each file are those of the rows that are still there.
    pub(crate) fn tight_bounds(&self) -> Vec<bool> {
        let texts = self.json.and_then(|json| json.texts(None, "tightBounds"));
        let parsed = self
            .parsed
            .and_then(|parsed| child(parsed, None, "tightBounds"));
        let parsed = parsed.as_ref().and_then(|array| array.as_boolean_opt());
        (0..self.len)
            .map(|row| {
                let text = texts
                    .as_ref()
                    .is_some_and(|texts| texts.is_valid(row) && texts.value(row) == "false");
                let flag = parsed.is_some_and(|flags| flags.is_valid(row) && !flags.value(row));
                !text && !flag
            })
            .collect()
    }

    /// A bound of a column in each file, widened where it may have been cut.
    pub(crate) fn bounds(&self, column: &str, data_type: &DataType, bound: Bound) -> ArrayRef {
        let group = match bound {
            Bound::Min => "minValues",
            Bound::Max => "maxValues",
        };
        let from_json = self
            .json
            .and_then(|json| json.texts(Some(group), column))
            .and_then(|texts| values::parse(data_type, texts.iter(), true).ok());
        let from_struct = self
            .parsed
            .and_then(|parsed| child(parsed, Some(group), column))
            .and_then(|array| cast(&array, &data_type.to_arrow()).ok());
        let values = coalesce(from_json, from_struct)
            .unwrap_or_else(|| new_null_array(&data_type.to_arrow(), self.len));
        widen(values, data_type, bound)
    }

    fn counts(&self, group: Option<&str>, name: &str) -> UInt64Array {
        let texts = self.json.and_then(|json| json.texts(group, name));
        let parsed = self.parsed.and_then(|parsed| child(parsed, group, name));
        let parsed = parsed.and_then(|array| cast(&array, &ArrowType::UInt64).ok());
        let parsed: Option<&UInt64Array> =
            parsed.as_ref().and_then(|counts| counts.as_primitive_opt());
        (0..self.len)
            .map(|row| {
                let text = texts.as_ref().filter(|texts| texts.is_valid(row));
                let count = parsed.filter(|counts| counts.is_valid(row));
                text.and_then(|texts| texts.value(row).parse().ok())
                    .or_else(|| Some(count?.value(row)))
            })
            .collect()
    }
}

/// Whether columns of a type have bounds that are of use.
pub(crate) fn has_bounds(data_type: &DataType) -> bool {
    data_type.is_primitive() && !matches!(data_type, DataType::Binary | DataType::Void)
}

/// Whether a bound of this type, where a file gives one, is a value that occurs.
pub(crate) fn is_exact(data_type: &DataType) -> bool {
    match data_type {
        DataType::Boolean
        | DataType::Byte
        | DataType::Short
        | DataType::Integer
        | DataType::Long
        | DataType::Date => true,
        DataType::Decimal { precision, .. } => *precision <= 15,
        _ => false,
    }
}

fn child(array: &StructArray, group: Option<&str>, name: &str) -> Option<ArrayRef> {
    let Some(group) = group else {
        return array.column_by_name(name).cloned();
    };
    let group = array.column_by_name(group)?.as_struct_opt()?;
    let child = group.column_by_name(name)?;
    // A null group has null children, whatever their own buffers say.
    let nulls = NullBuffer::union(group.nulls(), child.nulls());
    let data = child.to_data().into_builder().nulls(nulls).build().ok()?;
    Some(make_array(data))
}

fn coalesce(first: Option<ArrayRef>, second: Option<ArrayRef>) -> Option<ArrayRef> {
    match (first, second) {
        (Some(first), Some(second)) => {
            let mask = is_not_null(&first).ok()?;
            zip(&mask, &first, &second).ok()
        }
        (first, second) => first.or(second),
    }
}

/// Makes a true bound of one that may have been cut, or null where that cannot be.
fn widen(values: ArrayRef, data_type: &DataType, bound: Bound) -> ArrayRef {
    match (data_type, bound) {
        // A cut minimum is a prefix, and so still a lower bound.
        (DataType::String, Bound::Max) => {
            let values = values.as_string::<i32>();
            Arc::new(
                values
                    .iter()
                    .map(|text| upper_bound(text?))
                    .collect::<StringArray>(),
            )
        }
        // Cut to milliseconds, that is, rounded down.
        (DataType::Timestamp | DataType::TimestampNtz, Bound::Max) => {
            let values: &PrimitiveArray<TimestampMicrosecondType> = values.as_primitive();
            let widened: TimestampMicrosecondArray = values.unary(|micros| {
                if micros.rem_euclid(1000) == 0 {
                    micros.saturating_add(999)
                } else {
                    micros
                }
            });
            Arc::new(widened.with_timezone_opt(values.timezone().map(str::to_owned)))
        }
        (DataType::Decimal { precision, scale }, _) if !is_exact(data_type) => {
            let values: &Decimal128Array = values.as_primitive();
            let limit = 10i128.pow(u32::from(*precision)) - 1;
            let widened: Decimal128Array = values.unary(|unscaled| {
                let magnitude = unscaled.unsigned_abs();
                if magnitude < EXACT_IN_DOUBLE {
                    return unscaled;
                }
                let slack = (magnitude >> 49) as i128 + 1;
                match bound {
                    Bound::Min => (unscaled - slack).max(-limit),
                    Bound::Max => (unscaled + slack).min(limit),
                }
            });
            let typed = widened.with_precision_and_scale(*precision, *scale);
            typed.map_or_else(
                |_| new_null_array(values.data_type(), values.len()),
                |array| Arc::new(array),
            )
        }
        (DataType::Float, _) => Arc::new(numbers::<Float32Type>(
            &values,
            |v| v.is_nan(),
            bound,
            -0.0,
            0.0,
        )),
        (DataType::Double, _) => Arc::new(numbers::<Float64Type>(
            &values,
            |v| v.is_nan(),
            bound,
            -0.0,
            0.0,
        )),
        _ => values,
    }
}

/// NaN bounds nothing; and of the two zeros, which Arrow orders, a writer may have taken either.
fn numbers<T: ArrowPrimitiveType>(
    values: &ArrayRef,
    is_nan: impl Fn(T::Native) -> bool,
    bound: Bound,
    negative_zero: T::Native,
    zero: T::Native,
) -> PrimitiveArray<T>
where
    T::Native: PartialEq,
{
    let zero_bound = if bound == Bound::Min {
        negative_zero
    } else {
        zero
    };
    values.as_primitive::<T>().unary_opt(|value| {
        if is_nan(value) {
            None
        } else if value == zero {
            Some(zero_bound)
        } else {
            Some(value)
        }
    })
}

/// The text itself if it is short; else one that is above everything that starts with it.
fn upper_bound(text: &str) -> Option<String> {
    if text.chars().count() < WHOLE_STRING {
        return Some(text.to_owned());
    }
    let mut prefix = text.to_owned();
    while let Some(last) = prefix.pop() {
        // The step is over the surrogates, which are no characters.
        let next = if last == '\u{D7FF}' {
            Some('\u{E000}')
        } else {
            char::from_u32(last as u32 + 1)
        };
        if let Some(next) = next {
            prefix.push(next);
            return Some(prefix);
        }
    }
    None
}

#[cfg(test)]
mod tests;
