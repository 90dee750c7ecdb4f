//! Data files, as the log describes them: paths, partition values, statistics, deletion vectors.

pub(crate) mod bounds;
pub(crate) mod data_path;
pub(crate) mod deletion_vector;
pub(crate) mod file_actions;
pub(crate) mod file_segment;
pub(crate) mod file_table;
pub(crate) mod parquet_footer;
pub(crate) mod statistics;
pub(crate) mod statistics_json;
pub(crate) mod values;
