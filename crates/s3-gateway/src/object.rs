//! An object's headers and its bytes.

use std::fs::Metadata;
use std::io;
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use futures::Stream;
use s3s::dto::{ETagCondition, Timestamp};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};

/// Bytes that are read from the disk at a time.
const CHUNK: usize = 128 * 1024;

/// The entity tag, without quotes: another file, another time or another length gives another one.
///
/// Not an MD5 of the contents, which would mean to read each file for it; its form, with dashes,
/// tells clients that it is none.
pub(crate) fn etag(metadata: &Metadata) -> io::Result<String> {
    let modified = metadata
        .modified()?
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    Ok(format!(
        "{:x}-{modified:x}-{:x}",
        file_number(metadata),
        metadata.len()
    ))
}

#[cfg(unix)]
fn file_number(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn file_number(_: &Metadata) -> u64 {
    0
}

/// The conditions of a GET or HEAD (RFC 9110, section 13).
pub(crate) struct Conditions {
    pub if_match: Option<ETagCondition>,
    pub if_none_match: Option<ETagCondition>,
    pub if_modified_since: Option<Timestamp>,
    pub if_unmodified_since: Option<Timestamp>,
}

impl Conditions {
    /// # Errors
    /// `PreconditionFailed`, or `NotModified` where the client's copy is still good.
    pub fn check(self, etag: &str, modified: SystemTime) -> S3Result<()> {
        let matches = |condition: &ETagCondition| match condition {
            ETagCondition::Any => true,
            ETagCondition::ETag(wanted) => wanted.value() == etag,
        };
        let modified = whole_seconds(modified);
        let newer_than = |since: Timestamp| modified > since;
        let holds = match (&self.if_match, self.if_unmodified_since) {
            (Some(condition), _) => matches(condition),
            (None, Some(since)) => !newer_than(since),
            (None, None) => true,
        };
        if !holds {
            return Err(s3_error!(PreconditionFailed));
        }
        let unchanged = match (&self.if_none_match, self.if_modified_since) {
            (Some(condition), _) => matches(condition),
            (None, Some(since)) => !newer_than(since),
            (None, None) => false,
        };
        if unchanged {
            Err(s3_error!(NotModified))
        } else {
            Ok(())
        }
    }
}

/// The bytes that a request asks for: all, or those of its range.
///
/// # Errors
/// `InvalidRange` (416) where the object has none of them, with the object's length in
/// `Content-Range`.
pub(crate) fn byte_range(
    range: Option<s3s::dto::Range>,
    length: u64,
) -> S3Result<(Range<u64>, Option<String>)> {
    let Some(range) = range else {
        return Ok((0..length, None));
    };
    match range.check(length) {
        // An empty object has no last byte to name in Content-Range.
        Ok(bytes) if !bytes.is_empty() => {
            let content_range = format!("bytes {}-{}/{length}", bytes.start, bytes.end - 1);
            Ok((bytes, Some(content_range)))
        }
        _ => Err(unsatisfiable(length)),
    }
}

fn unsatisfiable(length: u64) -> S3Error {
    use axum::http::{HeaderMap, HeaderValue, header};
    let mut error = S3Error::with_message(
        S3ErrorCode::InvalidRange,
        format!("The requested range is not satisfiable: the object has {length} bytes"),
    );
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/xml"),
    );
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{length}")) {
        headers.insert(header::CONTENT_RANGE, value);
    }
    error.set_headers(headers);
    error
}

/// Reads `range` of `file`, a chunk at a time. A file that has become shorter meanwhile ends the
/// stream with an error, so that the client never takes a part for the whole.
pub(crate) async fn stream(
    mut file: File,
    range: Range<u64>,
) -> io::Result<impl Stream<Item = io::Result<Bytes>> + Send + Sync + 'static> {
    file.seek(SeekFrom::Start(range.start)).await?;
    let left = range.end - range.start;
    Ok(futures::stream::try_unfold(
        (file, left),
        |(mut file, left)| async move {
            if left == 0 {
                return Ok(None);
            }
            let mut chunk =
                BytesMut::with_capacity(usize::try_from(left).unwrap_or(CHUNK).min(CHUNK));
            let read = (&mut file).take(left).read_buf(&mut chunk).await?;
            if read == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            Ok(Some((chunk.freeze(), (file, left - read as u64))))
        },
    ))
}

/// HTTP dates have no fractions of a second.
fn whole_seconds(time: SystemTime) -> Timestamp {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    Timestamp::from(UNIX_EPOCH + Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use s3s::dto::ETag;

    use super::*;

    fn conditions() -> Conditions {
        Conditions {
            if_match: None,
            if_none_match: None,
            if_modified_since: None,
            if_unmodified_since: None,
        }
    }

    fn tag(value: &str) -> Option<ETagCondition> {
        Some(ETagCondition::ETag(ETag::Strong(value.to_owned())))
    }

    #[test]
    fn range_ends_are_inclusive_in_the_header_and_clipped_to_the_object() {
        let range = |text| byte_range(Some(s3s::dto::Range::parse(text).unwrap()), 10);
        assert_eq!(byte_range(None, 10).unwrap(), (0..10, None));
        assert_eq!(
            range("bytes=2-4").unwrap(),
            (2..5, Some("bytes 2-4/10".to_owned()))
        );
        assert_eq!(
            range("bytes=8-99").unwrap(),
            (8..10, Some("bytes 8-9/10".to_owned()))
        );
        assert_eq!(
            range("bytes=9-").unwrap(),
            (9..10, Some("bytes 9-9/10".to_owned()))
        );
        assert_eq!(
            range("bytes=-3").unwrap(),
            (7..10, Some("bytes 7-9/10".to_owned()))
        );
        assert_eq!(
            range("bytes=-99").unwrap(),
            (0..10, Some("bytes 0-9/10".to_owned()))
        );
    }

    #[test]
    fn range_without_a_byte_is_refused() {
        for (text, length) in [
            ("bytes=10-", 10),
            ("bytes=-0", 10),
            ("bytes=0-", 0),
            ("bytes=-5", 0),
        ] {
            let range = s3s::dto::Range::parse(text).unwrap();
            let error = byte_range(Some(range), length).unwrap_err();
            assert_eq!(
                error.code(),
                &S3ErrorCode::InvalidRange,
                "{text} of {length}"
            );
        }
    }

    #[test]
    fn etag_condition_outweighs_the_date() {
        let now = UNIX_EPOCH + Duration::from_millis(5_500);
        let later = Some(Timestamp::from(UNIX_EPOCH + Duration::from_secs(9)));
        let none_match = Conditions {
            if_none_match: tag("b"),
            if_modified_since: later,
            ..conditions()
        };
        assert!(none_match.check("a", now).is_ok());
        let same = Conditions {
            if_none_match: tag("a"),
            ..conditions()
        };
        assert_eq!(
            same.check("a", now).unwrap_err().code(),
            &S3ErrorCode::NotModified
        );
        let other = Conditions {
            if_match: tag("b"),
            ..conditions()
        };
        assert_eq!(
            other.check("a", now).unwrap_err().code(),
            &S3ErrorCode::PreconditionFailed
        );
    }

    #[test]
    fn modified_since_compares_whole_seconds() {
        let modified = UNIX_EPOCH + Duration::from_millis(5_500);
        let since = |seconds| Some(Timestamp::from(UNIX_EPOCH + Duration::from_secs(seconds)));
        let same = Conditions {
            if_modified_since: since(5),
            ..conditions()
        };
        assert_eq!(
            same.check("a", modified).unwrap_err().code(),
            &S3ErrorCode::NotModified
        );
        let older = Conditions {
            if_modified_since: since(4),
            ..conditions()
        };
        assert!(older.check("a", modified).is_ok());
    }
}
