//! Tables that are open: the newest version of each that this process knows, and its lock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use delta_log::{Snapshot, Table, TimeTravel};
use object_store::ObjectStore;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::location::TablePlace;

/// Tables that are kept open.
const KEPT: usize = 32;

/// A table and its newest version, as far as this process knows.
#[derive(Debug)]
pub(crate) struct OpenTable {
    pub table: Table,
    snapshot: Option<Arc<Snapshot>>,
}

impl OpenTable {
    /// Reads the newest version; `None` where there is no table. Only what is new is read.
    pub async fn refresh(&mut self) -> delta_log::Result<Option<Arc<Snapshot>>> {
        let read = match &self.snapshot {
            Some(snapshot) => self.table.refresh(snapshot).await,
            None => self.table.snapshot(TimeTravel::Latest).await,
        };
        self.snapshot = match read {
            Ok(snapshot) => Some(snapshot),
            Err(delta_log::Error::NotATable { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(self.snapshot.clone())
    }
}

/// The tables that are open. Those of which something is changed are locked meanwhile: commits of
/// one process wait for each other instead of losing races.
#[derive(Debug, Default)]
pub(crate) struct Tables(Mutex<HashMap<TablePlace, Entry>>);

#[derive(Debug)]
struct Entry {
    table: Arc<AsyncMutex<OpenTable>>,
    used: Instant,
}

impl Tables {
    /// Waits for a table's lock.
    pub async fn lock(
        &self,
        place: &TablePlace,
        store: &Arc<dyn ObjectStore>,
    ) -> OwnedMutexGuard<OpenTable> {
        let table = {
            let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let used = Instant::now();
            let entry = tables.entry(place.clone()).or_insert_with(|| {
                let address = place.address().to_string();
                let table = Table::new(Arc::clone(store), place.root.clone(), address, true);
                let open = OpenTable {
                    table,
                    snapshot: None,
                };
                Entry {
                    table: Arc::new(AsyncMutex::new(open)),
                    used,
                }
            });
            entry.used = used;
            let table = Arc::clone(&entry.table);
            close_some(&mut tables);
            table
        };
        table.lock_owned().await
    }
}

/// Closes the tables that have not been used for longest, as long as nobody holds or awaits their
/// lock.
fn close_some(tables: &mut HashMap<TablePlace, Entry>) {
    while tables.len() > KEPT {
        let idle = tables
            .iter()
            .filter(|(_, entry)| Arc::strong_count(&entry.table) == 1);
        let Some(place) = idle
            .min_by_key(|(_, entry)| entry.used)
            .map(|(place, _)| place.clone())
        else {
            return;
        };
        tables.remove(&place);
    }
}
