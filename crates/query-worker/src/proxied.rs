//! Writes through the commit proxy, which go on when the statement that waits for them is cancelled.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::channel::oneshot;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// A store whose puts of commits are not cut off: the proxy finishes what it has begun, and whoever
/// cancelled is told that it may.
#[derive(Debug)]
pub(crate) struct ProxiedStore {
    inner: Arc<dyn ObjectStore>,
    commits_in_flight: Arc<AtomicUsize>,
}

impl ProxiedStore {
    /// `commits_in_flight`: number of commits that were sent and not answered.
    pub fn new(inner: Arc<dyn ObjectStore>, commits_in_flight: Arc<AtomicUsize>) -> Self {
        Self {
            inner,
            commits_in_flight,
        }
    }
}

impl fmt::Display for ProxiedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.inner)
    }
}

fn is_commit(path: &Path) -> bool {
    path.extension() == Some("json") && path.as_ref().contains("/_delta_log/")
}

#[async_trait]
impl ObjectStore for ProxiedStore {
    async fn put_opts(&self, to: &Path, body: PutPayload, o: PutOptions) -> Result<PutResult> {
        if !is_commit(to) {
            return self.inner.put_opts(to, body, o).await;
        }
        let (sender, answer) = oneshot::channel();
        let inner = Arc::clone(&self.inner);
        let in_flight = Arc::clone(&self.commits_in_flight);
        let path = to.clone();
        wasm_bindgen_futures::spawn_local(async move {
            // Cancelled before anything was sent.
            if sender.is_canceled() {
                return;
            }
            in_flight.fetch_add(1, Ordering::Relaxed);
            let outcome = inner.put_opts(&path, body, o).await;
            in_flight.fetch_sub(1, Ordering::Relaxed);
            let _ = sender.send(outcome);
        });
        answer.await.unwrap_or_else(|oneshot::Canceled| {
            Err(Error::Generic {
                store: "the commit proxy",
                source: "the commit ended without an answer".into(),
            })
        })
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(to, options).await
    }

    async fn get_opts(&self, from: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(from, options).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
