//! `` parquet.`…` ``: a Parquet file, or a folder of them, as a table.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, Statistics};
use datafusion::datasource::TableType;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use delta_log::schema::StructType;
use delta_log::{ColumnMapping, Table};
use futures::TryStreamExt;
use messages::Error;
use object_store::path::Path;
use object_store::{GetOptions, GetRange};
use parquet::arrow::parquet_to_arrow_schema;

use crate::errors::{from_datafusion, from_store};
use crate::run::statement_context::StatementContext;
use crate::scan::parquet_scan::{ParquetScan, data_file};
use crate::scan::scan_cost::ScanCost;
use crate::scan::schema_adapter::DeltaSchemaAdapterFactory;
use crate::spark_types::result_type;

/// Opens a file, or all files below a folder whose names end in `.parquet`; the columns are those
/// of the first file.
///
/// Requests: one GET of a byte, which tells the size; a LIST if there is no such file; then the
/// first file's footer.
pub(crate) async fn open_parquet(
    context: &Arc<StatementContext>,
    table: Table,
) -> Result<Arc<dyn TableProvider>, Error> {
    let files = match single_file(&table).await? {
        Some(file) => vec![file],
        None if table.can_list => files_below(&table).await?,
        None => Vec::new(),
    };
    let Some(first) = files.first() else {
        return Err(Error::new(
            "PATH_NOT_FOUND",
            format!("There is no Parquet file at {}.", table.location),
        ));
    };
    let readers = context.data_files(&table, Arc::default());
    let footer = readers
        .footer_of(&first.0, first.1)
        .await
        .map_err(|error| from_datafusion(&error))?;
    let metadata = footer.metadata.file_metadata();
    let schema = parquet_to_arrow_schema(metadata.schema_descr(), metadata.key_value_metadata())
        .map_err(|error| from_datafusion(&error.into()))?;
    let fields = schema.fields().iter().map(|field| {
        let data_type = result_type(field.data_type());
        // Parquet has no other types; a query of such a column would be refused.
        let data_type = data_type.unwrap_or_else(|| field.data_type().clone());
        Field::new(field.name(), data_type, true)
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    context.reads(&table, None);
    Ok(Arc::new(ParquetProvider {
        table,
        files,
        schema,
        context: Arc::clone(context),
    }))
}

/// Path and size of the object that the table's location names, if there is one.
async fn single_file(table: &Table) -> Result<Option<(Path, u64)>, Error> {
    let options = GetOptions {
        range: Some(GetRange::Bounded(0..1)),
        ..GetOptions::default()
    };
    match table.store.get_opts(&table.root, options).await {
        Ok(found) => Ok(Some((table.root.clone(), found.meta.size))),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        // A folder of a local store is no object, and says so in other words.
        Err(_) if table.can_list && !table.location.ends_with(".parquet") => Ok(None),
        Err(error) => Err(from_store(&table.location, &error)),
    }
}

async fn files_below(table: &Table) -> Result<Vec<(Path, u64)>, Error> {
    let listed: Vec<_> = table
        .store
        .list(Some(&table.root))
        .try_collect()
        .await
        .map_err(|error| from_store(&table.location, &error))?;
    let mut files = Vec::new();
    for object in listed {
        let below: Vec<String> = match object.location.prefix_match(&table.root) {
            Some(parts) => parts.map(|part| part.as_ref().to_owned()).collect(),
            None => continue,
        };
        if below.iter().any(|part| part.starts_with(['_', '.'])) {
            continue;
        }
        let Some((name, folders)) = below.split_last() else {
            continue;
        };
        if !name.ends_with(".parquet") {
            continue;
        }
        if folders.iter().any(|folder| folder.contains('=')) {
            return Err(Error::new(
                "UNSUPPORTED_FEATURE",
                "Folders of Parquet files that are partitioned (column=value) cannot be read.",
            )
            .with_hint("Name one of the files, or read it as a Delta table if it is one."));
        }
        files.push((object.location, object.size));
    }
    files.sort_unstable();
    Ok(files)
}

#[derive(Debug)]
struct ParquetProvider {
    table: Table,
    files: Vec<(Path, u64)>,
    schema: SchemaRef,
    context: Arc<StatementContext>,
}

#[async_trait]
impl TableProvider for ParquetProvider {
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
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let sizes = self.files.iter().map(|(_, size)| *size);
        let cost = self.context.add_scan(ScanCost::of_sizes(sizes));
        let scan = ParquetScan {
            columns: DeltaSchemaAdapterFactory {
                schema: Arc::new(StructType::from_arrow(self.schema.fields()).unwrap_or_default()),
                column_mapping: ColumnMapping::None,
            },
            file_columns: self.schema.fields().iter().cloned().collect(),
            partition_columns: Vec::new(),
            files: self
                .files
                .iter()
                .map(|(path, size)| data_file(path.clone(), *size, None))
                .collect(),
            statistics: Statistics::new_unknown(&self.schema),
            row_number: None,
            projection: match projection {
                Some(projection) => projection.clone(),
                None => (0..self.schema.fields().len()).collect(),
            },
            limit: limit.filter(|_| filters.is_empty()),
        };
        scan.into_plan(self.context.data_files(&self.table, cost))
    }
}
