//! Values into the types of a table's columns, as Spark's store assignment does it: what does not fit
//! is an error that names the column.

pub(crate) mod cast;
pub(crate) mod column_names;
pub(crate) mod evolution;
pub(crate) mod store_assignment;
