//! The table that a statement changes, each row with its place.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{ColumnStatistics, DataFusionError, Result, ScalarValue, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use delta_log::{FileRows, Snapshot, Table};
use messages::Error;
use roaring::RoaringTreemap;

use crate::errors::external;
use crate::run::statement_context::StatementContext;
use crate::scan::log_statistics::of_selection;
use crate::scan::parquet_scan::{ParquetScan, data_file, row_number};
use crate::scan::pruning::select;
use crate::scan::row_selection::{SelectedRows, runs_of_rows, with_rows_except};
use crate::scan::scan_cost::ScanCost;
use crate::scan::schema_adapter::DeltaSchemaAdapterFactory;
use crate::tables::delta_table::Columns;
use crate::tables::target_rows::count_out;

/// The column for a row's data file: its position in [`Snapshot::files`], a bigint. No statement can
/// name it: the lexer has no control characters.
pub(crate) const FILE: &str = "\u{1e}file";

/// The column for the number of a row in its data file, from 0, deleted rows counted; a bigint.
pub(crate) const ROW: &str = "\u{1e}row";

/// One version of a Delta table, with the columns [`FILE`] and [`ROW`] after its own. Rows that a
/// deletion vector deletes are left out.
///
/// Row numbers come from the Parquet reader, which knows them whatever is skipped: so filters, row
/// groups and projections are DataFusion's to push down, as in any other scan. A filter is never taken
/// over, though: it only skips files, and rows are always filtered above.
#[derive(Debug)]
pub(crate) struct TargetTable {
    table: Table,
    snapshot: Arc<Snapshot>,
    context: Arc<StatementContext>,
    schema: SchemaRef,
    /// Files to read, and the rows of them to leave out; `None`: all files, and all rows.
    rest: Option<BTreeMap<usize, RoaringTreemap>>,
    read: Arc<OnceLock<TargetRead>>,
}

/// What a statement has read of the table that it changes.
#[derive(Debug, Clone)]
pub(crate) struct TargetRead {
    /// The conditions on the table's columns that rows had to meet to be of interest.
    pub filters: Vec<Expr>,
    /// Positions in [`Snapshot::files`] of the files that were left after skipping, ascending.
    pub files: Vec<usize>,
}

impl TargetTable {
    /// All rows of a version.
    ///
    /// # Errors
    /// `DELTA_TABLE_HAS_RESERVED_COLUMNS` where the table has a column of such a name.
    pub fn new(
        table: Table,
        snapshot: Arc<Snapshot>,
        context: Arc<StatementContext>,
    ) -> Result<Self, Error> {
        let own = snapshot.arrow_schema();
        if let Some(name) = [FILE, ROW]
            .into_iter()
            .find(|name| own.index_of(name).is_ok())
        {
            return Err(Error::new(
                "DELTA_TABLE_HAS_RESERVED_COLUMNS",
                format!("The table has a column {name:?}, which the engine needs for itself."),
            ));
        }
        let file: FieldRef = Arc::new(Field::new(FILE, DataType::Int64, false));
        let fields = own.fields().iter().cloned();
        let fields = fields.chain([file, row_number(ROW)]);
        Ok(Self {
            table,
            snapshot,
            context,
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            rest: None,
            read: Arc::default(),
        })
    }

    /// The same table: only these files, without these rows.
    pub fn rest_of(self, touched: BTreeMap<usize, RoaringTreemap>) -> Self {
        Self {
            rest: Some(touched),
            ..self
        }
    }

    /// The same table, which tells what is read of it when a scan is planned.
    pub fn telling(self, read: Arc<OnceLock<TargetRead>>) -> Self {
        Self { read, ..self }
    }

    /// The table's columns beside those that the engine adds.
    fn columns(&self) -> Columns {
        let given = self.snapshot.partition_columns().iter().map(String::as_str);
        let given: Vec<String> = given.chain([FILE]).map(str::to_owned).collect();
        let fields = self.schema.fields().iter();
        let without_row = fields.filter(|field| field.name() != ROW).cloned();
        let schema = Arc::new(Schema::new(without_row.collect::<Vec<_>>()));
        let mut columns = Columns::new(&schema, &given);
        columns.names.push(ROW.to_owned());
        columns
    }

    fn files(&self, selected: &[usize], columns: &Columns) -> Result<Vec<SelectedRows>> {
        let files = self.snapshot.files();
        let own = columns.partition_columns.iter();
        let own = own.filter(|field| field.name() != FILE);
        let partitions = own.map(|field| files.partition_values(field.name()).map_err(external));
        let partitions = partitions.collect::<Result<Vec<_>>>()?;
        let selected = selected.iter().map(|&i| {
            let path = files.path(i).map_err(external)?;
            let mut file = data_file(path, files.size(i), files.num_stored_records(i));
            let values = partitions
                .iter()
                .map(|values| ScalarValue::try_from_array(values, i));
            file.partition_values = values.collect::<Result<_>>()?;
            file.partition_values.push(position(i)?);
            Ok(SelectedRows {
                file,
                rows: FileRows::remaining(files.deletion_vector(i)),
                stored: files.num_stored_records(i),
            })
        });
        selected.collect()
    }

    /// Without exact numbers, from which DataFusion could answer instead of reading.
    fn statistics(
        &self,
        selected: &[usize],
        columns: &Columns,
        wanted: &[bool],
    ) -> Result<Statistics> {
        let own = columns.names.len().saturating_sub(2);
        let (names, wanted) = (&columns.names[..own], &wanted[..own]);
        let statistics = of_selection(&self.snapshot, selected, names, wanted)?;
        let mut statistics = statistics.to_inexact();
        let unknown = ColumnStatistics::new_unknown;
        statistics.column_statistics.extend([unknown(), unknown()]);
        Ok(statistics)
    }

    /// The files with the rows to read.
    async fn with_rows(
        &self,
        selected: &[usize],
        files: Vec<SelectedRows>,
        data_files: &crate::scan::data_files::DataFileReaderFactory,
    ) -> Result<Vec<PartitionedFile>> {
        let nothing = RoaringTreemap::new();
        let left_out = |i: &usize| self.rest.as_ref().and_then(|rest| rest.get(i));
        let files = files
            .into_iter()
            .zip(selected)
            .map(|(file, i)| (file, left_out(i).unwrap_or(&nothing)));
        with_rows_except(&self.table, data_files, files.collect()).await
    }
}

fn position(i: usize) -> Result<ScalarValue> {
    let position = i64::try_from(i).map_err(|error| DataFusionError::External(error.into()))?;
    Ok(ScalarValue::Int64(Some(position)))
}

#[async_trait]
impl TableProvider for TargetTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        // A limit would count rows before they are filtered.
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all = self.snapshot.files();
        let mut selection = select(&self.snapshot, filters, session)?;
        if let Some(rest) = &self.rest {
            selection.files.retain(|i| rest.contains_key(i));
        }
        let skipped = all.len().saturating_sub(selection.files.len()) as u64;
        let cost = ScanCost::of_all(all.len() as u64, all.size_in_bytes());
        let cost = self
            .context
            .add_scan(cost.skipping(skipped, selection.skipped_by));
        self.read.get_or_init(|| TargetRead {
            filters: filters.to_vec(),
            files: selection.files.clone(),
        });
        let selected = selection.files;

        let columns = self.columns();
        let projection = columns.positions(&self.schema, projection);
        let mut wanted = vec![false; columns.names.len()];
        for &position in &projection {
            wanted[position] = true;
        }
        let files = self.files(&selected, &columns)?;
        let data_files = self.context.data_files(&self.table, cost);
        let in_files = columns.file_columns.len();
        if self.rest.is_none() && projection.iter().all(|&position| position >= in_files) {
            let values: Vec<Vec<ScalarValue>> = files
                .iter()
                .map(|selected| selected.file.partition_values.clone())
                .collect();
            let runs = runs_of_rows(&self.table, &data_files, files).await?;
            let given: Vec<FieldRef> = columns.partition_columns;
            let projection = projection.into_iter();
            let projection = projection.filter_map(|position| position.checked_sub(in_files));
            return count_out(&given, row_number(ROW), projection.collect(), values, runs);
        }
        let statistics = self.statistics(&selected, &columns, &wanted)?;
        let files = self.with_rows(&selected, files, &data_files).await?;
        let scan = ParquetScan {
            columns: DeltaSchemaAdapterFactory {
                schema: Arc::clone(self.snapshot.schema()),
                column_mapping: self.snapshot.column_mapping(),
            },
            file_columns: columns.file_columns,
            partition_columns: columns.partition_columns,
            row_number: Some(row_number(ROW)),
            files,
            statistics,
            projection,
            limit: None,
        };
        scan.into_plan(data_files)
    }
}
