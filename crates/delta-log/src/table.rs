use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::error::{Error, Result};
use crate::log::log_path::{LogFile, commit_path};

/// A place where a Delta table is, or may be. Cheap to clone; nothing is read before it is asked.
#[derive(Clone)]
pub struct Table {
    /// The store that the table is in.
    pub store: Arc<dyn ObjectStore>,
    /// The table's folder in the store, above `_delta_log`.
    pub root: Path,
    /// The table's URL, for messages and to recognise absolute paths: `s3a://bucket/path`.
    pub location: String,
    /// Whether the store can list. Where it can't (plain HTTP), the log's end is found by probing.
    pub can_list: bool,
}

impl Table {
    /// A table at `root` of `store`.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        root: Path,
        location: impl Into<String>,
        can_list: bool,
    ) -> Self {
        Self {
            store,
            root,
            location: location.into(),
            can_list,
        }
    }

    /// Reads a file of the log.
    pub(crate) async fn fetch(&self, path: &Path) -> Result<(Bytes, LogFile)> {
        let failed = |source| Error::Storage {
            path: path.clone(),
            source,
        };
        let answer = self.store.get(path).await.map_err(failed)?;
        let meta = answer.meta.clone();
        let bytes = answer.bytes().await.map_err(failed)?;
        // More than announced is fine: the transfer may have been compressed.
        if (bytes.len() as u64) < meta.size {
            return Err(self.truncated(path, bytes.len(), Some(meta.size)));
        }
        let file = LogFile {
            path: path.clone(),
            size: Some(meta.size),
            modified: meta.last_modified.timestamp_millis(),
            e_tag: meta.e_tag,
        };
        Ok((bytes, file))
    }

    pub(crate) fn truncated(&self, path: &Path, received: usize, expected: Option<u64>) -> Error {
        let (received, expected) = (received as u64, expected.unwrap_or_default());
        if received > expected {
            return Error::CorruptLog {
                path: path.to_string(),
                reason: format!("it has {received} bytes, and should have {expected}"),
            };
        }
        Error::Truncated {
            path: path.clone(),
            received,
            expected,
        }
    }

    pub(crate) fn no_time(&self, version: u64) -> Error {
        Error::CorruptLog {
            path: commit_path(&self.root, version).to_string(),
            reason: "the table has in-commit timestamps, and this commit lacks its own".to_owned(),
        }
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Table").field(&self.location).finish()
    }
}
