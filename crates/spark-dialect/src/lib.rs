//! Spark SQL's Delta dialect: a script becomes typed statements.
//!
//! Pure: no I/O, no session. [`parse_script`] splits and parses; a [`Query`] names the tables it
//! reads ([`Query::references`]), the engine loads them and calls [`Query::resolve`], which gives
//! the statement that DataFusion plans; a write is completed with the schemas of its table and its
//! source into a [`messages::commit::Operation`].
//!
//! What the engine's session must set: `sql_parser.enable_ident_normalization = false` (names are
//! resolved here, without case), `sql_parser.parse_float_as_decimal = true` (`12.5` is a
//! `DECIMAL(3,1)`), `sql_parser.map_string_types_to_utf8view = false`, and Spark's operators before
//! DataFusion's own planners (`/` of integers is a double).
//!
//! ```ignore
//! for reference in &query.references { /* load, register under reference.placeholder */ }
//! let statement = query.resolve(&|placeholder| schemas.get(placeholder).cloned())?;
//! let plan = state.statement_to_plan(Statement::Statement(Box::new(statement))).await?;
//! ```

mod bind;
mod errors;
mod identifiers;
mod lex;
mod parse;
mod statement;
mod table_name;
mod translate;
mod type_names;

#[cfg(test)]
mod tests;

pub use bind::duplicate_columns::strip_duplicate_suffixes;
pub use bind::writes::bind_create_table_as_select;
pub use parse::script::parse_script;
pub use statement::{
    ExplainMode, ParsedStatement, Query, Relation, StatementKind, TableFormat, TableName,
    TableReference, TimestampExpr, VersionSpec, Write, WriteOperation,
};
pub use type_names::type_name;
