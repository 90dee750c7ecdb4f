use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StructArray, new_null_array};
use arrow::datatypes::{Field, Fields, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use serde_json::Value;

use super::error::Result;

/// Rows of a row group. What is not yet encoded is kept in memory.
const ROW_GROUP: usize = 128 * 1024;

/// A Parquet file of actions, one in each row, as it is made in memory.
pub(super) struct ActionsFile {
    schema: SchemaRef,
    writer: ArrowWriter<Vec<u8>>,
    rows: u64,
}

impl ActionsFile {
    /// A file with a column for each kind of action.
    pub(super) fn new(actions: Vec<Field>, compression: Compression) -> Result<Self> {
        let schema = Arc::new(Schema::new(actions));
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_max_row_group_row_count(Some(ROW_GROUP))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .build();
        let options = ArrowWriterOptions::new()
            .with_properties(properties)
            .with_schema_root("spark_schema".to_owned())
            .with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(Vec::new(), schema.clone(), options)?;
        let rows = 0;
        Ok(Self {
            schema,
            writer,
            rows,
        })
    }

    /// Actions so far.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds actions of one kind.
    pub(super) fn write(&mut self, kind: &str, actions: StructArray) -> Result<()> {
        let len = actions.len();
        let actions: ArrayRef = Arc::new(actions);
        let columns = self
            .schema
            .fields()
            .iter()
            .map(|field| match field.name() == kind {
                true => actions.clone(),
                false => new_null_array(field.data_type(), len),
            });
        let batch = RecordBatch::try_new(self.schema.clone(), columns.collect())?;
        self.write_batch(&batch)
    }

    /// Adds actions of several kinds, each as a line of a commit has it, but none of files.
    pub(super) fn write_json(&mut self, actions: &[Value]) -> Result<()> {
        let of_table = self.schema.fields().iter();
        let of_table = of_table.filter(|field| !["add", "remove"].contains(&field.name().as_str()));
        let of_table = Schema::new(of_table.cloned().collect::<Fields>());
        let mut decoder = ReaderBuilder::new(Arc::new(of_table))
            .with_batch_size(actions.len().max(1))
            .with_coerce_primitive(true)
            .build_decoder()?;
        decoder.serialize(actions)?;
        let Some(batch) = decoder.flush()? else {
            return Ok(());
        };
        let len = batch.num_rows();
        if len != actions.len() {
            let error = ArrowError::JsonError("an action got lost".to_owned());
            return Err(error.into());
        }
        let columns = self.schema.fields().iter().map(|field| {
            let column = batch.column_by_name(field.name()).cloned();
            column.unwrap_or_else(|| new_null_array(field.data_type(), len))
        });
        let batch = RecordBatch::try_new(self.schema.clone(), columns.collect())?;
        self.write_batch(&batch)
    }

    fn write_batch(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(batch)?;
        self.rows = self.rows.saturating_add(batch.num_rows() as u64);
        Ok(())
    }

    /// The file.
    pub(super) fn finish(self) -> Result<Bytes> {
        Ok(self.writer.into_inner()?.into())
    }
}
