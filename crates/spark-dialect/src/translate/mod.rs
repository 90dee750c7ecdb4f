//! Spark's queries and expressions in DataFusion's words.

pub(crate) mod aliases;
mod column_names;
pub(crate) mod expression;
mod functions;
pub(crate) mod query;
mod select;
pub(crate) mod time_travel;
