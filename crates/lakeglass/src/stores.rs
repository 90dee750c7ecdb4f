//! The stores of a native process: local files, servers with the S3 API, plain HTTP.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use durable_folder::DurableFolder;
use futures::future::{BoxFuture, FutureExt};
use messages::Error;
use messages::connection::Credentials;
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::client::{HttpConnector, ReqwestConnector};
use object_store::http::HttpBuilder;
use object_store::path::Path as ObjectPath;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use proxy_store::{ProxyAddress, ProxyStore};
use query_engine::{StoreLocation, Stores};
use table_location::{Scheme, TableLocation};
use url::Url;

use crate::errors::chain;

/// The store behind `s3://` and `s3a://`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Buckets {
    /// Each bucket is a subfolder.
    Folder(PathBuf),
    /// A server with the S3 API.
    S3(S3Access),
}

/// Endpoint and credentials of a server with the S3 API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Access {
    /// Scheme, host and port; `None` for AWS.
    pub endpoint: Option<String>,
    /// For AWS where the bucket is; else for the signature only.
    pub region: String,
    /// `None` reads anonymously.
    pub credentials: Option<Credentials>,
}

/// The stores of this process. Clients are made once and kept, with their connections.
pub struct NativeStores {
    buckets: Buckets,
    can_write: bool,
    proxy: Option<ProxyAddress>,
    names: Vec<String>,
    clients: Mutex<HashMap<String, Arc<dyn ObjectStore>>>,
}

impl NativeStores {
    /// `names`: the buckets to look for tables in.
    pub fn new(buckets: Buckets, names: Vec<String>) -> Self {
        Self {
            buckets,
            can_write: false,
            proxy: None,
            names,
            clients: Mutex::default(),
        }
    }

    /// The same stores, for an engine that may write: to folders, and to servers whose keys there are.
    #[must_use]
    pub fn writable(self) -> Self {
        let can_write = match &self.buckets {
            Buckets::Folder(_) => true,
            Buckets::S3(access) => access.credentials.is_some(),
        };
        Self { can_write, ..self }
    }

    /// The same stores, for an engine that writes through a proxy, which holds the keys.
    ///
    /// # Errors
    /// If no HTTP client can be made.
    pub fn through(self, proxy: &str, token: Option<String>) -> Result<Self, Error> {
        let client = ReqwestConnector::default().connect(&client_options());
        let proxy = ProxyAddress {
            origin: proxy.trim_end_matches('/').to_owned(),
            client: client.map_err(|error| broken(&error))?,
            token,
        };
        Ok(Self {
            proxy: Some(proxy),
            can_write: true,
            ..self
        })
    }

    /// The store of the buckets.
    pub fn place(&self) -> &Buckets {
        &self.buckets
    }

    /// The store of a bucket.
    ///
    /// # Errors
    /// If there is no such bucket, or the endpoint is not one.
    pub fn bucket(&self, bucket: &str) -> Result<Arc<dyn ObjectStore>, Error> {
        let key = TableLocation::s3(bucket, "").to_string();
        self.client(key, || {
            let store = match &self.buckets {
                Buckets::Folder(folder) => local(&bucket_folder(folder, bucket)?)?,
                Buckets::S3(access) => s3(access, bucket)?,
            };
            Ok(match &self.proxy {
                Some(proxy) => Arc::new(ProxyStore::new(store, bucket, proxy.clone())),
                None => store,
            })
        })
    }

    fn client(
        &self,
        key: String,
        make: impl FnOnce() -> Result<Arc<dyn ObjectStore>, Error>,
    ) -> Result<Arc<dyn ObjectStore>, Error> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&key) {
            return Ok(Arc::clone(client));
        }
        let client = make()?;
        clients.insert(key, Arc::clone(&client));
        Ok(client)
    }
}

impl fmt::Debug for NativeStores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeStores")
            .field("buckets", &self.buckets)
            .finish_non_exhaustive()
    }
}

impl Stores for NativeStores {
    fn resolve(&self, url: &Url) -> Result<StoreLocation, Error> {
        let table = TableLocation::parse(url.as_str())
            .map_err(|error| unusable(url, &error.to_string()))?;
        match table.scheme() {
            Scheme::S3 => Ok(StoreLocation {
                store: self.bucket(table.authority())?,
                root: path_of(&table, url)?,
                location: table.to_string(),
                can_list: true,
                can_write: self.can_write,
            }),
            Scheme::Http | Scheme::Https => {
                let origin = url.origin().ascii_serialization();
                let store = self.client(origin.clone(), || http(&origin))?;
                Ok(StoreLocation {
                    store,
                    root: path_of(&table, url)?,
                    location: table.to_string(),
                    can_list: false,
                    can_write: false,
                })
            }
            Scheme::File => {
                let path = url
                    .to_file_path()
                    .map_err(|()| unusable(url, "it is not a path of this machine"))?;
                // The table's folder is the store's root, so that names which a URL would escape
                // stay as they are on the disk. A single file is in the store of its folder.
                let (folder, root) = match (path.is_file(), path.parent(), path.file_name()) {
                    (true, Some(folder), Some(name)) => {
                        let root = ObjectPath::parse(name.to_string_lossy());
                        (
                            folder,
                            root.map_err(|error| unusable(url, &error.to_string()))?,
                        )
                    }
                    _ => (path.as_path(), ObjectPath::default()),
                };
                let store = self.client(folder.display().to_string(), || local(folder))?;
                Ok(StoreLocation {
                    store,
                    root,
                    location: table.to_string(),
                    can_list: true,
                    can_write: self.can_write && matches!(self.buckets, Buckets::Folder(_)),
                })
            }
            Scheme::Other(_) => Err(unusable(
                url,
                &format!(
                    "there is no store for {}; use s3a, s3, http, https or file",
                    url.scheme()
                ),
            )),
        }
    }

    fn buckets(&self) -> Vec<String> {
        self.names.clone()
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

/// The URL of a table that is named on a command line: a URL, or a path of this machine.
///
/// # Errors
/// If it is neither.
pub fn table_url(table: &str) -> Result<Url, Error> {
    // `C:\table` parses as a URL too.
    if let Ok(url) = Url::parse(table)
        && url.scheme().len() > 1
    {
        return Ok(url);
    }
    let invalid = |why: String| Error::new("INVALID_TABLE_LOCATION", format!("{table}: {why}"));
    let path = std::path::absolute(table).map_err(|error| invalid(error.to_string()))?;
    Url::from_file_path(&path).map_err(|()| invalid("not a path of this machine".to_owned()))
}

fn path_of(table: &TableLocation, url: &Url) -> Result<ObjectPath, Error> {
    ObjectPath::parse(table.path()).map_err(|error| unusable(url, &error.to_string()))
}

fn bucket_folder(folder: &Path, bucket: &str) -> Result<PathBuf, Error> {
    let path = folder.join(bucket);
    if bucket.starts_with('.') || !path.is_dir() {
        return Err(Error::new(
            "BUCKET_NOT_FOUND",
            format!(
                "there is no bucket {bucket}: {} is not a folder",
                path.display()
            ),
        ));
    }
    Ok(path)
}

fn local(folder: &Path) -> Result<Arc<dyn ObjectStore>, Error> {
    if !folder.is_dir() {
        return Err(Error::new(
            "PATH_NOT_FOUND",
            format!("{} is not a folder", folder.display()),
        ));
    }
    let folder = DurableFolder::create(folder)
        .map_err(|error| Error::new("INVALID_STORE", error.to_string()))?;
    Ok(Arc::new(folder))
}

fn s3(access: &S3Access, bucket: &str) -> Result<Arc<dyn ObjectStore>, Error> {
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(&access.region)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_client_options(client_options())
        .with_retry(retries());
    if let Some(endpoint) = &access.endpoint {
        builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
    }
    builder = match &access.credentials {
        None => builder.with_skip_signature(true),
        Some(Credentials {
            access_key,
            secret_key,
            session_token,
        }) => {
            let builder = builder
                .with_access_key_id(access_key)
                .with_secret_access_key(secret_key);
            match session_token {
                Some(token) => builder.with_token(token),
                None => builder,
            }
        }
    };
    Ok(Arc::new(builder.build().map_err(|error| broken(&error))?))
}

fn http(origin: &str) -> Result<Arc<dyn ObjectStore>, Error> {
    let store = HttpBuilder::new()
        .with_url(origin)
        .with_client_options(client_options())
        .with_retry(retries())
        .build()
        .map_err(|error| broken(&error))?;
    Ok(Arc::new(store))
}

fn client_options() -> ClientOptions {
    ClientOptions::new()
        .with_allow_http(true)
        .with_connect_timeout(Duration::from_secs(5))
}

/// A person waits: a store that is down should be reported in seconds.
fn retries() -> RetryConfig {
    RetryConfig {
        max_retries: 3,
        retry_timeout: Duration::from_secs(15),
        ..Default::default()
    }
}

fn unusable(url: &Url, why: &str) -> Error {
    Error::new(
        "INVALID_TABLE_LOCATION",
        format!("'{url}' can't be read: {why}."),
    )
}

fn broken(error: &object_store::Error) -> Error {
    Error::new("INVALID_STORE", chain(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stores(folder: &Path) -> NativeStores {
        NativeStores::new(Buckets::Folder(folder.to_owned()), vec!["raw".to_owned()])
    }

    fn resolve(stores: &NativeStores, url: &str) -> Result<StoreLocation, Error> {
        stores.resolve(&Url::parse(url).unwrap())
    }

    #[test]
    fn s3_and_s3a_are_the_same_bucket() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("raw")).unwrap();
        let stores = stores(folder.path());
        for url in ["s3://raw/a/b%20c", "s3a://raw/a/b%20c/"] {
            let location = resolve(&stores, url).unwrap();
            assert_eq!(location.root.as_ref(), "a/b c");
            assert_eq!(location.location, "s3a://raw/a/b c");
            assert!(location.can_list);
        }
        for url in ["s3://raw", "s3a://raw/"] {
            assert_eq!(resolve(&stores, url).unwrap().location, "s3a://raw");
        }
    }

    #[test]
    fn location_of_an_odd_key_leads_back_to_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("raw")).unwrap();
        let stores = stores(folder.path());
        for key in ["50%20off", "a+b c", "p=12:30/\u{e9}", "what?#", "end "] {
            let location = TableLocation::s3("raw", key).to_string();
            let place = resolve(&stores, &location).unwrap();
            assert_eq!((place.root.as_ref(), &place.location), (key, &location));
        }
    }

    #[test]
    fn plain_http_can_not_list() {
        let location = resolve(&stores(Path::new("/")), "https://host.example/data/t/").unwrap();
        assert_eq!(location.root.as_ref(), "data/t");
        assert_eq!(location.location, "https://host.example/data/t");
        assert!(!location.can_list);
    }

    #[test]
    fn places_that_do_not_exist_or_are_no_store_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let stores = stores(folder.path());
        for (url, code) in [
            ("s3a://raw/table", "BUCKET_NOT_FOUND"),
            ("s3a://../table", "BUCKET_NOT_FOUND"),
            ("ftp://host/table", "INVALID_TABLE_LOCATION"),
            ("https://host/table?key=1", "INVALID_TABLE_LOCATION"),
            ("file:///does/not/exist", "PATH_NOT_FOUND"),
        ] {
            assert_eq!(
                resolve(&stores, url).err().map(|e| e.code).as_deref(),
                Some(code),
                "{url}"
            );
        }
    }

    #[test]
    fn bare_path_is_a_file_url() {
        assert_eq!(table_url("/a/b c").unwrap().as_str(), "file:///a/b%20c");
        assert_eq!(table_url("s3a://b/t").unwrap().as_str(), "s3a://b/t");
        assert!(
            table_url("data/t")
                .unwrap()
                .as_str()
                .starts_with("file:///")
        );
    }
}
