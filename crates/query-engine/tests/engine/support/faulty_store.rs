use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryStreamExt};
use messages::Error;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error as StoreError, GetOptions, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result, UploadPart,
};
use query_engine::{Engine, EngineOptions, Scheduler, StoreLocation, Stores};
use tokio::sync::Notify;
use url::Url;

use super::Steady;

/// What goes wrong with a call to a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails, and has done nothing.
    Refused,
    /// It is done, and its answer says that it failed.
    AnswerLost,
    /// A body that is read ends before its time; of other calls the answer is lost.
    Cut,
    /// It is never answered, and has done nothing.
    Hangs,
    /// It is done, and never answered.
    HangsAfter,
}

/// How many calls a fault meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    One,
    AllFromHere,
}

/// A store with a fault at one of its calls, counted from 0.
#[derive(Debug, Clone)]
pub struct FaultyStore(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    inner: Arc<InMemory>,
    calls: AtomicUsize,
    fault: Option<(usize, Calls, Fault)>,
    hanging: Notify,
    holds_commit: AtomicBool,
    holding: Notify,
    released: Notify,
}

impl FaultyStore {
    pub fn new(inner: Arc<InMemory>, fault: Option<(usize, Calls, Fault)>) -> Self {
        Self(Arc::new(Shared {
            inner,
            calls: AtomicUsize::new(0),
            fault,
            hanging: Notify::new(),
            holds_commit: AtomicBool::new(false),
            holding: Notify::new(),
            released: Notify::new(),
        }))
    }

    /// A store without faults that holds the first commit back before it is put.
    pub fn holding_commit(inner: Arc<InMemory>) -> Self {
        let store = Self::new(inner, None);
        store.0.holds_commit.store(true, Ordering::Relaxed);
        store
    }

    /// Returns when a commit is held back.
    pub async fn holding(&self) {
        self.0.holding.notified().await;
    }

    /// Lets the commit go on.
    pub fn release(&self) {
        self.0.released.notify_one();
    }

    /// Calls so far.
    pub fn calls(&self) -> usize {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// Returns when a call hangs.
    pub async fn hanging(&self) {
        self.0.hanging.notified().await;
    }

    fn next(&self) -> Option<Fault> {
        let call = self.0.calls.fetch_add(1, Ordering::Relaxed);
        let (at, calls, fault) = self.0.fault?;
        let meets = match calls {
            Calls::One => call == at,
            Calls::AllFromHere => call >= at,
        };
        meets.then_some(fault)
    }

    /// The answer to a call, or what comes of it.
    async fn call<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        match self.next() {
            None => call.await,
            Some(Fault::Refused) => Err(broken()),
            Some(Fault::AnswerLost | Fault::Cut) => {
                call.await?;
                Err(broken())
            }
            Some(Fault::Hangs) => self.hang().await,
            Some(Fault::HangsAfter) => {
                let _ = call.await;
                self.hang().await
            }
        }
    }

    async fn hang<T>(&self) -> T {
        self.0.hanging.notify_one();
        std::future::pending().await
    }

    /// The entries of a listing, fetched as one.
    fn listing<T: Send + 'static>(
        &self,
        entries: BoxStream<'static, Result<T>>,
    ) -> BoxStream<'static, Result<T>> {
        let store = self.clone();
        let listed = async move { store.call(entries.try_collect::<Vec<T>>()).await };
        listed
            .map(|listed| match listed {
                Ok(entries) => futures::stream::iter(entries).map(Ok).left_stream(),
                Err(error) => futures::stream::iter([Err(error)]).right_stream(),
            })
            .flatten_stream()
            .boxed()
    }
}

fn broken() -> StoreError {
    StoreError::Generic {
        store: "FaultyStore",
        source: "the line is broken".into(),
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyStore")
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, to: &Path, body: PutPayload, o: PutOptions) -> Result<PutResult> {
        let is_commit = to.as_ref().contains("_delta_log/") && to.extension() == Some("json");
        if is_commit && self.0.holds_commit.swap(false, Ordering::Relaxed) {
            self.0.holding.notify_one();
            self.0.released.notified().await;
        }
        self.call(self.0.inner.put_opts(to, body, o)).await
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let inner = self
            .call(self.0.inner.put_multipart_opts(to, options))
            .await?;
        Ok(Box::new(FaultyUpload {
            inner,
            store: self.clone(),
        }))
    }

    async fn get_opts(&self, from: &Path, options: GetOptions) -> Result<GetResult> {
        let get = self.0.inner.get_opts(from, options);
        match self.next() {
            None => get.await,
            Some(Fault::Refused | Fault::AnswerLost) => Err(broken()),
            Some(Fault::Cut) => cut(get.await?).await,
            Some(Fault::Hangs | Fault::HangsAfter) => self.hang().await,
        }
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.listing(self.0.inner.delete_stream(paths))
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listing(self.0.inner.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listing(self.0.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.call(self.0.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.call(self.0.inner.copy_opts(from, to, options)).await
    }
}

/// The first half of what was asked for, and then the end of the line.
async fn cut(result: GetResult) -> Result<GetResult> {
    let (range, meta) = (result.range.clone(), result.meta.clone());
    let attributes = result.attributes.clone();
    let bytes = result.bytes().await?;
    let half = bytes.slice(..bytes.len() / 2);
    let body = futures::stream::iter([Ok(half), Err(broken())]).boxed();
    Ok(GetResult {
        payload: GetResultPayload::Stream(body),
        meta,
        range,
        attributes,
    })
}

#[derive(Debug)]
struct FaultyUpload {
    inner: Box<dyn MultipartUpload>,
    store: FaultyStore,
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let put = self.inner.put_part(data);
        let store = self.store.clone();
        async move { store.call(put).await }.boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.store.call(self.inner.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.store.call(self.inner.abort()).await
    }
}

impl Stores for FaultyStore {
    fn resolve(&self, url: &Url) -> Result<StoreLocation, Error> {
        Ok(StoreLocation {
            store: Arc::new(self.clone()) as Arc<dyn ObjectStore>,
            root: Path::from_url_path(url.path()).unwrap(),
            location: url.to_string(),
            can_list: true,
            can_write: true,
        })
    }

    fn buckets(&self) -> Vec<String> {
        vec!["lake".to_owned()]
    }
}

#[async_trait]
impl Scheduler for FaultyStore {
    async fn yield_now(&self) {
        tokio::task::yield_now().await;
    }
}

impl FaultyStore {
    /// An engine that reads and writes the bucket `lake` in this store.
    pub fn engine(&self, environment: &Arc<Steady>) -> Engine {
        Engine::new(EngineOptions {
            memory_limit: 256 * 1024 * 1024,
            stores: Arc::new(self.clone()),
            environment: Arc::clone(environment) as _,
            scheduler: Arc::new(self.clone()),
        })
    }
}
