use bytes::Bytes;
use delta_log::Table;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use super::error::{MaintenanceError, Result};

/// Puts a file, unless there is one: whether it did.
pub(super) async fn put_new(table: &Table, path: &Path, content: Bytes) -> Result<bool> {
    let options = PutOptions {
        mode: PutMode::Create,
        ..PutOptions::default()
    };
    let put = table
        .store
        .put_opts(path, PutPayload::from(content), options);
    match put.await {
        Ok(_) => Ok(true),
        Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
        Err(source) => Err(failed(path, source)),
    }
}

/// Puts a file in place of what is there.
pub(super) async fn put(table: &Table, path: &Path, content: Bytes) -> Result<()> {
    let put = table.store.put(path, PutPayload::from(content)).await;
    put.map(|_| ()).map_err(|source| failed(path, source))
}

fn failed(path: &Path, source: object_store::Error) -> MaintenanceError {
    let path = path.clone();
    MaintenanceError::Write { path, source }
}
