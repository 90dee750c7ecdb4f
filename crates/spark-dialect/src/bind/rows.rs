//! The rows that a write touches, as queries over relations that the engine has at hand.
//!
//! What a statement that writes says of rows (a condition, a new value, a constraint) is put into a
//! SELECT: it means there what it means in any other query, subqueries included.

use arrow_schema::Schema;
use messages::Error;
use sqlparser::ast::{
    Expr, Ident, SelectItem, SetExpr, TableFactor, TableWithJoins, WildcardAdditionalOptions,
};

use crate::bind::expression::ExpressionScope;
use crate::bind::scope::{ScopeRelation, columns};
use crate::bind::writes::{
    assigned_column, check_set_once, dotted, scope_relation, unresolved, unresolved_column_of,
};
use crate::errors::not_supported;
use crate::parse::script::parse_expression;
use crate::query::{GivenRelation, Query};
use crate::translate::aliases::alias;
use crate::translate::ast::{contains_query, select};
use crate::write::{Delete, Insert, InsertTarget, Qualifier, Update};

/// The name under which the engine registers the table that a statement changes.
pub const TARGET: &str = "__lakeglass_target";

/// The name under which the engine registers the rows that a MERGE takes.
pub const SOURCE: &str = "__lakeglass_source";

/// Name of the `i`-th expression of a query that computes expressions, from 0. No column of a table
/// has a control character in its name.
pub fn expression_name(i: usize) -> String {
    format!("\u{1e}{i}")
}

/// An UPDATE whose columns are known, from [`Update::rows`].
#[derive(Debug, Clone)]
pub struct UpdatedRows {
    /// The rows to update: all columns of [`TARGET`], then the new values, under the names that
    /// [`expression_name`] gives.
    pub query: Query,
    /// The columns that the new values are for, in their order.
    pub columns: Vec<String>,
}

impl Delete {
    /// The rows to delete: all columns of [`TARGET`], which has those of `target` and others that the
    /// engine adds.
    ///
    /// # Errors
    /// `UNRESOLVED_COLUMN.WITH_SUGGESTION` for a name that is none of the table's columns.
    pub fn rows(&self, target: &Schema) -> Result<Query, Error> {
        rows_of_target(&self.qualifier, target, Vec::new(), self.predicate.as_ref())
    }
}

impl Update {
    /// The rows to update, and their new values.
    ///
    /// # Errors
    /// `UNRESOLVED_COLUMN.WITH_SUGGESTION` for a name that is none of the table's columns,
    /// `DUPLICATE_ASSIGNMENT` where one is set twice.
    pub fn rows(&self, target: &Schema) -> Result<UpdatedRows, Error> {
        let relation = scope_relation(&self.qualifier, columns(target));
        let mut names: Vec<String> = Vec::new();
        let mut values = Vec::new();
        for assignment in &self.assignments {
            let name = assigned_column(&relation, &assignment.column)?
                .ok_or_else(|| unresolved_column_of(target, &dotted(&assignment.column)))?;
            check_set_once(&names, &name)?;
            names.push(name);
            values.push(assignment.expression.clone());
        }
        let query = rows_of_target(&self.qualifier, target, values, self.predicate.as_ref())?;
        Ok(UpdatedRows {
            query,
            columns: names,
        })
    }
}

impl Insert {
    /// The rows that `REPLACE WHERE` replaces, as [`Delete::rows`]; `None` for other statements.
    ///
    /// # Errors
    /// Those of [`Delete::rows`]; `UNSUPPORTED_FEATURE` for a condition with a subquery.
    pub fn replaced_rows(&self, target: &Schema) -> Result<Option<Query>, Error> {
        match self.replace_where()? {
            Some((qualifier, condition)) => {
                rows_of_target(&qualifier, target, Vec::new(), Some(condition)).map(Some)
            }
            None => Ok(None),
        }
    }

    /// The condition of `REPLACE WHERE` over [`TARGET`], as one expression, and its text.
    ///
    /// # Errors
    /// Those of [`Insert::replaced_rows`].
    pub fn replace_condition(&self, target: &Schema) -> Result<Option<(Query, String)>, Error> {
        let Some((qualifier, condition)) = self.replace_where()? else {
            return Ok(None);
        };
        let query = condition_over_rows(&qualifier, target, condition)?;
        Ok(Some((query, condition.to_string())))
    }

    fn replace_where(&self) -> Result<Option<(Qualifier, &Expr)>, Error> {
        let InsertTarget::ReplaceWhere(condition) = &self.target else {
            return Ok(None);
        };
        if contains_query(condition) {
            return Err(not_supported(
                "A subquery in REPLACE WHERE",
                "Delete the rows first, with DELETE FROM t WHERE …, then insert.",
            ));
        }
        let qualifier = Qualifier {
            alias: self.table.to_string(),
            parts: Vec::new(),
        };
        Ok(Some((qualifier, condition)))
    }
}

/// A condition over [`TARGET`], as the one expression of a query.
///
/// # Errors
/// `UNRESOLVED_COLUMN.WITH_SUGGESTION` for a name that is none of the table's columns.
pub(crate) fn condition_over_rows(
    qualifier: &Qualifier,
    target: &Schema,
    condition: &Expr,
) -> Result<Query, Error> {
    let relation = scope_relation(qualifier, columns(target));
    check_names(&[relation], &[condition])?;
    expressions(&[(TARGET, qualifier)], vec![condition.clone()])
}

/// Expressions over the columns of a table, as its log has them: constraints, generation expressions,
/// defaults. The query has one column for each of `texts`, under the names that [`expression_name`]
/// gives, of the rows of [`TARGET`].
///
/// # Errors
/// `PARSE_SYNTAX_ERROR` for what is no expression of Spark SQL.
pub fn expressions_over_rows(texts: &[&str]) -> Result<Query, Error> {
    let parsed = texts.iter().map(|text| parse_expression(text));
    let parsed = parsed.collect::<Result<Vec<_>, _>>()?;
    let qualifier = Qualifier {
        alias: "rows".to_owned(),
        parts: Vec::new(),
    };
    expressions(&[(TARGET, &qualifier)], parsed)
}

fn rows_of_target(
    qualifier: &Qualifier,
    target: &Schema,
    values: Vec<Expr>,
    predicate: Option<&Expr>,
) -> Result<Query, Error> {
    let relation = scope_relation(qualifier, columns(target));
    check_names(
        &[relation],
        &values.iter().chain(predicate).collect::<Vec<_>>(),
    )?;
    let all = SelectItem::Wildcard(WildcardAdditionalOptions::default());
    let items = std::iter::once(all).chain(named(values)).collect();
    query(&[(TARGET, qualifier)], items, predicate.cloned())
}

/// `SELECT expression AS name, … FROM relation, …`.
pub(crate) fn expressions(
    relations: &[(&'static str, &Qualifier)],
    expressions: Vec<Expr>,
) -> Result<Query, Error> {
    query(relations, named(expressions).collect(), None)
}

fn named(expressions: Vec<Expr>) -> impl Iterator<Item = SelectItem> {
    expressions
        .into_iter()
        .enumerate()
        .map(|(i, expr)| SelectItem::ExprWithAlias {
            expr,
            alias: Ident::with_quote('`', expression_name(i)),
        })
}

fn query(
    relations: &[(&'static str, &Qualifier)],
    items: Vec<SelectItem>,
    selection: Option<Expr>,
) -> Result<Query, Error> {
    let mut body = select(items, Vec::new());
    if let SetExpr::Select(select) = body.body.as_mut() {
        select.selection = selection;
    }
    // The tables of subqueries are taken out before the given relations come in: so no name that a
    // statement writes can mean these.
    let mut query = Query::new(Box::new(body))?;
    if let SetExpr::Select(select) = query.body.body.as_mut() {
        select.from = relations
            .iter()
            .map(|(placeholder, qualifier)| TableWithJoins {
                relation: given(placeholder, &qualifier.alias),
                joins: Vec::new(),
            })
            .collect();
    }
    query.given = relations
        .iter()
        .map(|(placeholder, qualifier)| GivenRelation {
            placeholder,
            written_name: qualifier.parts.clone(),
        })
        .collect();
    Ok(query)
}

fn given(placeholder: &str, name: &str) -> TableFactor {
    TableFactor::Table {
        name: vec![Ident::new(placeholder)].into(),
        alias: Some(alias(name, 0)),
        args: None,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    }
}

/// Refuses names that the relations do not have, in words that know the columns. What a subquery names
/// is only known when it is planned.
fn check_names(relations: &[ScopeRelation], expressions: &[&Expr]) -> Result<(), Error> {
    let unresolved = |name: &str| {
        let known = relations
            .iter()
            .flat_map(|relation| relation.columns.iter().flatten());
        unresolved(name, known.map(|column| column.name.as_str()))
    };
    let scope = ExpressionScope {
        relations,
        unresolved: &unresolved,
    };
    expressions
        .iter()
        .filter(|expr| !contains_query(expr))
        .try_for_each(|expr| scope.check(expr))
}
