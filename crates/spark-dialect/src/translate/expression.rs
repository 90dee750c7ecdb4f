//! Spark's expressions in DataFusion's words: literals, types, operators.
//!
//! What depends on the operands' types (`/` of integers, `a[0]`) is left to the planner.

use std::ops::ControlFlow;

use messages::Error;
use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, ExactNumberInfo, Expr, TimezoneInfo, TypedString,
    UnaryOperator, Value, VisitMut, VisitorMut,
};

use crate::translate::ast::{TIMESTAMP, TIMESTAMP_NTZ, call, cast, string, take};
use crate::translate::functions;
use crate::translate::timestamps::{parse_date, parse_timestamp};

/// Rewrites an expression and all that it contains.
pub(crate) fn translate(expr: &mut Expr) -> Result<(), Error> {
    struct Translator;
    impl VisitorMut for Translator {
        type Break = Error;
        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
            match translate_node(expr) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => ControlFlow::Break(error),
            }
        }
    }
    match expr.visit(&mut Translator) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// Rewrites one node, whose children are rewritten already.
pub(crate) fn translate_node(expr: &mut Expr) -> Result<(), Error> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Placeholder(name) => Err(Error::new(
                "UNBOUND_SQL_PARAMETER",
                format!("The statement has a parameter, {name}, and no value for it."),
            )
            .with_hint("Write the value itself.")),
            _ => Ok(()),
        },
        Expr::TypedString(literal) => {
            *expr = typed_literal(literal)?;
            Ok(())
        }
        Expr::Cast {
            kind,
            expr: inner,
            data_type,
            ..
        } => {
            let tries = matches!(kind, CastKind::TryCast | CastKind::SafeCast);
            let Some(arrow) = timestamp_type(data_type) else {
                spark_type(data_type)?;
                return Ok(());
            };
            let inner = std::mem::replace(inner.as_mut(), Expr::Value(Value::Null.into()));
            let function = if tries {
                "arrow_try_cast"
            } else {
                "arrow_cast"
            };
            *expr = call(function, vec![inner, string(arrow)]);
            Ok(())
        }
        Expr::RLike {
            negated,
            expr: subject,
            pattern,
            ..
        } => {
            let found = call("regexp_like", vec![take(subject), take(pattern)]);
            *expr = if *negated {
                Expr::Nested(Box::new(not(found)))
            } else {
                found
            };
            Ok(())
        }
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Spaceship,
            right,
        } => {
            let same = Expr::IsNotDistinctFrom(Box::new(take(left)), Box::new(take(right)));
            *expr = Expr::Nested(Box::new(same));
            Ok(())
        }
        Expr::UnaryOp {
            op: op @ UnaryOperator::BangNot,
            ..
        } => {
            *op = UnaryOperator::Not;
            Ok(())
        }
        Expr::Function(function) => {
            if let Some(replacement) = functions::rewrite(function)? {
                *expr = replacement;
            }
            Ok(())
        }
        Expr::Ceil { .. } | Expr::Floor { .. } => {
            // Spark answers a bigint.
            let inner = std::mem::replace(expr, Expr::Value(Value::Null.into()));
            *expr = cast(inner, DataType::BigInt(None));
            Ok(())
        }
        _ => Ok(()),
    }
}

fn typed_literal(literal: &TypedString) -> Result<Expr, Error> {
    let TypedString {
        data_type,
        value,
        uses_odbc_syntax,
    } = literal;
    let Value::SingleQuotedString(text) = &value.value else {
        return Err(Error::new(
            "INVALID_TYPED_LITERAL",
            format!("{literal} is not a literal."),
        ));
    };
    if *uses_odbc_syntax {
        return Ok(match data_type {
            // `1L`: a number is a bigint where nothing says otherwise.
            DataType::BigInt(None) => cast(number(text), DataType::BigInt(None)),
            DataType::TinyInt(None) | DataType::SmallInt(None) => {
                cast(number(text), data_type.clone())
            }
            _ => cast(string(text), data_type.clone()),
        });
    }
    let invalid = || {
        Error::new(
            "INVALID_TYPED_LITERAL",
            format!("'{text}' is no {data_type}."),
        )
        .with_hint("Write DATE'2024-05-01' or TIMESTAMP'2024-05-01 10:00:00'.")
    };
    if let Some(arrow) = timestamp_type(data_type) {
        let time = parse_timestamp(text).ok_or_else(invalid)?;
        // Without a zone, the type has the time that the text says, whatever offset follows it.
        let (time, zone) = if arrow == TIMESTAMP {
            let micros = time.micros().ok_or_else(invalid)?;
            let time = chrono::DateTime::from_timestamp_micros(micros).ok_or_else(invalid)?;
            (time.naive_utc(), "Z")
        } else {
            (time.wall_clock, "")
        };
        let text = format!("{}{zone}", time.format("%Y-%m-%dT%H:%M:%S%.6f"));
        return Ok(call("arrow_cast", vec![string(&text), string(arrow)]));
    }
    if *data_type == DataType::Date {
        let date = parse_date(text.trim()).ok_or_else(invalid)?;
        return Ok(cast(
            string(&date.format("%Y-%m-%d").to_string()),
            DataType::Date,
        ));
    }
    let mut data_type = data_type.clone();
    spark_type(&mut data_type)?;
    Ok(cast(string(text), data_type))
}

/// Arrow's name of a timestamp type; `None` for other types.
fn timestamp_type(data_type: &DataType) -> Option<&'static str> {
    match data_type {
        DataType::Timestamp(_, TimezoneInfo::WithoutTimeZone) | DataType::TimestampNtz(_) => {
            Some(TIMESTAMP_NTZ)
        }
        DataType::Timestamp(..) => Some(TIMESTAMP),
        DataType::Custom(name, _) => match name.to_string().to_ascii_lowercase().as_str() {
            "timestamp_ltz" => Some(TIMESTAMP),
            _ => None,
        },
        _ => None,
    }
}

/// Spark's name of a type in DataFusion's words.
fn spark_type(data_type: &mut DataType) -> Result<(), Error> {
    let replacement = match data_type {
        DataType::Binary(_) => DataType::Bytea,
        DataType::Decimal(ExactNumberInfo::None)
        | DataType::Dec(ExactNumberInfo::None)
        | DataType::Numeric(ExactNumberInfo::None) => {
            DataType::Decimal(ExactNumberInfo::PrecisionAndScale(10, 0))
        }
        DataType::Decimal(ExactNumberInfo::Precision(precision))
        | DataType::Dec(ExactNumberInfo::Precision(precision))
        | DataType::Numeric(ExactNumberInfo::Precision(precision)) => {
            DataType::Decimal(ExactNumberInfo::PrecisionAndScale(*precision, 0))
        }
        DataType::Dec(info) => DataType::Decimal(*info),
        DataType::Varchar(_) | DataType::Char(_) | DataType::CharVarying(_) => {
            DataType::String(None)
        }
        DataType::Custom(name, _) => match name.to_string().to_ascii_lowercase().as_str() {
            "byte" => DataType::TinyInt(None),
            "short" => DataType::SmallInt(None),
            "long" => DataType::BigInt(None),
            other => {
                return Err(Error::new(
                    "UNSUPPORTED_DATATYPE",
                    format!("`{other}` is not a type."),
                )
                .with_hint(
                    "Types are string, boolean, tinyint, smallint, int, bigint, float, double, \
                     decimal(p, s), date, timestamp, timestamp_ntz, binary.",
                ));
            }
        },
        _ => return Ok(()),
    };
    *data_type = replacement;
    Ok(())
}

fn number(digits: &str) -> Expr {
    match digits.strip_prefix('-') {
        Some(digits) => Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr: Box::new(number(digits)),
        },
        None => Expr::Value(Value::Number(digits.to_owned(), true).into()),
    }
}

fn not(expr: Expr) -> Expr {
    Expr::UnaryOp {
        op: UnaryOperator::Not,
        expr: Box::new(expr),
    }
}
