//! Every golden table beside delta-rs and delta_kernel: the same versions, files and row counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use delta_kernel::scan::state::ScanFile;
use delta_kernel_default_engine::DefaultEngineBuilder;
use delta_log::{Snapshot, TimeTravel};
use deltalake::DeltaTableBuilder;
use lakeglass_tests::{GoldenTable, golden_tables, open_local};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use url::Url;

/// Path of each file, with its rows, deleted ones too, where the log tells.
type Files = BTreeMap<String, Option<u64>>;

fn readable() -> Result<Vec<GoldenTable>> {
    let tables = golden_tables()?.into_iter();
    Ok(tables.filter(GoldenTable::is_readable).collect())
}

/// The versions that `expected.json` names, the latest one last.
fn versions(golden: &GoldenTable) -> Vec<u64> {
    let listed = golden.expected["versions"].as_array().into_iter().flatten();
    let latest = golden.expected["latest_version"].as_u64();
    let versions: BTreeSet<u64> = listed
        .filter_map(|version| version["version"].as_u64())
        .chain(latest)
        .collect();
    versions.into_iter().collect()
}

fn ours(snapshot: &Snapshot) -> Result<Files> {
    let files = snapshot.files();
    (0..files.len())
        .map(|i| Ok((files.path(i)?.to_string(), files.num_stored_records(i))))
        .collect()
}

/// The same files, of the same numbers of rows where the oracle knows them: delta_kernel does not
/// look into a checkpoint's struct statistics.
fn agree(ours: &Files, theirs: &Files) -> bool {
    ours.keys().eq(theirs.keys())
        && theirs
            .iter()
            .all(|(path, rows)| rows.is_none() || ours.get(path) == Some(rows))
}

/// Compares each version of each table with what an oracle finds; versions that the oracle does not
/// read are counted, and must be few.
async fn compare<F: Future<Output = Result<Files>>>(oracle: impl Fn(GoldenTable, u64) -> F) {
    let mut failures = Vec::new();
    let (mut agreed, mut unread) = (0, Vec::new());
    for golden in readable().unwrap() {
        let table = open_local(golden.path()).unwrap();
        for version in versions(&golden) {
            let name = format!("{} version {version}", golden.name);
            let theirs = match oracle(golden.clone(), version).await {
                Ok(files) => files,
                Err(error) => {
                    unread.push(format!("{name}: {error:#}"));
                    continue;
                }
            };
            let snapshot = table.snapshot(TimeTravel::Version(version)).await;
            match snapshot
                .map_err(anyhow::Error::from)
                .and_then(|snapshot| ours(&snapshot))
            {
                Ok(files) if agree(&files, &theirs) => agreed += 1,
                Ok(files) => failures.push(format!("{name}: {files:?}, the oracle: {theirs:?}")),
                Err(error) => failures.push(format!("{name}: {error:#}")),
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(
        agreed > 240 && unread.len() < 20,
        "{agreed} agreed; the oracle did not read:\n{}",
        unread.join("\n")
    );
}

#[tokio::test]
async fn files_of_every_version_are_those_that_delta_rs_finds() {
    compare(|golden, version| async move {
        let url = Url::from_directory_path(golden.path())
            .ok()
            .context("not a path")?;
        let table = DeltaTableBuilder::from_url(url)?
            .with_version(version)
            .load()
            .await?;
        ensure!(table.version() == Some(version), "another version");
        let files = table.snapshot()?.log_data();
        let files = files.iter().map(|file| {
            let rows = file.num_records().map(|rows| rows as u64);
            (file.object_store_path().to_string(), rows)
        });
        Ok(files.collect())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_every_version_are_those_that_delta_kernel_finds() {
    compare(|golden, version| async move {
        // The kernel's engine blocks.
        tokio::task::spawn_blocking(move || kernel_files(&golden, version)).await?
    })
    .await;
}

fn kernel_files(golden: &GoldenTable, version: u64) -> Result<Files> {
    let url = Url::from_directory_path(golden.path())
        .ok()
        .context("not a path")?;
    let engine = DefaultEngineBuilder::new(Arc::new(LocalFileSystem::new())).build();
    let snapshot = delta_kernel::Snapshot::builder_for(url.as_str())
        .at_version(version)
        .build(&engine)?;
    ensure!(snapshot.version() == version, "another version");
    let scan = snapshot.scan_builder().build()?;
    let mut files = Files::new();
    for metadata in scan.scan_metadata(&engine)? {
        let take = |files: &mut Files, file: ScanFile| {
            let path = Path::from_url_path(&file.path).map_or(file.path, |path| path.to_string());
            files.insert(path, file.stats.map(|stats| stats.num_records));
        };
        files = metadata?.visit_scan_files(files, take)?;
    }
    Ok(files)
}
