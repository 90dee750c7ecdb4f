//! The tab's engine, on the stores of a native process.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use messages::Error;
use parquet::arrow::ArrowWriter;
use query_engine::{Engine, EngineOptions};
use tempfile::NamedTempFile;

use crate::environment::SystemEnvironment;
use crate::scheduler::TokioScheduler;
use crate::stores::NativeStores;

/// An engine with this much memory for queries, in bytes.
pub fn engine_on(stores: NativeStores, memory_limit: usize) -> Engine {
    Engine::new(EngineOptions {
        memory_limit,
        stores: Arc::new(stores),
        environment: Arc::new(SystemEnvironment),
        scheduler: Arc::new(TokioScheduler),
    })
}

/// Rows of this process that a statement can name, while the value lives.
#[derive(Debug)]
pub struct RowsFile(NamedTempFile);

impl RowsFile {
    /// Rows for statements to read.
    ///
    /// # Errors
    /// If there is no place for a temporary file.
    pub fn new(rows: &RecordBatch) -> Result<Self, Error> {
        let failed = |error: String| Error::new("INPUT_FAILED", error);
        let file = tempfile::Builder::new().suffix(".parquet").tempfile();
        let mut file = file.map_err(|error| failed(error.to_string()))?;
        let write = || {
            let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), None)?;
            writer.write(rows)?;
            writer.into_inner()
        };
        let bytes = write().map_err(|error| failed(error.to_string()))?;
        file.write_all(&bytes)
            .and_then(|()| file.flush())
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self(file))
    }

    /// The rows as a relation of Spark SQL.
    pub fn relation(&self) -> String {
        let path: &Path = self.0.path();
        format!("parquet.`{}`", path.to_string_lossy().replace('`', "``"))
    }
}

/// A table as statements name it by its address.
pub fn table_name(location: &str) -> String {
    format!("delta.`{}`", location.replace('`', "``"))
}
