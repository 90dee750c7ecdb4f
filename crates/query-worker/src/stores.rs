//! The stores of a tab: S3 and its kin at one endpoint, and any HTTP server.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use messages::Error;
use messages::connection::Connection;
use object_store::aws::AmazonS3Builder;
use object_store::client::HttpClient;
use object_store::http::HttpBuilder;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use proxy_store::{ProxyAddress, ProxyStore};
use query_engine::{StoreLocation, Stores};
use table_location::{Scheme, TableLocation};
use url::Url;

use crate::fetch_service::{FetchConnector, FetchService};
use crate::proxied::ProxiedStore;

/// One of the stores of a tab.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum StoreName {
    /// A bucket of the connection.
    Bucket(String),
    /// A web server: `https://host`.
    Origin(String),
}

/// What a table's URL says.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub store: StoreName,
    /// Path in the store.
    pub root: Path,
    /// The URL, as it is printed: `s3a://bucket/path`.
    pub location: String,
}

impl Place {
    /// Reads a table's URL.
    ///
    /// # Errors
    /// `INVALID_TABLE_LOCATION`.
    pub fn of(url: &Url) -> Result<Self, Error> {
        let table = TableLocation::parse(url.as_str()).map_err(|error| {
            invalid(url, &error.to_string()).with_hint("Write s3a://bucket/path.")
        })?;
        let root = Path::parse(table.path()).map_err(|error| invalid(url, &error.to_string()))?;
        let store = match table.scheme() {
            Scheme::S3 => StoreName::Bucket(table.authority().to_owned()),
            Scheme::Http | Scheme::Https => StoreName::Origin(url.origin().ascii_serialization()),
            Scheme::File | Scheme::Other(_) => {
                let scheme = url.scheme();
                return Err(
                    invalid(url, &format!("this page cannot read `{scheme}:` URLs"))
                        .with_hint("It reads s3a://, s3://, https:// and http://."),
                );
            }
        };
        Ok(Self {
            store,
            root,
            location: table.to_string(),
        })
    }

    /// Whether the store supports LIST.
    pub fn can_list(&self) -> bool {
        match self.store {
            StoreName::Bucket(_) => true,
            StoreName::Origin(_) => false,
        }
    }
}

/// The stores of one [`Connection`]; each bucket and each HTTP server gets one store, kept for as
/// long as the connection lasts.
#[derive(Debug)]
pub struct FetchStores {
    connection: Connection,
    proxy: Option<ProxyAddress>,
    commits_in_flight: Arc<AtomicUsize>,
    made: Mutex<HashMap<StoreName, Arc<dyn ObjectStore>>>,
}

impl FetchStores {
    /// The stores of `connection`; none is opened yet.
    pub fn new(connection: Connection) -> Self {
        Self {
            connection,
            proxy: None,
            commits_in_flight: Arc::default(),
            made: Mutex::default(),
        }
    }

    /// The same stores, whose buckets are written through the commit proxy at `origin`: scheme, host and
    /// port.
    #[must_use]
    pub fn through(self, origin: impl Into<String>) -> Self {
        let proxy = ProxyAddress {
            origin: origin.into(),
            client: HttpClient::new(FetchService),
            token: None,
        };
        Self {
            proxy: Some(proxy),
            ..self
        }
    }

    /// Number of commits that were sent and not answered. While it is above zero, a statement that is
    /// cancelled may still commit.
    pub fn commits_in_flight(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.commits_in_flight)
    }

    /// Whether there is an endpoint to read buckets from.
    pub(crate) fn has_endpoint(&self) -> bool {
        !self.connection.endpoint.is_empty()
    }

    /// One of the stores.
    ///
    /// # Errors
    /// `INVALID_CONNECTION`.
    pub(crate) fn store(&self, name: &StoreName) -> Result<Arc<dyn ObjectStore>, Error> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = made.get(name) {
            return Ok(Arc::clone(store));
        }
        let store = match name {
            StoreName::Bucket(bucket) => self.bucket(bucket)?,
            StoreName::Origin(origin) => web_server(origin)?,
        };
        made.insert(name.clone(), Arc::clone(&store));
        Ok(store)
    }

    fn bucket(&self, bucket: &str) -> Result<Arc<dyn ObjectStore>, Error> {
        let Connection {
            endpoint,
            region,
            credentials,
            ..
        } = &self.connection;
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_endpoint(endpoint.trim_end_matches('/'))
            .with_region(region)
            .with_virtual_hosted_style_request(false)
            .with_client_options(client_options())
            .with_retry(no_retries())
            .with_http_connector(FetchConnector)
            .with_skip_signature(credentials.is_none());
        if let Some(keys) = credentials {
            builder = builder
                .with_access_key_id(&keys.access_key)
                .with_secret_access_key(&keys.secret_key);
            if let Some(token) = &keys.session_token {
                builder = builder.with_token(token);
            }
        }
        let store = builder.build().map_err(|error| {
            Error::new(
                "INVALID_CONNECTION",
                format!("cannot read bucket {bucket} at {endpoint}: {error}"),
            )
        })?;
        let store: Arc<dyn ObjectStore> = Arc::new(store);
        Ok(match &self.proxy {
            None => store,
            Some(proxy) => {
                let written = ProxyStore::new(store, bucket, proxy.clone());
                let in_flight = Arc::clone(&self.commits_in_flight);
                Arc::new(ProxiedStore::new(Arc::new(written), in_flight))
            }
        })
    }
}

impl Stores for FetchStores {
    fn resolve(&self, url: &Url) -> Result<StoreLocation, Error> {
        let place = Place::of(url)?;
        let can_list = place.can_list();
        Ok(StoreLocation {
            store: self.store(&place.store)?,
            can_list,
            can_write: can_list && self.proxy.is_some(),
            root: place.root,
            location: place.location,
        })
    }

    fn buckets(&self) -> Vec<String> {
        self.connection.buckets.clone()
    }

    fn drop_table<'a>(&'a self, place: &'a StoreLocation) -> BoxFuture<'a, Result<bool, Error>> {
        async move {
            let table = TableLocation::parse(&place.location).ok();
            let table = table.filter(|table| table.scheme() == &Scheme::S3);
            let (Some(proxy), Some(table)) = (&self.proxy, table) else {
                return Ok(false);
            };
            let dropped = proxy_store::drop_table(proxy, table.authority(), &place.root).await;
            dropped.map(|_| true)
        }
        .boxed()
    }
}

fn web_server(origin: &str) -> Result<Arc<dyn ObjectStore>, Error> {
    let store = HttpBuilder::new()
        .with_url(origin)
        .with_client_options(client_options())
        .with_retry(no_retries())
        .with_http_connector(FetchConnector)
        .build()
        .map_err(|error| {
            Error::new(
                "INVALID_CONNECTION",
                format!("cannot read from {origin}: {error}"),
            )
        })?;
    Ok(Arc::new(store))
}

fn invalid(url: &Url, why: &str) -> Error {
    Error::new(
        "INVALID_TABLE_LOCATION",
        format!("`{url}` is not a table location: {why}"),
    )
}

fn client_options() -> ClientOptions {
    ClientOptions::new().with_allow_http(true)
}

/// object_store's own retries wait on a tokio timer, which does not exist here;
/// [`crate::fetch_service`] sees to them.
fn no_retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: 0,
        retry_timeout: Duration::ZERO,
    }
}
