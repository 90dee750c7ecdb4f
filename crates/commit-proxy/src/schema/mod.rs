//! Schema enforcement: do rows fit a table, and if not, which columns are why.

mod cast;
mod conform;
mod names;

pub(crate) use cast::{CastError, checked_cast, find_field, is_castable};
pub(crate) use conform::{Conform, conform, storable, widen};
pub(crate) use names::{display_value, spark_type};
