//! Objects that are put: streamed to the store, and never over one that is there.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use delta_log::TimeTravel;
use futures::TryStreamExt as _;
use messages::Error;
use messages::proxy::{OBJECT_ALREADY_EXISTS, StoredObject};
use object_store::path::Path;
use object_store::{
    ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, WriteMultipart,
};
use serde::Deserialize;

use crate::Proxy;
use crate::body::TimedBody;
use crate::checkpoints::{check_checkpoint, check_checksum};
use crate::error::{Refusal, from_log, from_store};
use crate::location::{ObjectPlace, TablePlace};
use crate::proxy::in_own_task;
use crate::staged::{Staged, classify};

/// Larger objects are put in parts of this many bytes. S3 takes 10,000 parts.
const PART: u64 = 8 * 1024 * 1024;

/// Parts that are on their way at a time.
const PARTS: usize = 2;

/// Largest checkpoint. It is read whole before it is put.
const CHECKPOINT: u64 = 128 * 1024 * 1024;

/// Largest `_last_checkpoint`.
const HINT: u64 = 64 * 1024;

/// Puts one object of `size` bytes.
pub(crate) async fn put(
    proxy: &Proxy,
    place: ObjectPlace,
    mut body: TimedBody,
    size: u64,
) -> Result<StoredObject, Error> {
    let staged = classify(&place.bucket, &place.key)?;
    let store = proxy.writable(&place.bucket, &place.key).await?;
    let turn = proxy.upload_turn().await?;
    let proxy = proxy.clone();
    in_own_task(turn, async move {
        let ObjectPlace { key, .. } = place;
        match staged {
            Staged::LastCheckpoint { table } => {
                if size > HINT {
                    return Err(not_allowed(&key, "it is too large"));
                }
                let bytes = body.read(size).await?;
                return replace_hint(&proxy, &store, table, &key, bytes).await;
            }
            Staged::OfVersion { table, version } => {
                if size > CHECKPOINT {
                    return Err(not_allowed(&key, "it is larger than can be checked"));
                }
                let _turn = proxy.checkpoint_turn().await?;
                let bytes = body.read(size).await?;
                check_version(&proxy, &store, &table, version, &key, &bytes).await?;
                return put_whole(store.as_ref(), &key, bytes).await;
            }
            Staged::Data | Staged::Sidecar => {}
        }
        match size <= PART {
            true => {
                let bytes = body.read(size).await?;
                put_whole(store.as_ref(), &key, bytes).await
            }
            false => put_parts(store.as_ref(), &key, body, size).await,
        }
    })
    .await
}

fn not_allowed(key: &Path, why: &str) -> Error {
    Error::new("OBJECT_NOT_ALLOWED", format!("{key} can't be put: {why}."))
}

fn exists(key: &Path) -> Error {
    let message = format!("There is an object {key} already, and it is another one.");
    Error::new(OBJECT_ALREADY_EXISTS, message)
}

async fn put_whole(
    store: &dyn ObjectStore,
    key: &Path,
    bytes: Bytes,
) -> Result<StoredObject, Error> {
    let size = bytes.len() as u64;
    let payload = PutPayload::from(bytes.clone());
    let refused = match store
        .put_opts(key, payload, PutOptions::from(PutMode::Create))
        .await
    {
        Ok(put) => {
            return Ok(StoredObject {
                size,
                e_tag: put.e_tag,
            });
        }
        Err(error) => error,
    };
    // It may be our own, from a request whose answer was lost.
    let found = match store.get(key).await {
        Ok(found) if found.meta.size == size => found,
        Ok(_) => return Err(exists(key)),
        Err(_) => return Err(from_store(&refused)),
    };
    let e_tag = found.meta.e_tag.clone();
    match found.bytes().await {
        Ok(found) if found == bytes => Ok(StoredObject { size, e_tag }),
        Ok(_) => Err(exists(key)),
        Err(error) => Err(from_store(&error)),
    }
}

/// Puts an object in parts. Stores can't refuse to replace one at the end of that, so that it is asked
/// for first: of two writers that put an object of one name at the same time, both may succeed. Names
/// of data files are unique, and a file that a version of a table has is there.
async fn put_parts(
    store: &dyn ObjectStore,
    key: &Path,
    mut body: TimedBody,
    size: u64,
) -> Result<StoredObject, Error> {
    match store.get(key).await {
        Ok(found) if found.meta.size == size => return compare(key, found, body).await,
        Ok(_) => return Err(exists(key)),
        Err(object_store::Error::NotFound { .. }) => {}
        Err(error) => return Err(from_store(&error)),
    }
    let upload = store
        .put_multipart(key)
        .await
        .map_err(|error| from_store(&error))?;
    let mut parts =
        WriteMultipart::new_with_chunk_size(upload, usize::try_from(PART).unwrap_or(usize::MAX));
    let written = async {
        while let Some(bytes) = body.next().await? {
            parts
                .wait_for_capacity(PARTS)
                .await
                .map_err(|error| from_store(&error))?;
            parts.put(bytes);
        }
        body.check_whole(size)
    };
    if let Err(error) = written.await {
        if let Err(error) = parts.abort().await {
            tracing::warn!(%key, %error, "parts of an upload stay behind");
        }
        return Err(error);
    }
    let put = parts.finish().await.map_err(|error| from_store(&error))?;
    Ok(StoredObject {
        size,
        e_tag: put.e_tag,
    })
}

/// Compares a body with an object of the same size.
async fn compare(
    key: &Path,
    found: object_store::GetResult,
    mut body: TimedBody,
) -> Result<StoredObject, Error> {
    let (size, e_tag) = (found.meta.size, found.meta.e_tag.clone());
    let mut stored = found.into_stream();
    let mut ahead = BytesMut::new();
    while let Some(bytes) = body.next().await? {
        while ahead.len() < bytes.len() {
            match stored
                .try_next()
                .await
                .map_err(|error| from_store(&error))?
            {
                Some(more) => ahead.extend_from_slice(&more),
                None => return Err(exists(key)),
            }
        }
        if ahead.split_to(bytes.len()) != bytes {
            return Err(exists(key));
        }
    }
    body.check_whole(size)?;
    Ok(StoredObject { size, e_tag })
}

/// Replaces `_last_checkpoint`, which never goes back and never names what is not there.
async fn replace_hint(
    proxy: &Proxy,
    store: &Arc<dyn ObjectStore>,
    table: TablePlace,
    key: &Path,
    bytes: Bytes,
) -> Result<StoredObject, Error> {
    #[derive(Deserialize)]
    struct Hint {
        version: u64,
    }
    let hint: Hint =
        serde_json::from_slice(&bytes).map_err(|error| not_allowed(key, &error.to_string()))?;
    let folder = table.log();
    let prefix = format!("{folder}/{:020}.checkpoint.", hint.version);
    let offset = folder.clone().join(format!("{:020}", hint.version));
    let mut files = store.list_with_offset(Some(&folder), &offset);
    loop {
        let file = files.try_next().await.map_err(|error| from_store(&error))?;
        let Some(file) = file else {
            return Err(not_allowed(key, "there is no checkpoint of that version"));
        };
        if file.location.as_ref().starts_with(&prefix) {
            break;
        }
    }
    let _lock = proxy.lock(&table, store).await;
    let current = match store.get(key).await {
        Ok(current) => current.bytes().await.map_err(|error| from_store(&error))?,
        Err(object_store::Error::NotFound { .. }) => Bytes::new(),
        Err(error) => return Err(from_store(&error)),
    };
    let current: Option<Hint> = serde_json::from_slice(&current).ok();
    if current.is_some_and(|current| current.version > hint.version) {
        return Err(not_allowed(key, "it names a later checkpoint already"));
    }
    let size = bytes.len() as u64;
    let put = store
        .put(key, PutPayload::from(bytes))
        .await
        .map_err(|error| from_store(&error))?;
    Ok(StoredObject {
        size,
        e_tag: put.e_tag,
    })
}

/// Checks that a checkpoint or a checksum says what the log says of its version.
async fn check_version(
    proxy: &Proxy,
    store: &Arc<dyn ObjectStore>,
    table: &TablePlace,
    version: u64,
    key: &Path,
    bytes: &Bytes,
) -> Result<(), Error> {
    let (of, latest) = {
        let mut open = proxy.lock(table, store).await;
        let latest = open
            .refresh()
            .await
            .map_err(|error| error_of(table, error))?;
        (open.table.clone(), latest)
    };
    let snapshot = match latest {
        Some(latest) if latest.version() == version => latest,
        Some(latest) if latest.version() > version => {
            let snapshot = of.snapshot(TimeTravel::Version(version)).await;
            snapshot.map_err(|error| error_of(table, error))?
        }
        Some(_) | None => return Err(not_allowed(key, "its table has no such version")),
    };
    let checked = match key.extension() {
        Some("crc") => check_checksum(bytes, &snapshot),
        Some(_) | None => check_checkpoint(&of, key, bytes.clone(), &snapshot).await,
    };
    checked.map_err(|why| not_allowed(key, &why))
}

fn error_of(table: &TablePlace, error: delta_log::Error) -> Error {
    match from_log(table, error) {
        Refusal::Error(error) => error,
        Refusal::Conflict(conflict) => conflict.error,
    }
}
