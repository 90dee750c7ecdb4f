//! Data files that must stay.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use delta_log::{DeletionVector, DeletionVectorLocation, Snapshot, Table};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::path::Path;
use serde::Deserialize;

use crate::commit::log;
use crate::deletes::log_files::LogFiles;
use crate::error::{Refusal, from_store};
use crate::location::TablePlace;
use crate::retention;

/// Requests to the store at a time.
const CONCURRENT: usize = 16;

/// Files that versions need which can still be asked for.
pub(crate) struct Needed {
    now: HashSet<String>,
    before: HashSet<String>,
    /// What was written later may belong to a statement that has not been committed yet.
    pub cutoff: DateTime<Utc>,
    /// Why nothing can be said of data files.
    unknown: Option<String>,
}

impl Needed {
    pub async fn read(
        place: &TablePlace,
        table: &Table,
        snapshot: &Snapshot,
        log: &LogFiles,
        now: DateTime<Utc>,
    ) -> Result<Self, Refusal> {
        let mut needed = Self {
            now: HashSet::new(),
            before: HashSet::new(),
            cutoff: now,
            unknown: None,
        };
        let retention = retention::deleted_files(snapshot.metadata());
        match retention.map(|time| {
            chrono::Duration::from_std(time)
                .ok()
                .and_then(|time| now.checked_sub_signed(time))
        }) {
            Ok(Some(cutoff)) => needed.cutoff = cutoff,
            Ok(None) => needed.unknown = Some("the table keeps files for ever".to_owned()),
            Err(why) => needed.unknown = Some(why),
        }
        let files = snapshot.files();
        for i in 0..files.len() {
            insert(
                table,
                &mut needed.now,
                files.raw_path(i),
                files.deletion_vector(i),
            );
        }
        let recent = log.commits_since(needed.cutoff, snapshot.version());
        let recent = match (recent, &needed.unknown) {
            (Ok(recent), None) => recent,
            (Err(why), None) => {
                needed.unknown = Some(why);
                return Ok(needed);
            }
            (_, Some(_)) => return Ok(needed),
        };
        let store = table.store.as_ref();
        let bodies = stream::iter(recent).map(|version| async move {
            Ok::<_, object_store::Error>((version, log::fetch(store, place, version).await?))
        });
        let mut bodies = std::pin::pin!(bodies.buffered(CONCURRENT));
        while let Some((version, body)) = bodies
            .try_next()
            .await
            .map_err(|error| from_store(&error))?
        {
            let body = body.filter(|body| !body.is_empty());
            if !body.is_some_and(|body| insert_files_of(table, &mut needed.before, &body)) {
                needed.unknown = Some(format!("the commit of version {version} can't be read"));
            }
        }
        Ok(needed)
    }

    /// Why a file must stay, by its key below the table's folder.
    pub fn reason(&self, relative: &Path) -> Option<String> {
        let key = relative.as_ref();
        if self.now.contains(key) {
            return Some("the table uses it".to_owned());
        }
        if self.before.contains(key) {
            return Some(format!("a version of after {} uses it", self.cutoff));
        }
        self.unknown.clone()
    }
}

/// A line of a commit, as far as it names files.
#[derive(Deserialize)]
struct Line {
    add: Option<Named>,
    remove: Option<Named>,
    cdc: Option<Named>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    path: String,
    deletion_vector: Option<DeletionVector>,
}

/// Adds the files that a commit names; false where it can't be read.
fn insert_files_of(table: &Table, files: &mut HashSet<String>, body: &[u8]) -> bool {
    let lines = body.split(|byte| *byte == b'\n');
    lines
        .filter(|line| !line.trim_ascii().is_empty())
        .all(|line| {
            let Ok(Line { add, remove, cdc }) = serde_json::from_slice(line) else {
                return false;
            };
            for file in [add, remove, cdc].into_iter().flatten() {
                insert(table, files, &file.path, file.deletion_vector.as_ref());
            }
            true
        })
}

/// Adds a file and its deletion vector's file, by their keys below the table's folder. What is
/// elsewhere can't be asked for.
fn insert(table: &Table, files: &mut HashSet<String>, raw: &str, vector: Option<&DeletionVector>) {
    let mut insert = |raw: &str| {
        let relative = table.data_path(raw).ok().and_then(|path| {
            let rest = path
                .as_ref()
                .strip_prefix(table.root.as_ref())?
                .strip_prefix('/')?;
            Some(rest.to_owned())
        });
        files.extend(relative);
    };
    insert(raw);
    if let Some(Ok(DeletionVectorLocation::File { path, .. })) =
        vector.map(DeletionVector::location)
    {
        insert(&path);
    }
}
