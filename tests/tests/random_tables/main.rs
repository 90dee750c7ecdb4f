//! Random tables that delta-rs writes: every version and its change feed, as we read them, beside
//! what delta-rs and delta_kernel read; and random filters, with and without skipping.
//!
//! `PROPTEST_RNG_SEED` and `PROPTEST_CASES` in the environment ask for other tables, and for more.

mod oracles;
mod plan;
mod values;
mod writer;

use std::ops::AddAssign;

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
    /// Versions, each read by delta_kernel.
    versions: usize,
    /// Those of them that delta-rs read too.
    versions_of_delta_rs: usize,
    /// Change feeds that delta-rs read.
    feeds_of_delta_rs: usize,
    /// Change feeds that delta_kernel read.
    feeds_of_kernel: usize,
    filters: usize,
}

impl AddAssign for Checked {
    fn add_assign(&mut self, other: Self) {
        self.versions += other.versions;
        self.versions_of_delta_rs += other.versions_of_delta_rs;
        self.feeds_of_delta_rs += other.feeds_of_delta_rs;
        self.feeds_of_kernel += other.feeds_of_kernel;
        self.filters += other.filters;
    }
}

/// Which oracles read what we read.
#[derive(Debug, Clone, Copy)]
struct Agreed {
    delta_rs: bool,
    kernel: bool,
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
        let mut sum = total.get();
        sum += checked;
        total.set(sum);
        Ok(())
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(reason, plan)) => panic!("{seed:?}: {reason}\n{plan:#?}"),
        Err(error) => panic!("{seed:?}: {error}"),
    }
    let total = total.get();
    println!("{total:?}");
    // An oracle that reads nothing agrees with everything.
    assert!(
        total.versions > 40
            && total.versions_of_delta_rs > 20
            && total.feeds_of_delta_rs > 0
            && total.feeds_of_kernel > 0
            && total.filters > 80,
        "{total:?}"
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
        let agreed = compare_version(&engine, table, url, version)
            .await
            .with_context(|| format!("version {version}"))?;
        checked.versions += 1;
        checked.versions_of_delta_rs += usize::from(agreed.delta_rs);
        checked.filters += check_filters(&engine, &name, &mut random, FILTERS).await?;
    }
    if plan.change_feed {
        let start = random.below(latest as usize + 1) as u64;
        for (start, end) in [(0, latest), (start, latest)] {
            let agreed = compare_changes(&engine, table, url, start, end)
                .await
                .with_context(|| format!("changes from {start} to {end}"))?;
            checked.feeds_of_delta_rs += usize::from(agreed.delta_rs);
            checked.feeds_of_kernel += usize::from(agreed.kernel);
        }
    }
    Ok(checked)
}

async fn compare_version(
    engine: &Engine,
    table: &Table,
    url: &Url,
    version: u64,
) -> Result<Agreed> {
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
    let agreed = agreed(&ours, delta_rs, Ok(kernels_rows))?;
    let files = snapshot.files();
    let our_files = (0..files.len())
        .map(|i| Ok((files.path(i)?.to_string(), files.num_stored_records(i))))
        .collect::<Result<Files>>()?;
    ensure!(
        our_files == kernels_files,
        "files: {our_files:?}, delta_kernel: {kernels_files:?}"
    );
    Ok(agreed)
}

/// Which oracles read the feed too: delta-rs finds no files whose paths are escaped, and
/// delta_kernel refuses a schema that changes.
async fn compare_changes(
    engine: &Engine,
    table: &Table,
    url: &Url,
    start: u64,
    end: u64,
) -> Result<Agreed> {
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
    agreed(&ours, delta_rs, kernel)
}

/// Compares our rows with those of the oracles that could read them.
///
/// # Errors
/// If one read something else.
fn agreed(
    ours: &[String],
    delta_rs: Result<Vec<String>>,
    kernel: Result<Vec<String>>,
) -> Result<Agreed> {
    let agrees = |name: &str, theirs: Result<Vec<String>>| match theirs {
        Ok(theirs) => equal(ours, &theirs, &format!("we and {name}")).map(|()| true),
        Err(_) => Ok(false),
    };
    Ok(Agreed {
        delta_rs: agrees("delta-rs", delta_rs)?,
        kernel: agrees("delta_kernel", kernel)?,
    })
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
