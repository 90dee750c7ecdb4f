//! From tokens to statements.

mod column_types;
pub(crate) mod create_alter;
mod merge;
pub(crate) mod parser;
mod writes;
