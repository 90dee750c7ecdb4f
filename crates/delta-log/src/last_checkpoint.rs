use object_store::path::Path;
use serde::Deserialize;

use crate::log_path::log_folder;
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
}

impl LastCheckpoint {
    /// `None` where there is none, or none that can be used. That is no error, whatever the cause:
    /// without the hint the log is read from its start, and a store that is down says so there.
    pub(crate) async fn read(table: &Table) -> Option<Self> {
        let path: Path = log_folder(&table.root).join("_last_checkpoint");
        let (bytes, _) = table.fetch(&path).await.ok()?;
        let hint: Self = serde_json::from_slice(&bytes).ok()?;
        // Above this a version's successor would overflow what Delta's writers count with.
        let plausible =
            hint.version < i64::MAX as u64 && hint.parts.is_none_or(|parts| parts < 10_000);
        plausible.then_some(hint)
    }
}
