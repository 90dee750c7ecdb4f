//! The native half of `cargo xtask bench query`: writes the table, and runs the queries natively
//! on one thread, for comparison with the browser.

mod native;
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
}

fn main() -> Result<()> {
    match Arguments::parse().task {
        Task::Write { folder } => table::write(&folder),
        Task::Run {
            table,
            queries,
            warm,
        } => native::run(&table, &queries, warm),
    }
}
