//! The host's side of the engine: the stores, the clock and the event loop that the program around
//! the engine gives to it.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use delta_transaction::Environment;
use futures::future::{self, BoxFuture, FutureExt};
use messages::Error;
use object_store::ObjectStore;
use object_store::path::Path;
use url::Url;

/// The object stores of a connection.
pub trait Stores: Debug + Send + Sync {
    /// Store and path of a URL. `s3://` and `s3a://` are in the connection's object store;
    /// `http://` and `https://` on any server.
    ///
    /// # Errors
    /// A scheme that the host has no store for; an invalid path.
    fn resolve(&self, url: &Url) -> Result<StoreLocation, Error>;

    /// Names of the buckets that are searched for tables.
    fn buckets(&self) -> Vec<String>;

    /// Drops the table at a place by means of the host's own, as whoever writes through a server must.
    /// `false`: there are none, and the engine deletes the objects itself.
    ///
    /// # Errors
    /// Why the table is not dropped.
    fn drop_table<'a>(&'a self, _: &'a StoreLocation) -> BoxFuture<'a, Result<bool, Error>> {
        future::ready(Ok(false)).boxed()
    }
}

/// A path in a store.
#[derive(Debug, Clone)]
pub struct StoreLocation {
    /// The store.
    pub store: Arc<dyn ObjectStore>,
    /// Path in the store.
    pub root: Path,
    /// The same place as a URL, for messages: `s3a://bucket/path`.
    pub location: String,
    /// Whether the store supports LIST. A plain web server does not.
    pub can_list: bool,
    /// Whether the store takes puts, and keeps what put-if-absent promises.
    pub can_write: bool,
}

/// The event loop of the thread that the engine runs in.
#[async_trait]
pub trait Scheduler: Debug + Send + Sync {
    /// Returns after the event loop has handled what is waiting: a macrotask in a browser, no wait
    /// natively.
    async fn yield_now(&self);
}

/// Options of [`Engine::new`](crate::Engine::new).
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Limit of the memory pool of queries, in bytes. A query that needs more ends with
    /// `QUERY_MEMORY_EXCEEDED`.
    pub memory_limit: usize,
    /// The stores that tables are read from.
    pub stores: Arc<dyn Stores>,
    /// Clock and ids of what is written.
    pub environment: Arc<dyn Environment>,
    /// The event loop that the engine shares its thread with.
    pub scheduler: Arc<dyn Scheduler>,
}
