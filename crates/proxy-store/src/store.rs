use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::answer::not_supported;
use crate::requests::{Commit, ProxyAddress, Requests};
use crate::upload::Upload;

/// One bucket, read from the store and written through a proxy.
#[derive(Debug, Clone)]
pub struct ProxyStore {
    reads: Arc<dyn ObjectStore>,
    requests: Requests,
}

impl fmt::Display for ProxyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, written through {}",
            self.reads, self.requests.proxy.origin
        )
    }
}

impl ProxyStore {
    /// `reads`: the bucket itself.
    pub fn new(
        reads: Arc<dyn ObjectStore>,
        bucket: impl Into<String>,
        proxy: ProxyAddress,
    ) -> Self {
        Self {
            reads,
            requests: Requests {
                bucket: bucket.into(),
                proxy,
            },
        }
    }
}

#[async_trait]
impl ObjectStore for ProxyStore {
    async fn put_opts(&self, to: &Path, body: PutPayload, o: PutOptions) -> Result<PutResult> {
        if let PutMode::Update(_) = o.mode {
            return Err(not_supported("the proxy replaces no object"));
        }
        let body = Bytes::from(body);
        match Commit::of(to) {
            Some(commit) => self.requests.commit(to, commit, body).await,
            None => self.requests.put_bytes(to, body).await,
        }
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(Upload::new(self.requests.clone(), to.clone())))
    }

    async fn get_opts(&self, from: &Path, options: GetOptions) -> Result<GetResult> {
        self.reads.get_opts(from, options).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let requests = self.requests.clone();
        paths
            .and_then(move |path| {
                let requests = requests.clone();
                async move { requests.delete_object(path).await }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.reads.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.reads.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.reads.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(not_supported("the proxy copies no object"))
    }
}
