//! An object store with faults, for unit tests.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// Ignores `If-None-Match`, as some S3 look-alikes do.
    ForgetsPutIfAbsent,
    /// Keeps commit files, but answers with an error.
    LosesAnswers,
    /// Puts commit files twice, as a client does whose first answer was lost.
    RepeatsPuts,
    /// Answers with an error, and keeps no commit file.
    RefusesCommits,
}

#[derive(Debug)]
pub(crate) struct Faulty {
    inner: Arc<dyn ObjectStore>,
    fault: Fault,
}

impl Faulty {
    pub fn new(inner: Arc<dyn ObjectStore>, fault: Fault) -> Self {
        Self { inner, fault }
    }
}

impl std::fmt::Display for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Faulty({})", self.inner)
    }
}

fn reset() -> Error {
    Error::Generic {
        store: "test",
        source: "connection reset".into(),
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        at: &Path,
        data: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let is_commit = at.as_ref().contains("_delta_log/") && at.as_ref().ends_with(".json");
        match self.fault {
            Fault::ForgetsPutIfAbsent => self.inner.put_opts(at, data, PutOptions::default()).await,
            Fault::LosesAnswers if is_commit => {
                self.inner.put_opts(at, data, options).await?;
                Err(reset())
            }
            Fault::RepeatsPuts if is_commit => {
                self.inner
                    .put_opts(at, data.clone(), options.clone())
                    .await?;
                self.inner.put_opts(at, data, options).await
            }
            Fault::RefusesCommits if is_commit => Err(reset()),
            _ => self.inner.put_opts(at, data, options).await,
        }
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(at, options).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(at, options).await
    }

    async fn get_ranges(&self, at: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(at, ranges).await
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

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
