//! A SELECT in DataFusion's words: columns named as Spark names them, and what is not supported refused.

use messages::Error;
use sqlparser::ast::{self, Expr, Ident, OrderBy, OrderByKind, Select, SelectItem, SetExpr, Value};

use crate::errors::not_supported;
use crate::translate::ast::narrow_integer;
use crate::translate::column_names::spark_name;

/// ORDER BY of a SELECT DISTINCT may repeat an expression of its list; DataFusion knows it by its
/// name only.
pub(crate) fn order_by_shown_columns(query: &mut ast::Query) {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return;
    };
    let Some(OrderBy {
        kind: OrderByKind::Expressions(order_by),
        ..
    }) = &mut query.order_by
    else {
        return;
    };
    if select.distinct.is_none() {
        return;
    }
    for ordered in order_by {
        let shown = select.projection.iter().find_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias }
                if expr.to_string() == ordered.expr.to_string() =>
            {
                Some(alias.clone())
            }
            _ => None,
        });
        if let Some(alias) = shown {
            ordered.expr = Expr::Identifier(alias);
        }
    }
}

pub(crate) fn narrow_values(body: &mut SetExpr) {
    match body {
        SetExpr::Values(values) => {
            for cell in values
                .rows
                .iter_mut()
                .flat_map(|row| row.content.iter_mut())
            {
                narrow_integer(cell);
            }
        }
        SetExpr::SetOperation { left, right, .. } => {
            narrow_values(left);
            narrow_values(right);
        }
        _ => {}
    }
}

/// Names a computed column as Spark does, before the rewriting hides how it was written.
pub(crate) fn name_item(item: &mut SelectItem) {
    match item {
        SelectItem::UnnamedExpr(Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => {}
        SelectItem::UnnamedExpr(expr) => {
            let name = match &*expr {
                Expr::Function(function)
                    if function.name.to_string().eq_ignore_ascii_case("explode") =>
                {
                    "col".to_owned()
                }
                expr => spark_name(expr),
            };
            let mut expr = std::mem::replace(expr, Expr::Value(Value::Null.into()));
            narrow_integer(&mut expr);
            *item = SelectItem::ExprWithAlias {
                expr,
                alias: Ident::with_quote('`', name),
            };
        }
        SelectItem::ExprWithAlias { expr, .. } => narrow_integer(expr),
        _ => {}
    }
}

pub(crate) fn check_query(query: &ast::Query) -> Result<(), Error> {
    if matches!(
        query.body.as_ref(),
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_)
    ) {
        return Err(not_supported(
            "A statement that writes after WITH",
            "Put the common table expression into the statement's source: INSERT INTO t WITH … SELECT ….",
        ));
    }
    if !query.locks.is_empty() || query.for_clause.is_some() {
        return Err(not_supported("FOR at the end of a query", "Leave it out."));
    }
    Ok(())
}

pub(crate) fn check_select(select: &Select) -> Result<(), Error> {
    if select.into.is_some() {
        return Err(not_supported(
            "SELECT INTO",
            "Use CREATE TABLE t USING DELTA AS SELECT ….",
        ));
    }
    if !select.lateral_views.is_empty() {
        return Err(not_supported(
            "LATERAL VIEW",
            "Put explode(column) into the SELECT list.",
        ));
    }
    Ok(())
}
