//! The S3 operations that the store answers.

use std::fs::Metadata;
use std::io;
use std::sync::Arc;

use axum::http::{Extensions, HeaderMap, Method, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::{
    Bucket, CommonPrefix, ETag, EncodingType, GetBucketLocationInput, GetBucketLocationOutput,
    GetObjectInput, GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput,
    HeadObjectOutput, ListBucketsInput, ListBucketsOutput, ListObjectsV2Input, ListObjectsV2Output,
    Object, StreamingBlob, Timestamp,
};
use s3s::route::S3Route;
use s3s::validation::NameValidation;
use s3s::{Body, S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use crate::folder::{Folder, OpenObject};
use crate::listing::{self, Page, Query, Resume};
use crate::object::{self, Conditions};

/// S3's own limit for a page of a listing.
const MAX_KEYS: i32 = 1000;

/// What `encoding-type=url` leaves as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// Tells a browser to ask again each time. Without it, it may answer from its cache for as long as
/// it likes, and show a table's past as its present.
const REVALIDATE: &str = "no-cache";

/// Any folder's name is a bucket's: what can't be one is not found.
pub(crate) struct AnyName;

impl NameValidation for AnyName {
    fn validate_bucket_name(&self, name: &str) -> bool {
        !name.is_empty()
    }
}

/// Refuses all that would write, in one voice.
pub(crate) struct ReadOnly;

#[async_trait::async_trait]
impl S3Route for ReadOnly {
    fn is_match(&self, method: &Method, _: &Uri, _: &HeaderMap, _: &mut Extensions) -> bool {
        !matches!(*method, Method::GET | Method::HEAD)
    }

    async fn check_access(&self, _: &mut S3Request<Body>) -> S3Result<()> {
        Ok(())
    }

    async fn call(&self, _: S3Request<Body>) -> S3Result<S3Response<Body>> {
        Err(s3_error!(
            MethodNotAllowed,
            "This store is read-only: only GET and HEAD are allowed"
        ))
    }
}

/// Answers reads; s3s answers the operations that are not here with `NotImplemented`.
pub(crate) struct Reader {
    folder: Arc<Folder>,
}

impl Reader {
    pub fn new(folder: Arc<Folder>) -> Self {
        Self { folder }
    }

    /// Runs blocking file operations where they don't hold up other requests.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> S3Result<T> + Send + 'static,
    ) -> S3Result<T> {
        let folder = Arc::clone(&self.folder);
        match tokio::task::spawn_blocking(move || work(&folder)).await {
            Ok(result) => result,
            Err(error) => Err(S3Error::internal_error(error)),
        }
    }

    async fn open(&self, bucket: String, key: String) -> S3Result<Opened> {
        self.blocking(move |folder| {
            if let Some(OpenObject { file, metadata }) =
                folder.object(&bucket, &key).map_err(unreadable)?
            {
                let etag = object::etag(&metadata).map_err(unreadable)?;
                let file = tokio::fs::File::from_std(file);
                return Ok(Opened {
                    file,
                    metadata,
                    etag,
                });
            }
            require_bucket(folder, &bucket)?;
            Err(s3_error!(NoSuchKey, "The specified key does not exist"))
        })
        .await
    }
}

struct Opened {
    file: tokio::fs::File,
    metadata: Metadata,
    etag: String,
}

#[async_trait::async_trait]
impl S3 for Reader {
    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let Opened {
            file,
            metadata,
            etag,
        } = self.open(input.bucket, input.key).await?;
        let modified = metadata.modified().map_err(unreadable)?;
        let conditions = Conditions {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
        };
        conditions.check(&etag, modified)?;
        let (range, content_range) = object::byte_range(input.range, metadata.len())?;
        Ok(S3Response::new(GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            cache_control: Some(REVALIDATE.to_owned()),
            content_length: Some(signed(range.end - range.start)?),
            content_range,
            content_type: Some("application/octet-stream".to_owned()),
            e_tag: Some(ETag::Strong(etag)),
            last_modified: Some(Timestamp::from(modified)),
            body: Some(StreamingBlob::wrap(
                object::stream(file, range).await.map_err(unreadable)?,
            )),
            ..Default::default()
        }))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input;
        let Opened { metadata, etag, .. } = self.open(input.bucket, input.key).await?;
        let modified = metadata.modified().map_err(unreadable)?;
        let conditions = Conditions {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
        };
        conditions.check(&etag, modified)?;
        Ok(S3Response::new(HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            cache_control: Some(REVALIDATE.to_owned()),
            content_length: Some(signed(metadata.len())?),
            content_type: Some("application/octet-stream".to_owned()),
            e_tag: Some(ETag::Strong(etag)),
            last_modified: Some(Timestamp::from(modified)),
            ..Default::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let max_keys = input.max_keys.unwrap_or(MAX_KEYS);
        let Ok(page_size) = usize::try_from(max_keys.min(MAX_KEYS)) else {
            return Err(s3_error!(InvalidArgument, "max-keys must not be negative"));
        };
        // A continuation token outweighs start-after, which the client repeats with each page.
        let resume = match (&input.continuation_token, &input.start_after) {
            (Some(token), _) => Some(Resume::from_token(token).ok_or_else(|| {
                s3_error!(
                    InvalidArgument,
                    "The continuation token provided is incorrect"
                )
            })?),
            (None, Some(key)) => Some(Resume::AfterKey(key.clone())),
            (None, None) => None,
        };
        let query = Query {
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: input
                .delimiter
                .clone()
                .filter(|delimiter| !delimiter.is_empty()),
            resume,
            max_keys: page_size,
        };
        let bucket = input.bucket.clone();
        let page = self
            .blocking(move |folder| {
                let path = require_bucket(folder, &bucket)?;
                listing::list(&path, &query).map_err(unreadable)
            })
            .await?;
        listing_output(input, max_keys, page).map(S3Response::new)
    }

    async fn list_buckets(
        &self,
        _: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let buckets = self
            .blocking(|folder| folder.buckets().map_err(unreadable))
            .await?;
        let buckets = buckets.into_iter().map(|(name, created)| Bucket {
            name: Some(name),
            creation_date: Some(Timestamp::from(created)),
            ..Default::default()
        });
        Ok(S3Response::new(ListBucketsOutput {
            buckets: Some(buckets.collect()),
            ..Default::default()
        }))
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        let bucket = request.input.bucket;
        self.blocking(move |folder| require_bucket(folder, &bucket))
            .await?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        let bucket = request.input.bucket;
        self.blocking(move |folder| require_bucket(folder, &bucket))
            .await?;
        // An empty constraint means us-east-1, where clients begin anyway.
        Ok(S3Response::new(GetBucketLocationOutput::default()))
    }
}

fn require_bucket(folder: &Folder, bucket: &str) -> S3Result<std::path::PathBuf> {
    folder
        .bucket(bucket)
        .map_err(unreadable)?
        .ok_or_else(|| s3_error!(NoSuchBucket, "The specified bucket does not exist"))
}

fn listing_output(
    input: ListObjectsV2Input,
    max_keys: i32,
    page: Page,
) -> S3Result<ListObjectsV2Output> {
    let by_url = input
        .encoding_type
        .as_ref()
        .is_some_and(|kind| kind.as_str() == EncodingType::URL);
    let encode = |text: String| {
        if by_url {
            utf8_percent_encode(&text, UNRESERVED).to_string()
        } else {
            text
        }
    };
    let key_count = page.objects.len() + page.common_prefixes.len();
    let objects = page.objects.into_iter().map(|listed| {
        Ok(Object {
            key: Some(encode(listed.key)),
            size: Some(signed(listed.size)?),
            last_modified: Some(Timestamp::from(listed.modified)),
            e_tag: Some(ETag::Strong(listed.etag)),
            ..Default::default()
        })
    });
    let common_prefixes = page.common_prefixes.into_iter().map(|prefix| CommonPrefix {
        prefix: Some(encode(prefix)),
    });
    Ok(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(encode(input.prefix.unwrap_or_default())),
        delimiter: input.delimiter.map(encode),
        start_after: input.start_after.map(encode),
        encoding_type: input.encoding_type,
        max_keys: Some(max_keys),
        key_count: i32::try_from(key_count).ok(),
        continuation_token: input.continuation_token,
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next.map(|resume| resume.to_token()),
        contents: Some(objects.collect::<S3Result<_>>()?),
        common_prefixes: Some(common_prefixes.collect()),
        ..Default::default()
    })
}

/// S3's XML has signed lengths.
fn signed(length: u64) -> S3Result<i64> {
    i64::try_from(length).map_err(S3Error::internal_error)
}

/// A file or folder that exists and can't be read.
fn unreadable(error: io::Error) -> S3Error {
    match error.kind() {
        io::ErrorKind::PermissionDenied => S3Error::with_message(
            S3ErrorCode::AccessDenied,
            "The server may not read this file: check its permissions",
        ),
        _ => S3Error::internal_error(error),
    }
}
