//! The buckets' object stores.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use durable_folder::DurableFolder;
use messages::Error;
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::{ClientOptions, ObjectStore, RetryConfig};

use crate::StoreConfig;

/// Stores by bucket. The root of each is the bucket.
pub(crate) type Buckets = BTreeMap<String, Arc<dyn ObjectStore>>;

/// Makes the store of each bucket. No request is sent yet.
pub(crate) fn buckets(config: &StoreConfig) -> Result<Buckets, Error> {
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
                let store = DurableFolder::create(&folder)
                    .map_err(|error| unusable(folder.display().to_string(), error.to_string()))?;
                Ok((name.clone(), Arc::new(store) as Arc<dyn ObjectStore>))
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
                    .map_err(|error| {
                        unusable(format!("Bucket {name} at {endpoint}"), error.to_string())
                    })?;
                Ok((name.clone(), Arc::new(store) as Arc<dyn ObjectStore>))
            })
            .collect(),
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
