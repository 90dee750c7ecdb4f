//! `cargo xtask bench query`: the page beside DuckDB-WASM and native DataFusion.

use std::fs;

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
}

/// Sets up, measures, prints.
pub fn run(workspace: &Workspace, bench: &Bench) -> Result<()> {
    let Bench::Query { warm } = bench;
    let steps = Steps::new();
    system::ensure(workspace, &[system::CHROMIUM])?;
    demo::build(workspace, &steps)?;
    steps.step("bench", "build the native half, optimised", || {
        let mut cargo = workspace.command("cargo");
        cargo.args(["build", "--release", "--package", "lakeglass-bench"]);
        process::run("bench", &mut cargo, |_| ())
    })?;
    artifacts::node_modules(workspace, &steps, "tests/browser")?;
    artifacts::node_modules(workspace, &steps, "tests/bench")?;

    let native = workspace.target.join("release/lakeglass-bench");
    let work = workspace.target.join("bench");
    let table = work.join("transactions");
    if !table.join("_delta_log/00000000000000000000.json").exists() {
        // What an interrupted run left would be taken for the table.
        if table.exists() {
            fs::remove_dir_all(&table).context("cannot remove an unfinished table")?;
        }
        fs::create_dir_all(&work).context("cannot create the table's folder")?;
        steps.step("bench", "write the table", || {
            let mut write = workspace.command(&native);
            process::run("bench", write.arg("write").arg(&table), |_| ())
        })?;
    }
    steps.step("bench", "measure", || {
        let mut node = workspace.command("node");
        node.arg("tests/bench/query.mjs")
            .arg(warm.to_string())
            .env("LAKEGLASS_BINARY", workspace.lakeglass())
            .env("LAKEGLASS_PAGE", workspace.page())
            .env("LAKEGLASS_BENCH", &native)
            .env("LAKEGLASS_BENCH_DATA", &work)
            .env("LAKEGLASS_CHROMIUM", system::CHROMIUM.require(workspace)?);
        process::run("bench", &mut node, |_| ())
    })
}
