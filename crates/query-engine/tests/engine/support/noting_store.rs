use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// One request that the engine made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    Get {
        path: String,
        range: Option<Range<u64>>,
    },
    Head {
        path: String,
    },
    List {
        prefix: String,
    },
}

impl Request {
    /// Whether it is for a data file.
    pub fn is_data(&self) -> bool {
        matches!(self, Self::Get { path, .. } if path.ends_with(".parquet"))
    }

    pub fn is_list(&self) -> bool {
        matches!(self, Self::List { .. })
    }
}

/// An in-memory store that notes the requests to it, and can cut responses short. As over a
/// network, other tasks get on before an answer is there.
#[derive(Debug, Default)]
pub struct NotingStore {
    inner: InMemory,
    requests: Mutex<Vec<Request>>,
    cut: AtomicBool,
    before_put: Mutex<Option<Hook>>,
    /// Objects that may still be deleted; `None`: any number.
    deletes: Arc<Mutex<Option<usize>>>,
}

struct Hook(Box<dyn FnOnce() + Send>);

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}

impl NotingStore {
    /// The requests since the last call.
    pub fn take(&self) -> Vec<Request> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    /// From now on, whether bodies of data files end before their time.
    pub fn cut_responses(&self, cut: bool) {
        self.cut.store(cut, Ordering::Relaxed);
    }

    /// Calls `hook` once, before the next object is put.
    pub fn before_put(&self, hook: impl FnOnce() + Send + 'static) {
        *self.before_put.lock().unwrap() = Some(Hook(Box::new(hook)));
    }

    /// From now on, so many objects can be deleted, and then the store fails.
    pub fn limit_deletes(&self, deletes: Option<usize>) {
        *self.deletes.lock().unwrap() = deletes;
    }

    fn note(&self, request: Request) {
        self.requests.lock().unwrap().push(request);
    }
}

impl fmt::Display for NotingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NotingStore")
    }
}

#[async_trait]
impl ObjectStore for NotingStore {
    async fn put_opts(
        &self,
        path: &Path,
        data: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let hook = self.before_put.lock().unwrap().take();
        if let Some(Hook(hook)) = hook {
            hook();
        }
        self.inner.put_opts(path, data, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let name = path.to_string();
        self.note(match (&options.range, options.head) {
            (_, true) => Request::Head { path: name },
            (None, _) => Request::Get {
                path: name,
                range: None,
            },
            (Some(GetRange::Bounded(range)), _) => Request::Get {
                path: name,
                range: Some(range.clone()),
            },
            (Some(other), _) => panic!("{other} needs a CORS preflight or another round trip"),
        });
        let result = self.inner.get_opts(path, options).await;
        tokio::task::yield_now().await;
        let mut result = result?;
        if self.cut.load(Ordering::Relaxed) && path.as_ref().ends_with(".parquet") {
            let range = result.range.clone();
            let (meta, attributes) = (result.meta.clone(), result.attributes.clone());
            let bytes = result.bytes().await?;
            let half = bytes.slice(..bytes.len() / 2);
            let body = futures::future::ready(Ok(half)).into_stream().boxed();
            result = GetResult {
                payload: GetResultPayload::Stream(body),
                meta,
                range,
                attributes,
            };
        }
        Ok(result)
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let left = Arc::clone(&self.deletes);
        let paths = paths.map(move |path| match &mut *left.lock().unwrap() {
            Some(0) => Err(object_store::Error::Generic {
                store: "NotingStore",
                source: "it deletes no more".into(),
            }),
            Some(left) => {
                *left -= 1;
                path
            }
            None => path,
        });
        self.inner.delete_stream(paths.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.note(Request::List {
            prefix: prefix.map(ToString::to_string).unwrap_or_default(),
        });
        on_its_way(self.inner.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.note(Request::List {
            prefix: prefix.map(ToString::to_string).unwrap_or_default(),
        });
        on_its_way(self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.note(Request::List {
            prefix: prefix.map(ToString::to_string).unwrap_or_default(),
        });
        let listed = self.inner.list_with_delimiter(prefix).await;
        tokio::task::yield_now().await;
        listed
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// The entries as they are now, which arrive later.
fn on_its_way(
    entries: BoxStream<'static, Result<ObjectMeta>>,
) -> BoxStream<'static, Result<ObjectMeta>> {
    let all = async move {
        let entries: Vec<_> = entries.collect().await;
        tokio::task::yield_now().await;
        futures::stream::iter(entries)
    };
    all.flatten_stream().boxed()
}
