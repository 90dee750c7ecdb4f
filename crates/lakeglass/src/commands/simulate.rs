//! `lakeglass simulate`: events that keep coming.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::Local;
use event_simulator::{Dataset, Defect, Simulator, spoil};
use messages::Error;
use messages::proxy::{COMMIT_OUTCOME_UNKNOWN, COMMIT_PROXY_UNREACHABLE};
use messages::server::ServerConfig;
use query_engine::{Engine, Uuid};
use tokio::time::MissedTickBehavior;

use super::ServedStore;
use super::sql::proxy_token;
use crate::engine::{RowsFile, engine_on, table_name};
use crate::errors::{chain, one_line};
use crate::output::say;
use crate::run::run as run_statement;
use crate::stores::{Buckets, NativeStores, S3Access, table_url};

/// Before a batch is sent again whose outcome is unknown.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// Memory for the statements, in bytes.
const MEMORY_LIMIT: usize = 256 << 20;

/// Appends batches of made-up events to a table until Ctrl-C
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The table. One whose name has 'insurance' or 'claim' in it gets claims, others transactions
    #[arg(long, default_value = "s3a://raw-data-bucket/financial_data_delta")]
    pub table: String,
    /// Seconds from one batch to the next
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0, value_parser = seconds)]
    pub every: f64,
    /// Rows per batch
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rows: u32,
    /// Batches to send; without it, until Ctrl-C
    #[arg(long, value_name = "BATCHES")]
    pub count: Option<u64>,
    /// What is wrong with each batch: negative-amount, null-id, late-timestamp, duplicate-id,
    /// wrong-type or missing-column
    #[arg(long, value_name = "DEFECT")]
    pub spoil: Option<Defect>,
    /// Transactions carry is_flagged
    #[arg(long)]
    pub flagged: bool,
    /// Add columns that the table lacks (schema evolution)
    #[arg(long)]
    pub merge_schema: bool,
    /// The same seed gives the same events but for their times; random without it
    #[arg(long)]
    pub seed: Option<u64>,
    /// Go on after the last batch of this seed that is in the table, wherever an earlier run was
    /// stopped: each batch is there once. --count counts the batches of all runs
    #[arg(long, requires = "seed")]
    pub resume: bool,
    /// The commit proxy to send them to
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4600")]
    pub proxy: String,
    /// Commit to the store itself, without a proxy that runs
    #[arg(long)]
    pub direct: bool,
    /// With --direct: store of the table.
    #[command(flatten)]
    pub store: ServedStore,
}

/// Sends batches and says what became of each.
///
/// # Errors
/// If the very first batch finds no proxy, or the options make no sense.
pub async fn run(options: Options) -> Result<(), Error> {
    let stores = if options.direct {
        NativeStores::new(options.store.buckets()?, options.store.buckets.clone()).writable()
    } else {
        served(&options.proxy).await?
    };
    let engine = engine_on(stores, MEMORY_LIMIT);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let seed = options.seed.unwrap_or(now.as_nanos() as u64);
    let start = i64::try_from(now.as_micros()).unwrap_or_default();
    let mut producer = Producer {
        engine,
        events: Simulator::new(dataset(&options), seed, start),
        batch: 0,
        app_id: match options.resume {
            true => format!("lakeglass simulate, seed {seed}"),
            false => format!("lakeglass simulate, {}", Uuid::new_v4()),
        },
        options,
    };
    let Options {
        rows, every, table, ..
    } = &producer.options;
    say(&format!(
        "{rows} rows every {every} s to {table}, seed {seed}"
    ))?;
    if producer.options.resume {
        producer.resume().await?;
    }
    producer.run().await
}

/// Sends batches, each as a transaction of an application that counts them.
struct Producer {
    engine: Engine,
    events: Simulator,
    /// The next batch, from 0.
    batch: i64,
    app_id: String,
    options: Options,
}

impl Producer {
    /// Leaves out the batches that are in the table.
    async fn resume(&mut self) -> Result<(), Error> {
        let table = table_url(&self.options.table)?;
        let last = self.engine.last_transaction(table.as_str(), &self.app_id);
        let Some(last) = last.await? else {
            return Ok(());
        };
        while self.batch <= last {
            self.events.batch(self.options.rows as usize);
            self.batch += 1;
        }
        say(&format!("{} batches are there", self.batch))
    }

    async fn run(mut self) -> Result<(), Error> {
        let mut ticks = tokio::time::interval(Duration::from_secs_f64(self.options.every));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut committed, mut refused, mut unknown) = (0_u64, 0_u64, 0_u64);
        let count = self.options.count.map(i64::try_from);
        let count = count.map(|count| count.unwrap_or(i64::MAX));
        while count.is_none_or(|count| self.batch < count) {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = tokio::signal::ctrl_c() => break,
            }
            let time = Local::now().format("%H:%M:%S");
            let (rows, sent) = self.send().await?;
            match sent {
                Ok(version) => {
                    committed += 1;
                    match version {
                        Some(version) => say(&format!("{time}  {rows} rows  version {version}"))?,
                        None => say(&format!("{time}  {rows} rows  nothing to do"))?,
                    }
                }
                Err(error)
                    if error.code == COMMIT_PROXY_UNREACHABLE
                        && committed + refused + unknown == 0 =>
                {
                    return Err(error);
                }
                // Not refused: its rows may be in the table.
                Err(error) if error.code == COMMIT_OUTCOME_UNKNOWN => {
                    // The next batch would tell whoever resumes that this one is there.
                    if self.options.resume {
                        return Err(error);
                    }
                    unknown += 1;
                    let error = one_line(&error.to_string());
                    say(&format!("{time}  {rows} rows  outcome unknown: {error}"))?;
                }
                Err(error) => {
                    refused += 1;
                    let error = one_line(&error.to_string());
                    say(&format!("{time}  {rows} rows  refused: {error}"))?;
                }
            }
            self.batch += 1;
        }
        let unknown = match unknown {
            0 => String::new(),
            count => format!(", {count} of unknown outcome"),
        };
        say(&format!(
            "{committed} batches committed, {refused} refused{unknown}"
        ))
    }

    /// Makes the next batch and sends it, again if its outcome is unknown: it is the same statement,
    /// and commits once. Gives the number of rows, and the version or what became of them instead.
    async fn send(&mut self) -> Result<(usize, Result<Option<u64>, Error>), Error> {
        let mut rows = self.events.batch(self.options.rows as usize);
        if let Some(defect) = self.options.spoil {
            rows = spoil(&rows, defect);
        }
        let file = RowsFile::new(&rows)?;
        let evolution = match self.options.merge_schema {
            true => "WITH SCHEMA EVOLUTION ",
            false => "",
        };
        let sql = format!(
            "SET spark.databricks.delta.write.txnAppId = {}; \
             SET spark.databricks.delta.write.txnVersion = {}; \
             INSERT {evolution}INTO {} BY NAME SELECT * FROM {}",
            self.app_id,
            self.batch,
            table_name(&self.options.table),
            file.relation()
        );
        let mut sent = Ok(None);
        for statement in self.engine.parse(&sql)? {
            sent = run_statement(&self.engine, &statement)
                .await
                .map(|outcome| outcome.version);
            for pause in PAUSES {
                if !matches!(&sent, Err(error) if error.code == COMMIT_OUTCOME_UNKNOWN) {
                    break;
                }
                tokio::time::sleep(pause).await;
                let again = run_statement(&self.engine, &statement).await;
                // Who can't be reached tells nothing about the first time.
                match again {
                    Ok(outcome) => sent = Ok(outcome.version),
                    Err(error) if error.code == COMMIT_PROXY_UNREACHABLE => {}
                    Err(error) => sent = Err(error),
                }
            }
        }
        Ok((rows.num_rows(), sent))
    }
}

/// The stores that a running server serves, written through its proxy.
async fn served(proxy: &str) -> Result<NativeStores, Error> {
    let proxy = proxy.trim_end_matches('/');
    let unreachable = |why: String| {
        let message = format!("The commit proxy at {proxy} gives no answer: {why}.");
        Error::new("COMMIT_PROXY_UNREACHABLE", message).with_hint(
            "Start it with `lakeglass serve`, or write to the store itself with --direct.",
        )
    };
    let answer = reqwest::get(format!("{proxy}/api/v1/config")).await;
    let answer = answer.map_err(|error| unreachable(chain(&error)))?;
    let config = answer.json::<ServerConfig>().await;
    let ServerConfig { connection, .. } = config.map_err(|error| unreachable(chain(&error)))?;
    let access = S3Access {
        endpoint: Some(connection.endpoint),
        region: connection.region,
        credentials: connection.credentials,
    };
    NativeStores::new(Buckets::S3(access), connection.buckets).through(proxy, proxy_token())
}

fn dataset(options: &Options) -> Dataset {
    let name = options
        .table
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    if name.contains("insurance") || name.contains("claim") {
        Dataset::Claims
    } else {
        Dataset::Transactions {
            flagged: options.flagged,
        }
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.01..=86_400.0).contains(&seconds) {
        Ok(seconds)
    } else {
        Err("must be between 0.01 and 86400".to_owned())
    }
}
