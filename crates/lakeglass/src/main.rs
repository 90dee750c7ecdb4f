//! `lakeglass`: see `lakeglass --help`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lakeglass::commands::{fingerprint, seed, serve, simulate, sql};
use lakeglass::errors::one_line;
use lakeglass::output::OUTPUT_CLOSED;
use query_engine::file_being_decoded;
use tracing_subscriber::EnvFilter;

/// A Delta Lake playground: the page's server, and its engine on the command line.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Options),
    Seed(seed::Options),
    Simulate(simulate::Options),
    Sql(sql::Options),
    Fingerprint(fingerprint::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Cli::parse().command;
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        // What a damaged data file makes of Parquet's decoders comes as the statement's error.
        if file_being_decoded().is_none() {
            report(panic);
        }
    }));
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_env("LAKEGLASS_LOG")
                // s3s logs each object that is not found as an error.
                .unwrap_or_else(|_| EnvFilter::new("warn,s3s=off")),
        )
        .with_writer(std::io::stderr)
        .init();
    let on_one_line = matches!(command, Command::Fingerprint(_));
    let result = match command {
        Command::Serve(options) => serve::run(options).await,
        Command::Seed(options) => seed::run(options).await,
        Command::Simulate(options) => simulate::run(options).await,
        Command::Sql(options) => sql::run(options).await,
        Command::Fingerprint(options) => fingerprint::run(options).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has seen enough: `lakeglass sql … | head`.
        Err(error) if error.code == OUTPUT_CLOSED => ExitCode::SUCCESS,
        Err(error) => {
            let text = error.to_string();
            eprintln!(
                "error: {}",
                if on_one_line { one_line(&text) } else { text }
            );
            ExitCode::FAILURE
        }
    }
}
