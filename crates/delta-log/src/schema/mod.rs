//! Delta's schema: its JSON form in the log, its names in Spark SQL, and the Arrow schema that
//! rows are read into.
//!
//! Protocol: [Schema Serialization Format](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#schema-serialization-format)

mod arrow;
pub(crate) mod column_mapping;
pub(crate) mod compatibility;
pub(crate) mod types;

pub use compatibility::widens;
pub use types::{DataType, StructField, StructType};
