//! The native halves of `cargo xtask bench query` and `cargo xtask bench reader`: writes the tables,
//! and reads them natively on one thread, for comparison with the browser.

mod big_log;
mod native;
mod reader;
mod table;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Write the table into a folder that must not exist yet.
    Write { folder: PathBuf },
    /// Run the queries of a JSON file, `[{"name", "sql"}]`, on the table at an http URL that
    /// stands where the queries say `$TABLE`; print what came out as JSON, a line per query.
    Run {
        /// URL of the table.
        table: String,
        /// The file with the queries.
        queries: PathBuf,
        /// Warm runs after the cold one.
        #[arg(long, default_value_t = 5)]
        warm: usize,
    },
    /// Write a log of 10,000 commits into a folder that must not exist yet.
    WriteLog {
        folder: PathBuf,
        /// What it consists of beside commits.
        layout: big_log::Layout,
        /// The same seed makes the same log.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Open such a log from an S3 endpoint, refresh it, and print what that took as JSON, a line
    /// per step.
    Open {
        /// URL of the S3 API.
        endpoint: String,
        bucket: String,
        /// The table's folder in the bucket.
        name: String,
        /// The same folder on this machine.
        folder: PathBuf,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().task {
        Task::Write { folder } => table::write(&folder),
        Task::Run {
            table,
            queries,
            warm,
        } => native::run(&table, &queries, warm),
        Task::WriteLog {
            folder,
            layout,
            seed,
        } => big_log::write(&folder, layout, seed),
        Task::Open {
            endpoint,
            bucket,
            name,
            folder,
        } => reader::run(&endpoint, &bucket, &name, &folder),
    }
}
