//! Every golden table, row by row, through the query engine: checksums of its versions and of its
//! change feed, and the differences between versions.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use arrow::array::{AsArray, RecordBatch};
use delta_log::TimeTravel;
use lakeglass::environment::SystemEnvironment;
use lakeglass::fingerprint::render::RowRenderer;
use lakeglass::fingerprint::{Fingerprint, Subject, fingerprint};
use lakeglass::run::rows_of;
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
        environment: Arc::new(SystemEnvironment),
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
        if !golden.is_readable() {
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

/// Rows as canonical text, and how often each is there.
type Bag = BTreeMap<Vec<u8>, i64>;

fn add_rows(bag: &mut Bag, batch: &RecordBatch, sign: impl Fn(usize) -> i64) -> Result<()> {
    let renderer = RowRenderer::new(batch.columns())?;
    for row in 0..batch.num_rows() {
        let mut text = Vec::new();
        renderer.render(row, &mut text);
        *bag.entry(text).or_default() += sign(row);
    }
    bag.retain(|_, count| *count != 0);
    Ok(())
}

async fn bag_of(engine: &Engine, table: &str, version: u64) -> Result<Bag> {
    let mut bag = Bag::new();
    let sql = format!("SELECT * FROM delta.`{table}` VERSION AS OF {version}");
    for batch in rows_of(engine, &sql).await? {
        add_rows(&mut bag, &batch, |_| 1)?;
    }
    Ok(bag)
}

/// Applies `table_diff` from one version to the other; the number of rows that differ. `None` where
/// the schemas cannot be compared.
async fn apply_diff(
    engine: &Engine,
    table: &str,
    bag: &mut Bag,
    (from, to): (u64, u64),
) -> Result<Option<usize>> {
    let sql = format!("SELECT * FROM table_diff_by_path('{table}', {from}, {to})");
    let batches = match rows_of(engine, &sql).await {
        Err(error) if error.code == "DELTA_DIFF_INCOMPATIBLE_SCHEMA" => return Ok(None),
        batches => batches?,
    };
    let mut count = 0;
    for batch in batches {
        count += batch.num_rows();
        let table_columns: Vec<usize> = (0..batch.num_columns() - 3).collect();
        let types = batch.column(table_columns.len()).as_string::<i32>().clone();
        let sign = |row| match types.value(row) {
            "insert" => 1,
            _ => -1,
        };
        add_rows(bag, &batch.project(&table_columns)?, sign)?;
    }
    Ok(Some(count))
}

/// From the first version to the last and back, and between the last ones.
#[tokio::test]
async fn the_difference_between_versions_turns_one_into_the_other() {
    let compared = on_tables(|golden| async move {
        let versions = golden.expected["versions"].as_array();
        let versions: Vec<u64> = versions
            .context("no versions")?
            .iter()
            .filter(|listed| listed["data"] == "ok")
            .filter_map(|listed| listed["version"].as_u64())
            .collect();
        let Some((&first, &last)) = versions.first().zip(versions.last()) else {
            return Ok(0);
        };
        let mut pairs = vec![(first, last), (last, first)];
        pairs.extend(
            versions
                .windows(2)
                .rev()
                .take(2)
                .map(|pair| (pair[0], pair[1])),
        );
        let engine = engine();
        let url = Url::from_directory_path(golden.path()).ok();
        let url = url.context("not a path")?.to_string();
        let (mut bags, mut schemas) = (BTreeMap::new(), BTreeMap::new());
        for version in pairs.iter().flat_map(|(from, to)| [*from, *to]) {
            if let Entry::Vacant(bag) = bags.entry(version) {
                let at = TimeTravel::Version(version);
                let snapshot = open_local(golden.path())?.snapshot(at).await?;
                schemas.insert(version, snapshot.arrow_schema());
                bag.insert(bag_of(&engine, &url, version).await?);
            }
        }
        let mut compared = 0;
        for (from, to) in pairs {
            let mut bag = bags[&from].clone();
            let Some(rows) = apply_diff(&engine, &url, &mut bag, (from, to)).await? else {
                continue;
            };
            // With columns that `from` lacks, rows look different where nothing else is.
            if schemas[&from] != schemas[&to] {
                continue;
            }
            let wrong = || format!("from {from} to {to} by {rows} rows");
            ensure!(bag == bags[&to], wrong());
            compared += 1;
        }
        Ok(compared)
    })
    .await;
    assert!(compared > 200, "{compared}");
}
