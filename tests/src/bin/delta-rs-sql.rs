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
use deltalake::{DeltaTable, DeltaTableBuilder};
use object_store::aws::AmazonS3Builder;
use serde_json::{Value, json};
use url::{Position, Url};

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
    let mut builder = match Url::parse(location) {
        Ok(url) if url.scheme() == "s3" => {
            let bucket = url.host_str().context("a URL without a bucket")?;
            let store = AmazonS3Builder::from_env()
                .with_url(&url[..Position::BeforePath])
                .with_bucket_name(bucket)
                .with_region("us-east-1")
                .with_allow_http(true)
                .build()?;
            DeltaTableBuilder::from_url(url.clone())?.with_storage_backend(Arc::new(store), url)
        }
        _ => {
            let folder = Path::new(location).canonicalize()?;
            let Ok(url) = Url::from_directory_path(&folder) else {
                bail!("no URL for {location}")
            };
            DeltaTableBuilder::from_url(url)?
        }
    };
    if let Ok(version) = env::var("TABLE_VERSION") {
        builder = builder.with_version(version.parse()?);
    }
    Ok(builder.load().await?)
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
