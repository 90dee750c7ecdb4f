//! State of one statement while it is planned and runs: its cost so far, and the version of each
//! table that it reads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use delta_log::{CommitRecord, Error, Snapshot, Table, Warning};
use futures::lock::Mutex as AsyncMutex;
use messages::engine::QueryMetrics;
use web_time::Instant;

use crate::catalog::snapshots::{Loaded, Snapshots};
use crate::host::StoreLocation;
use crate::run::clock::now;
use crate::run::metered_store::{Meter, MeteredStore};
use crate::scan::data_files::DataFileReaderFactory;
use crate::scan::footers::Footers;
use crate::scan::scan_cost::{ScanCost, ScanCosts};

/// A statement on its way.
#[derive(Debug)]
pub(crate) struct StatementContext {
    started: Instant,
    first_row_ms: OnceLock<f64>,
    /// Milliseconds at the end; until then the clock runs.
    finished_ms: OnceLock<f64>,
    meter: Arc<Meter>,
    scans: ScanCosts,
    footers: Arc<Footers>,
    snapshots: Arc<Snapshots>,
    latest: Mutex<HashMap<String, LatestCell>>,
    tables_read: Mutex<Vec<(String, Option<u64>)>>,
    warnings: Mutex<Vec<String>>,
}

/// The latest version of a table, once it is loaded.
type LatestCell = Arc<AsyncMutex<Option<Arc<Snapshot>>>>;

impl StatementContext {
    pub fn new(footers: Arc<Footers>, snapshots: Arc<Snapshots>) -> Self {
        Self {
            started: now(),
            first_row_ms: OnceLock::new(),
            finished_ms: OnceLock::new(),
            meter: Arc::default(),
            scans: ScanCosts::default(),
            footers,
            snapshots,
            latest: Mutex::default(),
            tables_read: Mutex::default(),
            warnings: Mutex::default(),
        }
    }

    /// Forgets which version of each table the statement reads: it is computed once more, from those
    /// that are the latest then. Its cost so far counts on.
    pub fn start_again(&self) {
        let tables = self.tables_read.lock();
        tables.unwrap_or_else(PoisonError::into_inner).clear();
        let latest = self.latest.lock();
        latest.unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Whether the statement reads the table at `location`.
    pub fn reads_table(&self, location: &str) -> bool {
        let tables = self.tables_read.lock();
        let tables = tables.unwrap_or_else(PoisonError::into_inner);
        tables.iter().any(|(table, _)| table == location)
    }

    /// The place as a table whose requests this statement counts.
    pub fn table(&self, place: StoreLocation) -> Table {
        let StoreLocation {
            store,
            root,
            location,
            can_list,
            can_write: _,
        } = place;
        let store = Arc::new(MeteredStore::new(store, Arc::clone(&self.meter)));
        Table::new(store, root, location, can_list)
    }

    /// The latest version of `table`: the same one however often the statement names the table.
    pub async fn latest(&self, table: &Table) -> Loaded {
        let cell = {
            let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(latest.entry(table.location.clone()).or_default())
        };
        let mut cell = cell.lock().await;
        if let Some(snapshot) = cell.as_ref() {
            return Ok(Arc::clone(snapshot));
        }
        let snapshot = self.snapshots.latest(table).await?;
        *cell = Some(Arc::clone(&snapshot));
        Ok(snapshot)
    }

    /// The latest version of `table`, and its newest commits, at most `limit`.
    pub async fn latest_with_history(
        &self,
        table: &Table,
        limit: usize,
    ) -> Result<(Arc<Snapshot>, Vec<CommitRecord>), Arc<Error>> {
        self.snapshots.latest_with_history(table, limit).await
    }

    /// Notes that the statement reads this version (`None`: several at once).
    pub fn reads(&self, table: &Table, version: Option<u64>) {
        let read = (table.location.clone(), version);
        let mut tables = self
            .tables_read
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !tables.contains(&read) {
            tables.push(read);
        }
    }

    /// Notes what is wrong with the log of a table that the statement reads nevertheless.
    pub fn warn(&self, table: &Table, of_the_log: &[Warning]) {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        for warning in of_the_log {
            let warning = format!("{}: {warning}", table.location);
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
    }

    /// Notes a warning.
    pub fn note(&self, warning: String) {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// What was noted by [`Self::warn`] and [`Self::note`], each once.
    pub fn warnings(&self) -> Vec<String> {
        let warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        warnings.clone()
    }

    /// The table that was read and its version, if the statement reads just one.
    pub fn single_table(&self) -> (Option<String>, Option<u64>) {
        let tables = self
            .tables_read
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match tables.as_slice() {
            [(location, version)] => (Some(location.clone()), *version),
            _ => (None, None),
        }
    }

    /// Whether the statement reads a table at all.
    pub fn reads_tables(&self) -> bool {
        !self
            .tables_read
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }

    pub fn add_scan(&self, cost: ScanCost) -> Arc<ScanCost> {
        let cost = Arc::new(cost);
        self.scans.add(Arc::clone(&cost));
        cost
    }

    pub fn data_files(&self, table: &Table, cost: Arc<ScanCost>) -> DataFileReaderFactory {
        DataFileReaderFactory {
            origin: origin(&table.location),
            store: Arc::clone(&table.store),
            footers: Arc::clone(&self.footers),
            cost,
        }
    }

    pub fn first_row(&self) {
        self.first_row_ms.get_or_init(|| self.elapsed_ms());
    }

    pub fn finished(&self) {
        self.finished_ms.get_or_init(|| self.elapsed_ms());
    }

    pub fn metrics(&self) -> QueryMetrics {
        let mut metrics = QueryMetrics {
            elapsed_ms: self
                .finished_ms
                .get()
                .copied()
                .unwrap_or_else(|| self.elapsed_ms()),
            first_row_ms: self.first_row_ms.get().copied(),
            requests: self.meter.requests(),
            bytes: self.meter.bytes(),
            ..QueryMetrics::default()
        };
        self.scans.sum_into(&mut metrics);
        metrics
    }

    fn elapsed_ms(&self) -> f64 {
        self.started.elapsed().as_secs_f64() * 1000.0
    }
}

/// Scheme and host of a URL.
fn origin(location: &str) -> Arc<str> {
    let after_scheme = location.find("://").map_or(0, |at| at + 3);
    let end = location[after_scheme..]
        .find('/')
        .map_or(location.len(), |at| after_scheme + at);
    Arc::from(&location[..end])
}
