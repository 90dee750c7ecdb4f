//! The committers of `lakeglass sql`, `seed` and `simulate`.

mod http;

use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use commit_proxy::{Proxy, ProxyOptions, StoreConfig};
use messages::Error;
use messages::commit::{CommitOutcome, CommitRequest};
use messages::connection::Connection;
use query_engine::Committer;
use table_location::TableLocation;
use tokio::sync::Mutex;

pub use self::http::HttpCommitter;

use crate::stores::{Buckets, S3Access};

/// Commits through a proxy that this process has started already.
#[derive(Clone)]
pub struct LocalCommitter(pub Proxy);

#[async_trait]
impl Committer for LocalCommitter {
    async fn commit(
        &self,
        request: CommitRequest,
        source: Option<Bytes>,
    ) -> Result<CommitOutcome, Error> {
        self.0.commit(request, source).await
    }
}

impl fmt::Debug for LocalCommitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalCommitter")
    }
}

/// Commits in this process: one proxy per bucket, started with the first write to it.
pub struct InProcessCommitter {
    buckets: Buckets,
    proxies: Mutex<HashMap<String, Proxy>>,
}

impl InProcessCommitter {
    /// Commits to the buckets of this store.
    pub fn new(buckets: Buckets) -> Self {
        Self {
            buckets,
            proxies: Mutex::default(),
        }
    }

    async fn proxy(&self, bucket: &str) -> Result<Proxy, Error> {
        let mut proxies = self.proxies.lock().await;
        if let Some(proxy) = proxies.get(bucket) {
            return Ok(proxy.clone());
        }
        let store = store_config(&self.buckets, vec![bucket.to_owned()])?;
        let proxy = Proxy::start(ProxyOptions {
            store,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            // Only HTTP clients ask for it.
            connection: Connection {
                endpoint: String::new(),
                region: String::new(),
                buckets: vec![bucket.to_owned()],
                credentials: None,
            },
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            max_request_bytes: ProxyOptions::DEFAULT_MAX_REQUEST_BYTES,
        })
        .await?;
        proxies.insert(bucket.to_owned(), proxy.clone());
        Ok(proxy)
    }
}

/// The proxy's view of a store.
///
/// # Errors
/// If the store can be read but not written: there are no keys, or no endpoint.
pub fn store_config(store: &Buckets, buckets: Vec<String>) -> Result<StoreConfig, Error> {
    match store {
        Buckets::Folder(folder) => Ok(StoreConfig::Local {
            folder: folder.clone(),
            buckets,
        }),
        Buckets::S3(S3Access {
            endpoint: Some(endpoint),
            region,
            credentials: Some(credentials),
        }) if credentials.session_token.is_none() => Ok(StoreConfig::S3 {
            endpoint: endpoint.clone(),
            region: region.clone(),
            access_key: credentials.access_key.clone(),
            secret_key: credentials.secret_key.clone(),
            buckets,
        }),
        Buckets::S3(_) => Err(Error::new(
            "READ_ONLY",
            "Writing to S3 takes an endpoint, an access key and a secret key.",
        )
        .with_hint("Give them as options, or name a running commit proxy with --proxy.")),
    }
}

#[async_trait]
impl Committer for InProcessCommitter {
    async fn commit(
        &self,
        request: CommitRequest,
        source: Option<Bytes>,
    ) -> Result<CommitOutcome, Error> {
        // The proxy says in full what is wrong with a location.
        let table = TableLocation::parse(&request.table);
        let bucket = table.as_ref().ok().and_then(TableLocation::bucket);
        let proxy = self.proxy(bucket.unwrap_or_default()).await?;
        proxy.commit(request, source).await
    }
}

impl fmt::Debug for InProcessCommitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcessCommitter")
            .field("buckets", &self.buckets)
            .finish_non_exhaustive()
    }
}
