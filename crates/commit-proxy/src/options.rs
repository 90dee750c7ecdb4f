//! How the proxy is set up.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use http_guard::Callers;
use messages::connection::Connection;

use crate::token::Token;

/// Everything [`crate::Proxy::start`] needs.
#[derive(Debug, Clone)]
pub struct ProxyOptions {
    /// Where the tables are, as the proxy reaches them.
    pub store: StoreConfig,
    /// Places below which objects are written: `bucket/folder`. All of the buckets if there are none.
    pub prefixes: Vec<String>,
    /// Whether whole tables may be deleted.
    pub allow_drop: bool,
    /// Version of the program that runs the proxy, for the config endpoint.
    pub version: String,
    /// Where the page reads the same tables. Goes out with `GET /api/v1/config`, so it must not
    /// carry credentials.
    pub connection: Connection,
    /// Under which names, and from whose pages, the proxy may be used.
    pub callers: Callers,
    /// What a writer must know. Only a proxy that listens on loopback alone may do without.
    pub token: Option<Token>,
    /// Bounds of what a request may cost.
    pub limits: Limits,
}

/// Bounds of what a request may cost. Memory for bodies is at most `commits` times
/// `commit_bytes`, `uploads` times about 32 MiB, and twice what a checkpoint takes to read.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest object, in bytes.
    pub object_bytes: u64,
    /// Largest commit file, in bytes.
    pub commit_bytes: u64,
    /// Objects that are put at a time.
    pub uploads: u32,
    /// Commits and deletions at a time; those of one table wait for each other.
    pub commits: u32,
    /// How long a request waits for its turn, until it is told that the server is busy.
    pub wait: Duration,
    /// How long the next part of a body may take. Beyond the first such time, a body must come at
    /// 16 KiB a second.
    pub body: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            object_bytes: 2 * 1024 * 1024 * 1024,
            commit_bytes: 16 * 1024 * 1024,
            uploads: 16,
            commits: 32,
            wait: Duration::from_secs(20),
            body: Duration::from_secs(30),
        }
    }
}

/// The object store behind the proxy. Tables may live only in the buckets that are named here.
#[derive(Clone)]
pub enum StoreConfig {
    /// `folder/<bucket>/<key>` on the local disk; the buckets' folders are created.
    Local {
        /// The folder that holds one folder per bucket.
        folder: PathBuf,
        /// Names of the buckets.
        buckets: Vec<String>,
    },
    /// MinIO, S3 or another server with its API, addressed by path.
    S3 {
        /// Scheme, host and port: `http://127.0.0.1:9000`.
        endpoint: String,
        /// For the signature; MinIO takes any.
        region: String,
        /// Key that may read, list, write and delete in the buckets.
        access_key: String,
        /// Its secret. Never logged.
        secret_key: String,
        /// Names of the buckets. They must exist.
        buckets: Vec<String>,
    },
}

impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local { folder, buckets } => f
                .debug_struct("Local")
                .field("folder", folder)
                .field("buckets", buckets)
                .finish(),
            Self::S3 {
                endpoint,
                region,
                access_key,
                buckets,
                ..
            } => f
                .debug_struct("S3")
                .field("endpoint", endpoint)
                .field("region", region)
                .field("access_key", access_key)
                .field("buckets", buckets)
                .finish_non_exhaustive(),
        }
    }
}
