//! DataFusion's session, set up for Spark's ways and for one thread, and what SET and CREATE VIEW
//! leave behind.

mod checked_arithmetic;
mod checked_sum;
pub(crate) mod single_task;
mod spark_operators;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemorySchemaProvider,
};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::config::SessionConfig;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionState;
use delta_log::ChangeColumns;
use messages::Error;
use object_store::memory::InMemory;
use spark_dialect::Query;

use crate::scan::parquet_scan::store_url;
use crate::session::checked_sum::checked_sum;
use crate::session::single_task::SingleTaskRule;
use crate::session::spark_operators::SparkExprPlanner;

/// `SET` of this key switches schema evolution on for INSERT and MERGE.
const AUTO_MERGE: &str = "spark.databricks.delta.schema.autoMerge.enabled";

/// `SET` of this key to `dynamic` has INSERT OVERWRITE replace only the partitions that it has rows for.
const PARTITION_OVERWRITE: &str = "spark.sql.sources.partitionOverwriteMode";

/// `SET` of these two has a write that changes rows commit an application's transaction, once.
const TRANSACTION_APPLICATION: &str = "spark.databricks.delta.write.txnAppId";
const TRANSACTION_VERSION: &str = "spark.databricks.delta.write.txnVersion";

/// `SET` of this key has each write use up the version, so that it must be set for the next one.
const TRANSACTION_RESET: &str = "spark.databricks.delta.write.txnVersion.autoReset.enabled";

/// `SET` of this key to `endVersion` gives a change feed the columns of its range's last version.
const CHANGE_COLUMNS: &str = "lakeglass.changeDataFeed.schemaMode";

/// A temporary view: planned anew, on the tables' latest versions, each time it is used.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub query: Query,
    /// Names for its columns; empty: those of the query.
    pub columns: Vec<String>,
}

/// A write of an application, which counts its writes.
///
/// Protocol: [Transaction Identifiers](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#transaction-identifiers)
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApplicationTransaction {
    pub app_id: String,
    pub version: i64,
}

/// State that lives as long as the engine: options, views and the functions and rules of its
/// DataFusion session.
#[derive(Debug)]
pub(crate) struct Session {
    state: SessionState,
    memory_limit: usize,
    /// By name in lower case.
    views: Mutex<HashMap<String, Arc<View>>>,
    options: Mutex<HashMap<String, String>>,
}

impl Session {
    /// Limit of the memory pool, in bytes.
    pub fn memory_limit(&self) -> usize {
        self.memory_limit
    }

    pub fn new(memory_limit: usize) -> Self {
        let mut builder = SessionStateBuilder::new()
            .with_config(config())
            .with_runtime_env(runtime(memory_limit))
            .with_default_features()
            .with_physical_optimizer_rule(Arc::new(SingleTaskRule));
        builder
            .expr_planners()
            .get_or_insert_default()
            .insert(0, Arc::new(SparkExprPlanner));
        // The last one of a name is the one that counts.
        builder
            .aggregate_functions()
            .get_or_insert_default()
            .push(checked_sum());
        Self {
            state: builder.build(),
            memory_limit,
            views: Mutex::default(),
            options: Mutex::default(),
        }
    }

    /// One of its own with the same views and options, which shares the memory pool.
    pub fn copy(&self) -> Self {
        let views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        let options = self.options.lock().unwrap_or_else(PoisonError::into_inner);
        Self {
            state: self.state.clone(),
            memory_limit: self.memory_limit,
            views: Mutex::new(views.clone()),
            options: Mutex::new(options.clone()),
        }
    }

    /// A state of its own for one statement, with no tables in it; `now()` is this moment.
    pub fn statement_state(&self) -> SessionState {
        let mut state = SessionStateBuilder::new_from_existing(self.state.clone())
            .with_catalog_list(Arc::new(OneSchema::default()))
            .build();
        state.mark_start_execution();
        state
    }

    /// The memory that all statements share.
    pub fn memory_pool(&self) -> Arc<dyn MemoryPool> {
        Arc::clone(&self.state.runtime_env().memory_pool)
    }

    pub fn view(&self, name: &str) -> Option<Arc<View>> {
        self.views
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&name.to_lowercase())
            .cloned()
    }

    /// The names of the views, in order.
    pub fn view_names(&self) -> Vec<String> {
        let views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<String> = views.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    pub fn create_view(&self, name: &str, or_replace: bool, view: Arc<View>) -> Result<(), Error> {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        let key = name.to_lowercase();
        if !or_replace && views.contains_key(&key) {
            return Err(Error::new(
                "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS",
                format!("There is a temporary view `{name}` already."),
            )
            .with_hint("CREATE OR REPLACE TEMPORARY VIEW replaces it."));
        }
        views.insert(key, view);
        Ok(())
    }

    pub fn drop_view(&self, name: &str, if_exists: bool) -> Result<(), Error> {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        if views.remove(&name.to_lowercase()).is_none() && !if_exists {
            return Err(Error::new(
                "VIEW_NOT_FOUND",
                format!("There is no temporary view `{name}`."),
            ));
        }
        Ok(())
    }

    /// # Errors
    /// `UNSUPPORTED_FEATURE` for options that would change what queries answer.
    pub fn set_option(&self, key: &str, value: &str) -> Result<(), Error> {
        let utc = ["utc", "etc/utc", "gmt", "z", "+00:00"];
        let refused = match key.to_lowercase().as_str() {
            "spark.sql.session.timezone" => !utc.contains(&value.to_lowercase().as_str()),
            "spark.sql.ansi.enabled" => value.eq_ignore_ascii_case("false"),
            _ => false,
        };
        if refused {
            return Err(Error::new(
                "UNSUPPORTED_FEATURE",
                format!("{key} cannot be {value} here."),
            )
            .with_hint("Times are in UTC, and errors are not turned into NULL."));
        }
        let mut options = self.options.lock().unwrap_or_else(PoisonError::into_inner);
        options.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    pub fn option(&self, key: &str) -> Option<String> {
        self.options
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned()
    }

    /// The columns that `table_changes` has.
    pub fn change_columns(&self) -> ChangeColumns {
        match self.option(CHANGE_COLUMNS) {
            Some(mode) if mode.eq_ignore_ascii_case("endVersion") => ChangeColumns::OfEnd,
            _ => ChangeColumns::OfLatest,
        }
    }

    /// Whether INSERT OVERWRITE replaces only the partitions that it has rows for.
    pub fn overwrites_partitions(&self) -> bool {
        self.option(PARTITION_OVERWRITE)
            .is_some_and(|mode| mode.eq_ignore_ascii_case("dynamic"))
    }

    /// The application's transaction that a write commits, if it commits one. Spark's writers have
    /// these options too.
    ///
    /// # Errors
    /// If the version is not a number from 0 on, or one of the two is missing.
    pub fn application_transaction(&self) -> Result<Option<ApplicationTransaction>, Error> {
        let invalid = |message: &str| {
            let message =
                format!("{TRANSACTION_APPLICATION} and {TRANSACTION_VERSION}: {message}.");
            Error::new("DELTA_INVALID_IDEMPOTENT_WRITES_OPTIONS", message).with_hint(
                "SET both: a name for the application, and a number that grows with each of its writes.",
            )
        };
        let text = |key: &str| self.option(key).filter(|value| !value.is_empty());
        let (app_id, version) = match (text(TRANSACTION_APPLICATION), text(TRANSACTION_VERSION)) {
            (Some(app_id), Some(version)) => (app_id, version),
            (None, None) => return Ok(None),
            // The version was used up.
            (Some(_), None) if self.resets_transaction() => {
                return Err(invalid("the version was used by the last write"));
            }
            (Some(_), None) | (None, Some(_)) => return Err(invalid("one of the two is not set")),
        };
        let version = version.trim().parse::<i64>().ok();
        let version = version.filter(|version| *version >= 0);
        let version = version.ok_or_else(|| invalid("the version is not a number from 0 on"))?;
        Ok(Some(ApplicationTransaction { app_id, version }))
    }

    fn resets_transaction(&self) -> bool {
        self.option(TRANSACTION_RESET)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// An application's transaction was committed, or had been.
    pub fn transaction_is_used(&self) {
        if self.resets_transaction() {
            let mut options = self.options.lock().unwrap_or_else(PoisonError::into_inner);
            options.remove(TRANSACTION_VERSION);
        }
    }

    /// Whether INSERT and MERGE may add columns without saying so.
    pub fn auto_merge(&self) -> bool {
        self.option(AUTO_MERGE)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

/// The one schema that a statement's tables are in, under whatever catalog it is looked for.
#[derive(Debug)]
struct OneSchema {
    catalog: Arc<dyn CatalogProvider>,
}

impl Default for OneSchema {
    fn default() -> Self {
        let catalog = MemoryCatalogProvider::new();
        let schema = Arc::new(MemorySchemaProvider::new());
        // A memory catalog takes any schema.
        let _ = catalog.register_schema("public", schema);
        Self {
            catalog: Arc::new(catalog),
        }
    }
}

impl CatalogProviderList for OneSchema {
    fn register_catalog(
        &self,
        _: String,
        _: Arc<dyn CatalogProvider>,
    ) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec!["datafusion".to_owned()]
    }

    fn catalog(&self, _: &str) -> Option<Arc<dyn CatalogProvider>> {
        Some(Arc::clone(&self.catalog))
    }
}

fn config() -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_target_partitions(1)
        .with_batch_size(8192);
    let options = config.options_mut();
    options.sql_parser.enable_ident_normalization = false;
    options.sql_parser.parse_float_as_decimal = true;
    options.sql_parser.map_string_types_to_utf8view = false;
    options.execution.time_zone = Some("UTC".to_owned());
    options.execution.parquet.schema_force_view_types = false;
    options.execution.parquet.coerce_int96 = Some("us".to_owned());
    config
}

/// No disk to spill to: what does not fit in `memory_limit` ends in an error.
fn runtime(memory_limit: usize) -> Arc<RuntimeEnv> {
    let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
    let runtime = RuntimeEnvBuilder::new()
        .with_disk_manager_builder(disk)
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(memory_limit)))
        .build_arc()
        .expect("without a disk there is nothing that can fail");
    runtime.register_object_store(store_url().as_ref(), Arc::new(InMemory::new()));
    runtime
}
