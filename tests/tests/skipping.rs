//! Every golden table, by random filters: what a query skips has no rows that it should have found.

use anyhow::{Context, Result};
use lakeglass_tests::filters::check_filters;
use lakeglass_tests::random::Random;
use lakeglass_tests::rows::local_engine;
use lakeglass_tests::{GoldenTable, golden_tables};
use url::Url;

const FILTERS: usize = 5;

async fn check(golden: &GoldenTable) -> Result<usize> {
    let url = Url::from_directory_path(golden.path())
        .ok()
        .context("not a path")?;
    // The same filters for the same table, whatever other tables there are.
    let seed = golden.name.bytes().fold(7, |seed: u64, byte| {
        seed.wrapping_mul(31).wrapping_add(byte.into())
    });
    let table = format!("delta.`{url}`");
    check_filters(&local_engine(), &table, &mut Random::new(seed), FILTERS).await
}

#[tokio::test]
async fn golden_tables_lose_no_rows_by_skipping() {
    let (mut checked, mut failures) = (0, Vec::new());
    for golden in golden_tables().unwrap() {
        if golden.expect() != "ok" {
            continue;
        }
        match check(&golden).await {
            Ok(filters) => checked += filters,
            Err(error) => failures.push(format!("{}: {error:#}", golden.name)),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(checked > 250, "{checked} filters were checked");
}
