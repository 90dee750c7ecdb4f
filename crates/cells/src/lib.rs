//! Values of a result, as the page's grid and `lakeglass sql` show them, and as
//! `window.lakeglass.run` and `lakeglass sql --format json` hand them out.
//!
//! Everything is exact: 64-bit integers and decimals never pass through a double. Nothing here
//! computes on rows, so that the page stays small: `arrow-array` without Arrow's kernels.
#![warn(missing_docs)]

pub mod calendar;

use std::fmt::Write;

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, downcast_run_array};
use arrow_schema::{DataType, IntervalUnit, TimeUnit};

use crate::calendar::{Moment, write_date};

/// For whom a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// For eyes: numbers as they are, times with a space between date and time.
    Text,
    /// JSON for a script: what a double can't hold is a string, times are of ISO 8601.
    Json,
}

/// The text of a cell; `None` where it is NULL.
pub fn text(array: &dyn Array, row: usize) -> Option<String> {
    if is_null(array, row) {
        return None;
    }
    if let Some((values, row)) = encoded(array, row) {
        return text(&values, row);
    }
    let mut out = String::new();
    match array.data_type() {
        DataType::Utf8 => out.push_str(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => out.push_str(array.as_string::<i64>().value(row)),
        DataType::Utf8View => out.push_str(array.as_string_view().value(row)),
        _ => write_bare(&mut out, array, row, Style::Text),
    }
    Some(out)
}

/// Appends a cell as JSON.
///
/// Numbers up to 32 bits and doubles are numbers, save NaN and the infinities, which JSON lacks and
/// which become strings; 64-bit integers and decimals are strings; binary is a string of hex digits.
pub fn write_json(out: &mut String, array: &dyn Array, row: usize) {
    write_nested(out, array, row, Style::Json);
}

/// Whether a column of this type, in Spark's words, is aligned to the right.
pub fn is_numeric(spark_type: &str) -> bool {
    let name = spark_type.split('(').next().unwrap_or_default();
    matches!(
        name,
        "tinyint" | "smallint" | "int" | "bigint" | "float" | "double" | "decimal"
    )
}

/// A type as the grid's header names it.
pub fn type_label(spark_type: &str) -> String {
    match spark_type {
        "timestamp" => "timestamp, UTC".to_owned(),
        other => other.to_owned(),
    }
}

/// NULL, also where an encoding keeps the null among its values.
fn is_null(array: &dyn Array, row: usize) -> bool {
    match array.data_type() {
        DataType::Null => true,
        _ => array.is_null(row),
    }
}

/// The place of a value behind an encoding: dictionary or run-end.
fn encoded(array: &dyn Array, row: usize) -> Option<(ArrayRef, usize)> {
    match array.data_type() {
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            let key = text(dictionary.keys(), row)?.parse().ok()?;
            Some((dictionary.values().clone(), key))
        }
        DataType::RunEndEncoded(_, _) => downcast_run_array!(
            array => Some((array.values().clone(), array.get_physical_index(row))),
            _ => None
        ),
        _ => None,
    }
}

/// A value inside a list, a struct or a map, or one for JSON: NULL is `null`, texts are quoted.
fn write_nested(out: &mut String, array: &dyn Array, row: usize, style: Style) {
    if is_null(array, row) {
        return out.push_str("null");
    }
    if let Some((values, row)) = encoded(array, row) {
        return write_nested(out, &values, row, style);
    }
    match array.data_type() {
        DataType::Utf8 => quote(out, array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => quote(out, array.as_string::<i64>().value(row)),
        DataType::Utf8View => quote(out, array.as_string_view().value(row)),
        data_type if is_written_plainly(data_type, style) => write_bare(out, array, row, style),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            let start = out.len();
            write_bare(out, array, row, style);
            // NaN, Infinity, -Infinity: all contain an N or an I, which no number does.
            if out[start..].contains(['N', 'I']) {
                let word = out.split_off(start);
                quote(out, &word);
            }
        }
        _ => {
            let mut value = String::new();
            write_bare(&mut value, array, row, style);
            quote(out, &value);
        }
    }
}

/// Whether a value stands without quotes inside a nested one.
fn is_written_plainly(data_type: &DataType, style: Style) -> bool {
    use DataType::*;
    match data_type {
        Boolean | Int8 | Int16 | Int32 | UInt8 | UInt16 | UInt32 => true,
        List(_) | LargeList(_) | FixedSizeList(_, _) | Struct(_) | Map(_, _) => true,
        Int64
        | UInt64
        | Decimal32(_, _)
        | Decimal64(_, _)
        | Decimal128(_, _)
        | Decimal256(_, _) => style == Style::Text,
        _ => false,
    }
}

/// A value without quotes around it. It is not NULL and not encoded.
fn write_bare(out: &mut String, array: &dyn Array, row: usize, style: Style) {
    macro_rules! number {
        ($type:ty) => {{
            let _ = write!(out, "{}", array.as_primitive::<$type>().value(row));
        }};
    }
    macro_rules! decimal {
        ($type:ty) => {
            out.push_str(&array.as_primitive::<$type>().value_as_string(row))
        };
    }
    match array.data_type() {
        DataType::Boolean => out.push_str(if array.as_boolean().value(row) {
            "true"
        } else {
            "false"
        }),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
        DataType::Float16 => {
            write_float(out, array.as_primitive::<Float16Type>().value(row).to_f32())
        }
        DataType::Float32 => write_float(out, array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => write_float(out, array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal32(_, _) => decimal!(Decimal32Type),
        DataType::Decimal64(_, _) => decimal!(Decimal64Type),
        DataType::Decimal128(_, _) => decimal!(Decimal128Type),
        DataType::Decimal256(_, _) => decimal!(Decimal256Type),
        DataType::Utf8 => out.push_str(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => out.push_str(array.as_string::<i64>().value(row)),
        DataType::Utf8View => out.push_str(array.as_string_view().value(row)),
        DataType::Binary => write_hex(out, array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => write_hex(out, array.as_binary::<i64>().value(row)),
        DataType::BinaryView => write_hex(out, array.as_binary_view().value(row)),
        DataType::FixedSizeBinary(_) => write_hex(out, array.as_fixed_size_binary().value(row)),
        DataType::Date32 => {
            write_day(
                out,
                i64::from(array.as_primitive::<Date32Type>().value(row)),
            );
        }
        DataType::Date64 => {
            write_day(
                out,
                array
                    .as_primitive::<Date64Type>()
                    .value(row)
                    .div_euclid(86_400_000),
            );
        }
        DataType::Timestamp(unit, zone) => {
            write_timestamp(out, *unit, integer(array, row), zone.is_some(), style);
        }
        DataType::Time32(unit) | DataType::Time64(unit) => {
            moment(*unit, integer(array, row)).write_time(out);
        }
        DataType::Duration(unit) => {
            let suffix = match unit {
                TimeUnit::Second => "s",
                TimeUnit::Millisecond => "ms",
                TimeUnit::Microsecond => "µs",
                TimeUnit::Nanosecond => "ns",
            };
            let _ = write!(out, "{} {suffix}", integer(array, row));
        }
        DataType::Interval(unit) => write_interval(out, array, row, *unit),
        DataType::List(_) => write_list(out, &array.as_list::<i32>().value(row), style),
        DataType::LargeList(_) => write_list(out, &array.as_list::<i64>().value(row), style),
        DataType::FixedSizeList(_, _) => {
            write_list(out, &array.as_fixed_size_list().value(row), style);
        }
        DataType::Struct(fields) => {
            out.push('{');
            for (index, (field, column)) in
                fields.iter().zip(array.as_struct().columns()).enumerate()
            {
                write_separator(out, index);
                quote(out, field.name());
                out.push(':');
                write_nested(out, column, row, style);
            }
            out.push('}');
        }
        DataType::Map(_, _) => {
            let entries = array.as_map().value(row);
            out.push('{');
            for index in 0..entries.len() {
                write_separator(out, index);
                let key = text(entries.column(0), index).unwrap_or_else(|| "null".to_owned());
                quote(out, &key);
                out.push(':');
                write_nested(out, entries.column(1), index, style);
            }
            out.push('}');
        }
        // No statement answers with these; better named than a panic.
        other => {
            let _ = write!(out, "<{other}>");
        }
    }
}

fn write_list(out: &mut String, values: &dyn Array, style: Style) {
    out.push('[');
    for index in 0..values.len() {
        write_separator(out, index);
        write_nested(out, values, index, style);
    }
    out.push(']');
}

fn write_separator(out: &mut String, index: usize) {
    if index > 0 {
        out.push(',');
    }
}

/// The shortest digits that read back as the same number; very large and very small ones with an
/// exponent.
fn write_float<F>(out: &mut String, value: F)
where
    F: std::fmt::Debug + std::fmt::LowerExp + Copy + Into<f64>,
{
    let wide: f64 = value.into();
    let magnitude = wide.abs();
    let _ = if wide.is_nan() {
        write!(out, "NaN")
    } else if wide.is_infinite() {
        write!(out, "{}Infinity", if wide < 0.0 { "-" } else { "" })
    } else if magnitude != 0.0 && !(1e-5..1e15).contains(&magnitude) {
        write!(out, "{value:e}")
    } else {
        write!(out, "{value:?}")
    };
}

fn write_hex(out: &mut String, bytes: &[u8]) {
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
}

fn write_day(out: &mut String, days: i64) {
    let (year, month, day) = crate::calendar::date(days);
    write_date(out, year, month, day);
}

fn write_timestamp(out: &mut String, unit: TimeUnit, value: i64, zoned: bool, style: Style) {
    let moment = moment(unit, value);
    moment.write_date(out);
    out.push(if style == Style::Json { 'T' } else { ' ' });
    moment.write_time(out);
    if zoned && style == Style::Json {
        out.push('Z');
    }
}

fn moment(unit: TimeUnit, value: i64) -> Moment {
    let (per_second, nanos_each) = match unit {
        TimeUnit::Second => (1, 0),
        TimeUnit::Millisecond => (1_000, 1_000_000),
        TimeUnit::Microsecond => (1_000_000, 1_000),
        TimeUnit::Nanosecond => (1_000_000_000, 1),
    };
    Moment::from_parts(
        value.div_euclid(per_second),
        value.rem_euclid(per_second) as u32 * nanos_each,
    )
}

/// The integer behind a time, of whatever unit and width.
fn integer(array: &dyn Array, row: usize) -> i64 {
    macro_rules! of {
        ($type:ty) => {
            i64::from(array.as_primitive::<$type>().value(row))
        };
    }
    use TimeUnit::*;
    match array.data_type() {
        DataType::Timestamp(Second, _) => of!(TimestampSecondType),
        DataType::Timestamp(Millisecond, _) => of!(TimestampMillisecondType),
        DataType::Timestamp(Microsecond, _) => of!(TimestampMicrosecondType),
        DataType::Timestamp(Nanosecond, _) => of!(TimestampNanosecondType),
        DataType::Time32(Second) => of!(Time32SecondType),
        DataType::Time32(_) => of!(Time32MillisecondType),
        DataType::Time64(Microsecond) => of!(Time64MicrosecondType),
        DataType::Time64(_) => of!(Time64NanosecondType),
        DataType::Duration(Second) => of!(DurationSecondType),
        DataType::Duration(Millisecond) => of!(DurationMillisecondType),
        DataType::Duration(Microsecond) => of!(DurationMicrosecondType),
        _ => of!(DurationNanosecondType),
    }
}

fn write_interval(out: &mut String, array: &dyn Array, row: usize, unit: IntervalUnit) {
    let (months, days, nanos) = match unit {
        IntervalUnit::YearMonth => (
            array.as_primitive::<IntervalYearMonthType>().value(row),
            0,
            0,
        ),
        IntervalUnit::DayTime => {
            let value = array.as_primitive::<IntervalDayTimeType>().value(row);
            (0, value.days, i64::from(value.milliseconds) * 1_000_000)
        }
        IntervalUnit::MonthDayNano => {
            let value = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            (value.months, value.days, value.nanoseconds)
        }
    };
    let seconds = nanos as f64 / 1e9;
    let parts = [
        (months != 0).then(|| format!("{months} months")),
        (days != 0).then(|| format!("{days} days")),
        (nanos != 0 || (months == 0 && days == 0)).then(|| format!("{seconds} seconds")),
    ];
    out.push_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(" "));
}

/// Appends a JSON string.
pub fn quote(out: &mut String, value: &str) {
    out.push('"');
    for character in value.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04x}", control as u32);
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests;
