//! Bounds of the values that a column has in a file, made of the statistics' minimum and maximum.
//!
//! Writers cut strings and times, and put some numbers through a double. Here such values are
//! widened, or say nothing, so that no file is skipped that has a row that a filter looks for.
//!
//! Protocol: [Per-file Statistics](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics)

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, Decimal128Array, PrimitiveArray, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::datatypes::{Float32Type, Float64Type, TimestampMicrosecondType};

use crate::files::values;
use crate::schema::types::DataType;

/// Strings of at least this many characters may be cut off; Spark's default is 32.
const WHOLE_STRING: usize = 32;

/// Decimals below this in their unscaled form survive a way through a double, which is how some
/// writers put them into JSON.
const EXACT_IN_DOUBLE: u128 = 1_000_000_000_000_000;

/// 1972-01-08 in microseconds since the epoch. Before, there were zones whose offset from UTC has
/// seconds (Liberia's was the last), and Spark leaves these out when it writes a time with its offset.
const OFFSETS_IN_MINUTES_SINCE: i64 = 737 * 86_400_000_000;

/// The most that an offset without its seconds is off, in microseconds.
const SECONDS_OF_OFFSET: i64 = 59_000_000;

/// End of a range of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    Min,
    Max,
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

/// Bounds out of statistics in JSON, of the type's Arrow type; null where a text is not of the type,
/// or bounds nothing. `None` for a nested type.
pub(crate) fn of_texts(
    texts: &StringArray,
    data_type: &DataType,
    bound: Bound,
) -> Option<ArrayRef> {
    let times = |zone: Option<&str>| -> ArrayRef {
        let times = texts.iter();
        let times = times.map(|text| bound_of_time_text(text?, data_type, bound));
        let times = TimestampMicrosecondArray::from_iter(times);
        Arc::new(times.with_timezone_opt(zone))
    };
    match data_type {
        DataType::Timestamp => Some(times(Some("UTC"))),
        DataType::TimestampNtz => Some(times(None)),
        _ => {
            let values = values::parse(data_type, texts.iter(), true).ok()?;
            Some(of_values(values, data_type, bound))
        }
    }
}

/// Bounds out of values of the type's Arrow type; null where a value bounds nothing.
pub(crate) fn of_values(values: ArrayRef, data_type: &DataType, bound: Bound) -> ArrayRef {
    match data_type {
        DataType::String => {
            let values = values.as_string::<i32>().iter();
            Arc::new(match bound {
                Bound::Min => values
                    .map(|text| Some(lower_bound(text?)))
                    .collect::<StringArray>(),
                Bound::Max => values.map(|text| upper_bound(text?)).collect(),
            })
        }
        DataType::Timestamp | DataType::TimestampNtz => {
            let has_zone = *data_type == DataType::Timestamp;
            let values: &PrimitiveArray<TimestampMicrosecondType> = values.as_primitive();
            let widened: TimestampMicrosecondArray = values.unary(|micros| {
                let shift = shift_of_zone(has_zone, false, micros);
                widen_time(micros, cut_to_milliseconds(micros), shift, bound)
            });
            Arc::new(widened.with_timezone_opt(values.timezone().map(str::to_owned)))
        }
        DataType::Decimal { precision, scale } if !is_exact(data_type) => {
            let values: &Decimal128Array = values.as_primitive();
            let widened: Decimal128Array =
                values.unary_opt(|unscaled| widen_decimal(unscaled, *precision, bound));
            let typed = widened.with_precision_and_scale(*precision, *scale);
            typed.map_or_else(
                |_| new_null_array(values.data_type(), values.len()),
                |array| Arc::new(array),
            )
        }
        DataType::Float => Arc::new(numbers::<Float32Type>(
            &values,
            |v| v.is_nan(),
            bound,
            -0.0,
            0.0,
        )),
        DataType::Double => Arc::new(numbers::<Float64Type>(
            &values,
            |v| v.is_nan(),
            bound,
            -0.0,
            0.0,
        )),
        _ => values,
    }
}

/// Microseconds that bound all times which a writer may have spelled like `text`. `None` where it
/// is not a time, lacks its seconds, or has no zone where there must be one.
fn bound_of_time_text(text: &str, data_type: &DataType, bound: Bound) -> Option<i64> {
    let (wall_clock, offset) = values::split_offset(text)?;
    let (micros, shift) = match data_type {
        DataType::Timestamp => {
            let micros = values::timestamp(text)?;
            (micros, shift_of_zone(true, offset?.is_in_minutes, micros))
        }
        _ => (values::timestamp_ntz(text)?, 0),
    };
    if wall_clock.matches(':').count() != 2 {
        return None;
    }
    let digits = wall_clock
        .split_once('.')
        .map_or(0, |(_, fraction)| fraction.len());
    let cut = match digits {
        0 => 999_999,
        1 => 99_999,
        2 => 9_999,
        _ => cut_to_milliseconds(micros),
    };
    Some(widen_time(micros, cut, shift, bound))
}

/// Microseconds that were cut off, at most: writers of statistics cut times down to milliseconds.
fn cut_to_milliseconds(micros: i64) -> i64 {
    if micros.rem_euclid(1000) == 0 { 999 } else { 0 }
}

/// Microseconds by which a time may be earlier or later, because its offset was cut to minutes.
fn shift_of_zone(has_zone: bool, is_in_minutes: bool, micros: i64) -> i64 {
    // The time itself may be off, and just look newer.
    let is_old = micros < OFFSETS_IN_MINUTES_SINCE.saturating_add(SECONDS_OF_OFFSET);
    if has_zone && (is_in_minutes || is_old) {
        SECONDS_OF_OFFSET
    } else {
        0
    }
}

/// Cut is down; before 1970, where a writer divided a negative number, also up.
fn widen_time(micros: i64, cut: i64, shift: i64, bound: Bound) -> i64 {
    match bound {
        Bound::Min => {
            let cut = if micros <= 0 { cut } else { 0 };
            micros.saturating_sub(cut).saturating_sub(shift)
        }
        Bound::Max => micros.saturating_add(cut).saturating_add(shift),
    }
}

/// The unscaled value, or one further out where it is too large to have survived a double; `None`
/// where the type's range ends before.
fn widen_decimal(unscaled: i128, precision: u8, bound: Bound) -> Option<i128> {
    let magnitude = unscaled.unsigned_abs();
    if magnitude < EXACT_IN_DOUBLE {
        return Some(unscaled);
    }
    let limit = 10i128.checked_pow(u32::from(precision))?.checked_sub(1)?;
    let slack = i128::try_from(magnitude >> 49).ok()?.checked_add(1)?;
    Some(match bound {
        Bound::Min => unscaled.checked_sub(slack)?.max(limit.checked_neg()?),
        Bound::Max => unscaled.checked_add(slack)?.min(limit),
    })
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
    let zero_bound = match bound {
        Bound::Min => negative_zero,
        Bound::Max => zero,
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

/// The part of a string in statistics that is surely the value's: all before a U+FFFD. That character
/// stands for another one that was cut in two, or marks where a maximum was cut off. Old versions of
/// Delta for Spark marked it so, though characters beyond the Basic Multilingual Plane come after it.
fn known_prefix(text: &str) -> &str {
    text.split(char::REPLACEMENT_CHARACTER)
        .next()
        .unwrap_or_default()
}

/// A prefix of the text, as a minimum that was cut off is.
fn lower_bound(text: &str) -> &str {
    known_prefix(text)
}

/// The text itself if it is short; else one that is above everything that starts with it.
fn upper_bound(text: &str) -> Option<String> {
    let known = known_prefix(text);
    if known.len() == text.len() && text.chars().count() < WHOLE_STRING {
        return Some(text.to_owned());
    }
    let mut prefix = known.to_owned();
    while let Some(last) = prefix.pop() {
        // The step is over the surrogates, which are no characters.
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            _ => u32::from(last).checked_add(1).and_then(char::from_u32),
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
