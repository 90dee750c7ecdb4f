//! What is written into the files of a table, read back from a store in memory by delta-log and by the
//! Parquet reader.

mod deletion_vectors;
mod partitions;
mod refusals;
mod rows;
mod statistics;
mod table;
mod uploads;
