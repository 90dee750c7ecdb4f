//! What is kept for a key.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use object_store::path::Path;
use object_store::{
    Attributes, GetOptions, GetRange, GetResult, GetResultPayload, ObjectMeta, Result,
};

use crate::error::Reason;

/// The beginning of an e-tag that an overlay has given.
const OWN: &str = "overlay-";

/// Whether an object that an overlay answered is one of its own, in memory; for those who count what
/// went over a network.
pub fn is_in_memory(object: &ObjectMeta) -> bool {
    let e_tag = object.e_tag.as_ref();
    e_tag.is_some_and(|e_tag| e_tag.starts_with(OWN))
}

/// Number of a write, of which no two in the process are alike: neither in one overlay and its fork,
/// nor before and after a restore. So equal numbers mean equal content, and an e-tag that was seen
/// once never names another content later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sequence(u64);

impl Sequence {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// What the overlay knows of a key.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    Object(Object),
    /// Deleted, whatever the store below has there.
    Deleted(Sequence),
}

impl Entry {
    pub(crate) fn deleted() -> Self {
        Self::Deleted(Sequence::next())
    }

    pub(crate) fn sequence(&self) -> Sequence {
        match self {
            Self::Object(object) => object.sequence,
            Self::Deleted(sequence) => *sequence,
        }
    }

    /// Bytes in memory.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Object(object) => object.size(),
            Self::Deleted(_) => 0,
        }
    }
}

/// An object in memory. A clone shares the bytes.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) data: Bytes,
    pub(crate) last_modified: DateTime<Utc>,
    attributes: Attributes,
    sequence: Sequence,
}

impl Object {
    pub(crate) fn new(data: Bytes, last_modified: DateTime<Utc>, attributes: Attributes) -> Self {
        Self {
            data,
            last_modified,
            attributes,
            sequence: Sequence::next(),
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.data.len() as u64
    }

    /// Its e-tag. With the time in it, since the numbers begin anew when the process does.
    pub(crate) fn e_tag(&self) -> String {
        let Sequence(number) = self.sequence;
        format!(
            "{OWN}{:x}-{number:x}",
            self.last_modified.timestamp_millis()
        )
    }

    pub(crate) fn meta(&self, location: &Path) -> ObjectMeta {
        ObjectMeta {
            location: location.clone(),
            last_modified: self.last_modified,
            size: self.size(),
            e_tag: Some(self.e_tag()),
            version: None,
        }
    }

    /// Answers a read, as a store does that keeps no older versions.
    pub(crate) fn read(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if let Some(version) = options.version {
            return Err(Reason::NoVersions { version }.at(location));
        }
        let meta = self.meta(location);
        options.check_preconditions(&meta)?;
        let (range, mut data) = match options.range {
            Some(range) => self.read_range(&range)?,
            None => (0..meta.size, self.data.clone()),
        };
        if options.head {
            data.clear();
        }
        let stream = futures::stream::once(std::future::ready(Ok(data)));
        Ok(GetResult {
            payload: GetResultPayload::Stream(Box::pin(stream)),
            attributes: self.attributes.clone(),
            meta,
            range,
        })
    }

    /// Bytes of a range, with what it is in numbers.
    pub(crate) fn read_range(&self, range: &GetRange) -> Result<(Range<u64>, Bytes)> {
        let range = range.as_range(self.size()).map_err(Reason::range)?;
        // Within the data, whose length is a usize.
        let data = self.data.slice(range.start as usize..range.end as usize);
        Ok((range, data))
    }
}
