//! Spark SQL's Delta dialect: a script becomes typed statements.
//!
//! Pure: no I/O, no session, no DataFusion. [`parse_script`] splits and parses; a [`Query`] names the
//! tables it reads ([`Query::references`]), the engine opens them and calls [`Query::resolve`], which
//! gives the statement that DataFusion plans; a write, beside the schemas of its table and its source,
//! gives queries of the rows that it touches ([`Merge::rows`] and its like).
//!
//! ```text
//! text ── lex ──► tokens ── parse ──► StatementKind ── bind (schemas) ──► ast::Statement, Query
//!                             │
//!                         translate: expressions and queries in DataFusion's words
//! ```
//!
//! A new statement enters in `parse/script.rs`, which says what it touches.
//!
//! What the engine's session must set: `sql_parser.enable_ident_normalization = false` (names are
//! resolved here, without case), `sql_parser.parse_float_as_decimal = true` (`12.5` is a
//! `DECIMAL(3,1)`), `sql_parser.map_string_types_to_utf8view = false`, and Spark's operators before
//! DataFusion's own planners (`/` of integers is a double).
//!
//! ```
//! use std::sync::Arc;
//!
//! use arrow_schema::{DataType, Field, Schema};
//! use spark_dialect::{StatementKind, parse_script};
//!
//! let script = parse_script("SELECT NAME FROM lake.people VERSION AS OF 3")?;
//! let StatementKind::Query(query) = &script[0].kind else { panic!() };
//! // The engine opens the table and registers it under the placeholder …
//! assert_eq!(query.references[0].placeholder, "__lakeglass_0");
//! let people = Arc::new(Schema::new(vec![Field::new("name", DataType::Utf8, true)]));
//! // … and plans the resolved statement.
//! let statement = query.resolve(&|_| Some(people.clone()))?;
//! let planned = "SELECT name AS `NAME` FROM __lakeglass_0 AS `people`";
//! assert_eq!(statement.to_string(), planned);
//! # Ok::<(), messages::Error>(())
//! ```
#![warn(missing_docs)]

mod alter;
mod bind;
mod definitions;
mod errors;
mod identifiers;
mod lex;
mod maintenance;
mod parse;
mod query;
mod statement;
mod table_name;
mod translate;
mod type_names;
mod write;

#[cfg(test)]
mod tests;

pub use alter::{Alter, ColumnChange, ColumnPosition};
pub use bind::default_values::{ColumnDefault, DefaultValue};
pub use bind::duplicate_columns::strip_duplicate_suffixes;
pub use bind::merge_rows::{MergedAction, MergedClause, MergedRows};
pub use bind::rows::{SOURCE, TARGET, UpdatedRows, expression_name, expressions_over_rows};
pub use definitions::{
    ColumnDefinition, CreateMode, IdentityDefinition, TableOptions, UnsaidValue,
};
pub use maintenance::{DropTable, Maintenance, Optimize, Vacuum};
pub use parse::script::parse_script;
pub use query::{
    Query, Relation, TableFormat, TableName, TableReference, TimestampExpr, VersionSpec,
};
pub use statement::{ExplainMode, ParsedStatement, StatementKind};
pub use type_names::type_name;
pub use write::{
    AddColumns, CloneTable, Delete, Insert, Merge, MergeWhen, Update, Write, WriteOperation,
};
