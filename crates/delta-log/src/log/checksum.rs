use serde::Deserialize;

use crate::actions::{Metadata, Protocol};
use crate::error::{Error, Result};
use crate::log::log_path::checksum_path;
use crate::log::state::State;
use crate::table::Table;

/// A version's checksum: what its writer held the version to be. It serves to check what was put
/// together from less than the log itself, and is never taken for the log.
///
/// Protocol: [Version Checksum File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#version-checksum-file)
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Checksum {
    num_files: u64,
    table_size_bytes: i64,
    protocol: Option<Protocol>,
    metadata: Option<Metadata>,
}

impl Checksum {
    /// `None` where there is none that could be read: a version does without.
    ///
    /// # Errors
    /// [`Error::Storage`] if the store fails.
    pub(crate) async fn read(table: &Table, version: u64) -> Result<Option<Self>> {
        match table.fetch(&checksum_path(&table.root, version)).await {
            Ok((bytes, _)) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(Error::Truncated { .. }) => Ok(None),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether `state` is what the writer had.
    pub(crate) fn matches(&self, state: &State) -> bool {
        fn same<T: PartialEq>(recorded: &Option<T>, found: &Option<T>) -> bool {
            recorded.is_none() || recorded == found
        }
        self.num_files == state.files.rows.len() as u64
            && Some(self.table_size_bytes) == state.files.size_in_bytes()
            && same(&self.protocol, &state.protocol)
            && same(&self.metadata, &state.metadata)
    }
}
