//! The files of a log as a whole, for those who tidy it up.

use std::collections::BTreeMap;

use object_store::path::Path;

use crate::commit_times::adjusted_commit_timestamps;
use crate::error::Result;
use crate::log::discover::list_files;
use crate::log::last_checkpoint::LastCheckpoint;
use crate::log::log_path::{LogFile, LogPath};
use crate::log::log_segment::Log;
use crate::reconciliation::checkpoint_sidecars;
use crate::table::Table;

/// All files of a log: commits, checkpoints, compactions and checksums.
#[derive(Debug)]
pub struct LogFiles {
    files: Vec<(LogPath, LogFile)>,
    log: Log,
}

impl Table {
    /// Lists the log.
    ///
    /// Requests: one LIST.
    ///
    /// # Errors
    /// [`crate::Error::Storage`].
    pub async fn log_files(&self) -> Result<LogFiles> {
        let files = list_files(self, None).await?;
        let log = Log::from_files(files.iter().cloned());
        Ok(LogFiles { files, log })
    }

    /// The version of the checkpoint that `_last_checkpoint` names; `None` where it names none, or
    /// none that could be.
    ///
    /// Requests: one GET.
    ///
    /// # Errors
    /// [`crate::Error::Storage`].
    pub async fn last_checkpoint_version(&self) -> Result<Option<u64>> {
        let hint = LastCheckpoint::read(self).await?;
        Ok(hint.map(|hint| hint.version))
    }

    /// The sidecars that a file of a checkpoint names, as paths of the store.
    ///
    /// Requests: one GET, or as many as its column of sidecars needs.
    ///
    /// # Errors
    /// [`crate::Error::CorruptLog`] and [`crate::Error::Truncated`]; [`crate::Error::Storage`].
    pub async fn sidecars(&self, checkpoint: &LogFile) -> Result<Vec<Path>> {
        let sidecars = checkpoint_sidecars(self, checkpoint).await?;
        Ok(sidecars.into_iter().map(|file| file.path).collect())
    }
}

impl LogFiles {
    /// Each file, and what its name says that it is.
    pub fn iter(&self) -> impl Iterator<Item = (LogPath, &LogFile)> {
        self.files.iter().map(|(kind, file)| (*kind, file))
    }

    /// The newest version.
    pub fn latest(&self) -> Option<u64> {
        self.log.latest()
    }

    /// When each version was committed, by its file, in milliseconds since the epoch; made to ascend
    /// where the files' times do not.
    pub fn commit_times(&self) -> BTreeMap<u64, i64> {
        adjusted_commit_timestamps(&self.log)
    }

    /// Versions with a checkpoint that has all of its parts; of a V2 checkpoint, its top level.
    pub fn checkpoint_versions(&self) -> impl DoubleEndedIterator<Item = u64> {
        self.log.checkpoints.keys().copied()
    }
}
