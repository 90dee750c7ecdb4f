//! `DROP TABLE`: deletes the table's folder.
//!
//! A reader sees the latest version, or no table, or a log that can't be read; never an older version,
//! nor one that lacks files. So the log goes first, of which the newest commit goes last: what is left
//! of a log beside it either gives the latest version or none. A drop that is cut short can be run
//! again.

use delta_log::{commit_path, log_folder};
use futures::{StreamExt, TryStreamExt, stream};
use messages::Error;
use object_store::path::Path;
use spark_dialect::DropTable;

use crate::errors::{from_log, from_store};
use crate::writes::errors::WriteError;
use crate::writes::round::{Outcome, Round};

/// Times that the log is listed and deleted, until nothing is left of it.
const ATTEMPTS: usize = 10;

/// Deletes the log, and then all else in the folder.
pub(crate) async fn drop_table(
    round: &Round<'_>,
    statement: DropTable,
) -> Result<Outcome, WriteError> {
    if !is_there(round).await? {
        return match statement.if_exists {
            true => Ok(Outcome::default()),
            false => Err(absent(&round.table.location).into()),
        };
    }
    if round.core.catalog.drop_table(&round.place).await? {
        return Ok(Outcome::default());
    }
    let root = &round.table.root;
    let all = list(round, root).await?;
    refuse_tables_within(round, &all)?;
    delete_log(round).await?;
    let log = log_folder(root);
    let rest: Vec<Path> = all
        .into_iter()
        .filter(|path| !path.prefix_matches(&log))
        .collect();
    // The table is gone: what stays now is of no harm.
    if let Err(error) = delete(round, rest).await {
        let location = &round.table.location;
        round.context.note(format!(
            "{location}: the table is dropped, but not all of its files could be deleted: {}",
            error.message
        ));
    }
    Ok(Outcome::default())
}

/// Whether there is a table, or what an earlier drop has left of one.
async fn is_there(round: &Round<'_>) -> Result<bool, Error> {
    let Err(error) = round.context.latest(&round.table).await else {
        return Ok(true);
    };
    match &*error {
        delta_log::Error::NotATable { .. } => {
            let log = list(round, &log_folder(&round.table.root)).await?;
            Ok(!log.is_empty())
        }
        delta_log::Error::CorruptLog { .. }
        | delta_log::Error::MissingCommit { .. }
        | delta_log::Error::VersionNotFound { .. }
        | delta_log::Error::Truncated { .. } => Ok(true),
        // Of a store that fails nothing is known, and of a feature that is not known less.
        error => Err(from_log(error)),
    }
}

fn absent(location: &str) -> Error {
    Error::new(
        "TABLE_OR_VIEW_NOT_FOUND",
        format!("There is no table at {location} to drop."),
    )
    .with_hint("DROP TABLE IF EXISTS does not mind; SHOW TABLES lists the tables.")
}

fn refuse_tables_within(round: &Round<'_>, all: &[Path]) -> Result<(), Error> {
    let log = log_folder(&round.table.root);
    let mut within = all
        .iter()
        .filter(|path| !path.prefix_matches(&log))
        .filter_map(|path| path.as_ref().split_once("/_delta_log/"));
    match within.next() {
        None => Ok(()),
        Some((table, _)) => Err(Error::new(
            "DELTA_CANNOT_DROP_TABLE",
            format!(
                "Nothing was deleted: there is another table in the folder of {}, at {table}.",
                round.table.location
            ),
        )
        .with_hint("Drop that one first.")),
    }
}

/// Deletes the log, the newest commit last. Commits that come meanwhile go too.
async fn delete_log(round: &Round<'_>) -> Result<(), Error> {
    let folder = log_folder(&round.table.root);
    for _ in 0..ATTEMPTS {
        let mut files = list(round, &folder).await?;
        if files.is_empty() {
            return Ok(());
        }
        let commits = files.iter().filter(|path| is_commit(round, path));
        // Names begin with the version, in digits of the same number.
        if let (Some(newest), true) = (commits.max().cloned(), files.len() > 1) {
            files.retain(|path| *path != newest);
        }
        delete(round, files).await?;
    }
    let location = &round.table.location;
    Err(Error::new(
        "DELTA_CONCURRENT_WRITE",
        format!("{location} is still written to: its log does not stay deleted."),
    )
    .with_hint("Run DROP TABLE again when nobody writes to the table."))
}

fn is_commit(round: &Round<'_>, path: &Path) -> bool {
    let name = path.filename().and_then(|name| name.strip_suffix(".json"));
    let version = name.and_then(|digits| digits.parse().ok());
    version.is_some_and(|version| commit_path(&round.table.root, version) == *path)
}

async fn list(round: &Round<'_>, folder: &Path) -> Result<Vec<Path>, Error> {
    let objects = round.table.store.list(Some(folder));
    let paths = objects.map_ok(|object| object.location).try_collect();
    match paths.await {
        Err(object_store::Error::NotFound { .. }) => Ok(Vec::new()),
        paths => paths.map_err(|error| from_store(folder.as_ref(), &error)),
    }
}

async fn delete(round: &Round<'_>, paths: Vec<Path>) -> Result<(), Error> {
    let paths: Vec<_> = paths.into_iter().map(Ok).collect();
    let mut results = round.table.store.delete_stream(stream::iter(paths).boxed());
    while let Some(result) = results.next().await {
        match result {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(from_store(round.table.root.as_ref(), &error)),
        }
        round.core.yield_timer.yield_if_due().await;
    }
    Ok(())
}
