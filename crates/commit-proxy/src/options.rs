//! How the proxy is set up.

use std::fmt;
use std::path::PathBuf;

use messages::connection::Connection;

/// Everything [`crate::Proxy::start`] needs.
#[derive(Debug, Clone)]
pub struct ProxyOptions {
    /// Where the tables are, as the proxy reaches them.
    pub store: StoreConfig,
    /// Version of the program that runs the proxy, for the config endpoint.
    pub version: String,
    /// Where the page reads the same tables. Goes out with `GET /api/v1/config`, so it must not
    /// carry credentials.
    pub connection: Connection,
    /// Origins besides the proxy's own from which a page may commit: `http://localhost:8080`.
    pub allowed_origins: Vec<String>,
    /// Names besides loopback's (`localhost`, `127.0.0.1`, `[::1]`) under which the proxy may be
    /// addressed, without port. Requests for other hosts are refused, so that a foreign name which
    /// resolves to this machine (DNS rebinding) gains nothing.
    pub allowed_hosts: Vec<String>,
    /// The largest request body accepted, in bytes.
    pub max_request_bytes: usize,
}

impl ProxyOptions {
    /// Room for the rows of one statement: 256 MiB.
    pub const DEFAULT_MAX_REQUEST_BYTES: usize = 256 * 1024 * 1024;
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
