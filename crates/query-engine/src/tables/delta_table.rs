//! A version of a Delta table as DataFusion reads it.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{FieldRef, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, ScalarValue};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use delta_log::{FileRows, Snapshot, Table};

use crate::errors::external;
use crate::run::statement_context::StatementContext;
use crate::scan::log_statistics::{FileBounds, of_selection};
use crate::scan::parquet_scan::{ParquetScan, data_file};
use crate::scan::pruning::{Selection, is_partition_filter, select};
use crate::scan::row_selection::{SelectedRows, with_rows};
use crate::scan::scan_cost::ScanCost;
use crate::scan::schema_adapter::DeltaSchemaAdapterFactory;

/// With more files than this, their bounds are not handed to DataFusion one by one: an object for
/// each column of each file costs more than it saves.
const MAX_FILES_WITH_BOUNDS: usize = 2000;

/// One version of a Delta table.
#[derive(Debug)]
pub(crate) struct DeltaTableProvider {
    pub table: Table,
    pub snapshot: Arc<Snapshot>,
    pub context: Arc<StatementContext>,
}

#[async_trait]
impl TableProvider for DeltaTableProvider {
    fn schema(&self) -> SchemaRef {
        self.snapshot.arrow_schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters
            .iter()
            .map(|filter| match is_partition_filter(&self.snapshot, filter) {
                true => TableProviderFilterPushDown::Exact,
                false => TableProviderFilterPushDown::Inexact,
            })
            .collect())
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let selection = select(&self.snapshot, filters, session)?;
        let rows_decide = filters
            .iter()
            .any(|filter| !is_partition_filter(&self.snapshot, filter));
        let limit = limit.filter(|_| !rows_decide);
        let cost = self.cost(&selection);

        let columns = Columns::of(&self.snapshot);
        let projection = columns.positions(&self.schema(), projection);
        let mut wanted = vec![false; columns.names.len()];
        for &position in &projection {
            wanted[position] = true;
        }
        let files = match limit {
            Some(limit) => self.enough_for(limit, &selection.files),
            None => &selection.files,
        };
        let mut statistics = of_selection(&self.snapshot, files, &columns.names, &wanted)?;
        if rows_decide || limit.is_some() {
            statistics = statistics.to_inexact();
        }
        let data_files = self.context.data_files(&self.table, cost);
        let all_files = self.snapshot.files();
        let has_deleted_rows = files
            .iter()
            .any(|&i| all_files.deletion_vector(i).is_some());
        let mut partitioned = self.partitioned_files(files, &columns, &wanted)?;
        if has_deleted_rows {
            let selected = files
                .iter()
                .zip(partitioned)
                .map(|(&i, file)| SelectedRows {
                    file,
                    rows: FileRows::remaining(all_files.deletion_vector(i)),
                    stored: all_files.num_stored_records(i),
                });
            partitioned = with_rows(&self.table, &data_files, selected.collect()).await?;
        }
        let scan = ParquetScan {
            columns: DeltaSchemaAdapterFactory {
                schema: Arc::clone(self.snapshot.schema()),
                column_mapping: self.snapshot.column_mapping(),
            },
            files: partitioned,
            file_columns: columns.file_columns,
            partition_columns: columns.partition_columns,
            statistics,
            row_number: None,
            projection,
            // The Parquet source counts the rows of a row group, deleted or not.
            limit: limit.filter(|_| !has_deleted_rows),
        };
        scan.into_plan(data_files)
    }
}

impl DeltaTableProvider {
    fn cost(&self, selection: &Selection) -> Arc<ScanCost> {
        let files = self.snapshot.files();
        let cost = ScanCost::of_all(files.len() as u64, files.size_in_bytes());
        let skipped = files.len().saturating_sub(selection.files.len()) as u64;
        self.context
            .add_scan(cost.skipping(skipped, selection.skipped_by.clone()))
    }

    /// The first of `selected` files that hold `limit` rows together.
    fn enough_for<'a>(&self, limit: usize, selected: &'a [usize]) -> &'a [usize] {
        let mut rows = 0u64;
        for (k, &i) in selected.iter().enumerate() {
            if rows >= limit as u64 {
                return &selected[..k];
            }
            let more = self.snapshot.files().num_records(i).unwrap_or(0);
            rows = rows.saturating_add(more);
        }
        selected
    }

    fn partitioned_files(
        &self,
        selected: &[usize],
        columns: &Columns,
        wanted: &[bool],
    ) -> Result<Vec<PartitionedFile>> {
        let files = self.snapshot.files();
        let partitions = columns.partition_values(&self.snapshot)?;
        let bounds = match selected.len() <= MAX_FILES_WITH_BOUNDS {
            true => Some(FileBounds::new(&self.snapshot, &columns.names, wanted)?),
            false => None,
        };
        let partitioned = selected.iter().map(|&i| {
            let path = files.path(i).map_err(external)?;
            let values = partitions
                .iter()
                .map(|values| ScalarValue::try_from_array(values, i));
            let mut file = data_file(path, files.size(i), files.num_stored_records(i));
            file.partition_values = values.collect::<Result<_>>()?;
            if let Some(bounds) = &bounds {
                file.statistics = Some(Arc::new(bounds.of_file(i)?));
            }
            Ok(file)
        });
        partitioned.collect()
    }
}

/// A table's columns in the order of a scan: those in the files, then the partition columns.
pub(crate) struct Columns {
    pub file_columns: Vec<FieldRef>,
    pub partition_columns: Vec<FieldRef>,
    /// The names of both.
    pub names: Vec<String>,
}

impl Columns {
    fn of(snapshot: &Snapshot) -> Self {
        Self::new(&snapshot.arrow_schema(), snapshot.partition_columns())
    }

    /// Splits `schema`, in which partition columns can be anywhere.
    pub fn new(schema: &SchemaRef, partition_columns: &[String]) -> Self {
        let (partition_columns, file_columns): (Vec<_>, Vec<_>) = schema
            .fields()
            .iter()
            .cloned()
            .partition(|field| partition_columns.contains(field.name()));
        let names = file_columns.iter().chain(&partition_columns);
        Self {
            names: names.map(|field| field.name().clone()).collect(),
            file_columns,
            partition_columns,
        }
    }

    /// Positions in a scan of the columns of `schema` that `projection` selects.
    pub fn positions(&self, schema: &SchemaRef, projection: Option<&Vec<usize>>) -> Vec<usize> {
        let position = |i: usize| {
            let name = schema.field(i).name();
            self.names.iter().position(|other| other == name)
        };
        match projection {
            Some(projection) => projection.iter().filter_map(|&i| position(i)).collect(),
            None => (0..schema.fields().len()).filter_map(position).collect(),
        }
    }

    fn partition_values(&self, snapshot: &Snapshot) -> Result<Vec<ArrayRef>> {
        let values = self.partition_columns.iter().map(|field| {
            snapshot
                .files()
                .partition_values(field.name())
                .map_err(external)
        });
        values.collect()
    }
}
