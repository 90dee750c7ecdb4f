//! Deletion of what a table no longer needs: files that no version needs which can still be asked
//! for, and commits that a checkpoint stands for. In doubt, an object stays.
//!
//! Protocol: [Metadata Cleanup](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#metadata-cleanup)

mod log_files;
mod needed;

use std::collections::{HashMap, HashSet};

use chrono::Utc;
use delta_log::Table;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use messages::Error;
use messages::proxy::{DeletedObjects, DeletedTable, RefusedDelete};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};

use crate::commit::check_written;
use crate::deletes::log_files::LogFiles;
use crate::deletes::needed::Needed;
use crate::error::{Refusal, from_log, from_store, invalid, not_found};
use crate::location::{TablePlace, parse_key};
use crate::tables::OpenTable;

/// Keys of one request.
const KEYS: usize = 20_000;

/// Requests to the store at a time.
const CONCURRENT: usize = 16;

/// Deletes those of `keys` that nothing needs.
pub(crate) async fn delete(
    place: &TablePlace,
    open: &mut OpenTable,
    keys: Vec<String>,
) -> Result<DeletedObjects, Refusal> {
    if keys.len() > KEYS {
        return Err(invalid(format!(
            "{} keys are more than the {KEYS} of one request",
            keys.len()
        )));
    }
    let snapshot = open
        .refresh()
        .await
        .map_err(|error| from_log(place, error))?;
    let snapshot = snapshot.ok_or_else(|| not_found(place))?;
    check_written(snapshot.protocol())?;
    let table = &open.table;
    let now = Utc::now();
    let log = LogFiles::list(place, table).await?;
    let needed = Needed::read(place, table, &snapshot, &log, now).await?;
    let spare = log.spare_versions(table, &snapshot, now).await;
    let mut answer = DeletedObjects::default();
    let mut may_go = Vec::new();
    let mut folders = HashMap::new();
    for key in keys {
        let reason = match parse_key(&key) {
            Err(why) => Some(why),
            Ok(relative) if key.starts_with("_delta_log/") => log.needs(&relative, &spare),
            Ok(relative) => match is_hidden(&key) {
                true => Some("it is hidden".to_owned()),
                false => match needed.reason(&relative) {
                    Some(why) => Some(why),
                    None => is_in_other_table(table, &relative, &mut folders).await?,
                },
            },
        };
        match reason {
            Some(reason) => answer.refused.push(RefusedDelete { key, reason }),
            None => may_go.push(key),
        }
    }
    may_go.sort();
    may_go.dedup();
    let may_go = only_old(table, may_go, &needed, &mut answer).await?;
    let paths: Vec<Path> = may_go
        .iter()
        .filter_map(|key| Path::parse(format!("{}/{key}", table.root)).ok())
        .collect();
    let mut results = table
        .store
        .delete_stream(stream::iter(paths.into_iter().map(Ok)).boxed());
    let mut failed = HashSet::new();
    while let Some(result) = results.next().await {
        match result {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => {
                tracing::warn!(table = %place, %error, "an object could not be deleted");
                failed.insert(error.to_string());
            }
        }
    }
    match failed.into_iter().next() {
        Some(why) => Err(Error::new(
            "STORE_UNREACHABLE",
            format!("Not all objects could be deleted: {why}"),
        )
        .into()),
        None => {
            answer.deleted.extend(may_go);
            Ok(answer)
        }
    }
}

/// Those keys whose objects are old enough. What is not there counts as deleted.
async fn only_old(
    table: &Table,
    keys: Vec<String>,
    needed: &Needed,
    answer: &mut DeletedObjects,
) -> Result<Vec<String>, Refusal> {
    let heads = stream::iter(keys).map(|key| async move {
        let path = Path::parse(format!("{}/{key}", table.root));
        match table
            .store
            .head(&path.map_err(object_store::Error::from)?)
            .await
        {
            Ok(meta) => Ok((key, Some(meta.last_modified))),
            Err(object_store::Error::NotFound { .. }) => Ok((key, None)),
            Err(error) => Err(error),
        }
    });
    let heads: Vec<_> = heads
        .buffered(CONCURRENT)
        .try_collect()
        .await
        .map_err(|error: object_store::Error| from_store(&error))?;
    let mut old = Vec::new();
    for (key, modified) in heads {
        match modified {
            None => answer.deleted.push(key),
            Some(modified) if modified > needed.cutoff && !key.starts_with("_delta_log/") => {
                let reason = format!(
                    "it was written after {}, within the time for which the table keeps files",
                    needed.cutoff
                );
                answer.refused.push(RefusedDelete { key, reason });
            }
            Some(_) => old.push(key),
        }
    }
    Ok(old)
}

/// Whether readers and VACUUM pass over a file: it, or a folder above it, begins with a dot or an
/// underscore. Change data and partitions are no such folders.
fn is_hidden(key: &str) -> bool {
    key.split('/').enumerate().any(|(depth, segment)| {
        let is_change_data = depth == 0 && segment == "_change_data";
        segment.starts_with(['.', '_']) && !segment.contains('=') && !is_change_data
    })
}

/// Whether a folder between the table's and the file's is itself a table.
async fn is_in_other_table(
    table: &Table,
    relative: &Path,
    folders: &mut HashMap<Path, bool>,
) -> Result<Option<String>, Refusal> {
    let mut folder = table.root.clone();
    let names: Vec<_> = relative.parts().collect();
    for name in names.iter().take(names.len().saturating_sub(1)) {
        folder = folder.join(name.clone());
        let is_table = match folders.get(&folder) {
            Some(known) => *known,
            None => {
                let found = table
                    .store
                    .list(Some(&folder.clone().join("_delta_log")))
                    .next()
                    .await;
                let is_table = found
                    .transpose()
                    .map_err(|error| from_store(&error))?
                    .is_some();
                folders.insert(folder.clone(), is_table);
                is_table
            }
        };
        if is_table {
            return Ok(Some("it is in another table's folder".to_owned()));
        }
    }
    Ok(None)
}

/// Deletes a table. Its log goes first, so that nobody finds files of it missing, and of that the newest
/// commit last: what is left beside it gives the latest version or none, but never an older one.
pub(crate) async fn delete_table(
    place: &TablePlace,
    open: &mut OpenTable,
) -> Result<DeletedTable, Refusal> {
    let snapshot = open
        .refresh()
        .await
        .map_err(|error| from_log(place, error))?;
    let snapshot = snapshot.ok_or_else(|| not_found(place))?;
    let store = &open.table.store;
    let log = place.log();
    let all = paths_below(store.as_ref(), &place.root).await?;
    let is_of_log = |path: &Path| path.prefix_matches(&log);
    let mut others = all.iter().filter(|path| !is_of_log(path));
    if let Some(other) = others.find(|path| path.as_ref().contains("/_delta_log/")) {
        return Err(invalid(format!(
            "there is another table in the folder of {place}: {other}"
        )));
    }
    let newest = place.commit(snapshot.version());
    let (log_files, rest): (Vec<Path>, Vec<Path>) = all.into_iter().partition(is_of_log);
    let older = log_files.into_iter().filter(|path| *path != newest);
    let mut objects = 0u64;
    for paths in [older.collect(), vec![newest.clone()], rest] {
        let mut results = store.delete_stream(stream::iter(paths.into_iter().map(Ok)).boxed());
        while let Some(result) = results.next().await {
            match result {
                Ok(_) => objects = objects.saturating_add(1),
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(from_store(&error).into()),
            }
        }
    }
    open.refresh()
        .await
        .map_err(|error| from_log(place, error))?;
    Ok(DeletedTable { objects })
}

async fn paths_below(store: &dyn ObjectStore, folder: &Path) -> Result<Vec<Path>, Refusal> {
    let paths = store.list(Some(folder)).map_ok(|meta| meta.location);
    let paths = paths.try_collect().await;
    Ok(paths.map_err(|error| from_store(&error))?)
}
