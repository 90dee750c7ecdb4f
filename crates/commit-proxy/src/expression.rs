//! Expressions that travel as text, into DataFusion's.
//!
//! Names resolve as in Spark: ignoring case, unqualified where that is unambiguous. Types are
//! coerced here, against the table's own types, before delta-rs sees the expression: it would
//! otherwise cast a literal to the column's type (`id < 2.5` on an int column would read
//! `id < 2`).

use std::ops::ControlFlow;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use deltalake::datafusion::common::{Column, DFSchema, TableReference};
use deltalake::datafusion::execution::SessionState;
use deltalake::datafusion::logical_expr::simplify::SimplifyContext;
use deltalake::datafusion::logical_expr::{Expr, ExprSchemable};
use deltalake::datafusion::optimizer::simplify_expressions::ExprSimplifier;
use deltalake::datafusion::sql::sqlparser::ast::{
    Expr as SqlExpr, ExprWithAlias, Ident, visit_expressions, visit_expressions_mut,
};
use messages::Error;

/// The columns that an expression may name, and where its functions come from.
pub(crate) struct Scope<'a> {
    state: &'a SessionState,
    schema: Arc<DFSchema>,
    /// One time for all of a statement's `current_timestamp()`.
    now: DateTime<Utc>,
}

impl<'a> Scope<'a> {
    pub fn new(state: &'a SessionState, schema: DFSchema, now: DateTime<Utc>) -> Self {
        Self {
            state,
            schema: Arc::new(schema),
            now,
        }
    }

    /// Reads, resolves, coerces and folds an expression.
    pub fn expr(&self, text: &str) -> Result<Expr, Error> {
        let invalid = |why: String| {
            Error::new(
                "INVALID_EXPRESSION",
                format!("The expression {text} is not valid: {why}"),
            )
        };
        let dialect = self.state.config_options().sql_parser.dialect;
        let mut sql = self
            .state
            .sql_to_expr_with_alias(text, &dialect)
            .map_err(|e| invalid(e.strip_backtrace()))?;
        if sql.alias.is_some() {
            return Err(invalid("it may not have an alias".into()));
        }
        self.check_kind(&sql, text)?;
        self.resolve_names(&mut sql.expr)?;
        let expr = self
            .state
            .create_logical_expr_from_sql_expr(sql, &self.schema)
            .map_err(|e| invalid(e.strip_backtrace()))?;
        if let Some(column) = expr
            .column_refs()
            .into_iter()
            .find(|c| !self.schema.has_column(c))
        {
            return Err(self.unresolved(&column.name));
        }
        let context = SimplifyContext::builder()
            .with_schema(Arc::clone(&self.schema))
            .with_query_execution_start_time(Some(self.now))
            .with_config_options(Arc::clone(self.state.config_options()))
            .build();
        let simplifier = ExprSimplifier::new(context);
        simplifier
            .coerce(expr, &self.schema)
            .and_then(|expr| simplifier.simplify(expr))
            .map_err(|e| invalid(e.strip_backtrace()))
    }

    /// An expression that is true, false or null.
    pub fn predicate(&self, text: &str) -> Result<Expr, Error> {
        use deltalake::arrow::datatypes::DataType;
        let expr = self.expr(text)?;
        match expr.get_type(&*self.schema) {
            Ok(DataType::Boolean | DataType::Null) => Ok(expr),
            Ok(other) => Err(Error::new(
                "DATATYPE_MISMATCH",
                format!(
                    "The condition {text} must be a boolean, but it is a {}.",
                    crate::schema::spark_type(&other)
                ),
            )),
            Err(error) => Err(Error::new("INVALID_EXPRESSION", error.strip_backtrace())),
        }
    }

    /// A column of the scope by Spark's rules.
    pub fn column(&self, parts: &[&str]) -> Result<Option<Column>, Error> {
        let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        let (qualifier, name) = match parts {
            [name] => (None, *name),
            [qualifier, name] => (Some(*qualifier), *name),
            _ => return Ok(None),
        };
        let matches = |exact: bool| -> Vec<Column> {
            self.schema
                .iter()
                .filter(|(table, field)| {
                    qualifier.is_none_or(|q| table.is_some_and(|t| same(t.table(), q)))
                        && if exact {
                            field.name() == name
                        } else {
                            same(field.name(), name)
                        }
                })
                .map(|(table, field)| Column::new(table.cloned(), field.name()))
                .collect()
        };
        let mut found = matches(true);
        if found.is_empty() {
            found = matches(false);
        }
        match found.len() {
            0 => Ok(None),
            1 => Ok(found.pop()),
            _ => Err(Error::new(
                "AMBIGUOUS_REFERENCE",
                format!("The column {name} could be any of {}.", list(&found)),
            )
            .with_hint("Put the table's alias before it, as in target.amount.")),
        }
    }

    /// The error for a name that is no column here.
    pub fn unresolved(&self, name: &str) -> Error {
        let columns: Vec<Column> = self
            .schema
            .iter()
            .map(|(table, field)| Column::new(table.cloned(), field.name()))
            .collect();
        Error::new(
            "UNRESOLVED_COLUMN.WITH_SUGGESTION",
            format!("There is no column {name}. There are {}.", list(&columns)),
        )
    }

    /// Expressions over the columns of a row, nothing that reads elsewhere.
    fn check_kind(&self, sql: &ExprWithAlias, text: &str) -> Result<(), Error> {
        let refused = visit_expressions(&sql.expr, |expr| match expr {
            SqlExpr::Subquery(_) | SqlExpr::InSubquery { .. } | SqlExpr::Exists { .. } => {
                ControlFlow::Break("a subquery")
            }
            SqlExpr::Wildcard(_) | SqlExpr::QualifiedWildcard(..) => ControlFlow::Break("*"),
            SqlExpr::Function(function) if function.over.is_some() => {
                ControlFlow::Break("a window function")
            }
            SqlExpr::Function(function)
                if self
                    .state
                    .aggregate_functions()
                    .contains_key(&function.name.to_string().to_lowercase())
                    && !self
                        .state
                        .scalar_functions()
                        .contains_key(&function.name.to_string().to_lowercase()) =>
            {
                ControlFlow::Break("an aggregate function")
            }
            _ => ControlFlow::Continue(()),
        });
        match refused {
            ControlFlow::Break(what) => Err(Error::new(
                "UNSUPPORTED_EXPRESSION",
                format!("{what} is not possible here: {text}"),
            )
            .with_hint("Compute it in the source of a MERGE, which can be any query.")),
            ControlFlow::Continue(()) => Ok(()),
        }
    }

    /// Replaces each name by the column it means, quoted and in the table's case. What is no column
    /// stays as it is: the planner may know it as something else, such as a field of a struct.
    fn resolve_names(&self, sql: &mut SqlExpr) -> Result<(), Error> {
        let outcome = visit_expressions_mut(sql, |expr| {
            let resolved = match expr {
                SqlExpr::Identifier(ident) => self
                    .column(&[&ident.value])
                    .map(|found| found.map(|column| column_sql(&column, &[]))),
                SqlExpr::CompoundIdentifier(idents) => self.compound(idents),
                _ => Ok(None),
            };
            match resolved {
                Ok(Some(new)) => {
                    *expr = new;
                    ControlFlow::Continue(())
                }
                Ok(None) => match expr {
                    SqlExpr::Identifier(ident) => ControlFlow::Break(self.unresolved(&ident.value)),
                    SqlExpr::CompoundIdentifier(idents) => {
                        let name: Vec<&str> = idents.iter().map(|i| i.value.as_str()).collect();
                        ControlFlow::Break(self.unresolved(&name.join(".")))
                    }
                    _ => ControlFlow::Continue(()),
                },
                Err(error) => ControlFlow::Break(error),
            }
        });
        match outcome {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(()),
        }
    }

    /// `table.column`, `table.column.field…`, `column.field…`.
    fn compound(&self, idents: &[Ident]) -> Result<Option<SqlExpr>, Error> {
        for taken in [2, 1] {
            let (head, fields) = idents.split_at(taken.min(idents.len()));
            let parts: Vec<&str> = head.iter().map(|ident| ident.value.as_str()).collect();
            if let Some(column) = self.column(&parts)? {
                return Ok(Some(column_sql(&column, fields)));
            }
        }
        Ok(None)
    }
}

fn column_sql(column: &Column, fields: &[Ident]) -> SqlExpr {
    let quoted = |name: &str| Ident::with_quote('"', name);
    let table = column
        .relation
        .as_ref()
        .map(TableReference::table)
        .map(quoted);
    let mut idents: Vec<Ident> = table.into_iter().chain([quoted(&column.name)]).collect();
    idents.extend(fields.iter().map(|field| quoted(&field.value)));
    match idents.len() {
        1 => SqlExpr::Identifier(idents.remove(0)),
        _ => SqlExpr::CompoundIdentifier(idents),
    }
}

fn list(columns: &[Column]) -> String {
    columns
        .iter()
        .map(Column::flat_name)
        .collect::<Vec<_>>()
        .join(", ")
}
