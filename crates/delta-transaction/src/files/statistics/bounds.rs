//! Bounds of a column's values, and how statistics spell them.
//!
//! What bounds a value for one reader may hide it from another: where readers differ, the bound is
//! the wider one, and where they can't agree there is none.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, make_array};
use arrow::buffer::NullBuffer;
use arrow::compute;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType,
};
use chrono::DateTime;

use crate::files::text;

/// Characters of a string in statistics, as in Spark.
const STRING_PREFIX: usize = 32;

/// The smallest and the largest value of a column so far, of a type that has bounds.
#[derive(Debug)]
pub(crate) enum Bounds {
    Integer(Option<(i64, i64)>),
    Decimal {
        scale: i8,
        range: Option<(i128, i128)>,
    },
    Float {
        range: Option<(f64, f64)>,
        has_nan: bool,
    },
    /// The values' first characters, one more than statistics have.
    String(Option<(String, String)>),
    Date(Option<(i32, i32)>),
    /// Microseconds.
    Timestamp {
        has_zone: bool,
        range: Option<(i64, i64)>,
    },
}

impl Bounds {
    /// No values yet, of the type of a file's field; `None` for a type without bounds. Spark has none for booleans and binaries.
    pub(crate) fn new(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
                Self::Integer(None)
            }
            DataType::Float32 | DataType::Float64 => Self::Float {
                range: None,
                has_nan: false,
            },
            DataType::Decimal128(_, scale) => Self::Decimal {
                scale: *scale,
                range: None,
            },
            DataType::Utf8 => Self::String(None),
            DataType::Date32 => Self::Date(None),
            DataType::Timestamp(_, zone) => Self::Timestamp {
                has_zone: zone.is_some(),
                range: None,
            },
            _ => return None,
        })
    }

    /// Takes in the values that are not null by `nulls`, which includes the nulls of structs around.
    pub(crate) fn update(&mut self, array: &ArrayRef, nulls: Option<&NullBuffer>) {
        let array = match nulls {
            Some(nulls) => with_nulls(array, nulls),
            None => array.clone(),
        };
        match self {
            Self::Integer(range) => {
                widen(range, integers::<Int8Type>(&array));
                widen(range, integers::<Int16Type>(&array));
                widen(range, integers::<Int32Type>(&array));
                widen(range, integers::<Int64Type>(&array));
            }
            Self::Decimal { range, .. } => widen(range, min_max::<Decimal128Type>(&array)),
            Self::Float { range, has_nan } => {
                let mut take = |value: f64| {
                    if value.is_nan() {
                        *has_nan = true;
                    } else {
                        widen(range, Some((value, value)));
                    }
                };
                if let Some(floats) = array.as_primitive_opt::<Float32Type>() {
                    floats.iter().flatten().for_each(|value| take(value.into()));
                }
                if let Some(doubles) = array.as_primitive_opt::<Float64Type>() {
                    doubles.iter().flatten().for_each(take);
                }
            }
            Self::String(range) => {
                let strings = array.as_string::<i32>();
                let min_max = compute::min_string(strings).zip(compute::max_string(strings));
                let prefixes = min_max.map(|(min, max)| (beginning(min), beginning(max)));
                widen(range, prefixes);
            }
            Self::Date(range) => widen(range, min_max::<Date32Type>(&array)),
            Self::Timestamp { range, .. } => {
                widen(range, min_max::<TimestampMicrosecondType>(&array));
            }
        }
    }

    /// The bounds as JSON values; `None` for one that can't be spelt so that it bounds all values
    /// for every reader.
    pub(crate) fn to_json(&self) -> (Option<String>, Option<String>) {
        match self {
            Self::Integer(range) => both(range, |value| Some(value.to_string())),
            Self::Decimal { scale, range } => {
                both(range, |value| Some(text::decimal(*value, *scale)))
            }
            // Spark has NaN above all numbers, Arrow some below; JSON has none.
            Self::Float { has_nan: true, .. } => (None, None),
            Self::Float { range, .. } => (
                range.and_then(|(min, _)| float(min, -0.0)),
                range.and_then(|(_, max)| float(max, 0.0)),
            ),
            Self::String(range) => match range {
                None => (None, None),
                Some((min, max)) => (
                    Some(quoted(lower_bound(min))),
                    upper_bound(max).map(|bound| quoted(&bound)),
                ),
            },
            Self::Date(range) => both(range, |days| text::date(*days).map(|date| quoted(&date))),
            Self::Timestamp { has_zone, range } => (
                range.and_then(|(min, _)| time(min.div_euclid(1000), *has_zone)),
                range.and_then(|(_, max)| {
                    // Never below a value, though readers may know that writers cut times down.
                    time(max.checked_add(999)?.div_euclid(1000), *has_zone)
                }),
            ),
        }
    }
}

fn both<T>(
    range: &Option<(T, T)>,
    spell: impl Fn(&T) -> Option<String>,
) -> (Option<String>, Option<String>) {
    match range {
        Some((min, max)) => (spell(min), spell(max)),
        None => (None, None),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A double in JSON. A float is spelt as the double that it is: a reader to whom the column was
/// widened compares with that. `zero` is the zero to write for both.
fn float(value: f64, zero: f64) -> Option<String> {
    let value = if value == 0.0 { zero } else { value };
    value.is_finite().then(|| format!("{value:?}"))
}

fn time(millis: i64, has_zone: bool) -> Option<String> {
    let micros = DateTime::from_timestamp_millis(millis)?.timestamp_micros();
    let time = text::moment(micros)?.format("%Y-%m-%dT%H:%M:%S%.3f");
    let zone = if has_zone { "Z" } else { "" };
    Some(quoted(&format!("{time}{zone}")))
}

fn widen<T: PartialOrd>(range: &mut Option<(T, T)>, other: Option<(T, T)>) {
    *range = match (range.take(), other) {
        (Some((min, max)), Some((other_min, other_max))) => Some((
            if other_min < min { other_min } else { min },
            if other_max > max { other_max } else { max },
        )),
        (range, other) => range.or(other),
    };
}

fn min_max<T: ArrowPrimitiveType>(array: &ArrayRef) -> Option<(T::Native, T::Native)>
where
    T::Native: PartialOrd,
{
    let values = array.as_primitive_opt::<T>()?;
    compute::min(values).zip(compute::max(values))
}

fn integers<T: ArrowPrimitiveType>(array: &ArrayRef) -> Option<(i64, i64)>
where
    T::Native: PartialOrd + Into<i64>,
{
    let (min, max) = min_max::<T>(array)?;
    Some((min.into(), max.into()))
}

fn with_nulls(array: &ArrayRef, nulls: &NullBuffer) -> ArrayRef {
    let data = array.to_data().into_builder().nulls(Some(nulls.clone()));
    // The array keeps its length, so that its data stays valid.
    data.build().map_or_else(|_| array.clone(), make_array)
}

/// As many characters as tell both bounds of a string.
fn beginning(text: &str) -> String {
    text.chars().take(STRING_PREFIX.saturating_add(1)).collect()
}

/// What statistics have of a string: 32 characters.
fn lower_bound(beginning: &str) -> &str {
    match beginning.char_indices().nth(STRING_PREFIX) {
        Some((end, _)) => &beginning[..end],
        None => beginning,
    }
}

/// The string itself if it has 32 characters; else its first 32 with one behind that is above all that
/// can follow; `None` where there is none such.
fn upper_bound(beginning: &str) -> Option<String> {
    let Some((end, next)) = beginning.char_indices().nth(STRING_PREFIX) else {
        return Some(beginning.to_owned());
    };
    // Spark marks the cut by the same characters.
    let above = ['\u{7F}', char::MAX]
        .into_iter()
        .find(|above| next < *above)?;
    let mut bound = beginning[..end].to_owned();
    bound.push(above);
    Some(bound)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float32Array, Float64Array, StringArray, TimestampMicrosecondArray};

    use super::*;

    fn json(data_type: &DataType, array: ArrayRef) -> (Option<String>, Option<String>) {
        let mut bounds = Bounds::new(data_type).unwrap();
        bounds.update(&array, None);
        bounds.to_json()
    }

    fn texts(min: &str, max: &str) -> (Option<String>, Option<String>) {
        (Some(min.to_owned()), Some(max.to_owned()))
    }

    #[test]
    fn strings_are_cut_to_32_characters_and_marked_above() {
        let max = |text: &str| json(&DataType::Utf8, Arc::new(StringArray::from(vec![text]))).1;
        let ascii = "0123456789abcdefghijklmnopqrstuv";
        let quoted = |text: String| Some(serde_json::to_string(&text).unwrap());
        assert_eq!(max(ascii), quoted(ascii.to_owned()));
        assert_eq!(max(&format!("{ascii}wx")), quoted(format!("{ascii}\u{7F}")));
        assert_eq!(
            max(&format!("{ascii}\u{7F}")),
            quoted(format!("{ascii}\u{10FFFF}"))
        );
        assert_eq!(
            max(&format!("{ascii}😀x")),
            quoted(format!("{ascii}\u{10FFFF}"))
        );
        assert_eq!(max(&format!("{ascii}\u{10FFFF}")), None);
        let emoji = "😀".repeat(40);
        let (min, _) = json(
            &DataType::Utf8,
            Arc::new(StringArray::from(vec![emoji.as_str()])),
        );
        assert_eq!(min, quoted("😀".repeat(32)));
    }

    #[test]
    fn numbers_that_readers_order_differently_have_wide_bounds_or_none() {
        let doubles =
            |values: Vec<f64>| json(&DataType::Float64, Arc::new(Float64Array::from(values)));
        assert_eq!(doubles(vec![0.0, -0.0]), texts("-0.0", "0.0"));
        assert_eq!(doubles(vec![0.0, 1e300]), texts("-0.0", "1e300"));
        assert_eq!(doubles(vec![1.0, f64::NAN]), (None, None));
        assert_eq!(
            doubles(vec![1.0, f64::INFINITY]),
            (Some("1.0".to_owned()), None)
        );
        let floats = json(&DataType::Float32, Arc::new(Float32Array::from(vec![0.7])));
        assert_eq!(floats, texts("0.699999988079071", "0.699999988079071"));
    }

    #[test]
    fn times_are_cut_to_milliseconds_outwards() {
        let times = |values: Vec<i64>| {
            let array = TimestampMicrosecondArray::from(values).with_timezone("UTC");
            json(&array.data_type().clone(), Arc::new(array))
        };
        assert_eq!(
            times(vec![-1_500, 1_500]),
            texts(
                "\"1969-12-31T23:59:59.998Z\"",
                "\"1970-01-01T00:00:00.002Z\""
            )
        );
        // The next millisecond would be in the year 10000.
        assert_eq!(times(vec![253_402_300_799_999_001]).1, None);
        assert_eq!(times(vec![i64::MIN, i64::MAX]), (None, None));
    }
}
