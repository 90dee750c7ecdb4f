//! `lakeglass fingerprint`: what a table holds, for comparison with another reader.

use delta_log::{Table, TimeTravel};
use messages::Error;
use query_engine::Stores;

use super::ReadOptions;
use super::sql::engine;
use crate::fingerprint::{Subject, fingerprint};
use crate::output::say;
use crate::stores::{NativeStores, table_url};

/// Prints what a table holds, as one JSON object: version, protocol, schema, files, rows, and a
/// checksum over all rows
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// A path, or a URL: file, s3a (see --data and --endpoint), http, https
    pub table: String,
    /// At this version instead of the latest
    #[arg(long, value_name = "N", conflicts_with = "timestamp")]
    pub version: Option<u64>,
    /// As of this time, in milliseconds since the epoch
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
    pub timestamp: Option<i64>,
    /// Also the change feed from version A to version B, both included; 'A..' goes to the latest
    #[arg(long, value_name = "A..B", value_parser = changes, conflicts_with = "log_only")]
    pub changes: Option<(u64, Option<u64>)>,
    /// Leave out what needs data files: num_rows and checksum
    #[arg(long)]
    pub log_only: bool,
    /// Where the table is.
    #[command(flatten)]
    pub store: ReadOptions,
}

/// Prints the fingerprint.
///
/// # Errors
/// If the table can't be read.
pub async fn run(options: Options) -> Result<(), Error> {
    let url = table_url(&options.table)?;
    let place = NativeStores::new(options.store.buckets()?, Vec::new()).resolve(&url)?;
    let table = Table::new(place.store, place.root, place.location, place.can_list);
    let subject = Subject {
        at: match (options.version, options.timestamp) {
            (Some(version), _) => TimeTravel::Version(version),
            (None, Some(timestamp)) => TimeTravel::Timestamp(timestamp),
            (None, None) => TimeTravel::Latest,
        },
        changes: options.changes,
        log_only: options.log_only,
    };
    let engine = engine(&options.store, None, 4096)?;
    let fingerprint = fingerprint(&engine, &table, url.as_str(), &subject).await?;
    let text = serde_json::to_string(&fingerprint)
        .map_err(|error| Error::new("INTERNAL_ERROR", error.to_string()))?;
    say(&text)
}

fn changes(text: &str) -> Result<(u64, Option<u64>), String> {
    let number = |text: &str| {
        text.parse()
            .map_err(|_| format!("'{text}' is not a version"))
    };
    let (start, end) = text.split_once("..").ok_or("write A..B")?;
    let end = if end.is_empty() {
        None
    } else {
        Some(number(end)?)
    };
    Ok((number(start)?, end))
}
