//! Every golden table, as far as the log alone tells: versions, protocol, schema, active files.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use delta_log::{ChangeBound, ChangeColumns, Error, Snapshot, Table, TimeTravel};
use lakeglass_tests::{GoldenTable, copy_folder, golden_table, golden_tables, open_local};
use serde_json::{Value, json};

/// Runs a check on every table for which `choose` is true, and reports all that fail.
async fn on_tables<F: Future<Output = Result<()>>>(
    choose: impl Fn(&GoldenTable) -> bool,
    check: impl Fn(GoldenTable) -> F,
) {
    let mut failures = Vec::new();
    let mut checked = 0;
    for table in golden_tables().unwrap() {
        if !choose(&table) {
            continue;
        }
        checked += 1;
        let name = table.name.clone();
        if let Err(error) = check(table).await {
            failures.push(format!("{name}: {error:#}"));
        }
    }
    assert!(checked > 0, "no table was checked");
    assert!(
        failures.is_empty(),
        "{} of {checked}:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[tokio::test]
async fn latest_version_of_each_readable_table_is_as_expected() {
    on_tables(GoldenTable::is_readable, |golden| async move {
        let snapshot = open_local(golden.path())?
            .snapshot(TimeTravel::Latest)
            .await?;
        let expected = &golden.expected;
        equal(
            "version",
            json!(snapshot.version()),
            &expected["latest_version"],
        )?;
        let protocol = snapshot.protocol();
        let features = |names: &Option<Vec<String>>| match names {
            Some(names) => json!(names.iter().collect::<BTreeSet<_>>()),
            None => Value::Null,
        };
        let sorted = |names: &Value| match names.as_array() {
            Some(names) => json!(
                names
                    .iter()
                    .filter_map(Value::as_str)
                    .collect::<BTreeSet<_>>()
            ),
            None => Value::Null,
        };
        let of = &expected["protocol"];
        equal(
            "reader version",
            json!(protocol.min_reader_version),
            &of["minReaderVersion"],
        )?;
        equal(
            "writer version",
            json!(protocol.min_writer_version),
            &of["minWriterVersion"],
        )?;
        let reader_features = sorted(&of["readerFeatures"]);
        equal(
            "reader features",
            features(&protocol.reader_features),
            &reader_features,
        )?;
        let writer_features = sorted(&of["writerFeatures"]);
        equal(
            "writer features",
            features(&protocol.writer_features),
            &writer_features,
        )?;

        let of = &expected["metadata"];
        let metadata = snapshot.metadata();
        equal("id", json!(metadata.id), &of["id"])?;
        equal("name", json!(metadata.name), &of["name"])?;
        equal(
            "partitions",
            json!(snapshot.partition_columns()),
            &of["partitionColumns"],
        )?;
        equal(
            "properties",
            json!(metadata.configuration),
            &of["configuration"],
        )?;
        equal("schema", schema(&snapshot), &expected["schema"])?;
        equal(
            "files",
            json!(snapshot.files().len()),
            &expected["num_files"],
        )?;
        if expected["paths"].is_array() {
            equal("paths", paths(&golden, &snapshot)?, &expected["paths"])?;
        }
        let rows = [&expected["num_rows"], &expected["num_rows_from_stats"]];
        if let (Some(counted), Some(rows)) = (
            snapshot.files().num_records_total(),
            rows.iter().find(|rows| rows.is_u64()),
        ) {
            equal("rows", json!(counted), rows)?;
        }
        if expected["num_rows_from_stats"].is_u64() {
            ensure!(
                snapshot.files().num_records_total().is_some(),
                "no rows from statistics"
            );
        }
        bounds_are_of_the_columns_types(&snapshot)
    })
    .await;
}

#[tokio::test]
async fn rows_are_counted_from_a_checkpoint_that_has_only_typed_statistics() {
    let golden = golden_table("spark-transaction_log_schema_evolvability").unwrap();
    let snapshot = open_local(golden.path())
        .unwrap()
        .snapshot(TimeTravel::Latest)
        .await
        .unwrap();
    assert_eq!(snapshot.files().num_records_total(), Some(18));
}

#[tokio::test]
async fn every_version_of_each_readable_table_has_its_files() {
    on_tables(GoldenTable::is_readable, |golden| async move {
        let table = open_local(golden.path())?;
        for version in golden.expected["versions"]
            .as_array()
            .context("no versions")?
        {
            let number = version["version"].as_u64().context("no version")?;
            let snapshot = match table.snapshot(TimeTravel::Version(number)).await {
                Err(Error::UnsupportedFeature(_)) => continue,
                snapshot => snapshot.with_context(|| format!("version {number}"))?,
            };
            equal("version", json!(snapshot.version()), &version["version"])?;
            equal(
                "files",
                json!(snapshot.files().len()),
                &version["num_files"],
            )
            .with_context(|| format!("version {number}"))?;
        }
        for number in unreadable_versions(&golden) {
            match table.snapshot(TimeTravel::Version(number)).await {
                Err(Error::VersionNotFound { .. } | Error::MissingCommit { .. }) => {}
                other => bail!("version {number}: {other:?}"),
            }
        }
        let next = golden.expected["latest_version"]
            .as_u64()
            .context("no version")?
            + 1;
        match table.snapshot(TimeTravel::Version(next)).await {
            Err(Error::VersionNotFound { latest, .. }) if latest + 1 == next => Ok(()),
            other => bail!("version {next}, which is yet to come: {other:?}"),
        }
    })
    .await;
}

#[tokio::test]
async fn broken_and_unreadable_tables_are_errors() {
    let choose = |golden: &GoldenTable| golden.expect() == "error";
    on_tables(choose, |golden| async move {
        match open_local(golden.path())?
            .snapshot(TimeTravel::Latest)
            .await
        {
            Err(_) => Ok(()),
            Ok(snapshot) => bail!("version {} was read", snapshot.version()),
        }
    })
    .await;
}

#[tokio::test]
async fn tables_that_engines_disagree_on_end_in_an_answer() {
    let choose = |golden: &GoldenTable| golden.expect() == "unknown";
    on_tables(choose, |golden| async move {
        if let Ok(snapshot) = open_local(golden.path())?
            .snapshot(TimeTravel::Latest)
            .await
        {
            ensure!(snapshot.files().len() <= 1, "files were invented");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn time_travel_by_timestamp_finds_the_version_that_was_current() {
    let choose = |golden: &GoldenTable| {
        golden.is_readable() && golden.expected["time_travel_by_timestamp"].is_object()
    };
    on_tables(choose, |golden| async move {
        let expected = &golden.expected["time_travel_by_timestamp"];
        let copy = tempfile::tempdir()?;
        copy_folder(golden.path(), copy.path())?;
        let times = expected["commit_file_mtime_ms"].as_object();
        for (version, time) in times.into_iter().flatten() {
            let version: u64 = version.parse()?;
            let time = time.as_u64().context("not a time")?;
            let commit = copy.path().join(format!("_delta_log/{version:020}.json"));
            let file = std::fs::File::options().write(true).open(commit)?;
            file.set_modified(UNIX_EPOCH + Duration::from_millis(time))?;
        }
        let table = open_local(copy.path())?;
        for case in expected["cases"].as_array().context("no cases")? {
            let timestamp = case["timestamp_ms"].as_i64().context("not a time")?;
            let snapshot = table.snapshot(TimeTravel::Timestamp(timestamp)).await?;
            equal("version", json!(snapshot.version()), &case["version"])?;
        }
        let all: Vec<i64> = times
            .into_iter()
            .flat_map(|times| times.values())
            .filter_map(Value::as_i64)
            .collect();
        let (Some(first), Some(last)) = (all.iter().min(), all.iter().max()) else {
            return Ok(());
        };
        match table.snapshot(TimeTravel::Timestamp(first - 1)).await {
            Err(Error::TimestampBeforeFirstCommit { earliest, .. }) if earliest == *first => {}
            other => bail!("before the first commit at {first}: {other:?}"),
        }
        match table.snapshot(TimeTravel::Timestamp(last + 1_000)).await {
            Err(Error::TimestampAfterLastCommit { latest, .. }) if latest >= *last => Ok(()),
            other => bail!("after the last commit at {last}: {other:?}"),
        }
    })
    .await;
}

#[tokio::test]
async fn refreshed_snapshot_is_that_of_a_fresh_reader() {
    on_tables(GoldenTable::is_readable, |golden| async move {
        let table = open_local(golden.path())?;
        let latest = table.snapshot(TimeTravel::Latest).await?;
        let Ok(first) = table.snapshot(TimeTravel::Version(0)).await else {
            return Ok(());
        };
        let refreshed = table.refresh(&first).await?;
        equal(
            "version",
            json!(refreshed.version()),
            &json!(latest.version()),
        )?;
        equal(
            "paths",
            paths(&golden, &refreshed)?,
            &paths(&golden, &latest)?,
        )?;
        let records = |snapshot: &Snapshot| json!(snapshot.files().num_records_total());
        equal("rows", records(&refreshed), &records(&latest))?;
        let again = table.refresh(&refreshed).await?;
        ensure!(
            std::sync::Arc::ptr_eq(&again, &refreshed),
            "read again without need"
        );
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn table_reads_the_same_where_the_store_cannot_list() {
    on_tables(GoldenTable::is_readable, |golden| async move {
        let listing = open_local(golden.path())?;
        let probing = Table {
            can_list: false,
            ..listing.clone()
        };
        let expected = listing.snapshot(TimeTravel::Latest).await?;
        match probing.snapshot(TimeTravel::Latest).await {
            Ok(snapshot) => {
                equal(
                    "version",
                    json!(snapshot.version()),
                    &json!(expected.version()),
                )?;
                equal(
                    "paths",
                    paths(&golden, &snapshot)?,
                    &paths(&golden, &expected)?,
                )
            }
            // Without a listing there is no way to it but the hint.
            Err(Error::NotATable { .. } | Error::MissingCommit { .. })
                if !golden.path().join("_delta_log/_last_checkpoint").exists() =>
            {
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    })
    .await;
}

#[tokio::test]
async fn history_adds_up_to_the_latest_version() {
    on_tables(GoldenTable::is_readable, |golden| async move {
        let table = open_local(golden.path())?;
        let history = match table.history(None).await {
            Err(Error::UnsupportedFeature(_)) => return Ok(()),
            history => history?,
        };
        let snapshot = table.snapshot(TimeTravel::Latest).await?;
        let Some(newest) = history.first() else {
            // All that is left is a checkpoint.
            return equal("commits", json!(commits(golden.path())?), &json!(0));
        };
        equal("version", json!(newest.version), &json!(snapshot.version()))?;
        ensure!(
            history
                .windows(2)
                .all(|pair| pair[0].version > pair[1].version),
            "order"
        );
        ensure!(
            history
                .windows(2)
                .all(|pair| pair[0].timestamp_ms > pair[1].timestamp_ms),
            "times"
        );
        if let Some(files) = newest.num_files {
            equal("files", json!(files), &json!(snapshot.files().len()))?;
            equal(
                "rows",
                json!(newest.num_rows),
                &json!(snapshot.files().num_records_total()),
            )?;
        }
        let limited = table.history(Some(1)).await?;
        equal("limit", json!(limited.len()), &json!(1))?;
        equal("limited", json!(limited[0].version), &json!(newest.version))
    })
    .await;
}

#[tokio::test]
async fn change_feed_plan_covers_the_versions_that_changed_rows() {
    let choose = |golden: &GoldenTable| golden.is_readable() && golden.expected["cdf"].is_object();
    on_tables(choose, |golden| async move {
        let expected = &golden.expected["cdf"];
        let bound = |name: &str| expected[name].as_u64().map(ChangeBound::Version);
        let start = bound("start_version").context("no start")?;
        let plan = open_local(golden.path())?
            .changes(start, bound("end_version"), ChangeColumns::OfEnd)
            .await?;
        let planned: BTreeSet<u64> = plan
            .versions
            .iter()
            .map(|version| version.version)
            .collect();
        for version in expected["counts"].as_object().context("no counts")?.keys() {
            ensure!(
                planned.contains(&version.parse()?),
                "version {version} is not planned"
            );
        }
        for source in plan.versions.iter().flat_map(|version| &version.sources) {
            let file = golden.path().join(source.path.as_ref());
            let size = std::fs::metadata(&file)
                .with_context(|| file.display().to_string())?
                .len();
            equal("size", json!(source.size), &json!(size))?;
        }
        Ok(())
    })
    .await;
}

fn equal(what: &str, actual: Value, expected: &Value) -> Result<()> {
    ensure!(actual == *expected, "{what}: {actual}, expected {expected}");
    Ok(())
}

/// As `expected.json` has it: top-level fields, without their metadata.
fn schema(snapshot: &Snapshot) -> Value {
    let fields = snapshot.schema().fields().iter().map(|field| {
        let mut data_type = field.data_type.to_json();
        strip_metadata(&mut data_type);
        json!({ "name": field.name, "type": data_type, "nullable": field.nullable })
    });
    Value::Array(fields.collect())
}

fn strip_metadata(data_type: &mut Value) {
    match data_type {
        Value::Object(parts) => {
            parts.remove("metadata");
            parts.values_mut().for_each(strip_metadata);
        }
        Value::Array(parts) => parts.iter_mut().for_each(strip_metadata),
        _ => {}
    }
}

fn paths(golden: &GoldenTable, snapshot: &Snapshot) -> Result<Value> {
    let files = snapshot.files();
    let mut paths = Vec::new();
    for i in 0..files.len() {
        let path = match files.path(i) {
            Ok(path) => path.to_string(),
            Err(Error::ForeignPath { path }) => path,
            Err(error) => bail!("{}: {error}", golden.name),
        };
        paths.push(path);
    }
    paths.sort();
    Ok(json!(paths))
}

fn unreadable_versions(golden: &GoldenTable) -> Vec<u64> {
    let versions = &golden.expected["unreadable_versions"];
    match versions.as_array() {
        Some(versions) => versions.iter().filter_map(Value::as_u64).collect(),
        None => match (versions["from"].as_u64(), versions["to"].as_u64()) {
            (Some(from), Some(to)) => (from..=to).collect(),
            _ => Vec::new(),
        },
    }
}

/// Each column gives bounds of its own type, one for each file, and a minimum that is not above
/// the maximum.
fn bounds_are_of_the_columns_types(snapshot: &Snapshot) -> Result<()> {
    let files = snapshot.files();
    for field in snapshot.schema().fields() {
        if snapshot.partition_columns().contains(&field.name) {
            let values = files.partition_values(&field.name)?;
            ensure!(
                values.len() == files.len(),
                "partition values of {}",
                field.name
            );
            ensure!(
                *values.data_type() == field.data_type.to_arrow(),
                "type of {}",
                field.name
            );
            continue;
        }
        let (min, max) = (
            files.min_values(&field.name)?,
            files.max_values(&field.name)?,
        );
        let (Some(min), Some(max)) = (min, max) else {
            continue;
        };
        for bound in [&min, &max] {
            ensure!(bound.len() == files.len(), "bounds of {}", field.name);
            ensure!(
                *bound.data_type() == field.data_type.to_arrow(),
                "type of {}",
                field.name
            );
        }
        let compare = arrow::array::make_comparator(&min, &max, Default::default())?;
        for i in 0..files.len() {
            let known = min.is_valid(i) && max.is_valid(i);
            ensure!(
                !known || compare(i, i).is_le(),
                "bounds of {} in file {i}",
                field.name
            );
        }
    }
    Ok(())
}

/// How many commits a table's log has.
fn commits(table: &Path) -> Result<usize> {
    let mut commits = 0;
    for entry in std::fs::read_dir(table.join("_delta_log"))? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        commits += usize::from(name.len() == 25 && name.ends_with(".json"));
    }
    Ok(commits)
}
