//! Values of a result as text: for the page's grid and `lakeglass sql`, and as JSON for
//! `window.lakeglass.run` and `lakeglass sql --format json`.
//!
//! A [`Column`] gives the [`Value`] of a row, [`text`] and [`write_json`] write it. The columns of
//! `arrow-array` are such columns with the feature `arrow` (module `arrow`); the page has columns of
//! its own, so that this crate brings no Arrow into it.
//!
//! Everything is exact: 64-bit integers, decimals and intervals never pass through a double.
#![warn(missing_docs)]

#[cfg(feature = "arrow")]
pub mod arrow;
pub mod calendar;
#[cfg(feature = "cases")]
pub mod cases;
mod interval;
mod value;
mod write;

pub use value::{Column, Fields, Value};
pub use write::{quote, text, write_json};

/// True for a type, in Spark's words, whose columns are aligned to the right: a number.
pub fn is_numeric(spark_type: &str) -> bool {
    let name = spark_type.split('(').next().unwrap_or_default();
    matches!(
        name,
        "tinyint" | "smallint" | "int" | "bigint" | "float" | "double" | "decimal"
    )
}

/// A type as a header names it: Spark's name, with the time zone where there is one.
pub fn type_label(spark_type: &str) -> String {
    match spark_type {
        "timestamp" => "timestamp, UTC".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_by_their_spark_type() {
        assert!(is_numeric("decimal(10,2)") && is_numeric("bigint"));
        assert!(!is_numeric("string") && !is_numeric("array<int>"));
    }

    #[test]
    fn header_names_the_zone_of_instants_alone() {
        assert_eq!(type_label("timestamp"), "timestamp, UTC");
        assert_eq!(type_label("timestamp_ntz"), "timestamp_ntz");
    }
}
