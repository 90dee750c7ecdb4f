//! Files of a table: data files with their statistics, change data files, deletion vectors.
//!
//! They are named and laid out as Spark does it, so that people find in a table what they know from
//! elsewhere, and so that every reader finds its way.

mod data_file;
mod deletion_vectors;
mod error;
mod file_schema;
mod layout;
mod names;
mod open_file;
mod partition_values;
mod partitions;
mod paths;
pub(crate) mod properties;
mod statistics;
mod statistics_columns;
mod text;
mod upload;
mod writer;

pub use data_file::DataFile;
pub use deletion_vectors::{inline_deletion_vector, write_deletion_vectors};
pub use error::FileError;
pub use layout::TableLayout;
pub use paths::to_uri;
pub use writer::{DataFileWriter, FileWriterOptions};
