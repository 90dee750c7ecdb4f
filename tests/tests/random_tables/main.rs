//! Random tables that delta-rs writes: every version and its change feed, as we read them, beside
//! what delta-rs and delta_kernel read; and random filters, with and without skipping.
//!
//! `PROPTEST_RNG_SEED` and `PROPTEST_CASES` in the environment ask for other tables, and for more.

mod oracles;
mod plan;
mod values;
mod writer;

use anyhow::{Context, Result, ensure};
use delta_log::{Table, TimeTravel};
use lakeglass::run::rows_of;
use lakeglass_tests::filters::check_filters;
use lakeglass_tests::open_local;
use lakeglass_tests::random::Random;
use lakeglass_tests::rows::{canonical_rows, difference, local_engine};
use oracles::Files;
use plan::Plan;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use query_engine::Engine;
use url::Url;
use writer::Writer;

/// Random filters for each version.
const FILTERS: usize = 4;

/// What one table was good for.
#[derive(Debug, Default, Clone, Copy)]
struct Checked {
    versions: usize,
    feeds: usize,
    filters: usize,
}

#[test]
fn every_version_and_feed_is_read_as_delta_rs_and_delta_kernel_read_it() {
    let mut config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 12;
    }
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(4);
    }
    config.max_shrink_iters = 40;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let total = std::cell::Cell::new(Checked::default());
    let seed = config.rng_seed;
    let result = TestRunner::new(config).run(&plan::plan(), |plan| {
        let checked = runtime
            .block_on(check(&plan))
            .map_err(|error| TestCaseError::fail(format!("{error:#}")))?;
        let so_far = total.get();
        total.set(Checked {
            versions: so_far.versions + checked.versions,
            feeds: so_far.feeds + checked.feeds,
            filters: so_far.filters + checked.filters,
        });
        Ok(())
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(reason, plan)) => panic!("{seed:?}: {reason}\n{plan:#?}"),
        Err(error) => panic!("{seed:?}: {error}"),
    }
    let Checked {
        versions,
        feeds,
        filters,
    } = total.get();
    println!("{versions} versions, {feeds} feeds, {filters} filters");
    assert!(
        versions > 40 && feeds > 3 && filters > 80,
        "{:?}",
        total.get()
    );
}

async fn check(plan: &Plan) -> Result<Checked> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().canonicalize()?;
    let url = Url::from_directory_path(&path).ok().context("not a path")?;
    let mut log = Vec::new();
    let mut writer = Writer::create(url.clone(), plan).await.context("create")?;
    for step in &plan.steps {
        // What delta-rs can't do is not our concern: the versions that it did make are.
        if let Err(error) = writer.apply(step).await {
            log.push(format!("{step:?} was refused: {error}"));
        }
    }
    let table = open_local(&path)?;
    compare(&table, &url, plan)
        .await
        .with_context(|| log.join("\n"))
}

async fn compare(table: &Table, url: &Url, plan: &Plan) -> Result<Checked> {
    let engine = local_engine();
    let latest = table.snapshot(TimeTravel::Latest).await?.version();
    let mut random = Random::new(plan.seed);
    let mut checked = Checked::default();
    for version in 0..=latest {
        let name = format!("delta.`{url}` VERSION AS OF {version}");
        compare_version(&engine, table, url, version)
            .await
            .with_context(|| format!("version {version}"))?;
        checked.versions += 1;
        checked.filters += check_filters(&engine, &name, &mut random, FILTERS).await?;
    }
    if plan.change_feed {
        let start = random.below(latest as usize + 1) as u64;
        for (start, end) in [(0, latest), (start, latest)] {
            let read = compare_changes(&engine, table, url, start, end)
                .await
                .with_context(|| format!("changes from {start} to {end}"))?;
            checked.feeds += usize::from(read);
        }
    }
    Ok(checked)
}

async fn compare_version(engine: &Engine, table: &Table, url: &Url, version: u64) -> Result<()> {
    let snapshot = table.snapshot(TimeTravel::Version(version)).await?;
    let sql = format!("SELECT * FROM delta.`{url}` VERSION AS OF {version}");
    let ours = canonical_rows(&rows_of(engine, &sql).await?)?;

    let schema = snapshot.arrow_schema();
    let columns: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
    let delta_rs = oracles::delta_rs_rows(url, version, &columns).await;

    let kernels = {
        let url = url.clone();
        tokio::task::spawn_blocking(move || oracles::kernel(&url, version)).await?
    };
    let (kernels_files, kernels_rows) = kernels.context("delta_kernel")?;
    agreed(
        &ours,
        &[("delta-rs", delta_rs), ("delta_kernel", Ok(kernels_rows))],
    )?;
    let files = snapshot.files();
    let our_files = (0..files.len())
        .map(|i| Ok((files.path(i)?.to_string(), files.num_stored_records(i))))
        .collect::<Result<Files>>()?;
    ensure!(
        our_files == kernels_files,
        "files: {our_files:?}, delta_kernel: {kernels_files:?}"
    );
    Ok(())
}

/// Whether an oracle read the feed too: delta-rs finds no files whose paths are escaped, and
/// delta_kernel no schema that changes.
async fn compare_changes(
    engine: &Engine,
    table: &Table,
    url: &Url,
    start: u64,
    end: u64,
) -> Result<bool> {
    let schema = table
        .snapshot(TimeTravel::Version(end))
        .await?
        .arrow_schema();
    let mut columns: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
    columns.extend(["_change_type".to_owned(), "_commit_version".to_owned()]);
    let names: Vec<String> = columns.iter().map(|name| format!("`{name}`")).collect();
    let sql = format!(
        "SELECT {} FROM table_changes('delta.`{url}`', {start}, {end})",
        names.join(", ")
    );
    let ours = canonical_rows(&rows_of(engine, &sql).await?)?;
    let delta_rs = oracles::delta_rs_changes(url, start, end, &columns).await;
    let kernel = {
        let url = url.clone();
        let read = move || oracles::kernel_changes(&url, start, end, &columns);
        tokio::task::spawn_blocking(read).await?
    };
    let read = agreed(&ours, &[("delta-rs", delta_rs), ("delta_kernel", kernel)])?;
    Ok(read > 0)
}

/// How many oracles read what we read.
///
/// # Errors
/// If one read something else.
fn agreed(ours: &[String], oracles: &[(&str, Result<Vec<String>>)]) -> Result<usize> {
    let mut read = 0;
    for (name, theirs) in oracles {
        if let Ok(theirs) = theirs {
            equal(ours, theirs, &format!("we and {name}"))?;
            read += 1;
        }
    }
    Ok(read)
}

fn equal(ours: &[String], theirs: &[String], who: &str) -> Result<()> {
    let differing = difference(ours, theirs);
    ensure!(
        differing.is_none(),
        "{who}: {}",
        differing.unwrap_or_default()
    );
    Ok(())
}
