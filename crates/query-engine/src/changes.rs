//! The change data feed as a table: `table_changes('t', start [, end])`.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, ScalarValue, Statistics};
use datafusion::datasource::TableType;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::union::UnionExec;
use delta_log::{ChangeKind, ChangePlan, ChangeSource, ChangeVersion, FileRows, Table};
use messages::Error;

use crate::column_adapters::ColumnAdapters;
use crate::parquet_scan::{ParquetScan, data_file};
use crate::provider::Columns;
use crate::row_selection::{SelectedRows, with_rows};
use crate::scan_cost::ScanCost;
use crate::statement_context::StatementContext;

const CHANGE_TYPE: &str = "_change_type";
const COMMIT_VERSION: &str = "_commit_version";
const COMMIT_TIMESTAMP: &str = "_commit_timestamp";

/// The changes of a range of versions: the table's columns as of the last one, then
/// `_change_type` string, `_commit_version` bigint, `_commit_timestamp` timestamp.
#[derive(Debug)]
pub(crate) struct ChangesProvider {
    table: Table,
    plan: ChangePlan,
    schema: SchemaRef,
    partition_columns: Vec<String>,
    context: Arc<StatementContext>,
}

impl ChangesProvider {
    /// # Errors
    /// `DELTA_TABLE_HAS_RESERVED_COLUMNS` where the table has a column of the feed's names.
    pub fn new(
        table: Table,
        plan: ChangePlan,
        context: Arc<StatementContext>,
    ) -> Result<Self, Error> {
        let mut fields: Vec<FieldRef> = plan.arrow_schema.fields().iter().cloned().collect();
        for field in feed_columns() {
            if fields
                .iter()
                .any(|other| other.name().eq_ignore_ascii_case(field.name()))
            {
                return Err(Error::new(
                    "DELTA_TABLE_HAS_RESERVED_COLUMNS",
                    format!(
                        "The table has a column {}, as the change feed does.",
                        field.name()
                    ),
                ));
            }
            fields.push(field);
        }
        let sources = plan.versions.iter().flat_map(|version| &version.sources);
        let mut partition_columns: Vec<String> = Vec::new();
        for (name, _) in sources.flat_map(|source| &source.partition_values) {
            if !partition_columns.contains(name) {
                partition_columns.push(name.clone());
            }
        }
        let schema = Arc::new(Schema::new(fields));
        Ok(Self {
            table,
            plan,
            schema,
            partition_columns,
            context,
        })
    }

    /// The files of the feed: change data files know their rows' change type; of a data file it is
    /// the same for all rows.
    async fn scan_of(
        &self,
        cdc: bool,
        projection: Option<&Vec<usize>>,
        limit: Option<usize>,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let mut given = self.partition_columns.clone();
        given.extend([COMMIT_VERSION.to_owned(), COMMIT_TIMESTAMP.to_owned()]);
        if !cdc {
            given.push(CHANGE_TYPE.to_owned());
        }
        let columns = Columns::new(&self.schema, &given);
        let files = self.files(cdc, &columns.partition_columns)?;
        if files.is_empty() {
            return Ok(None);
        }
        let bytes = files
            .iter()
            .map(|selected| selected.file.object_meta.size)
            .sum();
        let limit = limit.filter(|_| files.iter().all(|file| file.rows == FileRows::All));
        let cost = self
            .context
            .add_scan(ScanCost::of_all(files.len() as u64, bytes));
        let statistics = Statistics::new_unknown(&Schema::new(
            columns
                .file_columns
                .iter()
                .chain(&columns.partition_columns)
                .cloned()
                .collect::<Vec<_>>(),
        ));
        let data_files = self.context.data_files(&self.table, cost);
        let files = with_rows(&self.table, &data_files, files).await?;
        let scan = ParquetScan {
            columns: ColumnAdapters {
                schema: Arc::clone(&self.plan.schema),
                column_mapping: self.plan.column_mapping,
            },
            projection: columns.positions(&self.schema, projection),
            file_columns: columns.file_columns,
            partition_columns: columns.partition_columns,
            files,
            statistics,
            limit,
        };
        scan.into_plan(data_files).map(Some)
    }

    fn files(&self, cdc: bool, given: &[FieldRef]) -> Result<Vec<SelectedRows>> {
        let sources = self
            .plan
            .versions
            .iter()
            .flat_map(|version| version.sources.iter().map(move |source| (version, source)));
        sources
            .filter(|(_, source)| (source.kind == ChangeKind::Cdc) == cdc)
            .map(|(version, source)| {
                let values = given.iter().map(|field| value_of(field, version, source));
                let mut file = data_file(source.path.clone(), source.size);
                file.partition_values = values.collect::<Result<_>>()?;
                Ok(SelectedRows {
                    file,
                    rows: source.rows.clone(),
                    stored: source.num_stored_records,
                })
            })
            .collect()
    }
}

#[async_trait]
impl TableProvider for ChangesProvider {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![
            TableProviderFilterPushDown::Unsupported;
            filters.len()
        ])
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let change_data = self.scan_of(true, projection, limit).await?;
        let data = self.scan_of(false, projection, limit).await?;
        let scans: Vec<_> = change_data.into_iter().chain(data).collect();
        match scans.len() {
            0 => {
                let schema = match projection {
                    Some(projection) => Arc::new(self.schema.project(projection)?),
                    None => Arc::clone(&self.schema),
                };
                Ok(Arc::new(EmptyExec::new(schema)))
            }
            _ => UnionExec::try_new(scans),
        }
    }
}

fn feed_columns() -> [FieldRef; 3] {
    let timestamp = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    [
        Arc::new(Field::new(CHANGE_TYPE, DataType::Utf8, true)),
        Arc::new(Field::new(COMMIT_VERSION, DataType::Int64, true)),
        Arc::new(Field::new(COMMIT_TIMESTAMP, timestamp, true)),
    ]
}

/// What a column is for all rows of `source`.
fn value_of(field: &Field, version: &ChangeVersion, source: &ChangeSource) -> Result<ScalarValue> {
    let value: ArrayRef = match field.name().as_str() {
        CHANGE_TYPE => Arc::new(StringArray::from(vec![match source.kind {
            ChangeKind::Delete => "delete",
            ChangeKind::Insert | ChangeKind::Cdc => "insert",
        }])),
        COMMIT_VERSION => Arc::new(Int64Array::from(vec![i64::try_from(version.version).ok()])),
        COMMIT_TIMESTAMP => {
            let micros = version.timestamp_ms.checked_mul(1000);
            Arc::new(TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC"))
        }
        name => match source
            .partition_values
            .iter()
            .find(|(column, _)| column == name)
        {
            Some((_, value)) => Arc::clone(value),
            None => return ScalarValue::try_from(field.data_type()),
        },
    };
    ScalarValue::try_from_array(&value, 0)
}
