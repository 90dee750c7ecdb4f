//! `lakeglass sql`: the tab's engine, natively.

use std::io::Read;

use messages::Error;
use query_engine::Engine;

use super::ReadOptions;
use crate::engine::engine_on;
use crate::output::{Format, print, to_stdout};
use crate::run::run as run_statement;
use crate::stores::NativeStores;

/// Runs statements and prints their results
///
/// Tables are named by path (delta.`s3a://bucket/path`, delta.`https://host/path`,
/// delta.`/local/path`) or, in the buckets that are looked into, by name.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// One or more statements, separated by ';'; '-' reads them from standard input
    pub sql: String,
    /// How to print results. Only table prints that of each statement, the others the last one's
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// A running commit proxy to make writes through
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,
    /// Memory for queries, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub memory_limit: usize,
    /// Where the tables are.
    #[command(flatten)]
    pub store: ReadOptions,
}

/// Runs the statements, one after the other.
///
/// # Errors
/// The first statement's that fails; those after it do not run.
pub async fn run(options: Options) -> Result<(), Error> {
    let sql = if options.sql == "-" {
        let mut sql = String::new();
        std::io::stdin()
            .read_to_string(&mut sql)
            .map_err(|error| Error::new("INPUT_FAILED", error.to_string()))?;
        sql
    } else {
        options.sql.clone()
    };
    let engine = engine(
        &options.store,
        options.proxy.as_deref(),
        options.memory_limit,
    )?;
    let statements = engine.parse(&sql)?;
    for (i, statement) in statements.iter().enumerate() {
        let outcome = run_statement(&engine, statement).await?;
        for warning in &outcome.warnings {
            eprintln!("warning: {warning}");
        }
        if options.format == Format::Table || i + 1 == statements.len() {
            to_stdout(|out| print(&outcome, options.format, out))?;
        }
    }
    Ok(())
}

/// The engine on these stores. Writes go to `proxy`, or to the store itself where its options allow
/// it.
///
/// # Errors
/// If the options make no sense.
pub fn engine(
    store: &ReadOptions,
    proxy: Option<&str>,
    memory_limit_mib: usize,
) -> Result<Engine, Error> {
    let buckets = store.buckets()?;
    let stores = NativeStores::new(buckets, store.bucket_names());
    let stores = match proxy {
        Some(proxy) => stores.through(proxy, proxy_token())?,
        None => stores.writable(),
    };
    Ok(engine_on(
        stores,
        memory_limit_mib.saturating_mul(1024 * 1024),
    ))
}

/// The secret that a proxy asks of writers: `LAKEGLASS_TOKEN`, if it is set.
pub(super) fn proxy_token() -> Option<String> {
    std::env::var("LAKEGLASS_TOKEN").ok()
}
