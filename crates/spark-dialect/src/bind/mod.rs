//! Names resolved against schemas.

pub(crate) mod duplicate_columns;
mod expression;
mod merge;
mod outputs;
mod resolve;
mod scope;
pub(crate) mod writes;
