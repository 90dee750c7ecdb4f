//! A sandbox: an overlay above the connection's stores, with a copy that the browser keeps.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use chrono::DateTime;
use futures::FutureExt;
use futures::future::{LocalBoxFuture, Shared};
use messages::sandbox::{SandboxOptions, SandboxState};
use object_store::path::Path;
use overlay_store::{OverlayStore, Snapshot, journal};
use table_location::TableLocation;

use super::below::{StoresBelow, store_of};
use super::log::comes_after_own_commits;
use super::mirror::Mirror;
use crate::stores::{FetchStores, StoreName};

/// Writes that stay in the tab. There is one for each endpoint; its forks are previews.
pub(crate) struct Sandbox {
    below: Arc<StoresBelow>,
    overlay: OverlayStore,
    mirror: RefCell<Option<Mirror>>,
    problem: RefCell<Option<String>>,
    /// Ends once what the browser has kept is there.
    opening: RefCell<Option<Shared<LocalBoxFuture<'static, ()>>>>,
}

impl Sandbox {
    /// An empty one, of which no copy is kept.
    pub fn above(stores: Arc<FetchStores>, limit: u64) -> Self {
        let below = Arc::new(StoresBelow::new(stores));
        // Whole milliseconds, as logs have them, and far below what a double holds exactly.
        let clock = || {
            DateTime::from_timestamp_millis(js_sys::Date::now() as i64)
                .unwrap_or(DateTime::UNIX_EPOCH)
        };
        let overlay = OverlayStore::above(Arc::clone(&below) as _, Arc::new(clock));
        Self {
            below,
            overlay: overlay
                .with_limit(limit)
                .hiding(Arc::new(comes_after_own_commits)),
            mirror: RefCell::default(),
            problem: RefCell::default(),
            opening: RefCell::default(),
        }
    }

    /// The sandbox of an endpoint, with what the browser has kept of it, if it is to keep a copy:
    /// [`Self::opened`] waits for that.
    pub fn open(stores: Arc<FetchStores>, options: SandboxOptions, endpoint: String) -> Rc<Self> {
        let sandbox = Rc::new(Self::above(stores, options.limit));
        if options.mirror {
            let opened = Rc::clone(&sandbox);
            let opening = async move { opened.load(&endpoint).await };
            // It has the sandbox in it until it ends; then it is dropped.
            sandbox
                .opening
                .replace(Some(opening.boxed_local().shared()));
        }
        sandbox
    }

    async fn load(&self, name: &str) {
        match Mirror::open(name).await {
            Ok((mirror, loss)) => {
                self.overlay.restore(mirror.kept());
                self.mirror.replace(Some(mirror));
                self.problem.replace(loss);
            }
            Err(problem) => {
                self.problem.replace(Some(problem));
            }
        }
    }

    /// Waits until what the browser has kept is there.
    pub async fn opened(&self) {
        let opening = self.opening.borrow().clone();
        if let Some(opening) = opening {
            opening.await;
            self.opening.take();
        }
    }

    /// Reads from these stores from now on: those of the same endpoint.
    pub fn replace_below(&self, stores: Arc<FetchStores>) {
        self.below.replace(stores);
    }

    pub fn overlay(&self) -> &OverlayStore {
        &self.overlay
    }

    /// An independent one with the same content, of which no copy is kept.
    pub fn fork(&self) -> Self {
        Self {
            below: Arc::clone(&self.below),
            overlay: self.overlay.fork(),
            mirror: RefCell::default(),
            problem: RefCell::default(),
            opening: RefCell::default(),
        }
    }

    /// Undoes what is written from now on, unless it is told that all is well.
    pub fn undo(&self) -> Undo<'_> {
        Undo {
            overlay: &self.overlay,
            before: Some(self.overlay.snapshot()),
        }
    }

    /// Forgets everything.
    pub fn reset(&self) {
        self.overlay.reset();
        self.problem.take();
        self.keep();
    }

    /// Makes it hold what another one holds, if it still holds `before`. Returns whether it did.
    pub fn replace(&self, before: &Snapshot, by: &Self) -> bool {
        let unchanged = journal::record(before, &self.overlay.snapshot()).is_empty();
        if unchanged {
            self.overlay.restore(&by.overlay.snapshot());
            self.keep();
        }
        unchanged
    }

    /// Brings the browser's copy up to date.
    pub fn keep(&self) {
        if let Some(mirror) = self.mirror.borrow_mut().as_mut() {
            self.problem
                .replace(mirror.keep(&self.overlay.snapshot()).err());
        }
    }

    /// What it holds, for the page.
    pub fn state(&self) -> SandboxState {
        let snapshot = self.overlay.snapshot();
        let changes = snapshot.changes();
        let tables: BTreeSet<String> = changes
            .iter()
            .filter_map(|change| table_of(change.path()))
            .collect();
        SandboxState {
            changes: changes.len() as u64,
            bytes: snapshot.bytes(),
            limit: self.overlay.limit(),
            tables: tables.into_iter().collect(),
            mirrored: self.mirror.borrow().is_some(),
            problem: self.problem.borrow().clone(),
        }
    }
}

/// Takes an overlay back to what it held, when dropped: a statement that fails or is cancelled leaves
/// nothing, and takes no room.
pub(crate) struct Undo<'a> {
    overlay: &'a OverlayStore,
    before: Option<Snapshot>,
}

impl Undo<'_> {
    /// What was written stays.
    pub fn all_is_well(mut self) {
        self.before = None;
    }
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            self.overlay.restore(before);
        }
    }
}

/// Address of the table whose log a key belongs to.
fn table_of(key: &Path) -> Option<String> {
    let (store, path) = store_of(key)?;
    let (table, _) = path.as_ref().split_once("/_delta_log/")?;
    Some(match store {
        StoreName::Bucket(bucket) => TableLocation::s3(bucket, table).to_string(),
        StoreName::Origin(origin) => format!("{origin}/{table}"),
    })
}
