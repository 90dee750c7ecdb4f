//! The overlay: its present state, and what can be done with it as a whole.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{ObjectStore, PutResult, Result};

use crate::change::Change;
use crate::entry::{Entry, Object, Sequence};
use crate::error::LimitExceeded;
use crate::export::export;
use crate::snapshot::Snapshot;

/// What tells the time of a put. It is called once for each, and may be called at any time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Says whether an object of the store below is hidden: called with what the overlay holds, and the
/// object's key, of which it knows nothing itself. It must not use the overlay.
///
/// For what goes together in the store below, where the overlay holds another continuation: the log
/// of a table, which would be none of the two if it had entries of both.
pub type Hidden = Arc<dyn Fn(&Snapshot, &Path) -> bool + Send + Sync>;

/// Bytes that an overlay may hold if nothing else is said: 512 MiB, an eighth of what a tab's
/// WebAssembly can address.
pub const DEFAULT_LIMIT: u64 = 512 * 1024 * 1024;

/// An object store that keeps puts and deletes in memory, above another one or above nothing.
///
/// A clone is another handle to the same overlay; [`fork`](Self::fork) makes an independent one.
///
/// - Put-if-absent looks below where the overlay knows nothing. If the store below cannot tell, the
///   put fails ([`object_store::Error::Generic`], or `PermissionDenied` and `Unauthenticated` if that
///   is what the store said). Of several creators of one key in one overlay exactly one succeeds.
/// - [`PutMode::Update`](object_store::PutMode::Update) compares what it is given of e-tag and
///   version with the object that is there, in memory or below.
/// - Deletes send no request, and succeed where nothing was there.
/// - Listings are sorted as S3 sorts them, by the keys' UTF-8 bytes, whatever the order below. For
///   that the listing below is read to its end first. A folder in which all is deleted is not listed.
/// - A copy of an object from below reads it into memory.
/// - An object's bytes are kept as they come, not copied: a slice keeps its whole buffer.
/// - Each put asks the limit; the parts of an upload count when they come.
///
/// The store below is taken to be read-only: what others write to it in the meantime is seen, except
/// where the overlay has something of its own. No lock is held while it is asked.
#[derive(Clone)]
pub struct OverlayStore {
    pub(crate) below: Option<Arc<dyn ObjectStore>>,
    clock: Clock,
    hidden: Option<Hidden>,
    limit: u64,
    state: Arc<Mutex<Snapshot>>,
}

impl OverlayStore {
    /// An empty store: an overlay above nothing, with [`DEFAULT_LIMIT`].
    pub fn new(clock: Clock) -> Self {
        Self {
            below: None,
            clock,
            hidden: None,
            limit: DEFAULT_LIMIT,
            state: Arc::default(),
        }
    }

    /// An overlay above a store, to which nothing is written, with [`DEFAULT_LIMIT`].
    pub fn above(below: Arc<dyn ObjectStore>, clock: Clock) -> Self {
        Self {
            below: Some(below),
            ..Self::new(clock)
        }
    }

    /// Sets how many bytes the objects in memory may have together. A put that would take the
    /// overlay beyond it ends in an error with [`LimitExceeded`] as its source. It holds for puts
    /// through this handle, its clones and its forks.
    #[must_use]
    pub fn with_limit(self, bytes: u64) -> Self {
        Self {
            limit: bytes,
            ..self
        }
    }

    /// Takes objects of the store below for not there, as long as `hidden` says so.
    ///
    /// A folder below is listed even if all in it is hidden, unless the overlay has something in it.
    #[must_use]
    pub fn hiding(self, hidden: Hidden) -> Self {
        Self {
            hidden: Some(hidden),
            ..self
        }
    }

    /// Bytes that the objects in memory may have together.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// An independent overlay above the same store, which begins with what this one holds now. It
    /// costs the same however much that is. Each counts all that it holds against its limit, shared
    /// with the other one or not.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            state: Arc::new(Mutex::new(self.snapshot())),
            ..self.clone()
        }
    }

    /// What the overlay holds now.
    pub fn snapshot(&self) -> Snapshot {
        self.state().clone()
    }

    /// Makes the overlay hold what it held then; or what another one held, such as a fork whose
    /// changes are to be kept. The limit is not asked: it bounds what comes in by puts.
    pub fn restore(&self, snapshot: &Snapshot) {
        let former = std::mem::replace(&mut *self.state(), snapshot.clone());
        // Its objects, if nobody else has them, are freed without the lock.
        drop(former);
    }

    /// Forgets all puts and deletes.
    pub fn reset(&self) {
        self.restore(&Snapshot::default());
    }

    /// True if nothing differs from the store below.
    pub fn is_empty(&self) -> bool {
        self.state().is_empty()
    }

    /// What differs from the store below, sorted by key.
    pub fn changes(&self) -> Vec<Change> {
        self.snapshot().changes()
    }

    /// A zip archive of all objects in a folder, in parts to be written one after the other: those
    /// in memory and those below, without those that are deleted.
    ///
    /// What the overlay holds is taken when this is called; the store below is read as the stream is
    /// polled, one object after the other, each of which is in memory as a whole while it is written.
    ///
    /// - Names begin with the folder's own (`sales/orders` → `orders/_delta_log/…`), or are whole keys
    ///   if the folder is the store's root. They are the keys as the store has them, hence what a copy
    ///   of the table on a file system has: `day=2024-01-01%2000%3A00` stays that. Where a name is
    ///   more than ASCII it is marked as UTF-8 (bit 11).
    /// - Times are the objects', in UTC: zip's own have a resolution of two seconds and begin in 1980,
    ///   so there is an extended timestamp beside them, in whole seconds until 2038. What unpacks the
    ///   latter (Info-ZIP, 7-Zip, libarchive; not Python's `zipfile`) gives files these times, which is
    ///   what Delta's time travel by timestamp goes by.
    /// - Nothing is compressed, as Parquet is already.
    ///
    /// # Errors
    /// `NotFound` if the folder holds nothing. Errors of the store below end the stream: what was
    /// written until then is no archive.
    pub fn export(&self, folder: &Path) -> BoxStream<'static, Result<Bytes>> {
        export(Arc::new(self.fork()), folder.clone())
    }

    /// The store below, where it is asked for a key of which the overlay knows nothing; `None` if there
    /// is none, or the key is hidden.
    pub(crate) fn below_for(&self, location: &Path) -> Option<&Arc<dyn ObjectStore>> {
        let below = self.below.as_ref()?;
        (!self.hides(&self.snapshot(), location)).then_some(below)
    }

    /// Whether what is below at a key is neither known better nor hidden.
    pub(crate) fn shows(&self, state: &Snapshot, location: &Path) -> bool {
        state.get(location).is_none() && !self.hides(state, location)
    }

    fn hides(&self, state: &Snapshot, location: &Path) -> bool {
        let hidden = self.hidden.as_ref();
        hidden.is_some_and(|hidden| hidden(state, location))
    }

    /// What the overlay knows of a key.
    pub(crate) fn entry(&self, location: &Path) -> Option<Entry> {
        self.state().get(location).cloned()
    }

    /// Fails if an object does not fit that is to have `size` bytes.
    pub(crate) fn check_limit(&self, location: &Path, size: u64) -> Result<()> {
        self.fits(&self.state(), location, size)
    }

    /// Puts an object, whatever is there.
    pub(crate) fn put(&self, location: &Path, object: Object) -> Result<PutResult> {
        self.insert(&mut self.state(), location, object)
    }

    /// Puts an object if the overlay still knows of the key what it knew when it was `seen`; `None`
    /// if not, and nothing was written.
    pub(crate) fn put_if_unchanged(
        &self,
        location: &Path,
        seen: Option<Sequence>,
        object: Object,
    ) -> Result<Option<PutResult>> {
        let mut state = self.state();
        if state.get(location).map(Entry::sequence) != seen {
            return Ok(None);
        }
        self.insert(&mut state, location, object).map(Some)
    }

    pub(crate) fn delete(&self, location: &Path) {
        let mut state = self.state();
        match self.below {
            Some(_) => state.insert(location.clone(), Entry::deleted()),
            None => state.remove(location),
        }
    }

    /// An object that is put now.
    pub(crate) fn object(&self, data: Bytes, attributes: object_store::Attributes) -> Object {
        Object::new(data, (self.clock)(), attributes)
    }

    fn insert(&self, state: &mut Snapshot, location: &Path, object: Object) -> Result<PutResult> {
        self.fits(state, location, object.size())?;
        let e_tag = object.e_tag();
        state.insert(location.clone(), Entry::Object(object));
        Ok(PutResult {
            e_tag: Some(e_tag),
            version: None,
        })
    }

    fn fits(&self, state: &Snapshot, location: &Path, size: u64) -> Result<()> {
        let needed = state.bytes_with(location, size);
        // An overlay that was restored to more than its limit may still shrink.
        if needed <= self.limit || needed <= state.bytes() {
            return Ok(());
        }
        let exceeded = LimitExceeded {
            path: location.clone(),
            size,
            needed,
            limit: self.limit,
        };
        Err(exceeded.into_error())
    }

    /// The state, locked. It is whole at any moment, so a panic elsewhere does no harm to it.
    fn state(&self) -> MutexGuard<'_, Snapshot> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for OverlayStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OverlayStore")
            .field("below", &self.below)
            .field("limit", &self.limit)
            .field("state", &self.snapshot())
            .finish_non_exhaustive()
    }
}

/// Prints what it is, and above what: `OverlayStore(InMemory)`.
impl fmt::Display for OverlayStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.below {
            Some(below) => write!(f, "OverlayStore({below})"),
            None => f.write_str("OverlayStore"),
        }
    }
}
