//! Spark's queries and expressions in DataFusion's words.

pub(crate) mod aliases;
pub(crate) mod ast;
mod column_names;
pub(crate) mod default_values;
pub(crate) mod expression;
mod functions;
pub(crate) mod query;
mod select;
mod table_functions;
pub(crate) mod time_travel;
mod timestamps;
