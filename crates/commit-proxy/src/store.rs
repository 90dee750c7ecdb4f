//! The buckets' object stores, and the delta-rs log store of a table in one of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use deltalake::logstore::{LogStore, StorageConfig, default_logstore};
use messages::Error;
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use url::Url;

use crate::StoreConfig;
use crate::location::TableLocation;

/// One bucket: a store, and where in it the bucket starts.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    /// The store as delta-rs sees it: paths below it are paths of `url`.
    root: Arc<dyn ObjectStore>,
    /// The bucket's place in `root`.
    prefix: Path,
    /// The bucket's URL, with a trailing slash.
    url: Url,
}

impl Bucket {
    /// A bucket that is the whole of a store.
    #[cfg(test)]
    pub fn for_tests(root: Arc<dyn ObjectStore>) -> Self {
        let url = Url::parse("memory:///").expect("a URL");
        Self {
            root,
            prefix: Path::default(),
            url,
        }
    }

    /// A store whose root is the bucket.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        if self.prefix.as_ref().is_empty() {
            Arc::clone(&self.root)
        } else {
            Arc::new(PrefixStore::new(
                Arc::clone(&self.root),
                self.prefix.clone(),
            ))
        }
    }

    /// delta-rs's log store for a table, committing by put-if-absent. `wrap` goes around the store
    /// of the table's files.
    pub fn log_store(
        &self,
        location: &TableLocation,
        wrap: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>,
    ) -> Result<Arc<dyn LogStore>, Error> {
        let files: Arc<dyn ObjectStore> = Arc::new(PrefixStore::new(
            Arc::clone(&self.root),
            self.table_path(location),
        ));
        Ok(default_logstore(
            wrap(files),
            Arc::clone(&self.root),
            &self.table_url(location)?,
            &StorageConfig::default(),
        ))
    }

    /// A log store for reading a table through another store: `wrap` goes around the root, and is
    /// told where in it the table is.
    pub fn log_store_over(
        &self,
        location: &TableLocation,
        wrap: impl FnOnce(Arc<dyn ObjectStore>, &Path) -> Arc<dyn ObjectStore>,
    ) -> Result<Arc<dyn LogStore>, Error> {
        let table = self.table_path(location);
        let root = wrap(Arc::clone(&self.root), &table);
        let files: Arc<dyn ObjectStore> = Arc::new(PrefixStore::new(Arc::clone(&root), table));
        let url = self.table_url(location)?;
        Ok(default_logstore(
            files,
            root,
            &url,
            &StorageConfig::default(),
        ))
    }

    /// The table's place in the root store.
    fn table_path(&self, location: &TableLocation) -> Path {
        self.prefix
            .parts()
            .chain(Path::from(location.path.as_str()).parts())
            .collect()
    }

    fn table_url(&self, location: &TableLocation) -> Result<Url, Error> {
        let mut url = self.url.clone();
        url.path_segments_mut()
            .map_err(|()| Error::new("INTERNAL_ERROR", format!("{} takes no path.", self.url)))?
            .pop_if_empty()
            .extend(location.path.split('/'))
            .push("");
        Ok(url)
    }
}

/// A store that is down is told to the one who waits, soon; a hiccup is not.
fn retries() -> RetryConfig {
    RetryConfig {
        max_retries: 4,
        retry_timeout: Duration::from_secs(15),
        ..RetryConfig::default()
    }
}

/// Makes the store of each bucket. No request is sent yet.
pub(crate) fn buckets(config: &StoreConfig) -> Result<BTreeMap<String, Bucket>, Error> {
    let unusable = |what: String, why: String| {
        Error::new(
            "INVALID_STORE",
            format!("{what} can't be used as a store: {why}"),
        )
    };
    match config {
        StoreConfig::Local { folder, buckets } => buckets
            .iter()
            .map(|name| {
                let folder = folder.join(name);
                let failed = |why: String| unusable(folder.display().to_string(), why);
                std::fs::create_dir_all(&folder).map_err(|e| failed(e.to_string()))?;
                let folder = folder.canonicalize().map_err(|e| failed(e.to_string()))?;
                let url = Url::from_directory_path(&folder)
                    .map_err(|()| failed("not an absolute path".into()))?;
                let bucket = Bucket {
                    root: Arc::new(LocalFileSystem::new()),
                    prefix: Path::from_absolute_path(&folder).map_err(|e| failed(e.to_string()))?,
                    url,
                };
                Ok((name.clone(), bucket))
            })
            .collect(),
        StoreConfig::S3 {
            endpoint,
            region,
            access_key,
            secret_key,
            buckets,
        } => buckets
            .iter()
            .map(|name| {
                let failed = |why: String| unusable(format!("Bucket {name} at {endpoint}"), why);
                let store = AmazonS3Builder::new()
                    .with_endpoint(endpoint.trim_end_matches('/'))
                    .with_region(region)
                    .with_access_key_id(access_key)
                    .with_secret_access_key(secret_key)
                    .with_bucket_name(name)
                    .with_virtual_hosted_style_request(false)
                    .with_conditional_put(S3ConditionalPut::ETagMatch)
                    .with_client_options(ClientOptions::new().with_allow_http(true))
                    .with_retry(retries())
                    .build()
                    .map_err(|e| failed(e.to_string()))?;
                let url =
                    Url::parse(&format!("s3://{name}/")).map_err(|e| failed(e.to_string()))?;
                let bucket = Bucket {
                    root: Arc::new(store),
                    prefix: Path::default(),
                    url,
                };
                Ok((name.clone(), bucket))
            })
            .collect(),
    }
}
