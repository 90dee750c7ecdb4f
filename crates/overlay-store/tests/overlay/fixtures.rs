//! A store below that answers as it is told, a clock, and shorthands.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::DateTime;
use futures::TryStreamExt;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    RenameOptions, Result,
};
use overlay_store::{Clock, OverlayStore};
use tokio::sync::Semaphore;

/// How a store fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Broken,
    Forbidden,
}

/// A store below: read-only, and its listings come backwards, as a store's may.
#[derive(Debug)]
pub struct Below {
    objects: InMemory,
    fault: Option<Fault>,
    /// Permits for reads, if they wait for some.
    gate: Option<Semaphore>,
    reads: AtomicUsize,
}

impl Below {
    pub fn new(objects: InMemory) -> Self {
        Self {
            objects,
            fault: None,
            gate: None,
            reads: AtomicUsize::new(0),
        }
    }

    pub fn failing(fault: Fault) -> Self {
        Self {
            fault: Some(fault),
            ..Self::new(InMemory::new())
        }
    }

    /// A store whose reads wait until they are [let](Self::answer).
    pub fn waiting() -> Self {
        Self {
            gate: Some(Semaphore::new(0)),
            ..Self::new(InMemory::new())
        }
    }

    /// Waits until so many reads have come, then answers all of them, and those to come.
    pub async fn answer(&self, reads: usize) {
        while self.reads.load(Ordering::SeqCst) < reads {
            tokio::task::yield_now().await;
        }
        let gate = self.gate.as_ref().expect("a store that waits");
        gate.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    /// Reads until now.
    pub fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    fn check(&self, location: &Path) -> Result<()> {
        let source = || "told to".into();
        match self.fault {
            None => Ok(()),
            Some(Fault::Broken) => Err(Error::Generic {
                store: "Below",
                source: source(),
            }),
            Some(Fault::Forbidden) => Err(Error::PermissionDenied {
                path: location.to_string(),
                source: source(),
            }),
        }
    }

    async fn read(&self, location: &Path) -> Result<()> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if let Some(gate) = &self.gate {
            gate.acquire().await.expect("an open gate").forget();
        }
        self.check(location)
    }
}

impl fmt::Display for Below {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Below")
    }
}

#[async_trait]
impl ObjectStore for Below {
    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        panic!("the store below is written to")
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        panic!("the store below is written to")
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.read(location).await?;
        self.objects.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.read(location).await?;
        self.objects.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        panic!("the store below is written to")
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        if let Err(error) = self.check(&Path::default()) {
            return stream::once(async { Err(error) }).boxed();
        }
        let objects = self.objects.list(prefix).try_collect::<Vec<_>>();
        stream::once(objects)
            .map_ok(|objects| stream::iter(objects.into_iter().rev().map(Ok)))
            .try_flatten()
            .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.check(&Path::default())?;
        let mut found = self.objects.list_with_delimiter(prefix).await?;
        found.objects.reverse();
        found.common_prefixes.reverse();
        Ok(found)
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        panic!("the store below is written to")
    }

    async fn rename_opts(&self, _: &Path, _: &Path, _: RenameOptions) -> Result<()> {
        panic!("the store below is written to")
    }
}

/// A clock that is a second later each time it is asked; at first it is 2024-01-01T00:00:00Z.
pub fn clock() -> Clock {
    let seconds = AtomicI64::new(1_704_067_200);
    Arc::new(move || {
        let now = seconds.fetch_add(1, Ordering::SeqCst);
        DateTime::from_timestamp(now, 0).expect("a time")
    })
}

pub fn path(text: &str) -> Path {
    Path::parse(text).expect("a path")
}

/// An overlay above a store with these objects.
pub async fn above(objects: &[(&str, &str)]) -> OverlayStore {
    let below = Below::new(in_memory(objects).await);
    OverlayStore::above(Arc::new(below), clock())
}

pub async fn in_memory(objects: &[(&str, &str)]) -> InMemory {
    let store = InMemory::new();
    for (key, data) in objects {
        let data = (*data).to_owned();
        store.put(&path(key), data.into()).await.expect("a put");
    }
    store
}

pub async fn put(store: &dyn ObjectStore, key: &str, data: &str) {
    let data = data.to_owned();
    store.put(&path(key), data.into()).await.expect("a put");
}

/// What is there, as text; `None` if nothing is.
pub async fn read(store: &dyn ObjectStore, key: &str) -> Option<String> {
    match store.get(&path(key)).await {
        Ok(found) => {
            let bytes = found.bytes().await.expect("bytes");
            Some(String::from_utf8(bytes.to_vec()).expect("text"))
        }
        Err(Error::NotFound { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

/// All keys, in the order of the listing.
pub async fn keys(store: &dyn ObjectStore) -> Vec<String> {
    let objects: Vec<ObjectMeta> = store.list(None).try_collect().await.expect("a listing");
    let key = |object: ObjectMeta| object.location.to_string();
    objects.into_iter().map(key).collect()
}
