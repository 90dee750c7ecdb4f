//! Expressions that go to the commit proxy: names resolved against schemas, the rest in DataFusion's
//! words, as a string.

use std::ops::ControlFlow;

use arrow_schema::DataType;
use messages::Error;
use sqlparser::ast::{
    self, AccessExpr, BinaryOperator, Expr, FunctionArguments, Ident, Subscript, UnaryOperator,
    Value, ValueWithSpan, Visit, VisitMut, Visitor, VisitorMut,
};

use crate::bind::scope::{Column, ScopeRelation, ambiguous, fix_fields};
use crate::errors::not_supported;
use crate::translate::ast::{cast, contains_query};
use crate::translate::expression;

/// What names in an expression can refer to.
pub(crate) struct ExpressionScope<'a> {
    pub relations: &'a [ScopeRelation],
    /// Whether columns are written with their relation's alias: in a MERGE they must be.
    pub qualify: bool,
    /// The error for a name that is none of the columns.
    pub unresolved: &'a dyn Fn(&str) -> Error,
}

impl ExpressionScope<'_> {
    /// The expression in DataFusion's SQL.
    pub fn bind(&self, expr: &Expr) -> Result<String, Error> {
        if contains_query(expr) {
            return Err(not_supported(
                "A subquery in this expression",
                "Put the subquery into the source of a MERGE.",
            ));
        }
        let mut expr = expr.clone();
        let mut binder = ExpressionBinder { scope: self };
        if let ControlFlow::Break(error) = VisitMut::visit(&mut expr, &mut binder) {
            return Err(error);
        }
        let _ = VisitMut::visit(&mut expr, &mut Quoter);
        Ok(expr.to_string())
    }

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
                match self.0.resolve(parts) {
                    Ok(_) => ControlFlow::Continue(()),
                    Err(error) => ControlFlow::Break(error),
                }
            }
        }
        match expr.visit(&mut Names(self)) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(error) => Err(error),
        }
    }

    fn resolve(&self, parts: &[Ident]) -> Result<Vec<Ident>, Error> {
        let written = || {
            parts
                .iter()
                .map(|part| part.value.as_str())
                .collect::<Vec<_>>()
                .join(".")
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
            let (name, fields) = parts
                .get(n..)
                .and_then(<[Ident]>::split_first)
                .ok_or_else(|| (self.unresolved)(&written()))?;
            let column = relation
                .find(&name.value)
                .ok_or_else(|| (self.unresolved)(&written()))?;
            return Ok(self.spell(relation, column, fields));
        }
        let Some((name, fields)) = parts.split_first() else {
            return Err((self.unresolved)(""));
        };
        let mut found = self
            .relations
            .iter()
            .filter_map(|relation| relation.find(&name.value).map(|column| (relation, column)));
        match (found.next(), found.next()) {
            (Some((relation, column)), None) => Ok(self.spell(relation, column, fields)),
            (Some((first, column)), Some((second, other))) => {
                let of = |relation: &ScopeRelation, column: &Column| {
                    format!(
                        "{}.{}",
                        relation.alias.as_deref().unwrap_or_default(),
                        column.name
                    )
                };
                let candidates = format!("{} or {}", of(first, column), of(second, other));
                Err(ambiguous(&name.value, &candidates))
            }
            _ => Err((self.unresolved)(&written())),
        }
    }

    fn spell(&self, relation: &ScopeRelation, column: &Column, fields: &[Ident]) -> Vec<Ident> {
        let mut parts = Vec::new();
        if self.qualify
            && let Some(alias) = &relation.alias
        {
            parts.push(Ident::new(alias.clone()));
        }
        parts.push(Ident::new(column.name.clone()));
        let mut fields = fields.to_vec();
        fix_fields(column.data_type.as_ref(), &mut fields);
        parts.extend(fields);
        for part in &mut parts {
            part.quote_style = Some('"');
        }
        parts
    }

    /// The type of a resolved column.
    fn type_of(&self, parts: &[Ident]) -> Option<&DataType> {
        let (relation, name) = match (self.qualify, parts) {
            (true, [alias, name]) => (
                self.relations
                    .iter()
                    .find(|relation| relation.alias.as_deref() == Some(alias.value.as_str()))?,
                name,
            ),
            (false, [name]) => (self.relations.first()?, name),
            _ => return None,
        };
        relation.find(&name.value)?.data_type.as_ref()
    }

    /// Whether an expression, its names resolved, is known to be a whole number.
    fn is_whole(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Identifier(ident) => self
                .type_of(std::slice::from_ref(ident))
                .is_some_and(DataType::is_integer),
            Expr::CompoundIdentifier(parts) => {
                self.type_of(parts).is_some_and(DataType::is_integer)
            }
            Expr::Value(value) => matches!(&value.value,
                Value::Number(digits, _) if digits.bytes().all(|b| b.is_ascii_digit())),
            Expr::Nested(expr) => self.is_whole(expr),
            Expr::UnaryOp {
                op: UnaryOperator::Minus | UnaryOperator::Plus,
                expr,
            } => self.is_whole(expr),
            Expr::BinaryOp {
                left,
                op:
                    BinaryOperator::Plus
                    | BinaryOperator::Minus
                    | BinaryOperator::Multiply
                    | BinaryOperator::Modulo,
                right,
            } => self.is_whole(left) && self.is_whole(right),
            Expr::Cast { data_type, .. } => matches!(
                data_type,
                ast::DataType::TinyInt(_)
                    | ast::DataType::SmallInt(_)
                    | ast::DataType::Int(_)
                    | ast::DataType::Integer(_)
                    | ast::DataType::BigInt(_)
            ),
            Expr::Function(function) => {
                let name = function.name.to_string().to_ascii_lowercase();
                let counts = [
                    "length",
                    "char_length",
                    "character_length",
                    "bit_length",
                    "octet_length",
                    "ascii",
                    "levenshtein",
                    "array_length",
                    "strpos",
                    "instr",
                ];
                !matches!(function.args, FunctionArguments::None) && counts.contains(&name.as_str())
            }
            _ => false,
        }
    }
}

struct ExpressionBinder<'a> {
    scope: &'a ExpressionScope<'a>,
}

impl VisitorMut for ExpressionBinder<'_> {
    type Break = Error;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        match self.node(expr) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl ExpressionBinder<'_> {
    fn node(&self, expr: &mut Expr) -> Result<(), Error> {
        match expr {
            Expr::Identifier(ident) => {
                let parts = self.scope.resolve(std::slice::from_ref(ident))?;
                *expr = column(parts);
                Ok(())
            }
            Expr::CompoundIdentifier(parts) => {
                *expr = column(self.scope.resolve(parts)?);
                Ok(())
            }
            // Spark's `/` never drops the fraction.
            Expr::BinaryOp {
                left,
                op: BinaryOperator::Divide,
                right,
            } if self.scope.is_whole(left) && self.scope.is_whole(right) => {
                let taken = std::mem::replace(left.as_mut(), Expr::Value(Value::Null.into()));
                **left = cast(taken, ast::DataType::DoublePrecision);
                Ok(())
            }
            Expr::BinaryOp {
                op: op @ BinaryOperator::MyIntegerDivide,
                ..
            } => {
                *op = BinaryOperator::Divide;
                let quotient = std::mem::replace(expr, Expr::Value(Value::Null.into()));
                *expr = cast(quotient, ast::DataType::BigInt(None));
                Ok(())
            }
            Expr::CompoundFieldAccess { access_chain, .. }
                if access_chain.iter().any(|access| {
                    matches!(access, AccessExpr::Subscript(Subscript::Index { index })
                        if self.scope.is_whole(index))
                }) =>
            {
                Err(not_supported(
                    "An array's element by its position, in a statement that writes,",
                    "Compute it in the source of a MERGE.",
                ))
            }
            _ => expression::translate_node(expr),
        }
    }
}

fn column(mut parts: Vec<Ident>) -> Expr {
    match parts.len() {
        1 => Expr::Identifier(parts.remove(0)),
        _ => Expr::CompoundIdentifier(parts),
    }
}

/// Makes the text say exactly what the tree says. sqlparser writes a doubled quote within a string
/// as it is, taking it for escaped already; so every quote is doubled here.
struct Quoter;

impl VisitorMut for Quoter {
    type Break = ();

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<()> {
        match &mut value.value {
            Value::SingleQuotedString(text) => *text = text.replace('\'', "''"),
            Value::Number(_, long) => *long = false,
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let parts = match expr {
            Expr::Identifier(ident) => std::slice::from_mut(ident),
            Expr::CompoundIdentifier(parts) => parts.as_mut_slice(),
            _ => return ControlFlow::Continue(()),
        };
        for part in parts {
            part.value = part.value.replace('"', "\"\"");
        }
        ControlFlow::Continue(())
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
