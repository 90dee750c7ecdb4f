//! The latest known version of each table, so that the next statement reads only what is new.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use delta_log::{Result, Snapshot, Table, TimeTravel};

/// Tables whose latest version is kept.
const CAPACITY: usize = 32;

/// Snapshots by location.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_location: HashMap<String, (u64, Arc<Snapshot>)>,
    /// Grows with each use.
    clock: u64,
}

impl Snapshots {
    /// The latest version, as the store has it now: where an earlier one is known, only newer
    /// commits are read.
    pub async fn latest(&self, table: &Table) -> Result<Arc<Snapshot>> {
        let known = self
            .lock()
            .by_location
            .get(&table.location)
            .map(|(_, kept)| Arc::clone(kept));
        let loaded = match &known {
            Some(known) => table.refresh(known).await,
            None => table.snapshot(TimeTravel::Latest).await,
        };
        match &loaded {
            Ok(snapshot) => self.keep(&table.location, snapshot),
            Err(_) => self.forget(&table.location),
        }
        loaded
    }

    /// Forgets a table: its next use reads its log from the start.
    pub fn forget(&self, location: &str) {
        self.lock().by_location.remove(location);
    }

    fn keep(&self, location: &str, snapshot: &Arc<Snapshot>) {
        let mut kept = self.lock();
        kept.clock += 1;
        let used = kept.clock;
        kept.by_location
            .insert(location.to_owned(), (used, Arc::clone(snapshot)));
        if kept.by_location.len() > CAPACITY {
            let oldest = kept.by_location.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(location, _)| location.clone()) {
                kept.by_location.remove(&oldest);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
