//! What an overlay holds at one moment.

use std::fmt;

use object_store::path::Path;
use rpds::RedBlackTreeMapSync;

use crate::change::Change;
use crate::entry::Entry;

/// What an overlay holds at one moment: a value that never changes.
///
/// To take, clone, keep or go back to one costs the same however much it holds, since versions of the
/// map share their nodes, and objects their bytes. What only an old snapshot still holds takes memory
/// until it is dropped.
///
/// The default one holds nothing, as an overlay does at first.
#[derive(Clone, Default)]
pub struct Snapshot {
    /// In the order of the keys' UTF-8 bytes, as S3 lists them.
    entries: RedBlackTreeMapSync<Path, Entry>,
    /// Sum of the objects' sizes.
    bytes: u64,
}

impl Snapshot {
    /// True if nothing differs from the store below.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of the objects in memory, each counted once however many snapshots share it.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What differs from the store below, sorted by key.
    pub fn changes(&self) -> Vec<Change> {
        self.entries.iter().map(change).collect()
    }

    /// The same of a folder and its folders, one after the other.
    pub fn changes_in(&self, folder: &Path) -> impl Iterator<Item = Change> {
        self.entries_in(Some(folder)).map(change)
    }

    pub(crate) fn get(&self, location: &Path) -> Option<&Entry> {
        self.entries.get(location)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&Path, &Entry)> {
        self.entries.iter()
    }

    /// The entries in a folder and its folders, sorted by key; `None` means all.
    pub(crate) fn entries_in(
        &self,
        folder: Option<&Path>,
    ) -> impl Iterator<Item = (&Path, &Entry)> {
        let folder = folder.cloned().unwrap_or_default();
        let inside = folder.clone();
        // Keys that go on with another character than a slash (`a-b` of folder `a`) lie in between.
        self.entries
            .range::<Path, _>(folder.clone()..)
            .take_while(move |(path, _)| path.as_ref().starts_with(folder.as_ref()))
            .filter(move |(path, _)| {
                let rest = path.prefix_match(&inside);
                rest.is_some_and(|mut parts| parts.next().is_some())
            })
    }

    /// Bytes that it would hold with an object of `size` bytes at `location`.
    pub(crate) fn bytes_with(&self, location: &Path, size: u64) -> u64 {
        let replaced = self.get(location).map_or(0, Entry::size);
        (self.bytes - replaced).saturating_add(size)
    }

    pub(crate) fn insert(&mut self, location: Path, entry: Entry) {
        self.bytes = self.bytes_with(&location, entry.size());
        self.entries.insert_mut(location, entry);
    }

    /// Removes what is known of a key, so that the store below is seen again.
    pub(crate) fn remove(&mut self, location: &Path) {
        self.bytes = self.bytes_with(location, 0);
        self.entries.remove_mut(location);
    }
}

fn change((path, entry): (&Path, &Entry)) -> Change {
    match entry {
        Entry::Object(object) => Change::Put(object.meta(path)),
        Entry::Deleted(_) => Change::Deleted(path.clone()),
    }
}

/// Prints how much it holds, not what.
impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_object = |(_, entry): &(&Path, &Entry)| matches!(entry, Entry::Object(_));
        let objects = self.entries().filter(is_object).count();
        f.debug_struct("Snapshot")
            .field("objects", &objects)
            .field("deleted", &(self.entries.size() - objects))
            .field("bytes", &self.bytes)
            .finish()
    }
}
