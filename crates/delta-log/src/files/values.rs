//! Values that the log has as text: of partition columns, and in statistics.
//!
//! Protocol: [Partition Value Serialization](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#partition-value-serialization)

use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, PrimitiveArray, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::datatypes::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
};
use arrow::error::ArrowError;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use crate::error::{Error, Result as LogResult};
use crate::schema::types::DataType;

/// What Hive calls the partition of the rows whose value is null.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// A text that is not of its type.
pub(crate) struct Malformed {
    pub(crate) row: usize,
}

/// Parses each text as a value of a primitive type.
///
/// # Errors
/// The first text that is not of the type, unless `lenient`: then it becomes null. Also for every
/// text of a nested type.
pub(crate) fn parse<'a>(
    data_type: &DataType,
    texts: impl ExactSizeIterator<Item = Option<&'a str>>,
    lenient: bool,
) -> Result<ArrayRef, Malformed> {
    let texts = Texts { texts, lenient };
    Ok(match data_type {
        DataType::Boolean => Arc::new(BooleanArray::from(texts.map(boolean)?)),
        DataType::Byte => texts.primitive::<Int8Type>()?,
        DataType::Short => texts.primitive::<Int16Type>()?,
        DataType::Integer => texts.primitive::<Int32Type>()?,
        DataType::Long => texts.primitive::<Int64Type>()?,
        DataType::Float => texts.primitive::<Float32Type>()?,
        DataType::Double => texts.primitive::<Float64Type>()?,
        DataType::Decimal { precision, scale } => {
            let values = texts.map(|text| decimal(text, *precision, *scale))?;
            let array = Decimal128Array::from(values).with_precision_and_scale(*precision, *scale);
            Arc::new(array.map_err(|_: ArrowError| Malformed { row: 0 })?)
        }
        DataType::String => Arc::new(StringArray::from_iter(texts.texts)),
        DataType::Binary => {
            let values = texts.map(|text| Some(binary(text)))?;
            Arc::new(BinaryArray::from_iter(values))
        }
        DataType::Date => Arc::new(Date32Array::from(texts.map(date)?)),
        DataType::Timestamp => {
            let values = TimestampMicrosecondArray::from(texts.map(timestamp)?);
            Arc::new(values.with_timezone("UTC"))
        }
        DataType::TimestampNtz => {
            Arc::new(TimestampMicrosecondArray::from(texts.map(timestamp_ntz)?))
        }
        DataType::Void => new_null_array(&data_type.to_arrow(), texts.texts.len()),
        DataType::Variant | DataType::Struct(_) | DataType::Array { .. } | DataType::Map { .. } => {
            let len = texts.texts.len();
            texts.map(|_| None::<()>)?;
            new_null_array(&data_type.to_arrow(), len)
        }
    })
}

/// Parses each text as a value of a primitive type; what is not of the type becomes null, and so does
/// everything where the type is nested.
pub fn parse_lenient(data_type: &DataType, texts: &[Option<&str>]) -> ArrayRef {
    let values = parse(data_type, texts.iter().copied(), true);
    values.unwrap_or_else(|_| new_null_array(&data_type.to_arrow(), texts.len()))
}

/// Parses partition values. An empty text is null, whatever the type. Hive's name for null is
/// plain text to the protocol and to Spark: null only where it is not of the column's type.
///
/// # Errors
/// [`Error::InvalidPartitionValue`], with the first text that is not of the type.
///
/// Protocol: [Partition Value Serialization](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#partition-value-serialization)
pub fn parse_partition_values(
    column: &str,
    data_type: &DataType,
    texts: &[Option<&str>],
) -> LogResult<ArrayRef> {
    let is_text = matches!(data_type, DataType::String | DataType::Binary);
    let present = |text: &&str| !text.is_empty() && (is_text || *text != HIVE_NULL);
    let values = texts.iter().map(|text| text.filter(present));
    parse(data_type, values, false).map_err(|malformed| Error::InvalidPartitionValue {
        column: column.to_owned(),
        value: texts
            .get(malformed.row)
            .copied()
            .flatten()
            .unwrap_or_default()
            .to_owned(),
        expected: data_type.to_string(),
    })
}

struct Texts<I> {
    texts: I,
    lenient: bool,
}

impl<'a, I: ExactSizeIterator<Item = Option<&'a str>>> Texts<I> {
    fn map<T>(self, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<Option<T>>, Malformed> {
        let Self { texts, lenient } = self;
        texts
            .enumerate()
            .map(|(row, text)| match text {
                None => Ok(None),
                Some(text) => match parse(text) {
                    None if !lenient => Err(Malformed { row }),
                    value => Ok(value),
                },
            })
            .collect()
    }

    fn primitive<T: ArrowPrimitiveType>(self) -> Result<ArrayRef, Malformed>
    where
        T::Native: FromStr,
    {
        let values = self.map(|text| text.parse().ok())?;
        Ok(Arc::new(PrimitiveArray::<T>::from_iter(values)))
    }
}

fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// The unscaled value; `None` if the text has more digits than the type.
fn decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.as_bytes().first()? {
        b'-' => (true, &mantissa[1..]),
        b'+' => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value: i128 = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        let digit = char::from(byte).to_digit(10)?;
        value = value.checked_mul(10)?.checked_add(i128::from(digit))?;
    }
    if value != 0 {
        // The value is `value * 10^(exponent - fraction)`, and wanted as a multiple of 10^-scale.
        let fraction = i32::try_from(fraction.len()).ok()?;
        let shift = exponent
            .checked_sub(fraction)?
            .checked_add(i32::from(scale))?;
        let power = 10i128.checked_pow(shift.unsigned_abs())?;
        if shift >= 0 {
            value = value.checked_mul(power)?;
        } else if value.checked_rem(power)? == 0 {
            value = value.checked_div(power)?;
        } else {
            return None;
        }
    }
    let limit = 10i128.checked_pow(u32::from(precision))?;
    (value < limit).then_some(match negative {
        true => value.checked_neg()?,
        false => value,
    })
}

/// Spark writes the bytes as if they were UTF-8; delta-rs writes each as `\u00XX`.
fn binary(text: &str) -> Vec<u8> {
    let escapes = text.as_bytes().chunks(6).map(|escape| {
        let digits = escape
            .strip_prefix(b"\\u00")
            .filter(|digits| digits.len() == 2)?;
        u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    });
    escapes
        .collect::<Option<_>>()
        .unwrap_or_else(|| text.as_bytes().to_vec())
}

/// Days since 1970-01-01.
fn date(text: &str) -> Option<i32> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    let days = date.signed_duration_since(NaiveDate::default()).num_days();
    i32::try_from(days).ok()
}

/// Microseconds since the epoch. Without a zone the text is UTC.
pub(crate) fn timestamp(text: &str) -> Option<i64> {
    let (wall_clock, offset) = split_offset(text)?;
    let east = offset.map_or(0, |offset| offset.seconds_east);
    let micros = i64::from(east).checked_mul(1_000_000)?;
    timestamp_ntz(wall_clock)?.checked_sub(micros)
}

/// Microseconds since 1970-01-01T00:00:00; digits beyond are cut.
pub(crate) fn timestamp_ntz(text: &str) -> Option<i64> {
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, time),
        None => (text, "00:00:00"),
    };
    let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
    let time = NaiveTime::parse_from_str(time, "%H:%M:%S%.f")
        .or_else(|_| NaiveTime::parse_from_str(time, "%H:%M"))
        .ok()?;
    Some(NaiveDateTime::new(date, time).and_utc().timestamp_micros())
}

/// An offset from UTC, as a text spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offset {
    pub(crate) seconds_east: i32,
    /// Whether hours and minutes are all there is: a writer may have cut seconds off.
    pub(crate) is_in_minutes: bool,
}

/// A wall clock's time, and the offset after it, if there is one: `Z`, or a sign and two digits
/// each for hours, minutes and seconds, of which the last two may be left out, with colons or
/// without; up to 18 hours, as in Java.
pub(crate) fn split_offset(text: &str) -> Option<(&str, Option<Offset>)> {
    if let Some(text) = text.strip_suffix(['Z', 'z']) {
        let utc = Offset {
            seconds_east: 0,
            is_in_minutes: false,
        };
        return Some((text.trim_end(), Some(utc)));
    }
    // A sign before the time of day belongs to the date.
    let (date, time) = text.split_at(text.find(['T', ' ']).unwrap_or(text.len()));
    let Some(sign) = time.find(['+', '-']) else {
        return Some((text, None));
    };
    let (time, offset) = time.split_at(sign);
    let wall_clock = text.get(..date.len().checked_add(time.len())?)?;
    Some((wall_clock.trim_end(), Some(parse_offset(offset)?)))
}

fn parse_offset(text: &str) -> Option<Offset> {
    let (sign, digits) = text.split_at_checked(1)?;
    let (hours, minutes, seconds) = match digits.as_bytes() {
        [h1, h2] => ([h1, h2], None, None),
        [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => ([h1, h2], Some([m1, m2]), None),
        [h1, h2, m1, m2, s1, s2] | [h1, h2, b':', m1, m2, b':', s1, s2] => {
            ([h1, h2], Some([m1, m2]), Some([s1, s2]))
        }
        _ => return None,
    };
    let number = |[tens, ones]: [&u8; 2], limit: u32| {
        let digit = |byte: &u8| char::from(*byte).to_digit(10);
        let number = digit(tens)?.checked_mul(10)?.checked_add(digit(ones)?)?;
        (number <= limit).then_some(number)
    };
    let hours = number(hours, 18)?;
    let part = |digits: Option<[&u8; 2]>| digits.map_or(Some(0), |digits| number(digits, 59));
    let total = hours
        .checked_mul(3600)?
        .checked_add(part(minutes)?.checked_mul(60)?)?
        .checked_add(part(seconds)?)?;
    let total = i32::try_from(total)
        .ok()
        .filter(|total| *total <= 18 * 3600)?;
    Some(Offset {
        seconds_east: match sign {
            "-" => total.checked_neg()?,
            _ => total,
        },
        is_in_minutes: seconds.is_none(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn timestamps_of_all_spellings() {
        let expected = Some(1_631_099_471_123_456);
        for text in [
            "2021-09-08 11:11:11.123456",
            "2021-09-08T11:11:11.123456Z",
            "2021-09-08T11:11:11.123456789Z",
            "2021-09-08T13:11:11.123456+02:00",
            "2021-09-08T03:41:11.123456-0730",
            "2021-09-08 13:11:11.123456 +02",
            "2021-09-08T12:04:39.123456+00:53:28",
            "2021-09-08T12:04:39.123456+005328",
            "2021-09-07T17:11:11.123456-18:00",
        ] {
            assert_eq!(timestamp(text), expected, "{text}");
        }
        assert_eq!(timestamp("1969-12-31 23:59:59.5"), Some(-500_000));
        assert_eq!(timestamp("1970-01-02"), Some(86_400_000_000));
        assert_eq!(timestamp_ntz("1970-01-01T00:01"), Some(60_000_000));
        for text in [
            "",
            "yesterday",
            "2021-13-01 00:00:00",
            "2021-01-01T00:00:00+99:00",
            // Wrapped at 32 bits these would be small.
            "2021-01-01T00:00:00+0071582789",
            "2021-01-01T00:00:00+0035791395",
            "2021-01-01T00:00:00+18:01",
            "2021-01-01T00:00:00+01:60",
            "2021-01-01T00:00:00+01:00:60",
            "2021-01-01T00:00:00+-9",
            "2021-01-01T00:00:00+-9:00",
            "2021-01-01T00:00:00++1:00",
            "2021-01-01T00:00:00+1",
            "2021-01-01T00:00:00+1:00",
            "2021-01-01T00:00:00+01:0",
            "2021-01-01T00:00:00+010:0",
            "2021-01-01T00:00:00+01:0203",
            "2021-01-01T00:00:00+01:00Z",
            "2021-01-01T00:00:00+٠١:٠٠",
            "2021-01-01T00:00:00+",
        ] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }

    #[test]
    fn decimals_are_exact_or_nothing() {
        for (text, expected) in [
            (
                "12345678901234567890123456789012.123456",
                Some(12345678901234567890123456789012123456),
            ),
            ("-1.5", Some(-1_500_000)),
            ("1E+3", Some(1_000_000_000)),
            ("15e-1", Some(1_500_000)),
            ("-0", Some(0)),
            ("0.0000001", None),
            ("1234567890123456789012345678901234567", None),
            ("1e999999999", None),
            (".", None),
            ("", None),
            ("é", None),
        ] {
            assert_eq!(decimal(text, 38, 6), expected, "{text}");
        }
    }

    #[test]
    fn binary_of_spark_and_of_delta_rs() {
        assert_eq!(binary("\u{1}\u{2}a"), [1, 2, b'a']);
        assert_eq!(binary("\\u0001\\u00FF"), [1, 255]);
        assert_eq!(binary("\\u0001b"), b"\\u0001b");
    }

    proptest! {
        #[test]
        fn decimal_text_round_trips(unscaled in -(10i128.pow(38) - 1)..10i128.pow(38), scale in 0u32..=38) {
            let sign = if unscaled < 0 { "-" } else { "" };
            let power = 10u128.pow(scale);
            let (whole, fraction) = (unscaled.unsigned_abs() / power, unscaled.unsigned_abs() % power);
            let text = if scale == 0 {
                format!("{sign}{whole}")
            } else {
                format!("{sign}{whole}.{fraction:0width$}", width = scale as usize)
            };
            prop_assert_eq!(decimal(&text, 38, scale as i8), Some(unscaled));
        }

        #[test]
        fn no_text_panics(text in "\\PC*|[-+0-9:.TZ eE]*") {
            for data_type in [DataType::Timestamp, DataType::Date, DataType::Binary, DataType::Decimal { precision: 9, scale: 2 }] {
                let parsed = parse(&data_type, [Some(text.as_str())].into_iter(), true);
                prop_assert!(parsed.is_ok());
            }
        }
    }
}
