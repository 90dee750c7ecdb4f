//! From snapshots to records.

use bytes::{BufMut, Bytes, BytesMut};
use object_store::path::Path;

use super::{DELETED, FORGOTTEN, PUT};
use crate::entry::Entry;
use crate::snapshot::Snapshot;

/// The record that leads from `before` to `after`, in parts that are to be written one behind the
/// other; nothing if the two are alike. Objects' bytes are shared, not copied.
///
/// Its length is that of what was put in between and is still there.
pub fn record(before: &Snapshot, after: &Snapshot) -> Vec<Bytes> {
    let mut body = Body::default();
    for (path, entry) in after.entries() {
        let known = before.get(path).map(Entry::sequence);
        if known != Some(entry.sequence()) {
            body.change(path, entry);
        }
    }
    for (path, _) in before.entries() {
        if after.get(path).is_none() {
            body.key(FORGOTTEN, path);
        }
    }
    body.finish()
}

/// The body of a record, in parts.
#[derive(Default)]
struct Body {
    parts: Vec<Bytes>,
    /// What lies between two objects.
    next: BytesMut,
}

impl Body {
    fn change(&mut self, path: &Path, entry: &Entry) {
        match entry {
            Entry::Object(object) => {
                self.key(PUT, path);
                self.next.put_i64_le(object.last_modified.timestamp());
                let nanoseconds = object.last_modified.timestamp_subsec_nanos();
                self.next.put_u32_le(nanoseconds);
                self.next.put_u64_le(object.size());
                self.parts.push(self.next.split().freeze());
                self.parts.push(object.data.clone());
            }
            Entry::Deleted(_) => self.key(DELETED, path),
        }
    }

    fn key(&mut self, kind: u8, path: &Path) {
        let path = path.as_ref().as_bytes();
        let length = u32::try_from(path.len()).expect("a key is shorter than 4 GiB");
        self.next.put_u8(kind);
        self.next.put_u32_le(length);
        self.next.put_slice(path);
    }

    fn finish(mut self) -> Vec<Bytes> {
        if !self.next.is_empty() {
            self.parts.push(self.next.freeze());
        }
        if self.parts.is_empty() {
            return Vec::new();
        }
        let length: u64 = self.parts.iter().map(|part| part.len() as u64).sum();
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&length.to_le_bytes());
        self.parts.iter().for_each(|part| checksum.update(part));
        let mut head = BytesMut::with_capacity(12);
        head.put_u64_le(length);
        head.put_u32_le(checksum.finalize());
        let head = head.freeze();
        std::iter::once(head).chain(self.parts).collect()
    }
}
