//! The project's tasks: `cargo xtask demo`, `test`, `minio`, `bench`.
//!
//! Each sets up what it needs: tools at pinned versions, page, worker and binary.

mod artifacts;
mod bench;
mod counts;
mod demo;
mod lanes;
mod minio;
mod process;
mod steps;
mod suites;
mod system;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::steps::Steps;
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
    /// Build page, worker and binary, as `demo` does.
    Build,
    /// Set up for, and run, every test.
    Test(suites::Options),
    /// Find or build MinIO; with --run, start it.
    Minio(minio::Options),
    /// Measure.
    #[command(subcommand)]
    Bench(bench::Bench),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let workspace = Workspace::find();
    let result = process::stop_children_on_signal().and_then(|()| match &arguments.task {
        Task::Demo(options) => demo::run(&workspace, options).map(|()| true),
        Task::Build => demo::build(&workspace, &Steps::new()).map(|()| true),
        Task::Test(options) => Ok(suites::run(&workspace, options)),
        Task::Minio(options) => minio::run(&workspace, options).map(|()| true),
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
