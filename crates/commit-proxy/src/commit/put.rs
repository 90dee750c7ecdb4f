//! The one put that makes a commit.

use bytes::Bytes;
use messages::proxy::Committed;
use object_store::{ObjectStore, PutMode, PutOptions, PutPayload};
use uuid::Uuid;

use crate::commit::log::{self, CommitInfo};
use crate::error::{Refusal, busy, conflict, from_store, outcome_unknown};
use crate::location::TablePlace;

/// Puts the commit file of a version, where there is none. An answer that is lost is made up for by
/// looking whose commit is there; where none is, the put is repeated once: it is the same file
/// under the same name, so that it can't be made twice.
pub(crate) async fn put(
    store: &dyn ObjectStore,
    table: &TablePlace,
    version: u64,
    txn: Uuid,
    info: CommitInfo,
    body: Bytes,
) -> Result<Committed, Refusal> {
    let payload = PutPayload::from(body);
    let mut unheard = None;
    for _ in 0..2 {
        let options = PutOptions::from(PutMode::Create);
        let path = table.commit(version);
        let Err(error) = store.put_opts(&path, payload.clone(), options).await else {
            return Ok(info.committed(version, txn));
        };
        // Where something is there, it may be our own: a store's client repeats a put that it had no
        // answer to, and is then refused by its own first one.
        match log::read(store, table, version).await {
            Ok(Some(found)) if found.is_of(txn) => return Ok(found.committed(version, txn)),
            Ok(Some(found)) => return Err(conflict(table, found.winner(version), version)),
            Ok(None) | Err(_) if is_refused(&error) && unheard.is_none() => {
                return Err(from_store(&error).into());
            }
            Ok(None) if !is_absence_refused(&error) => unheard = Some(error),
            Ok(None) | Err(_) => return Err(outcome_unknown(table, version, &error)),
        }
    }
    // Either put may still arrive.
    Err(match unheard {
        Some(error) => outcome_unknown(table, version, &error),
        None => busy().into(),
    })
}

/// Whether an error says that something is there already.
fn is_absence_refused(error: &object_store::Error) -> bool {
    matches!(
        error,
        object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }
    )
}

/// Whether an error says that the store has not done it, and not only that it was not heard.
fn is_refused(error: &object_store::Error) -> bool {
    matches!(
        error,
        object_store::Error::PermissionDenied { .. }
            | object_store::Error::Unauthenticated { .. }
            | object_store::Error::NotImplemented { .. }
            | object_store::Error::NotSupported { .. }
            | object_store::Error::InvalidPath { .. }
    )
}
