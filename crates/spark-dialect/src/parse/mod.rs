//! From tokens to statements.

mod alter;
mod column_definition;
mod column_types;
mod create_alter;
mod describe_show;
mod maintenance;
mod merge;
mod options;
mod parser;
pub(crate) mod script;
mod views;
mod writes;
