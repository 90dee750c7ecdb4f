//! `lakeglass seed`: the tables of the walkthrough.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use event_simulator::{Dataset, Simulator};
use futures::TryStreamExt;
use messages::Error;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt};
use query_engine::Engine;
use table_location::TableLocation;

use super::ServedStore;
use crate::engine::{RowsFile, engine_on, table_name};
use crate::errors::chain;
use crate::output::say;
use crate::run::run as run_statement;
use crate::stores::{Buckets, NativeStores};

/// Seconds between two commits of a table. `TIMESTAMP AS OF` is written in seconds, and so are the
/// times that some stores keep: commits of one second could not be told apart.
pub const PAUSE: f64 = 1.1;

/// The buckets of the walkthrough's tables.
const BUCKETS: [&str; 2] = ["raw-data-bucket", "curated-data-bucket"];

/// Memory for the statements that write the tables, in bytes.
const MEMORY_LIMIT: usize = 256 << 20;

/// 2024-05-01, in microseconds since the epoch: when the first event happens.
const START: i64 = 1_714_521_600_000_000;

/// Writes the walkthrough's tables where they are missing
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Delete these tables first, with all that was done to them
    #[arg(long)]
    pub reset: bool,
    /// Seconds between two commits of a table, so that times tell them apart
    #[arg(long, value_name = "SECONDS", default_value_t = PAUSE, value_parser = seconds)]
    pub pause: f64,
    /// Store of the tables.
    #[command(flatten)]
    pub store: ServedStore,
}

/// Seeds the store.
///
/// # Errors
/// If the store refuses.
pub async fn run(options: Options) -> Result<(), Error> {
    let buckets = options.store.buckets()?;
    let pause = Duration::from_secs_f64(options.pause);
    let seeder = Seeder::new(buckets, &options.store.buckets, options.reset, pause);
    seeder.seed().await
}

/// Writer of the walkthrough's tables.
#[derive(Debug)]
pub struct Seeder {
    engine: Engine,
    /// The same stores, to delete from.
    stores: NativeStores,
    reset: bool,
    pause: Duration,
}

/// A table of the walkthrough: its first rows, and the appends that follow.
struct Table {
    bucket: &'static str,
    path: &'static str,
    first: RecordBatch,
    appends: Vec<Append>,
}

struct Append {
    rows: RecordBatch,
    /// With schema evolution.
    evolves: bool,
}

impl Seeder {
    /// `reset`: delete the tables first. `pause`: between two commits of a table.
    pub fn new(buckets: Buckets, names: &[String], reset: bool, pause: Duration) -> Self {
        let stores = || NativeStores::new(buckets.clone(), names.to_vec());
        Self {
            engine: engine_on(stores().writable(), MEMORY_LIMIT),
            stores: stores(),
            reset,
            pause,
        }
    }

    /// Makes the tables that are missing; those that exist are left as they are. Says on stdout
    /// what it did.
    ///
    /// # Errors
    /// The first refusal of the store.
    pub async fn seed(&self) -> Result<(), Error> {
        if let Buckets::Folder(folder) = self.stores.place() {
            for bucket in BUCKETS {
                let bucket = folder.join(bucket);
                std::fs::create_dir_all(&bucket).map_err(|error| {
                    let message = format!("Cannot make {}: {error}.", bucket.display());
                    Error::new("STORE_FAILED", message)
                })?;
            }
        }
        let tables = [transactions(), claims(), dimension()?];
        futures::future::try_join_all(tables.iter().map(|table| self.table(table))).await?;
        Ok(())
    }

    async fn table(&self, table: &Table) -> Result<(), Error> {
        let location = TableLocation::s3(table.bucket, table.path).to_string();
        if self.reset {
            self.delete(table).await?;
        }
        let name = table_name(&location);
        let rows = RowsFile::new(&table.first)?;
        let create = format!(
            "CREATE TABLE IF NOT EXISTS {name} AS SELECT * FROM {}",
            rows.relation()
        );
        let Some(mut version) = self.commit(&create).await? else {
            return say(&format!("{location} exists"));
        };
        let mut count = table.first.num_rows();
        for append in &table.appends {
            tokio::time::sleep(self.pause).await;
            let rows = RowsFile::new(&append.rows)?;
            let evolution = if append.evolves {
                "WITH SCHEMA EVOLUTION "
            } else {
                ""
            };
            let insert = format!(
                "INSERT {evolution}INTO {name} BY NAME SELECT * FROM {}",
                rows.relation()
            );
            version = self.commit(&insert).await?.unwrap_or(version);
            count += append.rows.num_rows();
        }
        say(&format!(
            "{location} is at version {version}, with {count} rows"
        ))
    }

    /// The version that a statement made.
    async fn commit(&self, sql: &str) -> Result<Option<u64>, Error> {
        let statement = self.engine.parse(sql)?.remove(0);
        Ok(run_statement(&self.engine, &statement).await?.version)
    }

    async fn delete(&self, table: &Table) -> Result<(), Error> {
        if let Buckets::Folder(folder) = self.stores.place() {
            return delete_folder(&folder.join(table.bucket).join(table.path));
        }
        let failed = |error: object_store::Error| {
            Error::new(
                "STORE_FAILED",
                format!("Cannot delete {}: {}", table.path, chain(&error)),
            )
        };
        let store = self.stores.bucket(table.bucket)?;
        let root = ObjectPath::from(table.path);
        let objects: Vec<_> = store
            .list(Some(&root))
            .map_ok(|object| object.location)
            .try_collect()
            .await
            .map_err(failed)?;
        // The log first: without it, what is left is no table.
        let (log, data): (Vec<_>, Vec<_>) = objects
            .into_iter()
            .partition(|path| path.parts().any(|p| p.as_ref() == "_delta_log"));
        for path in log.iter().chain(&data) {
            store.delete(path).await.map_err(failed)?;
        }
        Ok(())
    }
}

fn delete_folder(folder: &Path) -> Result<(), Error> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::new(
            "STORE_FAILED",
            format!("Cannot delete {}: {error}.", folder.display()),
        )),
        _ => Ok(()),
    }
}

/// 2,000 rows in five commits, then 410 with a new column.
fn transactions() -> Table {
    let mut events = Simulator::new(Dataset::Transactions { flagged: false }, 1, START);
    let first = events.batch(400);
    let mut appends: Vec<_> = (0..4)
        .map(|_| Append {
            rows: events.batch(400),
            evolves: false,
        })
        .collect();
    appends.push(Append {
        rows: events.with_flag().batch(410),
        evolves: true,
    });
    Table {
        bucket: "raw-data-bucket",
        path: "financial_data_delta",
        first,
        appends,
    }
}

fn claims() -> Table {
    let mut events = Simulator::new(Dataset::Claims, 2, START);
    let first = events.batch(200);
    let appends = (0..2)
        .map(|_| Append {
            rows: events.batch(150),
            evolves: false,
        })
        .collect();
    Table {
        bucket: "raw-data-bucket",
        path: "insurance_data_delta",
        first,
        appends,
    }
}

fn dimension() -> Result<Table, Error> {
    let strings =
        |values: [&'static str; 3]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    let columns = [
        ("transaction_id", strings(["T001", "T002", "T003"])),
        ("date", strings(["2024-05-01", "2024-05-01", "2024-05-02"])),
        ("account_id", strings(["A001", "A002", "A001"])),
        (
            "amount",
            Arc::new(Float64Array::from(vec![100.0, 200.0, 50.0])) as ArrayRef,
        ),
        ("currency", strings(["USD", "USD", "EUR"])),
        ("type", strings(["credit", "debit", "payment"])),
    ];
    let first = RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, values)| (name, values, true)),
    )
    .map_err(|error| Error::new("INTERNAL_ERROR", error.to_string()))?;
    let path = "financial_transactions_dim";
    Ok(Table {
        bucket: "curated-data-bucket",
        path,
        first,
        appends: Vec::new(),
    })
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=60.0).contains(&seconds) {
        Ok(seconds)
    } else {
        Err("0 to 60".to_owned())
    }
}
