//! The queries on this machine's own processor, on one thread, with the engine of the tab.

use std::fs;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use messages::Error;
use object_store::http::HttpBuilder;
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore};
use query_engine::{Engine, EngineOptions, Scheduler, StoreLocation, Stores};
use serde_json::{Value, json};
use url::{Position, Url};

const MEMORY_LIMIT: usize = 2 << 30;

/// Runs each query once with a new engine (cold), then `warm` times more, and prints a line each.
pub fn run(table: &str, queries: &FilePath, warm: usize) -> Result<()> {
    let text = fs::read_to_string(queries)
        .with_context(|| format!("cannot read {}", queries.display()))?;
    let queries: Vec<Value> = serde_json::from_str(&text)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    for query in &queries {
        let name = query["name"].as_str().context("a query without a name")?;
        let sql = query["sql"].as_str().context("a query without its text")?;
        let sql = sql.replace("$TABLE", &format!("delta.`{table}`"));
        let measured = runtime.block_on(measure(&sql, warm))?;
        println!(
            "{}",
            json!({"name": name, "times": measured.times, "rows": measured.rows})
        );
    }
    Ok(())
}

struct Measured {
    /// In milliseconds; the first one cold.
    times: Vec<f64>,
    rows: Vec<Vec<Option<String>>>,
}

async fn measure(sql: &str, warm: usize) -> Result<Measured> {
    let engine = Engine::new(EngineOptions {
        memory_limit: MEMORY_LIMIT,
        stores: Arc::new(HttpStores),
        environment: Arc::new(Steady::default()),
        scheduler: Arc::new(NoPauses),
    });
    let mut times = Vec::new();
    let mut rows = Vec::new();
    for _ in 0..=warm {
        let started = Instant::now();
        let batches = execute(&engine, sql)
            .await
            .map_err(|error| anyhow!("{sql}: {error}"))?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
        rows = texts(&batches)?;
    }
    Ok(Measured { times, rows })
}

async fn execute(engine: &Engine, sql: &str) -> Result<Vec<RecordBatch>, Error> {
    let mut batches = Vec::new();
    for statement in engine.parse(sql)? {
        let mut execution = engine.execute(&statement).await?;
        while let Some(batch) = execution.next().await {
            batches.push(batch?);
        }
    }
    Ok(batches)
}

fn texts(batches: &[RecordBatch]) -> Result<Vec<Vec<Option<String>>>> {
    let options = FormatOptions::default();
    let mut rows = Vec::new();
    for batch in batches {
        let formatters = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
            .collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            let cells = formatters.iter().zip(batch.columns());
            rows.push(
                cells
                    .map(|(cell, column)| column.is_valid(row).then(|| cell.value(row).to_string()))
                    .collect(),
            );
        }
    }
    Ok(rows)
}

/// Tables on a plain HTTP server.
#[derive(Debug)]
struct HttpStores;

impl Stores for HttpStores {
    fn resolve(&self, url: &Url) -> Result<StoreLocation, Error> {
        let broken = |error: &dyn std::fmt::Display| Error::new("BENCH", error.to_string());
        let store = HttpBuilder::new()
            .with_url(&url[..Position::BeforePath])
            .with_client_options(ClientOptions::new().with_allow_http(true))
            .build()
            .map_err(|error| broken(&error))?;
        let root = Path::from_url_path(url.path()).map_err(|error| broken(&error))?;
        let store: Arc<dyn ObjectStore> = Arc::new(store);
        Ok(StoreLocation {
            store,
            root,
            location: url.to_string(),
            can_list: false,
            can_write: false,
        })
    }

    fn buckets(&self) -> Vec<String> {
        Vec::new()
    }
}

/// One thread with nothing else to do.
#[derive(Debug)]
struct NoPauses;

#[async_trait::async_trait]
impl Scheduler for NoPauses {
    async fn yield_now(&self) {}
}

/// A clock that stands still, and ids that count.
#[derive(Debug, Default)]
struct Steady(std::sync::atomic::AtomicU64);

impl query_engine::Environment for Steady {
    fn now(&self) -> i64 {
        1_700_000_000_000
    }

    fn uuid(&self) -> query_engine::Uuid {
        let n = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        query_engine::Uuid::from_u64_pair(7, n)
    }
}
