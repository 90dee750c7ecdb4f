//! The program as its users run it, on tables of its own making.

mod bank;
mod fingerprint;
mod guide;
mod seed;
mod serve;
mod simulate;
mod sql;

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

const TRANSACTIONS: &str = "s3a://raw-data-bucket/financial_data_delta";
const DIMENSION: &str = "s3a://curated-data-bucket/financial_transactions_dim";

fn lakeglass() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lakeglass"));
    command.stdin(Stdio::null());
    // Whoever runs the tests may have set up a store of their own.
    for name in ["ENDPOINT", "REGION", "ACCESS_KEY", "SECRET_KEY"] {
        command.env_remove(format!("LAKEGLASS_S3_{name}"));
    }
    command
        .env_remove("LAKEGLASS_PUBLIC_ENDPOINT")
        .env_remove("LAKEGLASS_LOG");
    command
}

fn run(args: &[&str], data: &Path) -> Output {
    lakeglass()
        .args(args)
        .arg("--data")
        .arg(data)
        .output()
        .expect("lakeglass runs")
}

/// Standard output of a run that must succeed.
fn stdout(args: &[&str], data: &Path) -> String {
    let output = run(args, data);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    assert!(output.status.success(), "{args:?}: {}", text(output.stderr));
    text(output.stdout)
}

/// Standard error of a run that must fail, with code 1 and nothing on standard output.
fn stderr(args: &[&str], data: &Path) -> String {
    let output = run(args, data);
    assert_eq!(output.status.code(), Some(1), "{args:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{args:?}");
    String::from_utf8(output.stderr).expect("UTF-8")
}

/// The result of a script, as `--format json` prints it.
fn query(sql: &str, data: &Path) -> Value {
    serde_json::from_str(&stdout(&["sql", sql, "--format", "json"], data)).expect("JSON")
}

/// Seeds a store.
fn seeded() -> TempDir {
    let data = tempfile::tempdir().expect("temporary folder");
    stdout(&["seed", "--pause", "0"], data.path());
    data
}

/// A seeded store that no test changes.
fn shared() -> &'static Path {
    static DATA: OnceLock<TempDir> = OnceLock::new();
    DATA.get_or_init(seeded).path()
}
