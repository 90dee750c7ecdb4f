//! Writing values.

use std::fmt::{self, Write};

use crate::calendar::{CivilDateTime, date, write_date, write_time_of_day};
use crate::interval;
use crate::value::{Column, Value};

/// Reader that a value is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// A person: numbers as they are, a space between date and time.
    Text,
    /// A script that reads JSON: a string where a double can't hold the number, times of ISO 8601.
    Json,
}

/// The text of a cell; `None` where it is NULL.
pub fn text(value: Value<'_>) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.to_owned()),
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
/// which become strings; 64-bit integers and decimals are strings; binary is a string of hex digits;
/// arrays are arrays, structs and maps are objects.
pub fn write_json(out: &mut String, value: Value<'_>) {
    write_nested(out, value, Style::Json);
}

/// As JSON.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut json = String::new();
        write_json(&mut json, self.clone());
        f.write_str(&json)
    }
}

/// A value inside a list, a struct or a map, or one for JSON: NULL is `null`, texts are quoted.
fn write_nested(out: &mut String, value: Value<'_>, style: Style) {
    if let Value::String(text) = value {
        return quote(out, text);
    }
    if is_bare(&value, style) {
        return write_bare(out, value, style);
    }
    let mut text = String::new();
    write_bare(&mut text, value, style);
    quote(out, &text);
}

/// True for a value that stands without quotes inside a nested one.
fn is_bare(value: &Value<'_>, style: Style) -> bool {
    match value {
        Value::Null | Value::Boolean(_) | Value::Int(_) => true,
        Value::List(..) | Value::Struct(..) | Value::Map { .. } => true,
        Value::Float(number) => number.is_finite(),
        Value::Double(number) => number.is_finite(),
        Value::Long(_) | Value::Decimal { .. } => style == Style::Text,
        Value::String(_)
        | Value::Binary(_)
        | Value::Date(_)
        | Value::Time(_)
        | Value::Timestamp { .. }
        | Value::YearMonthInterval(_)
        | Value::Interval { .. }
        | Value::Unsupported(_) => false,
    }
}

/// A value without quotes around it.
fn write_bare(out: &mut String, value: Value<'_>, style: Style) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Boolean(value) => out.push_str(if value { "true" } else { "false" }),
        Value::Int(value) => {
            let _ = write!(out, "{value}");
        }
        Value::Long(value) => {
            let _ = write!(out, "{value}");
        }
        Value::Float(value) => write_float(out, value),
        Value::Double(value) => write_float(out, value),
        Value::Decimal { unscaled, scale } => write_decimal(out, unscaled, scale),
        Value::String(text) => out.push_str(text),
        Value::Binary(bytes) => {
            out.reserve(bytes.len() * 2);
            for byte in bytes {
                let _ = write!(out, "{byte:02x}");
            }
        }
        Value::Date(days) => {
            let (year, month, day) = date(days.into());
            write_date(out, year, month, day);
        }
        Value::Time(nanos) => write_time_of_day(out, nanos),
        Value::Timestamp { micros, is_instant } => {
            let time = CivilDateTime::from_micros(micros);
            time.write_date(out);
            out.push(if style == Style::Json { 'T' } else { ' ' });
            time.write_time(out);
            if is_instant && style == Style::Json {
                out.push('Z');
            }
        }
        Value::YearMonthInterval(months) => interval::write_year_month(out, months),
        Value::Interval {
            months,
            days,
            nanos,
        } => interval::write(out, months, days, nanos),
        Value::List(items, rows) => {
            out.push('[');
            for (index, row) in rows.enumerate() {
                write_separator(out, index);
                write_nested(out, items.value(row), style);
            }
            out.push(']');
        }
        Value::Struct(fields, row) => {
            out.push('{');
            for index in 0..fields.count() {
                let (name, column) = fields.field(index);
                write_separator(out, index);
                quote(out, name);
                out.push(':');
                write_nested(out, column.value(row), style);
            }
            out.push('}');
        }
        Value::Map { keys, values, rows } => {
            out.push('{');
            for (index, row) in rows.enumerate() {
                write_separator(out, index);
                quote(out, &map_key(keys, row));
                out.push(':');
                write_nested(out, values.value(row), style);
            }
            out.push('}');
        }
        Value::Unsupported(name) => {
            let _ = write!(out, "<{name}>");
        }
    }
}

/// JSON's keys are strings.
fn map_key(keys: &dyn Column, row: usize) -> String {
    text(keys.value(row)).unwrap_or_else(|| "null".to_owned())
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

fn write_decimal(out: &mut String, unscaled: i128, scale: i8) {
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
