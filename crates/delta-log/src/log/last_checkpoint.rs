use object_store::path::Path;
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::log::log_path::log_folder;
use crate::table::Table;

/// `_last_checkpoint`: where the newest checkpoint may be. Only ever a hint: it is written after
/// the checkpoint, may be overtaken, and may outlive what it points at.
///
/// Protocol: [Last Checkpoint File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#last-checkpoint-file)
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct LastCheckpoint {
    pub(crate) version: u64,
    /// Of a multi-part checkpoint.
    pub(crate) parts: Option<u32>,
    /// Of one of the V2 spec. Spark writes it; the protocol does not know it.
    #[serde(rename = "v2Checkpoint")]
    pub(crate) v2: Option<V2Checkpoint>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct V2Checkpoint {
    /// The name of its top level in `_delta_log`.
    pub(crate) path: String,
}

impl LastCheckpoint {
    /// `None` where there is none, or none that can be used: then the log is read from its start.
    ///
    /// # Errors
    /// [`Error::Storage`] if the store fails, as it would for the next request: better at once than
    /// after the retries of two.
    pub(crate) async fn read(table: &Table) -> Result<Option<Self>> {
        let path: Path = log_folder(&table.root).join("_last_checkpoint");
        let bytes = match table.fetch(&path).await {
            Ok((bytes, _)) => bytes,
            Err(Error::Truncated { .. }) => return Ok(None),
            // Who may not list gets "forbidden" for what is not there.
            Err(Error::Storage {
                source:
                    object_store::Error::NotFound { .. }
                    | object_store::Error::PermissionDenied { .. }
                    | object_store::Error::Unauthenticated { .. },
                ..
            }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let hint: Option<Self> = serde_json::from_slice(&bytes).ok();
        // Above this a version's successor would overflow what Delta's writers count with.
        let plausible = |hint: &Self| {
            hint.version < i64::MAX as u64 && hint.parts.is_none_or(|parts| parts < 10_000)
        };
        Ok(hint.filter(plausible))
    }
}
