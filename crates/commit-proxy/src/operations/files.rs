//! Data files for a table that the commit itself creates or replaces.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use deltalake::datafile::writer::{DeltaWriter, WriterConfig};
use deltalake::kernel::Add;
use deltalake::logstore::LogStore as _;
use deltalake::operations::get_num_idx_cols_and_stats_columns;

use super::{Context, Failure};

const TARGET_FILE_SIZE: NonZeroU64 = NonZeroU64::new(128 * 1024 * 1024).expect("not zero");

/// Writes the rows; the files are not part of a table until a commit names them.
pub(super) async fn write(
    context: &Context,
    schema: SchemaRef,
    batches: &[RecordBatch],
    partition_by: Vec<String>,
    properties: &BTreeMap<String, String>,
) -> Result<Vec<Add>, Failure> {
    let configuration = properties
        .iter()
        .map(|(name, value)| (name.clone(), Some(value.clone())))
        .collect();
    let (indexed, columns) = get_num_idx_cols_and_stats_columns(None, configuration);
    let config = WriterConfig::new(
        schema,
        partition_by,
        None,
        Some(TARGET_FILE_SIZE),
        None,
        indexed,
        columns,
    );
    let mut writer = DeltaWriter::new(context.log.object_store(None), config);
    for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
        if let Err(error) = writer.write(batch).await {
            if let Err(error) = writer.abort().await {
                tracing::warn!(%error, "an upload could not be aborted");
            }
            return Err(error.into());
        }
    }
    Ok(writer.close().await?)
}
