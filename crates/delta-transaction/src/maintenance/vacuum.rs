//! Which files of a table's folder nothing needs any more. In doubt, a file stays.

use std::collections::{BTreeSet, HashSet};

use delta_log::{
    Commit, DeletionVector, DeletionVectorLocation, LogPath, Metadata, Snapshot, Table,
};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use object_store::path::Path;

use super::error::{MaintenanceError, Result};
use super::properties::{DAY, interval};
use super::table_actions::check_same;

/// Days for which files stay that a version of the past needs, where the table does not say.
const DELETED_FILE_RETENTION: i64 = 7;

/// Commits that are read at a time.
const CONCURRENT_COMMITS: usize = 16;

/// The only folder with an underscore whose files go.
const CHANGE_DATA: &str = "_change_data";

/// Files that may go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unneeded {
    /// The files, by path.
    pub files: Vec<UnneededFile>,
    /// Folders that were looked through, that of the table included.
    pub folders: u64,
}

/// A file that may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnneededFile {
    /// Its path in the table's store.
    pub path: Path,
    /// Its key below the table's folder.
    pub key: String,
    /// In bytes.
    pub size: u64,
}

/// Time for which a table keeps files that it no longer has (`delta.deletedFileRetentionDuration`), in
/// milliseconds.
///
/// # Errors
/// [`MaintenanceError::InvalidInterval`].
pub fn deleted_file_retention(metadata: &Metadata) -> Result<i64> {
    let retention = interval(metadata, "delta.deletedFileRetentionDuration")?;
    Ok(retention.unwrap_or(DAY.saturating_mul(DELETED_FILE_RETENTION)))
}

/// The files below the table's folder that may go: neither the snapshot nor any version of after
/// `cutoff` (milliseconds since the epoch) has them, and they were written before it, so that no
/// statement is about to commit them. A statement that has been running since before `cutoff` is not
/// known.
///
/// Files and folders whose names begin with `.` or `_` are passed over, change data and partitions
/// apart; so are folders of other tables. Nothing outside of the table's folder is looked at.
///
/// Requests: those of [`Table::reconcile`] and the checkpoint's files, one LIST of the log and one of
/// the folder, one GET for each commit since `cutoff`.
///
/// # Errors
/// Whatever keeps a part of the log from being read, or the folder from being listed.
pub async fn unneeded_files(table: &Table, snapshot: &Snapshot, cutoff: i64) -> Result<Unneeded> {
    let mut needed = Needed {
        table,
        paths: HashSet::new(),
    };
    needed.snapshot(snapshot)?;
    needed.tombstones(snapshot, cutoff).await?;
    needed.commits_since(snapshot, cutoff).await?;
    let mut folders = BTreeSet::from([String::new()]);
    let mut tables: HashSet<String> = HashSet::new();
    let mut files = Vec::new();
    let partitions = partition_prefixes(snapshot);
    let failed = |source| delta_log::Error::Storage {
        path: table.root.clone(),
        source,
    };
    let mut listing = table.store.list(Some(&table.root));
    while let Some(object) = listing.try_next().await.map_err(failed)? {
        let Some(key) = key_below(&table.root, &object.location) else {
            continue;
        };
        if let Some((folder, _)) = key.split_once("/_delta_log/") {
            tables.insert(folder.to_owned());
        }
        if is_hidden(key, &partitions) {
            continue;
        }
        let parents = key.match_indices('/').map(|(at, _)| &key[..at]);
        for folder in parents {
            if !folders.contains(folder) {
                folders.insert(folder.to_owned());
            }
        }
        let is_old = object.last_modified.timestamp_millis() < cutoff;
        if is_old && !needed.paths.contains(object.location.as_ref()) {
            files.push(UnneededFile {
                key: key.to_owned(),
                path: object.location,
                size: object.size,
            });
        }
    }
    let is_in_table = |key: &str| {
        let mut parents = key.match_indices('/').map(|(at, _)| &key[..at]);
        parents.any(|folder| tables.contains(folder))
    };
    files.retain(|file| !is_in_table(&file.key));
    files.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(Unneeded {
        files,
        folders: folders.len() as u64,
    })
}

/// Paths in the table's store of files that must stay.
struct Needed<'a> {
    table: &'a Table,
    paths: HashSet<String>,
}

impl Needed<'_> {
    fn snapshot(&mut self, snapshot: &Snapshot) -> Result<()> {
        let files = snapshot.files();
        for i in 0..files.len() {
            self.file(files.raw_path(i), files.deletion_vector(i))?;
        }
        Ok(())
    }

    /// Files that were removed at `cutoff` or later.
    async fn tombstones(&mut self, snapshot: &Snapshot, cutoff: i64) -> Result<()> {
        let actions = self.table.reconcile(snapshot.version()).await?;
        check_same(snapshot, &actions)?;
        let mut batches = actions.file_actions();
        while let Some(batch) = batches.try_next().await? {
            for tombstone in batch.tombstones()? {
                // Spark counts those that do not say when as old.
                let removed = tombstone.deletion_timestamp.unwrap_or(0);
                if removed >= cutoff {
                    self.file(&tombstone.path, tombstone.deletion_vector.as_deref())?;
                }
            }
        }
        Ok(())
    }

    /// Files that commits of `cutoff` or later name: versions of then can still be asked for, and a
    /// checkpoint may have no tombstones from so long ago.
    async fn commits_since(&mut self, snapshot: &Snapshot, cutoff: i64) -> Result<()> {
        let log = self.table.log_files().await?;
        let recent: Vec<u64> = log
            .iter()
            .filter_map(|(kind, file)| match kind {
                LogPath::Commit(version) => {
                    let is_recent = file.modified >= cutoff && version <= snapshot.version();
                    is_recent.then_some(version)
                }
                LogPath::ClassicCheckpoint(_)
                | LogPath::CheckpointPart { .. }
                | LogPath::UuidCheckpoint(_)
                | LogPath::Checksum(_)
                | LogPath::Compaction { .. } => None,
            })
            .collect();
        let table = self.table;
        let commits = recent.into_iter().map(|version| {
            async move { Ok::<_, MaintenanceError>((version, table.commit(version).await?)) }
                .boxed()
        });
        let mut commits = stream::iter(commits).buffer_unordered(CONCURRENT_COMMITS);
        while let Some((version, commit)) = commits.try_next().await? {
            let commit = commit.ok_or_else(|| MaintenanceError::Doubt {
                version,
                reason: "its commit was listed, and is not there".to_owned(),
            })?;
            self.commit(&commit)?;
        }
        Ok(())
    }

    fn commit(&mut self, commit: &Commit) -> Result<()> {
        for add in &commit.adds {
            self.file(&add.path, add.deletion_vector.as_deref())?;
        }
        for remove in &commit.removes {
            self.file(&remove.path, remove.deletion_vector.as_deref())?;
        }
        for change in &commit.cdcs {
            self.file(&change.path, None)?;
        }
        Ok(())
    }

    /// A file and that of its deletion vector. `raw`: the path as the log has it.
    fn file(&mut self, raw: &str, vector: Option<&DeletionVector>) -> Result<()> {
        self.path(raw)?;
        match vector.map(DeletionVector::location).transpose()? {
            Some(DeletionVectorLocation::File { path, .. }) => self.path(&path),
            Some(DeletionVectorLocation::Inline(_)) | None => Ok(()),
        }
    }

    fn path(&mut self, raw: &str) -> Result<()> {
        match self.table.data_path(raw) {
            Ok(path) => {
                self.paths.insert(path.into());
                Ok(())
            }
            // What is in another store is not looked at.
            Err(delta_log::Error::ForeignPath { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn key_below<'a>(root: &Path, path: &'a Path) -> Option<&'a str> {
    match root.as_ref() {
        "" => Some(path.as_ref()),
        root => path.as_ref().strip_prefix(root)?.strip_prefix('/'),
    }
}

/// What names of the partitions' folders begin with: `_p=`.
fn partition_prefixes(snapshot: &Snapshot) -> Vec<String> {
    let columns = snapshot.partition_columns().iter();
    let fields = columns.filter_map(|column| snapshot.schema().field(column));
    let names = fields.flat_map(|field| {
        let physical = snapshot.column_mapping().physical_name(field);
        [format!("{}=", field.name), format!("{physical}=")]
    });
    names.collect()
}

fn is_hidden(key: &str, partitions: &[String]) -> bool {
    key.split('/').enumerate().any(|(depth, name)| {
        let is_partition = partitions.iter().any(|prefix| name.starts_with(prefix));
        let is_change_data = depth == 0 && name == CHANGE_DATA;
        name.starts_with(['.', '_']) && !is_partition && !is_change_data
    })
}
