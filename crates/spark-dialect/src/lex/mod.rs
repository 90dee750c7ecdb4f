//! From text to the tokens of single statements.

pub(crate) mod dialect;
pub(crate) mod tokens;
