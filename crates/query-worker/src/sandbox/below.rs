//! All stores of a tab as one, so that one overlay lies above them all.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::path::{Path, PathPart};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use percent_encoding::percent_decode_str;

use crate::stores::{FetchStores, StoreName};

/// The stores below an overlay: a bucket, or a web server's origin, is the first part of each key.
///
/// It is read-only. Where the connection has no endpoint, its buckets are empty, and nobody is asked.
#[derive(Debug)]
pub(crate) struct StoresBelow {
    stores: Mutex<Arc<FetchStores>>,
}

/// A key of all stores, as one of them has it.
struct Found {
    store: Arc<dyn ObjectStore>,
    /// The store's folder, which its keys lie in above.
    folder: Path,
    path: Path,
}

impl StoresBelow {
    pub fn new(stores: Arc<FetchStores>) -> Self {
        Self {
            stores: Mutex::new(stores),
        }
    }

    /// Reads from these from now on: the same stores, with other keys to them perhaps.
    pub fn replace(&self, stores: Arc<FetchStores>) {
        *self.stores.lock().unwrap_or_else(PoisonError::into_inner) = stores;
    }

    fn stores(&self) -> Arc<FetchStores> {
        let stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&stores)
    }

    /// The store of a key; `None` in an empty bucket.
    fn split(&self, key: &Path) -> Result<Option<Found>> {
        let Some((name, rest)) = store_of(key) else {
            return Ok(None);
        };
        let stores = self.stores();
        if matches!(name, StoreName::Bucket(_)) && !stores.has_endpoint() {
            return Ok(None);
        }
        let store = stores.store(&name).map_err(|source| Error::Generic {
            store: "connection",
            source: source.into(),
        })?;
        Ok(Some(Found {
            store,
            folder: folder_of(&name),
            path: rest,
        }))
    }

    fn list_from(
        &self,
        prefix: Option<&Path>,
        offset: Option<&Path>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let found = self.split(prefix.unwrap_or(&Path::default()));
        let Found {
            store,
            folder,
            path,
        } = match found {
            Ok(Some(found)) => found,
            Ok(None) => return stream::empty().boxed(),
            Err(error) => return stream::once(std::future::ready(Err(error))).boxed(),
        };
        let offset = offset.map(|offset| inside(&folder, offset));
        let listed = match offset {
            Some(offset) => store.list_with_offset(Some(&path), &offset),
            None => store.list(Some(&path)),
        };
        listed.map(move |meta| Ok(outside(&folder, meta?))).boxed()
    }
}

/// The store's name in the first part of a key, and the rest of it.
pub(crate) fn store_of(key: &Path) -> Option<(StoreName, Path)> {
    let mut parts = key.parts();
    let first = parts.next()?;
    let name = percent_decode_str(first.as_ref()).decode_utf8().ok()?;
    let name = if name.contains("://") {
        StoreName::Origin(name.into_owned())
    } else {
        StoreName::Bucket(name.into_owned())
    };
    Some((name, parts.collect()))
}

/// The folder that a store is, above the stores.
pub(crate) fn folder_of(store: &StoreName) -> Path {
    let (StoreName::Bucket(name) | StoreName::Origin(name)) = store;
    Path::from_iter([PathPart::from(name.as_str())])
}

/// A key in a store's folder, as the store has it.
fn inside(folder: &Path, key: &Path) -> Path {
    key.prefix_match(folder)
        .map_or_else(|| key.clone(), Iterator::collect)
}

fn above(folder: &Path, key: &Path) -> Path {
    folder.parts().chain(key.parts()).collect()
}

fn outside(folder: &Path, mut meta: ObjectMeta) -> ObjectMeta {
    meta.location = above(folder, &meta.location);
    meta
}

fn nothing_at(key: &Path) -> Error {
    Error::NotFound {
        path: key.to_string(),
        source: "this bucket is in the tab alone".into(),
    }
}

fn read_only() -> Error {
    Error::NotSupported {
        source: "the stores below a sandbox are not written".into(),
    }
}

impl fmt::Display for StoresBelow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection's stores")
    }
}

#[async_trait]
impl ObjectStore for StoresBelow {
    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(read_only())
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(read_only())
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> Result<GetResult> {
        let Some(found) = self.split(key)? else {
            return Err(nothing_at(key));
        };
        let mut read = found.store.get_opts(&found.path, options).await?;
        read.meta = outside(&found.folder, read.meta);
        Ok(read)
    }

    async fn get_ranges(&self, key: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        match self.split(key)? {
            Some(found) => found.store.get_ranges(&found.path, ranges).await,
            None => Err(nothing_at(key)),
        }
    }

    fn delete_stream(
        &self,
        keys: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        keys.map(|key| key.and_then(|_| Err(read_only()))).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.list_from(prefix, None)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.list_from(prefix, Some(offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let split = self.split(prefix.unwrap_or(&Path::default()))?;
        let Some(Found {
            store,
            folder,
            path,
        }) = split
        else {
            return Ok(ListResult {
                common_prefixes: Vec::new(),
                objects: Vec::new(),
            });
        };
        let found = store.list_with_delimiter(Some(&path)).await?;
        let folders = found.common_prefixes.iter();
        Ok(ListResult {
            common_prefixes: folders.map(|path| above(&folder, path)).collect(),
            objects: found
                .objects
                .into_iter()
                .map(|meta| outside(&folder, meta))
                .collect(),
        })
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(read_only())
    }
}
