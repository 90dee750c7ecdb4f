//! Who makes the commits of `lakeglass sql`, `seed` and `simulate`.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};

use async_trait::async_trait;
use bytes::Bytes;
use commit_proxy::{Proxy, ProxyOptions, StoreConfig};
use messages::Error;
use messages::commit::{CommitOutcome, CommitRequest};
use messages::connection::Connection;
use query_engine::Committer;
use tokio::sync::Mutex;

use crate::errors::chain;
use crate::stores::{Buckets, S3Access};

/// Commits through a proxy of this process.
#[derive(Clone)]
pub struct Direct(pub Proxy);

#[async_trait]
impl Committer for Direct {
    async fn commit(
        &self,
        request: CommitRequest,
        source: Option<Bytes>,
    ) -> Result<CommitOutcome, Error> {
        self.0.commit(request, source).await
    }
}

impl fmt::Debug for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Direct")
    }
}

/// Commits in this process: one proxy per bucket, started with the first write to it.
pub struct InProcess {
    buckets: Buckets,
    proxies: Mutex<HashMap<String, Proxy>>,
}

impl InProcess {
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
impl Committer for InProcess {
    async fn commit(
        &self,
        request: CommitRequest,
        source: Option<Bytes>,
    ) -> Result<CommitOutcome, Error> {
        let bucket = request
            .table
            .split_once("://")
            .and_then(|(_, rest)| rest.split('/').next())
            .unwrap_or_default()
            .to_owned();
        self.proxy(&bucket).await?.commit(request, source).await
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess")
            .field("buckets", &self.buckets)
            .finish_non_exhaustive()
    }
}

/// Commits through a running proxy's `POST /api/v1/commit`.
#[derive(Debug, Clone)]
pub struct OverHttp {
    client: reqwest::Client,
    url: String,
}

impl OverHttp {
    /// `proxy`: scheme, host and port.
    pub fn new(proxy: &str) -> Self {
        let url = format!("{}/api/v1/commit", proxy.trim_end_matches('/'));
        Self {
            client: reqwest::Client::new(),
            url,
        }
    }
}

#[async_trait]
impl Committer for OverHttp {
    async fn commit(
        &self,
        request: CommitRequest,
        source: Option<Bytes>,
    ) -> Result<CommitOutcome, Error> {
        let unreachable = |error: reqwest::Error| {
            Error::new(
                "COMMIT_PROXY_UNREACHABLE",
                format!("{} does not answer: {}", self.url, chain(&error)),
            )
            .with_hint("Start it with `lakeglass serve`.")
        };
        let request = serde_json::to_vec(&request)
            .map_err(|error| Error::new("INTERNAL_ERROR", error.to_string()))?;
        let (content_type, body) = multipart(&request, source.as_deref());
        let response = self
            .client
            .post(&self.url)
            .header("content-type", content_type)
            .body(body)
            .send()
            .await
            .map_err(unreachable)?;
        let status = response.status();
        let body = response.bytes().await.map_err(unreachable)?;
        let unexpected = |error: serde_json::Error| {
            Error::new(
                "COMMIT_PROXY_UNREACHABLE",
                format!(
                    "{} answered {status}, but not as a commit proxy: {error}",
                    self.url
                ),
            )
        };
        if status.is_success() {
            serde_json::from_slice(&body).map_err(unexpected)
        } else {
            Err(serde_json::from_slice(&body).map_err(unexpected)?)
        }
    }
}

/// The request's content type and its body: part `request`, and part `source` if there are rows.
fn multipart(request: &[u8], source: Option<&[u8]>) -> (String, Vec<u8>) {
    let parts = [
        Some(("request", "application/json", request)),
        source.map(|rows| ("source", "application/vnd.apache.arrow.stream", rows)),
    ];
    let boundary = boundary();
    let mut body = Vec::new();
    for (name, content_type, content) in parts.into_iter().flatten() {
        body.extend_from_slice(
            format!(
                "--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\
                 content-type: {content_type}\r\n\r\n"
            )
            .as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// 128 random bits, which no part's content will hold.
fn boundary() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("lakeglass-{:016x}{:016x}", random(), random())
}
