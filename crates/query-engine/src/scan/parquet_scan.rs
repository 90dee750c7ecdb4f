//! A scan over data files: DataFusion's Parquet source, set up for Delta's data files.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use datafusion::common::config::TableParquetOptions;
use datafusion::common::{Result, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfigBuilder, FileSource, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::DataFusionError;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::physical_plan::ExecutionPlan;
use messages::Error;
use object_store::ObjectMeta;
use object_store::path::Path;
use parquet::arrow::RowNumber;

use crate::scan::data_files::{CurrentFile, DataFileReaderFactory, StoredRows};
use crate::scan::schema_adapter::DeltaSchemaAdapterFactory;

/// DataFusion looks up a store for each scan; ours come with the reader factory, so this name only
/// has to be registered.
pub(crate) fn store_url() -> ObjectStoreUrl {
    ObjectStoreUrl::parse("lakeglass://data").expect("a constant URL that parses")
}

/// A scan of data files.
pub(crate) struct ParquetScan {
    /// Adapts the files' columns to the table's.
    pub columns: DeltaSchemaAdapterFactory,
    /// The columns that are in the files.
    pub file_columns: Vec<FieldRef>,
    /// The columns whose values [`PartitionedFile::partition_values`] give.
    pub partition_columns: Vec<FieldRef>,
    pub files: Vec<PartitionedFile>,
    /// Statistics of the file columns, then of the partition columns.
    pub statistics: Statistics,
    /// A column for the number of each row in its file, from 0, deleted rows counted: see
    /// [`row_number`].
    pub row_number: Option<FieldRef>,
    /// Positions in file columns, then partition columns, then the row's number.
    pub projection: Vec<usize>,
    pub limit: Option<usize>,
}

impl ParquetScan {
    pub fn into_plan(self, data_files: DataFileReaderFactory) -> Result<Arc<dyn ExecutionPlan>> {
        let file_schema: SchemaRef = Arc::new(Schema::new(self.file_columns));
        let table_schema = TableSchema::builder(file_schema)
            .with_table_partition_cols(self.partition_columns)
            .with_virtual_columns(self.row_number.into_iter().collect::<Fields>())
            .build();
        let mut options = TableParquetOptions::default();
        // INT96, which old Spark writes, holds nanoseconds of UTC; a Delta timestamp microseconds.
        options.global.coerce_int96 = Some("us".to_owned());
        options.global.coerce_int96_tz = Some("UTC".to_owned());
        let mut source = ParquetSource::new(table_schema).with_table_parquet_options(options);
        data_files
            .cost
            .parquet
            .get_or_init(|| source.metrics().clone());
        source = source.with_parquet_file_reader_factory(Arc::new(data_files));
        let current = CurrentFile::default();
        check_sizes(&self.files)?;
        let files = self.files.into_iter();
        let files = files.map(|file| file.with_extension(current.clone()));
        let config = FileScanConfigBuilder::new(store_url(), Arc::new(source))
            .with_file_group(FileGroup::new(files.collect()))
            .with_statistics(self.statistics)
            .with_projection_indices(Some(self.projection))?
            .with_limit(self.limit)
            .with_expr_adapter(Some(Arc::new(self.columns)))
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// A column for the numbers of rows, a bigint, which the Parquet reader fills.
pub(crate) fn row_number(name: &str) -> FieldRef {
    let field = Field::new(name, DataType::Int64, false);
    Arc::new(field.with_extension_type(RowNumber))
}

/// DataFusion adds up the sizes of a scan's files, which are whatever the log says.
fn check_sizes(files: &[PartitionedFile]) -> Result<()> {
    let mut sizes = files.iter().map(|file| file.object_meta.size);
    if sizes.try_fold(0, u64::checked_add).is_some() {
        return Ok(());
    }
    let error = Error::new(
        "INVALID_FILE_SIZE",
        "The log gives the data files sizes that cannot be right: together, more than 2^64 bytes.",
    );
    Err(DataFusionError::External(Box::new(error)))
}

/// A data file as DataFusion takes it. The size comes from the log, so nothing asks the store; so
/// does, where it is known, the number of `rows` that reading the file makes sure of.
pub(crate) fn data_file(path: Path, size: u64, rows: Option<u64>) -> PartitionedFile {
    let file = PartitionedFile::new_from_meta(ObjectMeta {
        location: path,
        last_modified: chrono::DateTime::UNIX_EPOCH,
        size,
        e_tag: None,
        version: None,
    });
    match rows {
        Some(rows) => file.with_extension(StoredRows(rows)),
        None => file,
    }
}
