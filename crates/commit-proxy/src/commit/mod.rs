//! Commits: checked against the table's version before, then put where nothing is.

mod actions;
mod files;
pub(crate) mod log;
mod metadata;
mod objects;
mod protocol;
mod put;
mod stored_types;

use std::sync::Arc;

use bytes::Bytes;
use delta_log::{Commit, Snapshot, Table};
use futures::StreamExt as _;
use messages::Error;
use messages::proxy::{COMMIT_NOT_FOUND, Committed};
use object_store::path::Path;
use uuid::Uuid;

use crate::commit::actions::Actions;
use crate::commit::log::CommitInfo;
pub(crate) use crate::commit::protocol::check_written;
use crate::error::{Refusal, conflict, from_log, from_store, internal, invalid};
use crate::location::TablePlace;
use crate::tables::OpenTable;

/// Commits among which a statement's earlier commit is looked for.
const RECENT: u64 = 100;

/// A commit that a writer asks for.
#[derive(Debug, Clone)]
pub(crate) struct CommitRequest {
    pub version: u64,
    /// The statement.
    pub txn: Uuid,
    /// The commit file.
    pub body: Bytes,
}

/// Makes a commit, or finds that it was made before. The caller lets nobody else commit to the table
/// meanwhile, as far as this process goes.
pub(crate) async fn commit(
    place: &TablePlace,
    open: &mut OpenTable,
    request: CommitRequest,
) -> Result<Committed, Refusal> {
    let store = Arc::clone(&open.table.store);
    let CommitRequest { version, txn, body } = request;
    let before = open
        .refresh()
        .await
        .map_err(|error| from_log(place, error))?;
    let next = before
        .as_ref()
        .map_or(0, |before| before.version().saturating_add(1));
    if version < next {
        let latest = next.saturating_sub(1);
        let info = log::read(store.as_ref(), place, version)
            .await
            .map_err(|error| from_store(&error))?;
        let info = info.unwrap_or_default();
        return match info.is_of(txn) {
            true => Ok(info.committed(version, txn)),
            false => Err(conflict(place, info.winner(version), latest)),
        };
    }
    if version > next {
        return Err(match &before {
            Some(_) => invalid(format!(
                "version {version} can't follow version {}",
                next.saturating_sub(1)
            )),
            None => crate::error::not_found(place),
        });
    }
    let body_actions = body.clone();
    let actions = blocking(move || Actions::parse(&body_actions))
        .await?
        .map_err(invalid)?;
    let info = CommitInfo::find(&body);
    if !info.is_of(txn) {
        return Err(invalid("commitInfo.txnId is not the txnId of the request"));
    }
    if let Some(before) = &before {
        // A writer that rebased had lost an answer, perhaps, and not known that it had won.
        let first = actions
            .read_version()
            .map_or(before.version(), |read| read.saturating_add(1));
        let first = first.max(next.saturating_sub(RECENT)).min(before.version());
        let earlier = log::find(store.as_ref(), place, first..=before.version(), txn).await;
        if let Some(committed) = earlier.map_err(|error| from_store(&error))? {
            return Ok(committed);
        }
    } else {
        check_place(place, &open.table).await?;
    }
    check(place, &open.table, before, version, &body, actions).await?;
    put::put(store.as_ref(), place, version, txn, info, body).await
}

/// Checks everything that can be known of a commit before it is made.
async fn check(
    place: &TablePlace,
    table: &Table,
    before: Option<Arc<Snapshot>>,
    version: u64,
    body: &Bytes,
    actions: Actions,
) -> Result<(), Refusal> {
    match &before {
        Some(before) => check_written(before.protocol())?,
        None if actions.protocol.is_none() || actions.metadata.is_none() => {
            return Err(invalid(
                "the first commit of a table needs protocol and metaData",
            ));
        }
        None => {}
    }
    if let Some(protocol) = &actions.protocol {
        protocol::check_upgrade(before.as_deref().map(Snapshot::protocol), protocol)?;
    }
    // What takes as long as the table has files holds up nobody else.
    let (of_table, path, body) = (table.clone(), place.commit(version), body.clone());
    let (before, after) = blocking(move || {
        let after = preview(&of_table, before.as_deref(), &path, &body);
        (before, after)
    })
    .await?;
    let (after, added) = after.map_err(|error| from_log(place, error))?;
    let after = Arc::new(after);
    check_time(before.as_deref(), &after, &actions)?;
    if !actions.domains.is_empty() && !protocol::has_feature(after.protocol(), "domainMetadata") {
        return Err(invalid("the table's protocol has no domainMetadata"));
    }
    let (actions, table) = (Arc::new(actions), Arc::new(table.clone()));
    let check = {
        let (actions, table, after) =
            (Arc::clone(&actions), Arc::clone(&table), Arc::clone(&after));
        move || {
            let changes = files::check(&table, before.as_deref(), &after, &added, &actions)?;
            metadata::check(before.as_deref(), &after, changes.keeps_files)?;
            Ok::<_, Refusal>(changes)
        }
    };
    let changes = blocking(check).await??;
    objects::check(place, &table, &after, &changes, &actions).await
}

/// The version that a commit makes, and the same with the files alone that it adds.
fn preview(
    table: &Table,
    before: Option<&Snapshot>,
    path: &Path,
    body: &[u8],
) -> delta_log::Result<(Snapshot, Snapshot)> {
    let commit = Commit::parse(path, body)?;
    // Where it counts, the commit has its own.
    let time = before.map_or(0, Snapshot::timestamp);
    let adds = commit.adds.clone();
    let after = match before {
        Some(before) => before.apply(table, time, commit)?,
        None => Snapshot::first(table, time, commit)?,
    };
    let added = after.with_files(adds);
    Ok((after, added))
}

/// Protocol: [In-Commit Timestamps](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#in-commit-timestamps)
fn check_time(
    before: Option<&Snapshot>,
    after: &Snapshot,
    actions: &Actions,
) -> Result<(), Refusal> {
    if !after.has_in_commit_timestamps() {
        return Ok(());
    }
    let time = actions.in_commit_timestamp();
    let time = time.ok_or_else(|| invalid("the table has in-commit timestamps, and commitInfo is not the commit's first action, or has none"))?;
    match before {
        Some(before) if time <= before.timestamp() => Err(invalid(
            "inCommitTimestamp is not after that of the version before",
        )),
        _ => Ok(()),
    }
}

/// Refuses to create a table in another one.
async fn check_place(place: &TablePlace, table: &Table) -> Result<(), Refusal> {
    let segments: Vec<_> = place.root.parts().collect();
    for depth in 1..segments.len() {
        let above: Path = segments.iter().take(depth).cloned().collect();
        let log = above.join("_delta_log");
        if let Some(found) = table.store.list(Some(&log)).next().await {
            found.map_err(|error| from_store(&error))?;
            return Err(invalid(format!(
                "{place} is in the folder of another table"
            )));
        }
    }
    Ok(())
}

/// Finds the commit of a statement: after version `after`, or among the recent ones.
pub(crate) async fn find(
    place: &TablePlace,
    open: &mut OpenTable,
    txn: Uuid,
    after: Option<u64>,
) -> Result<Committed, Refusal> {
    let latest = open
        .refresh()
        .await
        .map_err(|error| from_log(place, error))?;
    let latest = latest
        .ok_or_else(|| crate::error::not_found(place))?
        .version();
    let recent = latest.saturating_sub(RECENT.saturating_sub(1));
    let first = after
        .map_or(recent, |after| after.saturating_add(1))
        .max(latest.saturating_sub(RECENT * 10));
    let store = open.table.store.as_ref();
    let found = match first > latest {
        true => None,
        false => log::find(store, place, first..=latest, txn)
            .await
            .map_err(|error| from_store(&error))?,
    };
    found.ok_or_else(|| {
        let message =
            format!("No commit of {txn} is among versions {first} to {latest} of {place}.");
        Refusal::Error(Error::new(COMMIT_NOT_FOUND, message))
    })
}

/// Runs work that takes its time where it holds up nobody else. A panic, as a damaged file may cause
/// in a library, is an answer.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Refusal::Error(internal(&error)))
}
