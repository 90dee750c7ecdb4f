//! The keyword DEFAULT in place of a value.

use sqlparser::ast::{self, Expr, SetExpr, Value};

/// Whether an expression is the keyword.
pub(crate) fn is_default(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(ident)
        if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("DEFAULT"))
}

pub(crate) fn null() -> Expr {
    Expr::Value(Value::Null.into())
}

/// Puts NULL in place of DEFAULT in the rows of a `VALUES`, and gives the query as it was; `None` where
/// there is no DEFAULT.
pub(crate) fn take_defaults(query: &mut ast::Query) -> Option<Box<ast::Query>> {
    let SetExpr::Values(values) = query.body.as_mut() else {
        return None;
    };
    let cells = values.rows.iter().flat_map(|row| row.content.iter());
    if !cells.into_iter().any(is_default) {
        return None;
    }
    let as_it_was = Box::new(query.clone());
    if let SetExpr::Values(values) = query.body.as_mut() {
        let cells = values
            .rows
            .iter_mut()
            .flat_map(|row| row.content.iter_mut());
        for cell in cells.filter(|cell| is_default(cell)) {
            *cell = null();
        }
    }
    Some(as_it_was)
}

/// Whether an expression is a text as it stands.
pub(crate) fn is_text(expr: &Expr) -> bool {
    let Expr::Value(value) = expr else {
        return false;
    };
    matches!(
        value.value,
        Value::SingleQuotedString(_) | Value::DoubleQuotedString(_)
    )
}
