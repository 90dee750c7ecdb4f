//! Values of a result, as the grid shows them and as `window.lakeglass.run` hands them out.
//!
//! Everything is exact: 64-bit integers and decimals never pass through a double.

use std::fmt::Write;
use std::ops::Range;

use crate::arrow::{Column, Value};
use crate::calendar::{Moment, date, write_date};

/// For whom a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// For eyes: numbers as they are, times with a space between date and time.
    Text,
    /// JSON for a script: what a double can't hold is a string, times are of ISO 8601.
    Json,
}

/// The text of a cell; `None` where it is NULL.
pub fn text(column: &Column, row: usize) -> Option<String> {
    match column.value(row) {
        Value::Null => None,
        Value::Text(text) => Some(text.to_owned()),
        value => {
            let mut out = String::new();
            write_bare(&mut out, value, Style::Text);
            Some(out)
        }
    }
}

/// Appends a cell as JSON.
///
/// Numbers up to 32 bits and doubles are numbers, save NaN and the infinities, which JSON lacks and
/// which become strings; 64-bit integers and decimals are strings; binary is a string of hex digits.
pub fn write_json(out: &mut String, column: &Column, row: usize) {
    write_nested(out, column.value(row), Style::Json);
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

/// A value inside a list, a struct or a map, or one for JSON: NULL is `null`, texts are quoted.
fn write_nested(out: &mut String, value: Value<'_>, style: Style) {
    if let Value::Text(text) = value {
        return quote(out, text);
    }
    if stands_alone(&value, style) {
        return write_bare(out, value, style);
    }
    let mut text = String::new();
    write_bare(&mut text, value, style);
    quote(out, &text);
}

/// Whether a value stands without quotes inside a nested one.
fn stands_alone(value: &Value<'_>, style: Style) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::List(..) | Value::Struct(..) | Value::Map(..) => true,
        Value::Float32(number) => number.is_finite(),
        Value::Float64(number) => number.is_finite(),
        Value::Int { is_wide, .. } => !is_wide || style == Style::Text,
        Value::Decimal { .. } => style == Style::Text,
        _ => false,
    }
}

/// A value without quotes around it.
fn write_bare(out: &mut String, value: Value<'_>, style: Style) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        Value::Int { value, .. } => {
            let _ = write!(out, "{value}");
        }
        Value::Float32(value) => write_float(out, value),
        Value::Float64(value) => write_float(out, value),
        Value::Decimal { unscaled, scale } => write_decimal(out, unscaled, scale),
        Value::Text(text) => out.push_str(text),
        Value::Binary(bytes) => {
            for byte in bytes {
                let _ = write!(out, "{byte:02x}");
            }
        }
        Value::Date(days) => {
            let (year, month, day) = date(days);
            write_date(out, year, month, day);
        }
        Value::Time(seconds, nanos) => Moment::from_parts(seconds, nanos).write_time(out),
        Value::Timestamp {
            seconds,
            nanos,
            zoned,
        } => {
            let moment = Moment::from_parts(seconds, nanos);
            moment.write_date(out);
            out.push(if style == Style::Json { 'T' } else { ' ' });
            moment.write_time(out);
            if zoned && style == Style::Json {
                out.push('Z');
            }
        }
        Value::Interval {
            months,
            days,
            nanos,
        } => write_interval(out, months, days, nanos),
        Value::List(items, range) => {
            out.push('[');
            for (index, row) in range.enumerate() {
                write_separator(out, index);
                write_nested(out, items.value(row), style);
            }
            out.push(']');
        }
        Value::Struct(fields, row) => {
            out.push('{');
            for (index, field) in fields.iter().enumerate() {
                write_separator(out, index);
                quote(out, &field.name);
                out.push(':');
                write_nested(out, field.value(row), style);
            }
            out.push('}');
        }
        Value::Map(keys, values, range) => write_map(out, keys, values, range, style),
    }
}

fn write_map(out: &mut String, keys: &Column, values: &Column, rows: Range<usize>, style: Style) {
    out.push('{');
    for (index, row) in rows.enumerate() {
        write_separator(out, index);
        quote(out, &text(keys, row).unwrap_or_else(|| "null".to_owned()));
        out.push(':');
        write_nested(out, values.value(row), style);
    }
    out.push('}');
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

fn write_decimal(out: &mut String, unscaled: i128, scale: i32) {
    let digits = unscaled.unsigned_abs().to_string();
    if unscaled < 0 {
        out.push('-');
    }
    let Ok(scale) = usize::try_from(scale) else {
        out.push_str(&digits);
        return out.extend((0..scale.unsigned_abs()).map(|_| '0'));
    };
    // At least one digit before the point.
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    out.push_str(whole);
    if scale > 0 {
        out.push('.');
        out.push_str(fraction);
    }
}

fn write_interval(out: &mut String, months: i32, days: i32, nanos: i128) {
    let mut parts = Vec::new();
    if months != 0 {
        parts.push(format!("{months} months"));
    }
    if days != 0 {
        parts.push(format!("{days} days"));
    }
    if nanos != 0 || parts.is_empty() {
        let mut seconds = String::new();
        write_decimal(&mut seconds, nanos, 9);
        let seconds = seconds.trim_end_matches('0').trim_end_matches('.');
        parts.push(format!("{seconds} seconds"));
    }
    out.push_str(&parts.join(" "));
}

/// Appends a JSON string.
fn quote(out: &mut String, value: &str) {
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
