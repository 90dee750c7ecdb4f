//! The project's tasks: `cargo xtask demo`, `test`, `lint`, `ci`, `minio`, `keys`, `bench`.
//!
//! Each sets up what it needs: tools at pinned versions, page, worker and binary.

mod artifacts;
mod bench;
mod counts;
mod demo;
mod keys;
mod lanes;
mod lint;
mod minio;
mod process;
mod rustdoc;
mod steps;
mod suites;
mod system;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::steps::Steps;
use crate::suites::Suite;
use crate::workspace::Workspace;

#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "The project's tasks"
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build everything and serve the page with example tables.
    Demo(demo::Options),
    /// Build page, worker and binary, as `demo` does; with --dist, as they ship.
    Build(demo::BuildOptions),
    /// Set up for, and run, every test.
    Test(suites::Options),
    /// Check formats, lints, documentation and dependencies.
    Lint,
    /// `lint` and `test` in one go, compiling nothing twice.
    Ci,
    /// Find or build MinIO; with --run, start it.
    Minio(minio::Options),
    /// Write `.env` with keys of your own for the MinIO of `docker compose`.
    Keys,
    /// Measure.
    #[command(subcommand)]
    Bench(bench::Bench),
}

fn main() -> ExitCode {
    if let Some(code) = rustdoc::called_by_cargo() {
        return code;
    }
    let arguments = Arguments::parse();
    let workspace = Workspace::find();
    let result = process::stop_children_on_signal().and_then(|()| match &arguments.task {
        Task::Demo(options) => demo::run(&workspace, options).map(|()| true),
        Task::Build(options) => {
            demo::build(&workspace, &Steps::new(), options.purpose()).map(|()| true)
        }
        Task::Test(options) => Ok(suites::run(&workspace, options.suites())),
        Task::Lint => Ok(suites::run(&workspace.clone().with_lints(), &[Suite::Lint])),
        Task::Ci => Ok(suites::run(&workspace.clone().with_lints(), &Suite::ALL)),
        Task::Minio(options) => minio::run(&workspace, options).map(|()| true),
        Task::Keys => keys::run(&workspace).map(|()| true),
        Task::Bench(bench) => bench::run(&workspace, bench).map(|()| true),
    });
    process::park_if_signalled();
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
