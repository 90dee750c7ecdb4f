use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use messages::Error as Told;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::answer::not_supported;
use crate::deletes::Deletes;
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

/// Drops a table of a bucket through a proxy, where that is allowed: the log first, and then all else in
/// its folder. Gives the number of objects that are deleted.
///
/// # Errors
/// What the proxy says where it refuses, which leaves the table as it is; `COMMIT_PROXY_UNREACHABLE`.
pub async fn drop_table(proxy: &ProxyAddress, bucket: &str, table: &Path) -> Result<u64, Told> {
    let requests = Requests {
        bucket: bucket.to_owned(),
        proxy: proxy.clone(),
    };
    let dropped = requests.drop_table(table).await;
    dropped.map_err(|error| told(&error))
}

/// What an error has to say to a person.
fn told(error: &object_store::Error) -> Told {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(told) = error.downcast_ref::<Told>() {
            return told.clone();
        }
        cause = error.source();
    }
    Told::new("COMMIT_PROXY_UNREACHABLE", format!("{error}."))
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
        let deletes = Deletes {
            reads: Arc::clone(&self.reads),
            requests: self.requests.clone(),
        };
        deletes.all(paths)
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
