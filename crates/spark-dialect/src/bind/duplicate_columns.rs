//! Columns that a SELECT shows more than once.
//!
//! Spark allows `SELECT a, a` and `SELECT NULL, NULL`, DataFusion does not. So a repeated column
//! has a name of its own within the engine, which ends where the rows leave it.

use std::collections::{HashMap, HashSet};

use arrow_schema::{Field, Schema, SchemaRef};
use sqlparser::ast::{Expr, Ident, SelectItem};

/// Between a column's name and the number of its repetition. No name has a control character.
const MARK: char = '\u{1f}';

/// The name that the query gave.
pub(crate) fn strip_duplicate_suffix(name: &str) -> &str {
    name.split_once(MARK).map_or(name, |(name, _)| name)
}

/// The schema with the names that the query gave its columns; `None` if it has them already.
pub fn strip_duplicate_suffixes(schema: &Schema) -> Option<SchemaRef> {
    let is_marked = |name: &str| name.contains(MARK);
    if !schema.fields().iter().any(|field| is_marked(field.name())) {
        return None;
    }
    let fields = schema
        .fields()
        .iter()
        .map(|field| Field::clone(field).with_name(strip_duplicate_suffix(field.name())));
    Some(Schema::new(fields.collect::<Vec<_>>()).into())
}

/// Gives each item whose name another one has already, or a wildcard brings, a name of its own.
///
/// `outermost`: the result of the statement, where `a.id` and `b.id` stay as they are, so that
/// they can be ordered by.
pub(crate) fn make_unique(
    projection: &mut [SelectItem],
    of_wildcards: &HashSet<String>,
    outermost: bool,
) {
    // What came under each name: the qualified column, or anything else.
    let mut seen: HashMap<String, Vec<Option<String>>> = of_wildcards
        .iter()
        .map(|name| (name.clone(), vec![None]))
        .collect();
    for item in projection {
        let (expr, name) = match &*item {
            SelectItem::UnnamedExpr(expr) => match expr {
                Expr::Identifier(ident) => (expr, &ident.value),
                Expr::CompoundIdentifier(parts) => match parts.last() {
                    Some(last) => (expr, &last.value),
                    None => continue,
                },
                _ => continue,
            },
            SelectItem::ExprWithAlias { expr, alias } => (expr, &alias.value),
            _ => continue,
        };
        let qualified = match &*item {
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(_)) if outermost => {
                Some(expr.to_string())
            }
            _ => None,
        };
        let before = seen.entry(name.clone()).or_default();
        let differs = qualified.is_some()
            && before
                .iter()
                .all(|other| other.is_some() && *other != qualified);
        if !before.is_empty() && !differs {
            let alias = Ident::with_quote('`', format!("{name}{MARK}{}", before.len()));
            let expr = expr.clone();
            before.push(qualified);
            *item = SelectItem::ExprWithAlias { expr, alias };
        } else {
            before.push(qualified);
        }
    }
}
