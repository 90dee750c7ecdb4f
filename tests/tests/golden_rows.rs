//! Every golden table, row by row, through the query engine: checksums of its versions and of its
//! change feed.

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use delta_log::TimeTravel;
use lakeglass::fingerprint::{Fingerprint, Subject, fingerprint};
use lakeglass::scheduler::TokioScheduler;
use lakeglass::stores::{Buckets, NativeStores};
use lakeglass_tests::{GoldenTable, golden_tables, open_local};
use query_engine::{Engine, EngineOptions};
use serde_json::{Value, json};
use url::Url;

fn engine() -> Engine {
    let buckets = Buckets::Folder(std::env::temp_dir());
    Engine::new(EngineOptions {
        memory_limit: 512 * 1024 * 1024,
        stores: Arc::new(NativeStores::new(buckets, Vec::new())),
        committer: None,
        scheduler: Arc::new(TokioScheduler),
    })
}

async fn take(golden: &GoldenTable, subject: Subject) -> Result<Fingerprint> {
    let table = open_local(golden.path())?;
    let url = Url::from_directory_path(golden.path())
        .ok()
        .context("not a path")?;
    Ok(fingerprint(&engine(), &table, url.as_str(), &subject).await?)
}

fn version(number: u64) -> Subject {
    Subject {
        at: TimeTravel::Version(number),
        changes: None,
        log_only: false,
    }
}

fn equal(what: &str, actual: Value, expected: &Value) -> Result<()> {
    ensure!(actual == *expected, "{what}: {actual}, expected {expected}");
    Ok(())
}

/// The rows of one version, or of the change feed, against `expected`.
fn equal_rows(actual: &Value, expected: &Value) -> Result<()> {
    equal("rows", actual["num_rows"].clone(), &expected["num_rows"])?;
    equal(
        "checksum",
        actual["checksum"].clone(),
        &expected["checksum"],
    )
}

/// Runs a check on every table that can be read, and reports all that fail.
async fn on_tables<F: Future<Output = Result<usize>>>(check: impl Fn(GoldenTable) -> F) -> usize {
    let (mut checked, mut failures) = (0, Vec::new());
    for golden in golden_tables().unwrap() {
        if !matches!(golden.expect(), "ok" | "log_only") || !golden.unread_features().is_empty() {
            continue;
        }
        let name = golden.name.clone();
        match check(golden).await {
            Ok(count) => checked += count,
            Err(error) => failures.push(format!("{name}: {error:#}")),
        }
    }
    assert!(
        failures.is_empty(),
        "{} tables:\n{}",
        failures.len(),
        failures.join("\n")
    );
    checked
}

#[tokio::test]
async fn rows_of_every_version_are_as_expected() {
    let checked = on_tables(|golden| async move {
        let mut checked = 0;
        let expected = &golden.expected;
        let latest = expected["latest_version"].as_u64().context("no version")?;
        for listed in expected["versions"].as_array().context("no versions")? {
            let number = listed["version"].as_u64().context("no version")?;
            let taken = take(&golden, version(number)).await;
            match (listed["data"].as_str(), taken) {
                (Some("ok"), Ok(taken)) => equal_rows(&json!(taken), listed),
                (Some("ok"), Err(error)) => Err(error),
                (Some("missing"), Err(_)) => Ok(()),
                (Some("missing"), Ok(taken)) => {
                    Err(anyhow::anyhow!("{:?} came without data files", taken.rows))
                }
                _ => continue,
            }
            .with_context(|| format!("version {number}"))?;
            checked += 1;
        }
        if expected["checksum"].is_string() {
            let taken = json!(take(&golden, version(latest)).await?);
            let columns = taken["checksum_columns"].clone();
            equal("columns", columns, &expected["checksum_columns"])?;
            equal_rows(&taken, expected)?;
            checked += 1;
        }
        if expected["scan"] == "must_error" && take(&golden, version(latest)).await.is_ok() {
            bail!("a scan without data files gave rows");
        }
        Ok(checked)
    })
    .await;
    assert!(checked > 250, "{checked}");
}

#[tokio::test]
async fn change_feeds_are_as_expected() {
    let checked = on_tables(|golden| async move {
        let expected = &golden.expected["cdf"];
        let Some(start) = expected["start_version"].as_u64() else {
            return Ok(0);
        };
        let changes = Some((start, expected["end_version"].as_u64()));
        let subject = Subject {
            at: TimeTravel::Latest,
            changes,
            log_only: true,
        };
        let taken = json!(take(&golden, subject).await?.cdf);
        equal("counts", taken["counts"].clone(), &expected["counts"])?;
        equal_rows(&taken, expected)?;
        Ok(1)
    })
    .await;
    assert!(checked >= 8, "{checked}");
}
