//! Files of a log that must stay.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use delta_log::{Snapshot, Table, TimeTravel};
use futures::TryStreamExt as _;
use object_store::ObjectMeta;
use object_store::path::Path;

use crate::error::{Refusal, from_store};
use crate::location::TablePlace;
use crate::retention;
use crate::staged::digits;

/// The files of a log.
pub(crate) struct LogFiles {
    files: HashMap<String, ObjectMeta>,
    /// Versions of the commits, and their times.
    commits: Vec<(u64, DateTime<Utc>)>,
    checkpoints: BTreeSet<u64>,
}

impl LogFiles {
    pub async fn list(place: &TablePlace, table: &Table) -> Result<Self, Refusal> {
        let folder = place.log();
        let objects: Vec<ObjectMeta> = table
            .store
            .list(Some(&folder))
            .try_collect()
            .await
            .map_err(|error| from_store(&error))?;
        let named = objects.into_iter().filter_map(|meta| {
            let name = meta
                .location
                .as_ref()
                .strip_prefix(folder.as_ref())?
                .strip_prefix('/')?;
            Some((name.to_owned(), meta))
        });
        let files: HashMap<String, ObjectMeta> = named.collect();
        let mut commits = Vec::new();
        let mut checkpoints = BTreeSet::new();
        for (name, meta) in &files {
            match version_of(name) {
                Some((version, ".json")) => commits.push((version, meta.last_modified)),
                Some((version, rest)) if rest.starts_with(".checkpoint.") => {
                    checkpoints.insert(version);
                }
                Some(_) | None => {}
            }
        }
        commits.sort_unstable();
        Ok(Self {
            files,
            commits,
            checkpoints,
        })
    }

    /// Commits that were made after `cutoff`, if they are all there.
    pub fn commits_since(&self, cutoff: DateTime<Utc>, latest: u64) -> Result<Vec<u64>, String> {
        let Some((first, made)) = self.commits.first() else {
            return Err("the log has no commits".to_owned());
        };
        let is_whole = latest
            .checked_sub(*first)
            .and_then(|more| more.checked_add(1))
            == Some(self.commits.len() as u64);
        if !is_whole {
            return Err("the log has gaps".to_owned());
        }
        if *first > 0 && *made > cutoff {
            return Err("the log does not reach back as far as the table keeps files".to_owned());
        }
        // From the first on, as clocks go wrong.
        let recent = self.commits.iter().skip_while(|(_, made)| *made <= cutoff);
        Ok(recent.map(|(version, _)| *version).collect())
    }

    /// The version up to which commits are spare, that one excluded.
    ///
    /// # Errors
    /// Why none are.
    pub async fn spare_versions(
        &self,
        table: &Table,
        snapshot: &Snapshot,
        now: DateTime<Utc>,
    ) -> Result<u64, String> {
        let is_off = snapshot
            .metadata()
            .configuration
            .get("delta.enableExpiredLogCleanup");
        if is_off.is_some_and(|value| value.eq_ignore_ascii_case("false")) {
            return Err("the table keeps its log".to_owned());
        }
        let retention = retention::log(snapshot.metadata())?;
        let cutoff = chrono::Duration::from_std(retention)
            .ok()
            .and_then(|time| now.checked_sub_signed(time));
        let cutoff = cutoff.ok_or("the table keeps its log for ever")?;
        let mut kept = self.commits.iter().filter(|(_, made)| *made > cutoff);
        let first_kept = kept
            .next()
            .map_or(snapshot.version(), |(version, _)| *version);
        let checkpoint = self.checkpoints.range(..=first_kept).next_back();
        let checkpoint = *checkpoint.ok_or("no checkpoint stands for it")?;
        // A checkpoint that can't be read is passed over with a warning.
        match table.snapshot(TimeTravel::Version(checkpoint)).await {
            Ok(read) if read.warnings().is_empty() => Ok(checkpoint),
            Ok(_) | Err(_) => Err("the checkpoint that stands for it can't be read".to_owned()),
        }
    }

    /// Why a file of the log must stay.
    pub fn needs(&self, relative: &Path, spare: &Result<u64, String>) -> Option<String> {
        let name = relative
            .as_ref()
            .strip_prefix("_delta_log/")
            .unwrap_or_default();
        let Some((version, rest)) = version_of(name) else {
            return Some("it is no commit, checkpoint or checksum".to_owned());
        };
        if !self.files.contains_key(name) {
            return None;
        }
        let last = rest
            .strip_suffix(".compacted.json")
            .and_then(|last| digits(last.strip_prefix('.')?, 20));
        match spare {
            Err(why) => Some(why.clone()),
            Ok(spare) if last.unwrap_or(version) >= *spare => {
                Some(format!("versions from {spare} on are kept"))
            }
            Ok(_) => None,
        }
    }
}

/// The version and the rest of the name of a file of the log.
fn version_of(name: &str) -> Option<(u64, &str)> {
    let (version, rest) = name.split_at_checked(20)?;
    Some((digits(version, 20)?, rest))
        .filter(|(_, rest)| rest.starts_with('.') && !rest.contains('/'))
}
