//! Points in time as Spark writes them, and time travel.

use chrono::{NaiveDate, NaiveTime};
use messages::Error;
use sqlparser::ast::{
    self, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, TypedString, Value, Visit, Visitor,
};
use std::ops::ControlFlow;

use crate::statement::{Moment, VersionSpec};
use crate::translate::expression;

impl Moment {
    /// From an expression that names no column.
    pub(crate) fn from_expr(expr: &Expr) -> Result<Self, Error> {
        if let Some(text) = literal_text(expr) {
            return match parse_timestamp(text) {
                Some(micros) => Ok(Self::Millis(micros.div_euclid(1000))),
                None => Err(invalid_timestamp(text)),
            };
        }
        if matches!(expr, Expr::Value(_)) {
            return Err(Error::new(
                "DELTA_TIMESTAMP_INVALID",
                format!("{expr} is not a timestamp."),
            )
            .with_hint("Write TIMESTAMP AS OF '2024-05-01 10:00:00', or VERSION AS OF 3."));
        }
        let mut foldable = Foldable;
        if expr.visit(&mut foldable).is_break() {
            return Err(Error::new(
                "DELTA_TIMESTAMP_INVALID",
                format!("TIMESTAMP AS OF takes an expression without columns, not {expr}."),
            )
            .with_hint("For instance current_timestamp() - INTERVAL 1 DAY."));
        }
        let mut expr = expr.clone();
        expression::expression(&mut expr)?;
        Ok(Self::Expression(Box::new(expr)))
    }

    /// `SELECT` of one row with one column of type `Timestamp(ms, UTC)`; null where the expression
    /// is null.
    pub fn to_statement(&self) -> ast::Statement {
        let expr = match self {
            Self::Millis(millis) => Expr::Value(Value::Number(millis.to_string(), false).into()),
            Self::Expression(expr) => expr.as_ref().clone(),
        };
        let expr = call(
            "arrow_cast",
            vec![expr, string("Timestamp(Millisecond, Some(\"UTC\"))")],
        );
        ast::Statement::Query(Box::new(crate::translate::query::select_of(expr)))
    }
}

impl VersionSpec {
    /// A version or a point in time, as `table_changes` takes it.
    pub(crate) fn from_argument(expr: &Expr) -> Result<Self, Error> {
        if let Expr::Value(value) = expr
            && let Value::Number(digits, _) = &value.value
            && let Ok(version) = digits.parse()
        {
            return Ok(Self::Version(version));
        }
        Moment::from_expr(expr).map(Self::Timestamp)
    }
}

/// The text of `'…'`, `TIMESTAMP'…'`, `DATE'…'`.
fn literal_text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(_) => spark_string(expr),
        Expr::TypedString(TypedString {
            data_type,
            value,
            uses_odbc_syntax: false,
        }) => match (&value.value, data_type) {
            (Value::SingleQuotedString(text), DataType::Timestamp(..) | DataType::Date) => {
                Some(text)
            }
            _ => None,
        },
        Expr::Cast {
            kind: CastKind::Cast | CastKind::DoubleColon,
            expr,
            data_type,
            ..
        } => match data_type {
            DataType::Timestamp(..) => literal_text(expr),
            _ => None,
        },
        Expr::Nested(expr) => literal_text(expr),
        _ => None,
    }
}

fn invalid_timestamp(text: &str) -> Error {
    Error::new(
        "DELTA_TIMESTAMP_INVALID",
        format!("'{text}' is not a timestamp."),
    )
    .with_hint("Write it as '2024-05-01 10:00:00' (UTC) or '2024-05-01'.")
}

/// Breaks at a column or a subquery.
struct Foldable;

impl Visitor for Foldable {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_query(&mut self, _query: &ast::Query) -> ControlFlow<()> {
        ControlFlow::Break(())
    }
}

/// The text of a string literal.
pub(crate) fn spark_string(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

pub(crate) fn string(text: &str) -> Expr {
    Expr::Value(Value::SingleQuotedString(text.to_owned()).into())
}

pub(crate) fn call(name: &str, args: Vec<Expr>) -> Expr {
    Expr::Function(Function {
        name: vec![Ident::new(name)].into(),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args
                .into_iter()
                .map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)))
                .collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// Microseconds since the epoch of `2024-5-1`, `2024-05-01 10:00:00.123456`, `2024-05-01T10:00Z`,
/// `2024-05-01 10:00:00+02:00`; UTC unless it says otherwise.
pub(crate) fn parse_timestamp(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, time.trim()),
        None => (text, ""),
    };
    let date = parse_date(date)?;
    let (time, offset_seconds) = split_offset(time)?;
    let time = if time.is_empty() {
        NaiveTime::MIN
    } else {
        parse_time(time)?
    };
    date.and_time(time)
        .and_utc()
        .timestamp_micros()
        .checked_sub(offset_seconds * 1_000_000)
}

pub(crate) fn parse_date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.split('-');
    let year = parts.next().filter(|year| year.len() == 4)?;
    let month = parts.next().unwrap_or("1");
    let day = parts.next().unwrap_or("1");
    if parts.next().is_some() {
        return None;
    }
    NaiveDate::from_ymd_opt(
        digits(year, 4)?.try_into().ok()?,
        digits(month, 2)?,
        digits(day, 2)?,
    )
}

fn parse_time(text: &str) -> Option<NaiveTime> {
    let (text, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = text.split(':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next().unwrap_or("0"), 2)?;
    let second = digits(parts.next().unwrap_or("0"), 2)?;
    if parts.next().is_some() {
        return None;
    }
    let micros = if fraction.is_empty() {
        0
    } else {
        let kept = fraction.get(..fraction.len().min(6))?;
        if !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        format!("{kept:0<6}").parse().ok()?
    };
    NaiveTime::from_hms_micro_opt(hour, minute, second, micros)
}

/// Splits `Z`, `UTC`, `+02:00`, `-0530` off; the offset in seconds.
fn split_offset(time: &str) -> Option<(&str, i64)> {
    for zone in ["Z", "UTC", "GMT"] {
        if let Some(rest) = time.strip_suffix(zone) {
            return Some((rest.trim_end(), 0));
        }
    }
    let Some(at) = time.rfind(['+', '-']) else {
        return Some((time, 0));
    };
    let (rest, offset) = time.split_at(at);
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let offset = &offset[1..];
    let (hours, minutes) = match offset.split_once(':') {
        Some(parts) => parts,
        None if offset.len() == 4 && offset.is_ascii() => offset.split_at(2),
        None => (offset, "0"),
    };
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    if hours > 18 || minutes > 59 {
        return None;
    }
    Some((
        rest.trim_end(),
        sign * i64::from(hours * 3600 + minutes * 60),
    ))
}

fn digits(text: &str, most: usize) -> Option<u32> {
    if text.is_empty() || text.len() > most || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_read_as_spark_writes_them() {
        let noon = parse_timestamp("2024-05-01 12:00:00");
        assert_eq!(noon, Some(1_714_564_800_000_000));
        for same in [
            "2024-05-01T12:00:00Z",
            "2024-5-1 12:00",
            "2024-05-01 14:00:00+02:00",
            "2024-05-01 12:00:00.000 UTC",
            " 2024-05-01 06:30:00-0530 ",
        ] {
            assert_eq!(parse_timestamp(same), noon, "{same}");
        }
        assert_eq!(
            parse_timestamp("2024-05-01"),
            noon.map(|n| n - 12 * 3_600_000_000)
        );
        assert_eq!(parse_timestamp("1969-12-31 23:59:59.999999"), Some(-1));
        for wrong in [
            "",
            "yesterday",
            "2024-13-01",
            "2024-02-30",
            "2024-05-01 25:00",
            "24-05-01",
            "2024-05-01 10:00é",
        ] {
            assert_eq!(parse_timestamp(wrong), None, "{wrong}");
        }
    }
}
