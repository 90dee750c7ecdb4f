//! Our writes on tables that others wrote: rows that stay the same when they are written again, go when
//! all are deleted, and come back when the table is restored; as we read them, and as delta-rs and
//! delta_kernel do wherever they can read the table at all. A table that is not written is refused by
//! name, and its log stays as it was.

#[path = "random_tables/oracles.rs"]
#[allow(dead_code)]
mod oracles;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use delta_log::TimeTravel;
use lakeglass::run::{rows_of, run};
use lakeglass_tests::rows::{canonical_rows, difference, writing_engine};
use lakeglass_tests::{copy_folder, golden_tables, open_local};
use query_engine::Engine;
use url::Url;

#[derive(Debug, Default)]
struct Tally {
    written: usize,
    refused: usize,
    optimized: usize,
    partly_deleted: usize,
    vacuumed: usize,
    renamed: usize,
    narrowed: usize,
    read_by_delta_rs: usize,
    read_by_kernel: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_other_writers_keep_their_rows() {
    keep_their_rows(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_other_writers_keep_their_rows_though_they_go_by_deletion_vectors() {
    keep_their_rows(true).await;
}

async fn keep_their_rows(with_vectors: bool) {
    let mut tally = Tally::default();
    let mut failures = Vec::new();
    for table in golden_tables().unwrap() {
        if table.expect() != "ok" {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut copy = folder.path().join("table");
        // One whose log has its own path is a copy already, this run's own, and can't be elsewhere.
        match table.expected["prepare"].is_object() {
            true => copy = table.path().to_owned(),
            false => copy_folder(table.path(), &copy).unwrap(),
        }
        let checked = check(&copy, with_vectors, &mut tally).await;
        if let Err(error) = checked {
            failures.push(format!("{}: {error:#}", table.name));
        }
    }
    println!("{tally:?}");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    // Or nothing was looked at.
    assert!(tally.written >= 100, "{tally:?}");
    assert!(tally.optimized >= 150, "{tally:?}");
    assert!(tally.partly_deleted >= 60, "{tally:?}");
    assert!(tally.vacuumed >= 90, "{tally:?}");
    assert!(tally.renamed >= 95 && tally.narrowed >= 50, "{tally:?}");
    assert!(tally.read_by_delta_rs >= 95, "{tally:?}");
    assert!(tally.read_by_kernel >= 100, "{tally:?}");
}

/// The rows of the latest version as each reader has them; `None` of one that can't read it.
struct Readings {
    ours: Vec<String>,
    delta_rs: Option<Vec<String>>,
    kernel: Option<Vec<String>>,
}

impl Readings {
    async fn take(folder: &Path, columns: &[String]) -> Result<Self> {
        let url = Url::from_directory_path(folder).map_err(|()| anyhow::anyhow!("no URL"))?;
        let latest = open_local(folder)?
            .snapshot(TimeTravel::Latest)
            .await?
            .version();
        let engine = writing_engine();
        let rows = rows_of(&engine, &format!("SELECT * FROM {}", name(folder))).await?;
        let delta_rs = oracles::delta_rs_rows(&url, latest, columns).await.ok();
        let kernel = tokio::task::spawn_blocking(move || oracles::kernel(&url, latest)).await;
        Ok(Self {
            ours: canonical_rows(&rows)?,
            delta_rs,
            kernel: kernel.ok().and_then(Result::ok).map(|(_, rows)| rows),
        })
    }

    /// Whether all who agreed with us before do so now.
    fn check(&self, before: &Self, expected: &[String]) -> Result<()> {
        if let Some(difference) = difference(&self.ours, expected) {
            anyhow::bail!("we read other rows: {difference}");
        }
        let readers = [
            ("delta-rs", &before.delta_rs, &self.delta_rs),
            ("delta_kernel", &before.kernel, &self.kernel),
        ];
        for (reader, then, now) in readers {
            // Who can't read the table, or reads it otherwise, is no witness.
            if then.as_ref() != Some(&before.ours) {
                continue;
            }
            let now = now
                .as_ref()
                .with_context(|| format!("{reader} can't read it any more"))?;
            if let Some(difference) = difference(now, expected) {
                anyhow::bail!("{reader} reads other rows: {difference}");
            }
        }
        Ok(())
    }
}

fn name(folder: &Path) -> String {
    format!("delta.`{}`", folder.display())
}

fn commits(folder: &Path) -> usize {
    let log = std::fs::read_dir(folder.join("_delta_log"));
    log.map_or(0, Iterator::count)
}

async fn statement(engine: &Engine, sql: &str) -> Result<()> {
    let statement = engine.parse(sql)?.remove(0);
    run(engine, &statement)
        .await
        .with_context(|| sql.to_owned())?;
    Ok(())
}

async fn check(folder: &Path, with_vectors: bool, tally: &mut Tally) -> Result<()> {
    let snapshot = open_local(folder)?.snapshot(TimeTravel::Latest).await?;
    let version = snapshot.version();
    let columns: Vec<String> = snapshot
        .schema()
        .fields()
        .iter()
        .map(|field| field.name.clone())
        .collect();
    let before = Readings::take(folder, &columns).await?;
    let engine = writing_engine();
    let table = name(folder);
    if with_vectors {
        let property = "delta.enableDeletionVectors = true";
        // What can't be written is refused below, by name.
        let _ = statement(
            &engine,
            &format!("ALTER TABLE {table} SET TBLPROPERTIES ({property})"),
        )
        .await;
    }
    let column = format!("`{}`", columns[0].replace('`', "``"));
    let files = commits(folder);
    let update = format!("UPDATE {table} SET {column} = {column}");
    if let Err(error) = statement(&engine, &update).await {
        let text = format!("{error:#}");
        ensure!(commits(folder) == files, "the log was touched: {text}");
        let is_refusal = [
            "DELTA_UNSUPPORTED",
            "UNSUPPORTED",
            "APPEND_ONLY",
            "GENERATED",
            "IDENTITY",
        ];
        ensure!(is_refusal.iter().any(|code| text.contains(code)), "{text}");
        tally.refused += 1;
        return Ok(());
    }
    tally.written += 1;
    tally.read_by_delta_rs += usize::from(before.delta_rs.as_ref() == Some(&before.ours));
    tally.read_by_kernel += usize::from(before.kernel.as_ref() == Some(&before.ours));
    let updated = Readings::take(folder, &columns).await?;
    updated
        .check(&before, &before.ours)
        .context("after UPDATE")?;
    // The same rows in fewer files, and then in an order of their own.
    for optimize in ["", " ZORDER BY "] {
        let by = if optimize.is_empty() { "" } else { &column };
        let sql = format!("OPTIMIZE {table}{optimize}{by}");
        if let Err(error) = statement(&engine, &sql).await {
            let text = format!("{error:#}");
            let is_refusal = text.contains("DELTA_ZORDERING") || text.contains("liquid clustering");
            ensure!(is_refusal, "{text}");
            continue;
        }
        tally.optimized += 1;
        let optimized = Readings::take(folder, &columns).await?;
        optimized.check(&before, &before.ours).context(sql)?;
    }
    // Some rows only, so that files keep others: all readers miss the same.
    let some = format!("DELETE FROM {table} WHERE {column} IN (SELECT max({column}) FROM {table})");
    if statement(&engine, &some).await.is_ok() {
        let left = Readings::take(folder, &columns).await?;
        let is_less = left.ours.len() < before.ours.len();
        tally.partly_deleted += usize::from(is_less && !left.ours.is_empty());
        left.check(&before, &left.ours)
            .context("after DELETE of some rows")?;
    }
    // A new column, under whatever name the table's mapping gives it in files.
    statement(
        &engine,
        &format!("ALTER TABLE {table} ADD COLUMNS (added_later INT)"),
    )
    .await?;
    statement(&engine, &format!("UPDATE {table} SET added_later = 7")).await?;
    let mut more = columns.clone();
    more.push("added_later".to_owned());
    let added = Readings::take(folder, &more).await?;
    added
        .check(&before, &added.ours)
        .context("after ADD COLUMNS")?;
    statement(&engine, &format!("DELETE FROM {table}")).await?;
    let deleted = Readings::take(folder, &more).await?;
    deleted.check(&before, &[]).context("after DELETE")?;
    if !before.ours.is_empty() {
        statement(
            &engine,
            &format!("RESTORE TABLE {table} TO VERSION AS OF {version}"),
        )
        .await?;
        let restored = Readings::take(folder, &columns).await?;
        restored
            .check(&before, &before.ours)
            .context("after RESTORE")?;
    }
    // Files of versions that are gone go; what the latest one has stays, however its path is spelled.
    let latest = Readings::take(folder, &columns).await?;
    let objects = data_files(folder);
    let unchecked = "SET spark.databricks.delta.retentionDurationCheck.enabled = false";
    statement(&engine, unchecked).await?;
    // A file of this very millisecond would stay.
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    statement(&engine, &format!("VACUUM {table} RETAIN 0 HOURS")).await?;
    tally.vacuumed += usize::from(data_files(folder) < objects);
    let vacuumed = Readings::take(folder, &columns).await?;
    vacuumed
        .check(&before, &latest.ours)
        .context("after VACUUM")?;
    alter(folder, &columns, before, &latest, tally).await
}

/// The columns under other names, and one less of them, as delta_kernel reads them too.
async fn alter(
    folder: &Path,
    columns: &[String],
    before: Readings,
    latest: &Readings,
    tally: &mut Tally,
) -> Result<()> {
    let engine = writing_engine();
    let table = name(folder);
    let quoted = |column: &str| format!("`{}`", column.replace('`', "``"));
    let first = quoted(&columns[0]);
    let add = format!("ADD CONSTRAINT holds CHECK ({first} IS NULL OR {first} IS NOT NULL)");
    statement(&engine, &format!("ALTER TABLE {table} {add}")).await?;
    let constrained = Readings::take(folder, columns).await?;
    constrained
        .check(&before, &latest.ours)
        .context("after ADD CONSTRAINT")?;
    let drop = format!("ALTER TABLE {table} DROP CONSTRAINT holds");
    statement(&engine, &drop).await?;
    let map = "SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')";
    if let Err(error) = statement(&engine, &format!("ALTER TABLE {table} {map}")).await {
        let text = format!("{error:#}");
        ensure!(text.contains("MODE_CHANGE"), "{text}");
    }
    // delta-rs reads no mapped tables.
    let before = Readings {
        delta_rs: None,
        ..before
    };
    let rename = format!("ALTER TABLE {table} RENAME COLUMN {first} TO `another, name`");
    if let Err(error) = statement(&engine, &rename).await {
        let text = format!("{error:#}");
        ensure!(text.contains("DEPENDENT_COLUMN_CHANGE"), "{text}");
        return Ok(());
    }
    tally.renamed += 1;
    let mut columns = columns.to_vec();
    columns[0] = "another, name".to_owned();
    let renamed = Readings::take(folder, &columns).await?;
    renamed
        .check(&before, &latest.ours)
        .context("after RENAME COLUMN")?;
    let update = format!("UPDATE {table} SET `another, name` = `another, name`");
    statement(&engine, &update).await?;
    let updated = Readings::take(folder, &columns).await?;
    updated
        .check(&before, &latest.ours)
        .context("after UPDATE of a mapped table")?;
    let last = columns.pop().context("a column")?;
    let others: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
    if others.is_empty() {
        return Ok(());
    }
    let select = format!("SELECT {} FROM {table}", others.join(", "));
    let expected = canonical_rows(&rows_of(&engine, &select).await?)?;
    let drop = format!("ALTER TABLE {table} DROP COLUMN {}", quoted(&last));
    if let Err(error) = statement(&engine, &drop).await {
        let text = format!("{error:#}");
        let codes = [
            "PARTITION_COLUMN",
            "DEPENDENT",
            "SINGLE_FIELD",
            "clustering",
        ];
        ensure!(codes.iter().any(|code| text.contains(code)), "{text}");
        return Ok(());
    }
    tally.narrowed += 1;
    let narrowed = Readings::take(folder, &columns).await?;
    narrowed
        .check(&before, &expected)
        .context("after DROP COLUMN")
}

/// Number of files in the table's folder, the log's apart.
fn data_files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name() != "_delta_log")
        .map(|entry| match entry.path().is_dir() {
            true => data_files(&entry.path()),
            false => 1,
        })
        .sum()
}
