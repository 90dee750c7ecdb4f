//! Commits that are in a log already: whose they are, and where one's own is.

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use messages::proxy::{Committed, Winner};
use object_store::{ObjectStore, ObjectStoreExt as _};
use serde::Deserialize;
use uuid::Uuid;

use crate::location::TablePlace;

/// Largest commit file that is read: writers that are not ours may have larger ones than we take.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Commits that are read at a time.
const CONCURRENT: usize = 8;

/// What a commit says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CommitInfo {
    #[serde(default)]
    pub operation: Option<String>,
    #[serde(default)]
    pub txn_id: Option<String>,
}

impl CommitInfo {
    /// Finds `commitInfo` in a commit file; the default where it has none that can be read.
    pub fn find(body: &[u8]) -> Self {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Line {
            commit_info: Option<CommitInfo>,
        }
        let lines = body.split(|byte| *byte == b'\n');
        let mut infos =
            lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok()?.commit_info);
        infos.next().unwrap_or_default()
    }

    pub fn is_of(&self, txn: Uuid) -> bool {
        let id = self
            .txn_id
            .as_deref()
            .and_then(|id| Uuid::parse_str(id).ok());
        id == Some(txn)
    }

    pub fn committed(self, version: u64, txn: Uuid) -> Committed {
        Committed {
            version,
            txn_id: txn.to_string(),
            operation: self.operation,
        }
    }

    pub fn winner(self, version: u64) -> Winner {
        Winner {
            version,
            operation: self.operation,
            txn_id: self.txn_id,
        }
    }
}

/// What the commit of a version says about itself; `None` where there is no such commit file.
pub(crate) async fn read(
    store: &dyn ObjectStore,
    table: &TablePlace,
    version: u64,
) -> object_store::Result<Option<CommitInfo>> {
    Ok(fetch(store, table, version)
        .await?
        .map(|body| CommitInfo::find(&body)))
}

/// The commit file of a version; `None` where there is none, empty where it is too large.
pub(crate) async fn fetch(
    store: &dyn ObjectStore,
    table: &TablePlace,
    version: u64,
) -> object_store::Result<Option<Bytes>> {
    let answer = match store.get(&table.commit(version)).await {
        Ok(answer) => answer,
        Err(object_store::Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    match answer.meta.size > LARGEST {
        true => Ok(Some(Bytes::new())),
        false => answer.bytes().await.map(Some),
    }
}

/// The newest commit of a transaction among those of `versions`, ascending.
pub(crate) async fn find(
    store: &dyn ObjectStore,
    table: &TablePlace,
    versions: std::ops::RangeInclusive<u64>,
    txn: Uuid,
) -> object_store::Result<Option<Committed>> {
    let reads = stream::iter(versions.rev()).map(|version| async move {
        Ok::<_, object_store::Error>((version, read(store, table, version).await?))
    });
    let mut found = std::pin::pin!(reads.buffered(CONCURRENT).try_filter_map(
        |(version, info)| async move {
            let info = info.filter(|info| info.is_of(txn));
            Ok(info.map(|info| info.committed(version, txn)))
        }
    ));
    found.try_next().await
}
