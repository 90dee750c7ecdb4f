//! Reads a table with delta-rs, for the browser tests: the second opinion on what the page shows.
//!
//! `delta-rs-sql TABLE SQL` runs SQL with delta-rs' own scan registered as `t`. TABLE is a folder, or
//! `s3://bucket/path` with `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` in the
//! environment. Two more variables there: `TABLE_VERSION` reads that version instead of the latest,
//! `CHANGES_FROM` registers the change feed from that version on as `changes`. Prints
//! `{"version": n, "rows": [[text or null, …], …]}`.

use std::env;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use deltalake::datafusion::prelude::SessionContext;
use deltalake::delta_datafusion::DeltaCdfTableProvider;
use deltalake::logstore::{StorageConfig, default_logstore};
use deltalake::{DeltaTable, DeltaTableBuilder};
use object_store::ObjectStore;
use object_store::aws::AmazonS3Builder;
use object_store::prefix::PrefixStore;
use serde_json::{Value, json};
use url::Url;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [location, sql] = arguments.as_slice() else {
        bail!("usage: delta-rs-sql TABLE SQL")
    };
    let table = open(location).await?;
    let context = SessionContext::new();
    table.update_datafusion_session(&context.state())?;
    context.register_table("t", table.table_provider().await?)?;
    if let Ok(first) = env::var("CHANGES_FROM") {
        let changes = table
            .clone()
            .scan_cdf()
            .with_starting_version(first.parse()?);
        context.register_table(
            "changes",
            Arc::new(DeltaCdfTableProvider::try_new(changes)?),
        )?;
    }
    let mut rows = Vec::new();
    for batch in context.sql(sql).await?.collect().await? {
        rows.extend(texts(&batch)?);
    }
    println!("{}", json!({"version": table.version(), "rows": rows}));
    Ok(())
}

async fn open(location: &str) -> Result<DeltaTable> {
    let mut table = match Url::parse(location) {
        Ok(url) if url.scheme() == "s3" => on_s3(&url)?,
        _ => {
            let folder = Path::new(location).canonicalize()?;
            let Ok(url) = Url::from_directory_path(&folder) else {
                bail!("no URL for {location}")
            };
            DeltaTableBuilder::from_url(url)?.build()?
        }
    };
    match env::var("TABLE_VERSION") {
        Ok(version) => table.load_version(version.parse()?).await?,
        Err(_) => table.load().await?,
    }
    Ok(table)
}

/// delta-rs is built without its own S3 support here: it gets a store, and the part of it that the
/// table is in.
fn on_s3(url: &Url) -> Result<DeltaTable> {
    let bucket = url.host_str().context("a URL without a bucket")?;
    let root: Arc<dyn ObjectStore> = Arc::new(
        AmazonS3Builder::from_env()
            .with_bucket_name(bucket)
            .with_region("us-east-1")
            .with_allow_http(true)
            .build()?,
    );
    let path = url.path().trim_matches('/');
    let files = Arc::new(PrefixStore::new(Arc::clone(&root), path));
    let url = Url::parse(&format!("s3://{bucket}/{path}/"))?;
    let log_store = default_logstore(files, root, &url, &StorageConfig::default());
    Ok(DeltaTable::new(log_store))
}

fn texts(batch: &RecordBatch) -> Result<Vec<Value>> {
    let options = FormatOptions::default();
    let columns = batch
        .columns()
        .iter()
        .map(|column| Ok((ArrayFormatter::try_new(column.as_ref(), &options)?, column)))
        .collect::<Result<Vec<_>>>()?;
    let row = |index| -> Value {
        let cells = columns.iter();
        cells
            .map(|(cell, column)| {
                column
                    .is_valid(index)
                    .then(|| cell.value(index).to_string())
            })
            .collect()
    };
    Ok((0..batch.num_rows()).map(row).collect())
}
