//! The table, as delta-rs and delta_kernel read it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use delta_kernel::engine::arrow_data::EngineDataArrowExt;
use delta_kernel::scan::state::ScanFile;
use delta_kernel::table_changes::TableChanges;
use delta_kernel_default_engine::DefaultEngineBuilder;
use deltalake::DeltaTableBuilder;
use deltalake::datafusion::common::Column;
use deltalake::datafusion::logical_expr::Expr;
use deltalake::datafusion::physical_plan::collect;
use deltalake::datafusion::prelude::SessionContext;
use lakeglass_tests::rows::canonical_rows;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use url::Url;

/// Each file's path, with its rows where the log tells.
pub type Files = BTreeMap<String, Option<u64>>;

/// The rows of a version, with these columns, as delta-rs reads them.
pub async fn delta_rs_rows(url: &Url, version: u64, columns: &[String]) -> Result<Vec<String>> {
    let table = DeltaTableBuilder::from_url(url.clone())?
        .with_version(version)
        .load()
        .await?;
    let context = SessionContext::new();
    table.update_datafusion_session(&context.state())?;
    context.register_table("t", table.table_provider().await?)?;
    let rows = context.table("t").await?.select(selected(columns))?;
    canonical_rows(&rows.collect().await?)
}

/// The change feed without its timestamps, as delta-rs reads it.
pub async fn delta_rs_changes(
    url: &Url,
    start: u64,
    end: u64,
    columns: &[String],
) -> Result<Vec<String>> {
    let table = DeltaTableBuilder::from_url(url.clone())?.load().await?;
    let context = SessionContext::new();
    table.update_datafusion_session(&context.state())?;
    let plan = table
        .scan_cdf()
        .with_starting_version(start)
        .with_ending_version(end)
        .build(&context.state(), None)
        .await?;
    let mut batches = Vec::new();
    for batch in collect(plan, context.task_ctx()).await? {
        batches.push(these(batch, columns)?);
    }
    canonical_rows(&batches)
}

/// These columns of a batch. delta-rs counts versions without a sign, Spark with one.
fn these(batch: RecordBatch, columns: &[String]) -> Result<RecordBatch> {
    let columns = columns.iter().map(|name| {
        let values = batch.column_by_name(name).context("a column is missing")?;
        let values = match values.data_type() {
            DataType::UInt64 => cast(values, &DataType::Int64)?,
            _ => values.clone(),
        };
        Ok((name.clone(), values))
    });
    let columns: Vec<(String, ArrayRef)> = columns.collect::<Result<_>>()?;
    Ok(RecordBatch::try_from_iter(columns)?)
}

fn selected(columns: &[String]) -> Vec<Expr> {
    let column = |name: &String| Expr::Column(Column::from_name(name));
    columns.iter().map(column).collect()
}

/// The files and the rows of a version, as delta_kernel reads them. It blocks.
pub fn kernel(url: &Url, version: u64) -> Result<(Files, Vec<String>)> {
    let engine = Arc::new(DefaultEngineBuilder::new(Arc::new(LocalFileSystem::new())).build());
    let snapshot = delta_kernel::Snapshot::builder_for(url.as_str())
        .at_version(version)
        .build(engine.as_ref())?;
    ensure!(snapshot.version() == version, "another version");
    let scan = snapshot.scan_builder().build()?;
    let mut files = Files::new();
    for metadata in scan.scan_metadata(engine.as_ref())? {
        let take = |files: &mut Files, file: ScanFile| {
            let path = Path::from_url_path(&file.path).map_or(file.path, |path| path.to_string());
            files.insert(path, file.stats.map(|stats| stats.num_records));
        };
        files = metadata?.visit_scan_files(files, take)?;
    }
    let batches: Vec<RecordBatch> = scan
        .execute(engine)?
        .map(|batch| batch.try_into_record_batch())
        .collect::<Result<_, _>>()?;
    Ok((files, canonical_rows(&batches)?))
}

/// The change feed without its timestamps, as delta_kernel reads it. It blocks.
pub fn kernel_changes(url: &Url, start: u64, end: u64, columns: &[String]) -> Result<Vec<String>> {
    let engine = Arc::new(DefaultEngineBuilder::new(Arc::new(LocalFileSystem::new())).build());
    let changes = TableChanges::try_new(url.clone(), engine.as_ref(), start, Some(end))?;
    let scan = changes.into_scan_builder().build()?;
    let mut batches = Vec::new();
    for batch in scan.execute(engine)? {
        batches.push(these(batch.try_into_record_batch()?, columns)?);
    }
    canonical_rows(&batches)
}
