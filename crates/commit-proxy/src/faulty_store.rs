//! An object store with faults, for tests.

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Ignores `If-None-Match`, as some S3 look-alikes do.
    ForgetsPutIfAbsent,
    /// Keeps a commit file, but answers with an error.
    LosesAnswer,
    /// Puts a commit file twice, as a client does whose first answer was lost.
    RepeatsPut,
    /// Answers with an error, and keeps no commit file.
    LosesPut,
    /// Refuses commit files for lack of a permission.
    Forbids,
    /// Has somebody else's commit file by the time that one is put.
    Overtaken,
    /// Takes its time for a commit file.
    Slow(Duration),
}

/// A store that has each of some faults once, in their order, where a commit is put.
#[derive(Debug)]
pub(crate) struct Faulty {
    inner: Arc<dyn ObjectStore>,
    faults: Mutex<Vec<Fault>>,
}

impl Faulty {
    pub fn new(inner: Arc<dyn ObjectStore>, faults: &[Fault]) -> Self {
        let faults = Mutex::new(faults.iter().rev().copied().collect());
        Self { inner, faults }
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
        let fault = {
            let mut faults = self.faults.lock().unwrap();
            match faults.last() {
                Some(Fault::ForgetsPutIfAbsent) => Some(Fault::ForgetsPutIfAbsent),
                Some(_) if is_commit => faults.pop(),
                Some(_) | None => None,
            }
        };
        match fault {
            None => self.inner.put_opts(at, data, options).await,
            Some(Fault::ForgetsPutIfAbsent) => {
                self.inner.put_opts(at, data, PutOptions::default()).await
            }
            Some(Fault::LosesAnswer) => {
                self.inner.put_opts(at, data, options).await?;
                Err(reset())
            }
            Some(Fault::RepeatsPut) => {
                let again = (data.clone(), options.clone());
                self.inner.put_opts(at, data, options).await?;
                self.inner.put_opts(at, again.0, again.1).await
            }
            Some(Fault::Overtaken) => {
                let rival = PutPayload::from_static(b"{\"commitInfo\":{\"operation\":\"DELETE\"}}");
                self.inner
                    .put_opts(at, rival, PutOptions::default())
                    .await?;
                self.inner.put_opts(at, data, options).await
            }
            Some(Fault::LosesPut) => Err(reset()),
            Some(Fault::Forbids) => Err(Error::PermissionDenied {
                path: at.to_string(),
                source: "403".into(),
            }),
            Some(Fault::Slow(time)) => {
                tokio::time::sleep(time).await;
                self.inner.put_opts(at, data, options).await
            }
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
