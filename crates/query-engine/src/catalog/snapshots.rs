//! The latest known version of each table, so that the next statement reads only what is new.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use delta_log::{CommitRecord, Error, Snapshot, Table, TimeTravel};
use futures::{FutureExt, try_join};

use crate::single_flight::SingleFlight;

/// Tables whose latest version is kept.
const CAPACITY: usize = 32;

/// A version of a table, or why it could not be loaded. `Error` cannot be cloned; those who await
/// the same load share it.
pub(crate) type Loaded = Result<Arc<Snapshot>, Arc<Error>>;

/// Snapshots by location. A table is opened once, however many ask for it: those that ask while it
/// is being opened get the same snapshot, those that ask later one that builds on it.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    kept: Mutex<Kept>,
    loads: SingleFlight<String, Loaded>,
}

#[derive(Debug, Clone, Default)]
struct Kept {
    by_location: HashMap<String, Slot>,
    /// Grows with each use.
    clock: u64,
}

#[derive(Debug, Clone)]
struct Slot {
    snapshot: Arc<Snapshot>,
    /// The clock when it was loaded.
    used: u64,
}

impl Snapshots {
    /// What is known, for an engine whose stores may hold other tables in the same places: each is held
    /// against its log before it is used again.
    pub fn copy(&self) -> Self {
        Self {
            kept: Mutex::new(self.lock().clone()),
            loads: SingleFlight::default(),
        }
    }

    /// The latest version, as the store has it now, or had it when a load began that is still in
    /// progress. Where an earlier version is known, only newer commits are read.
    pub async fn latest(&self, table: &Table) -> Loaded {
        let start = |table: Table, known: Option<Arc<Snapshot>>| async move {
            let loaded = match &known {
                Some(known) => table.refresh(known).await,
                None => table.snapshot(TimeTravel::Latest).await,
            };
            loaded.map_err(Arc::new)
        };
        self.load(table, start).await
    }

    /// The latest version, and the newest commits, at most `limit`: from one listing of the log.
    pub async fn latest_with_history(
        &self,
        table: &Table,
        limit: usize,
    ) -> Result<(Arc<Snapshot>, Vec<CommitRecord>), Arc<Error>> {
        let of = table.clone();
        let listing = async move { of.list_log(limit).await.map(Arc::new).map_err(Arc::new) };
        let listing = listing.boxed().shared();
        let history = async {
            let listing = listing.clone().await?;
            let history = table.history_in(&listing, Some(limit)).await;
            history.map_err(Arc::new)
        };
        let for_snapshot = listing.clone();
        let start = |table: Table, known: Option<Arc<Snapshot>>| async move {
            let listing = for_snapshot.await?;
            let loaded = table.latest_in(&listing, known.as_ref()).await;
            loaded.map_err(Arc::new)
        };
        try_join!(self.load(table, start), history)
    }

    /// Joins the load of `table` that is in progress, or begins one.
    async fn load<F>(
        &self,
        table: &Table,
        start: impl FnOnce(Table, Option<Arc<Snapshot>>) -> F,
    ) -> Loaded
    where
        F: Future<Output = Loaded> + Send + 'static,
    {
        let load = self.loads.join(&table.location, || {
            start(table.clone(), self.known(&table.location)).boxed()
        });
        let loaded = load.clone().await;
        match &loaded {
            Ok(snapshot) => self.keep(&table.location, snapshot),
            Err(_) => self.forget(&table.location),
        }
        loaded
    }

    /// Notes that this engine has, or may have, made a commit to a table: a load that is in progress
    /// may have missed it, so whoever asks from now on gets another one.
    pub fn committed(&self, location: &str) {
        self.loads.detach(&location.to_owned());
    }

    fn known(&self, location: &str) -> Option<Arc<Snapshot>> {
        let kept = self.lock();
        let slot = kept.by_location.get(location)?;
        Some(Arc::clone(&slot.snapshot))
    }

    /// Forgets a table: its next use reads its log from the start.
    fn forget(&self, location: &str) {
        self.lock().by_location.remove(location);
    }

    fn keep(&self, location: &str, snapshot: &Arc<Snapshot>) {
        let mut kept = self.lock();
        kept.clock = kept.clock.saturating_add(1);
        let slot = Slot {
            snapshot: Arc::clone(snapshot),
            used: kept.clock,
        };
        kept.by_location.insert(location.to_owned(), slot);
        if kept.by_location.len() > CAPACITY {
            let oldest = kept.by_location.iter().min_by_key(|(_, slot)| slot.used);
            if let Some(oldest) = oldest.map(|(location, _)| location.clone()) {
                kept.by_location.remove(&oldest);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
