//! Files that hold rows which go: written again without them.

use std::sync::Arc;

use arrow::array::new_null_array;
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use delta_log::Snapshot;
use delta_log::actions::Add;

use crate::dml::{TouchedRows, UnchangedRows};
use crate::errors::from_datafusion;
use crate::writes::errors::WriteError;
use crate::writes::staged_rows::StagedRows;

/// What became of the files.
#[derive(Debug, Default)]
pub(crate) struct Rewritten {
    /// Files that go, as they were.
    pub removes: Vec<Add>,
    /// The same files with other deletion vectors.
    pub adds: Vec<Add>,
    /// Rows that were copied to new files.
    pub copied_rows: u64,
    /// Deletion vectors that were made, replaced, and dropped.
    pub vectors: Vectors,
}

/// Numbers of deletion vectors.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Vectors {
    pub added: u64,
    pub removed: u64,
    pub updated: u64,
}

/// Takes the rows that `touched` names out of their files. The rows that stay go to `staged`.
///
/// `new`: the table's columns after the statement.
pub(crate) async fn rewrite(
    snapshot: &Snapshot,
    touched: &TouchedRows,
    mut unchanged: UnchangedRows,
    new: &SchemaRef,
    staged: &mut StagedRows,
) -> Result<Rewritten, WriteError> {
    let files: Vec<usize> = touched.files().into_iter().collect();
    let removes = snapshot.files().adds(&files)?;
    let removed_vectors = removes.iter().filter(|add| add.deletion_vector.is_some());
    let vectors = Vectors {
        removed: removed_vectors.count() as u64,
        ..Vectors::default()
    };
    let mut copied_rows = 0_u64;
    while let Some(rows) = unchanged.next().await {
        let (_, rows) = rows?;
        let rows = in_columns(&rows, new).map_err(|error| from_datafusion(&error.into()))?;
        copied_rows = copied_rows.saturating_add(rows.num_rows() as u64);
        staged.write(&rows).await?;
    }
    Ok(Rewritten {
        removes,
        adds: Vec::new(),
        copied_rows,
        vectors,
    })
}

/// Rows of the table as it was, in its columns after the statement: new ones are null.
pub(crate) fn in_columns(
    rows: &RecordBatch,
    schema: &SchemaRef,
) -> Result<RecordBatch, ArrowError> {
    let columns = schema
        .fields()
        .iter()
        .map(|field| match rows.column_by_name(field.name()) {
            Some(column) if column.data_type() == field.data_type() => Ok(Arc::clone(column)),
            Some(column) => cast(column, field.data_type()),
            None => Ok(new_null_array(field.data_type(), rows.num_rows())),
        });
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
}
