//! Names resolved against schemas.

pub(crate) mod default_values;
mod descriptions;
pub(crate) mod duplicate_columns;
mod expression;
mod maintenance;
pub(crate) mod merge;
pub(crate) mod merge_rows;
mod outputs;
mod resolve;
pub(crate) mod rows;
mod scope;
pub(crate) mod writes;
