//! Time travel: versions and points in time after a table.

use std::ops::ControlFlow;

use messages::Error;
use sqlparser::ast::{
    self, CastKind, DataType, Expr, TableVersion, TypedString, Value, Visit, Visitor,
};

use crate::errors::not_supported;
use crate::query::{TimestampExpr, VersionSpec};
use crate::translate::ast::{call, select_expr, string, string_text};
use crate::translate::expression;
use crate::translate::timestamps::parse_timestamp;

impl TimestampExpr {
    /// From an expression that names no column.
    pub(crate) fn from_expr(expr: &Expr) -> Result<Self, Error> {
        if let Some(text) = literal_text(expr) {
            return match parse_timestamp(text).and_then(|time| time.micros()) {
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
        expression::translate(&mut expr)?;
        Ok(Self::Expression(Box::new(expr)))
    }

    /// A SELECT of one row with one column of type `Timestamp(ms, UTC)`; null if the expression is
    /// null.
    pub fn to_statement(&self) -> ast::Statement {
        let expr = match self {
            Self::Millis(millis) => Expr::Value(Value::Number(millis.to_string(), false).into()),
            Self::Expression(expr) => expr.as_ref().clone(),
        };
        let expr = call(
            "arrow_cast",
            vec![expr, string("Timestamp(Millisecond, Some(\"UTC\"))")],
        );
        ast::Statement::Query(Box::new(select_expr(expr)))
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
        TimestampExpr::from_expr(expr).map(Self::Timestamp)
    }
}

pub(crate) fn version_spec(version: TableVersion) -> Result<VersionSpec, Error> {
    match version {
        TableVersion::VersionAsOf(expr) => match &expr {
            Expr::Value(value) => match &value.value {
                Value::Number(digits, _) => {
                    digits.parse().map(VersionSpec::Version).map_err(|_| {
                        Error::new(
                            "DELTA_VERSION_INVALID",
                            format!("{digits} is not a version number."),
                        )
                        .with_hint(
                            "Versions are whole numbers from 0 on; DESCRIBE HISTORY lists them.",
                        )
                    })
                }
                _ => Err(not_supported(
                    "This kind of version",
                    "Write VERSION AS OF 3.",
                )),
            },
            _ => Err(not_supported(
                "An expression as version",
                "Write VERSION AS OF 3.",
            )),
        },
        TableVersion::TimestampAsOf(expr) | TableVersion::ForSystemTimeAsOf(expr) => {
            TimestampExpr::from_expr(&expr).map(VersionSpec::Timestamp)
        }
        other => Err(not_supported(
            &format!("`{other}` after a table"),
            "Write VERSION AS OF 3 or TIMESTAMP AS OF '2024-05-01 10:00:00'.",
        )),
    }
}

/// The text of `'…'`, `TIMESTAMP'…'`, `DATE'…'`.
fn literal_text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(_) => string_text(expr),
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
