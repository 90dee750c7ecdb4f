//! Names in the expressions of a write, checked against the schemas of what they may see.

use std::ops::ControlFlow;

use messages::Error;
use sqlparser::ast::{Expr, Ident, Visit, Visitor};

use crate::bind::scope::{ScopeRelation, ambiguous};

/// What names in an expression can refer to.
pub(crate) struct ExpressionScope<'a> {
    pub relations: &'a [ScopeRelation],
    /// The error for a name that is none of the columns.
    pub unresolved: &'a dyn Fn(&str) -> Error,
}

impl ExpressionScope<'_> {
    /// Whether every name in the expression is one of the columns, and of one of them only.
    ///
    /// # Errors
    /// That of the first name that is not.
    pub fn check(&self, expr: &Expr) -> Result<(), Error> {
        struct Names<'a>(&'a ExpressionScope<'a>);
        impl Visitor for Names<'_> {
            type Break = Error;
            fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
                let parts = match expr {
                    Expr::Identifier(ident) => std::slice::from_ref(ident),
                    Expr::CompoundIdentifier(parts) => parts.as_slice(),
                    _ => return ControlFlow::Continue(()),
                };
                match self.0.check_name(parts) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => ControlFlow::Break(error),
                }
            }
        }
        match expr.visit(&mut Names(self)) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(error) => Err(error),
        }
    }

    fn check_name(&self, parts: &[Ident]) -> Result<(), Error> {
        let written = || {
            let parts: Vec<_> = parts.iter().map(|part| part.value.as_str()).collect();
            parts.join(".")
        };
        let mut qualified =
            self.relations
                .iter()
                .filter_map(|relation| match relation.qualifies(parts) {
                    0 => None,
                    n => Some((relation, n)),
                });
        if let Some((relation, n)) = qualified.next() {
            if qualified.next().is_some() {
                return Err(ambiguous(
                    &written(),
                    "a column of the target or of the source",
                ));
            }
            return match parts.get(n).and_then(|name| relation.find(&name.value)) {
                Some(_) => Ok(()),
                None => Err((self.unresolved)(&written())),
            };
        }
        let Some(name) = parts.first() else {
            return Err((self.unresolved)(""));
        };
        let mut found = self
            .relations
            .iter()
            .filter_map(|relation| relation.find(&name.value).map(|column| (relation, column)));
        match (found.next(), found.next()) {
            (Some(_), None) => Ok(()),
            (Some((first, column)), Some((second, other))) => {
                let first = first.alias.as_deref().unwrap_or_default();
                let second = second.alias.as_deref().unwrap_or_default();
                let candidates = format!("{first}.{} or {second}.{}", column.name, other.name);
                Err(ambiguous(&name.value, &candidates))
            }
            (None, _) => Err((self.unresolved)(&written())),
        }
    }
}

/// Whether an expression names a column.
pub(crate) fn names_columns(expr: &Expr) -> bool {
    struct Finder;
    impl Visitor for Finder {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    expr.visit(&mut Finder).is_break()
}
