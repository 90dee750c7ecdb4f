//! `cargo xtask bench query`: the page beside DuckDB-WASM and native DataFusion.
//! `cargo xtask bench reader`: how a long log is opened, natively and in the page.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;
use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{artifacts, demo, system};

/// What to measure.
#[derive(Debug, clap::Subcommand)]
pub enum Bench {
    /// Seven queries on 2,000,000 transactions, each cold and warm: in the page, in DuckDB-WASM,
    /// and in native DataFusion on one thread.
    Query {
        /// Warm runs of each query; the median counts.
        #[arg(long, default_value_t = 5)]
        warm: usize,
    },
    /// Logs of 10,000 commits and 100,000 files: opened, and refreshed after one more commit.
    /// Prints times, requests, bytes and memory.
    Reader {
        /// The same seed makes the same logs.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

/// How a log's checkpoints may be laid out: the names that the native half knows.
const LAYOUTS: [&str; 3] = ["classic", "sidecars", "compacted"];

/// Sets up, measures, prints.
pub fn run(workspace: &Workspace, bench: &Bench) -> Result<()> {
    let steps = Steps::new();
    system::ensure(workspace, &[system::CHROMIUM])?;
    demo::build(workspace, &steps, artifacts::Purpose::Trial)?;
    steps.step("bench", "build the native half, optimised", || {
        let mut cargo = workspace.command("cargo");
        cargo.args(["build", "--release", "--package", "lakeglass-bench"]);
        process::run("bench", &mut cargo, |_| ())
    })?;
    artifacts::node_modules(workspace, &steps, "tests/browser")?;
    let native = workspace.target.join("release/lakeglass-bench");
    match bench {
        Bench::Query { warm } => query(workspace, &steps, &native, *warm),
        Bench::Reader { seed } => reader(workspace, &steps, &native, *seed),
    }
}

fn query(workspace: &Workspace, steps: &Steps, native: &Path, warm: usize) -> Result<()> {
    artifacts::node_modules(workspace, steps, "tests/bench")?;
    let work = workspace.target.join("bench");
    let table = work.join("transactions");
    if !table.join("_delta_log/00000000000000000000.json").exists() {
        let mut write = workspace.command(native);
        write.arg("write").arg(&table);
        write_anew(steps, &table, "write the table", write)?;
    }
    measure(workspace, steps, native, &work, |node| {
        node.arg("tests/bench/query.mjs").arg(warm.to_string());
    })
}

fn reader(workspace: &Workspace, steps: &Steps, native: &Path, seed: u64) -> Result<()> {
    let work = workspace.target.join(format!("bench/reader-{seed}"));
    for layout in LAYOUTS {
        let table = work.join("logs").join(layout);
        // Written last.
        if !table.join("next.json").exists() {
            let mut write = workspace.command(native);
            write
                .arg("write-log")
                .arg(&table)
                .args([layout, "--seed", &seed.to_string()]);
            write_anew(steps, &table, &format!("write the {layout} log"), write)?;
        }
    }
    measure(workspace, steps, native, &work, |node| {
        node.arg("tests/bench/reader.mjs");
    })
}

/// Runs `write`, which writes `table`, in place of what an interrupted run may have left there.
fn write_anew(steps: &Steps, table: &Path, what: &str, mut write: Command) -> Result<()> {
    if table.exists() {
        fs::remove_dir_all(table).context("cannot remove an unfinished table")?;
    }
    let above = table.parent().unwrap_or(table);
    fs::create_dir_all(above).context("cannot create the table's folder")?;
    steps.step("bench", what, || process::run("bench", &mut write, |_| ()))
}

fn measure(
    workspace: &Workspace,
    steps: &Steps,
    native: &Path,
    work: &Path,
    script: impl FnOnce(&mut Command),
) -> Result<()> {
    steps.step("bench", "measure", || {
        let mut node = workspace.command("node");
        script(&mut node);
        node.env("LAKEGLASS_BINARY", workspace.lakeglass())
            .env("LAKEGLASS_PAGE", workspace.page())
            .env("LAKEGLASS_BENCH", native)
            .env("LAKEGLASS_BENCH_DATA", work)
            .env("LAKEGLASS_CHROMIUM", system::CHROMIUM.require(workspace)?);
        process::run("bench", &mut node, |_| ())
    })
}
