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

use crate::run::statement_context::StatementContext;
use crate::scan::parquet_scan::{ParquetScan, data_file};
use crate::scan::row_selection::{SelectedRows, with_rows};
use crate::scan::scan_cost::ScanCost;
use crate::scan::schema_adapter::DeltaSchemaAdapterFactory;
use crate::tables::delta_table::Columns;

pub(crate) const CHANGE_TYPE: &str = "_change_type";
pub(crate) const COMMIT_VERSION: &str = "_commit_version";
pub(crate) const COMMIT_TIMESTAMP: &str = "_commit_timestamp";

/// Number of columns that a feed has after the table's own.
pub(crate) const FEED_COLUMNS: usize = 3;

/// The changes of a range of versions: the table's columns as of the last one, then
/// `_change_type` string, `_commit_version` bigint, `_commit_timestamp` timestamp.
#[derive(Debug)]
pub(crate) struct ChangeFeedProvider {
    table: Table,
    plan: ChangePlan,
    schema: SchemaRef,
    layouts: Vec<Layout>,
    context: Arc<StatementContext>,
}

/// Kind of files in a feed, by the columns that they have and those that the log gives for them. A
/// table's partition columns may change, so there may be several kinds.
#[derive(Debug)]
struct Layout {
    cdc: bool,
    partition_columns: Vec<String>,
}

impl Layout {
    fn of(source: &ChangeSource) -> Self {
        let columns = source.partition_values.iter();
        Self {
            cdc: source.kind == ChangeKind::Cdc,
            partition_columns: columns.map(|(name, _)| name.clone()).collect(),
        }
    }

    fn is_of(&self, source: &ChangeSource) -> bool {
        let columns = source.partition_values.iter().map(|(name, _)| name);
        self.cdc == (source.kind == ChangeKind::Cdc) && self.partition_columns.iter().eq(columns)
    }

    /// The columns that are not in the files: change data files know their rows' change type; of a
    /// data file it is the same for all rows.
    fn given(&self) -> Vec<String> {
        let mut given = self.partition_columns.clone();
        given.extend([COMMIT_VERSION.to_owned(), COMMIT_TIMESTAMP.to_owned()]);
        if !self.cdc {
            given.push(CHANGE_TYPE.to_owned());
        }
        given
    }
}

impl ChangeFeedProvider {
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
        let mut layouts: Vec<Layout> = Vec::new();
        for source in sources {
            if !layouts.iter().any(|layout| layout.is_of(source)) {
                layouts.push(Layout::of(source));
            }
        }
        layouts.sort_by_key(|layout| !layout.cdc);
        let schema = Arc::new(Schema::new(fields));
        Ok(Self {
            table,
            plan,
            schema,
            layouts,
            context,
        })
    }

    /// Whether there are files with rows that were deleted, and files with rows that were inserted.
    pub fn has_deletes_and_inserts(&self) -> bool {
        let has = |kind| {
            let mut sources = self.plan.versions.iter().flat_map(|v| &v.sources);
            sources.any(|source| source.kind == kind)
        };
        has(ChangeKind::Delete) && has(ChangeKind::Insert)
    }

    /// The files of one layout.
    async fn scan_of(
        &self,
        layout: &Layout,
        projection: Option<&Vec<usize>>,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let columns = Columns::new(&self.schema, &layout.given());
        let files = self.files(layout, &columns.partition_columns)?;
        let sizes = files.iter().map(|selected| selected.file.object_meta.size);
        let cost = ScanCost::of_sizes(sizes);
        let limit = limit.filter(|_| files.iter().all(|file| file.rows == FileRows::All));
        let cost = self.context.add_scan(cost);
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
            columns: DeltaSchemaAdapterFactory {
                schema: Arc::clone(&self.plan.schema),
                column_mapping: self.plan.column_mapping,
            },
            projection: columns.positions(&self.schema, projection),
            file_columns: columns.file_columns,
            partition_columns: columns.partition_columns,
            files,
            statistics,
            row_number: None,
            limit,
        };
        scan.into_plan(data_files)
    }

    fn files(&self, layout: &Layout, given: &[FieldRef]) -> Result<Vec<SelectedRows>> {
        let sources = self
            .plan
            .versions
            .iter()
            .flat_map(|version| version.sources.iter().map(move |source| (version, source)));
        sources
            .filter(|(_, source)| layout.is_of(source))
            .map(|(version, source)| {
                let values = given.iter().map(|field| value_of(field, version, source));
                let mut file =
                    data_file(source.path.clone(), source.size, source.num_stored_records);
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
impl TableProvider for ChangeFeedProvider {
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
        let mut scans = Vec::with_capacity(self.layouts.len());
        for layout in &self.layouts {
            scans.push(self.scan_of(layout, projection, limit).await?);
        }
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

fn feed_columns() -> [FieldRef; FEED_COLUMNS] {
    let timestamp = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    [
        Arc::new(Field::new(CHANGE_TYPE, DataType::Utf8, true)),
        Arc::new(Field::new(COMMIT_VERSION, DataType::Int64, true)),
        Arc::new(Field::new(COMMIT_TIMESTAMP, timestamp, true)),
    ]
}

/// Value of a column that is the same for all rows of `source`.
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
