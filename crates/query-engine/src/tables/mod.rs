//! What a FROM clause can read, as DataFusion's table providers.

pub(crate) mod change_feed;
pub(crate) mod delta_table;
pub(crate) mod diff;
pub(crate) mod parquet_table;
