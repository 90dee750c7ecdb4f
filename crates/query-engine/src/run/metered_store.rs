//! The object stores as a statement sees them: every request and every byte is counted for it, and
//! a response that is shorter than it should be is an error instead of a wrong answer.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use overlay_store::is_in_memory;

/// Entries that one page of a listing holds at most, in the S3 API.
const LIST_PAGE: u64 = 1000;

/// Requests and bytes of one statement so far.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl Meter {
    /// Requests sent. A listing counts one for each 1,000 entries.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Bytes of the bodies received by GET requests.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes back one that was answered without.
    fn no_request(&self) {
        self.requests.fetch_sub(1, Ordering::Relaxed);
    }

    fn received(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// A read-only view of a store that counts into a [`Meter`] and checks the length of responses.
#[derive(Debug)]
pub(crate) struct MeteredStore {
    inner: Arc<dyn ObjectStore>,
    meter: Arc<Meter>,
}

impl MeteredStore {
    pub fn new(inner: Arc<dyn ObjectStore>, meter: Arc<Meter>) -> Self {
        Self { inner, meter }
    }

    fn counted_listing(
        &self,
        entries: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let meter = Arc::clone(&self.meter);
        meter.request();
        let mut seen = 0;
        entries
            .inspect(move |_| {
                seen += 1;
                if seen % LIST_PAGE == 0 {
                    meter.request();
                }
            })
            .boxed()
    }
}

impl fmt::Display for MeteredStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for MeteredStore {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.meter.request();
        let head = options.head;
        let wanted = options.range.clone();
        let result = self.inner.get_opts(location, options).await?;
        if is_in_memory(&result.meta) {
            self.meter.no_request();
        }
        if head {
            return Ok(result);
        }
        check_range(location, wanted.as_ref(), &result)?;
        let GetResult {
            payload,
            meta,
            range,
            attributes,
        } = result;
        let expected = range.end.saturating_sub(range.start);
        let stream = GetResult {
            payload,
            meta: meta.clone(),
            range: range.clone(),
            attributes: attributes.clone(),
        }
        .into_stream();
        let body = counted_body(stream, location.clone(), expected, Arc::clone(&self.meter));
        Ok(GetResult {
            payload: GetResultPayload::Stream(body),
            meta,
            range,
            attributes,
        })
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.counted_listing(self.inner.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.counted_listing(self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.meter.request();
        self.inner.list_with_delimiter(prefix).await
    }

    async fn put_opts(&self, to: &Path, body: PutPayload, o: PutOptions) -> Result<PutResult> {
        self.meter.request();
        self.inner.put_opts(to, body, o).await
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.meter.request();
        self.inner.put_multipart_opts(to, options).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.meter.request();
        self.inner.delete_stream(paths)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.meter.request();
        self.inner.copy_opts(from, to, options).await
    }
}

fn check_range(location: &Path, wanted: Option<&GetRange>, result: &GetResult) -> Result<()> {
    let Some(GetRange::Bounded(Range { start, end })) = wanted else {
        return Ok(());
    };
    if result.range.start == *start && result.range.end == *end {
        return Ok(());
    }
    Err(broken(
        location,
        format!(
            "asked for bytes {start}..{end}, got {}..{}",
            result.range.start, result.range.end
        ),
    ))
}

/// Counts the bytes of a body, and ends in an error if they are not `expected` in number: a
/// connection that is cut can look like the end of the body.
fn counted_body(
    body: BoxStream<'static, Result<bytes::Bytes>>,
    location: Path,
    expected: u64,
    meter: Arc<Meter>,
) -> BoxStream<'static, Result<bytes::Bytes>> {
    futures::stream::try_unfold((body, 0u64), move |(mut body, received)| {
        let location = location.clone();
        let meter = Arc::clone(&meter);
        async move {
            match body.try_next().await? {
                Some(chunk) => {
                    meter.received(chunk.len());
                    let received = received.saturating_add(chunk.len() as u64);
                    Ok(Some((chunk, (body, received))))
                }
                None if received == expected => Ok(None),
                None => Err(broken(
                    &location,
                    format!("the response ended after {received} of {expected} bytes"),
                )),
            }
        }
    })
    .boxed()
}

fn broken(location: &Path, what: String) -> object_store::Error {
    object_store::Error::Generic {
        store: "query-engine",
        source: format!("incomplete response for {location}: {what}").into(),
    }
}
