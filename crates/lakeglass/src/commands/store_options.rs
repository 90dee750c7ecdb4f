//! Options that say where tables are.

use std::path::PathBuf;

use commit_proxy::StoreConfig;
use messages::Error;
use messages::connection::Credentials;

use crate::stores::{Buckets, S3Access};

/// The store behind `serve`, `seed` and `simulate`: a local folder, unless an S3 endpoint is named.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Store")]
pub struct ServedStore {
    /// Folder of the embedded store; each subfolder is a bucket
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// S3 API to keep tables in instead: scheme, host and port
    #[arg(long, value_name = "URL", env = "LAKEGLASS_S3_ENDPOINT")]
    pub s3_endpoint: Option<String>,
    /// Its region, for signatures
    #[arg(
        long,
        value_name = "NAME",
        env = "LAKEGLASS_S3_REGION",
        default_value = "us-east-1"
    )]
    pub s3_region: String,
    /// Key that may read, list, write and delete. It stays in this process
    #[arg(long, value_name = "KEY", env = "LAKEGLASS_S3_ACCESS_KEY")]
    pub s3_access_key: Option<String>,
    /// Its secret. It stays in this process
    #[arg(
        long,
        value_name = "SECRET",
        env = "LAKEGLASS_S3_SECRET_KEY",
        hide_env_values = true
    )]
    pub s3_secret_key: Option<String>,
    /// A bucket that holds tables; may be repeated
    #[arg(
        long = "bucket",
        value_name = "NAME",
        default_values = ["raw-data-bucket", "curated-data-bucket"]
    )]
    pub buckets: Vec<String>,
}

impl ServedStore {
    /// Where the buckets are.
    ///
    /// # Errors
    /// If an endpoint is named without keys.
    pub fn buckets(&self) -> Result<Buckets, Error> {
        let Some(endpoint) = &self.s3_endpoint else {
            return Ok(Buckets::Folder(self.data.clone()));
        };
        let credentials = credentials(&self.s3_access_key, &self.s3_secret_key, &None)?;
        if credentials.is_none() {
            return Err(Error::new(
                "MISSING_CREDENTIALS",
                "Commits to an S3 endpoint need keys.",
            )
            .with_hint("Add --s3-access-key and --s3-secret-key, or set LAKEGLASS_S3_ACCESS_KEY and LAKEGLASS_S3_SECRET_KEY."));
        }
        Ok(Buckets::S3(S3Access {
            endpoint: Some(endpoint.trim_end_matches('/').to_owned()),
            region: self.s3_region.clone(),
            credentials,
        }))
    }
}

impl ServedStore {
    /// The store as the proxy takes it.
    ///
    /// # Errors
    /// As [`Self::buckets`].
    pub fn config(&self) -> Result<StoreConfig, Error> {
        let buckets = self.buckets.clone();
        Ok(match self.buckets()? {
            Buckets::Folder(folder) => StoreConfig::Local { folder, buckets },
            Buckets::S3(S3Access {
                endpoint,
                region,
                credentials,
            }) => {
                // An endpoint without keys was refused above.
                let (access_key, secret_key) = credentials
                    .map(|keys| (keys.access_key, keys.secret_key))
                    .unwrap_or_default();
                StoreConfig::S3 {
                    endpoint: endpoint.unwrap_or_default(),
                    region,
                    access_key,
                    secret_key,
                    buckets,
                }
            }
        })
    }
}

/// The store that `sql` and `fingerprint` read.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Store")]
pub struct ReadOptions {
    /// Folder whose subfolders are the buckets of s3a:// tables
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// S3 API that s3a:// tables are in instead: scheme, host and port
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Its region
    #[arg(long, value_name = "NAME", default_value = "us-east-1")]
    pub region: String,
    /// Access key; without one, reads are anonymous
    #[arg(long, value_name = "KEY", requires = "secret_key")]
    pub access_key: Option<String>,
    /// Its secret
    #[arg(long, value_name = "SECRET", requires = "access_key")]
    pub secret_key: Option<String>,
    /// Session token of temporary keys
    #[arg(long, value_name = "TOKEN", requires = "access_key")]
    pub session_token: Option<String>,
    /// A bucket to look for tables in, for tables that are named without a path; may be repeated
    #[arg(long = "bucket", value_name = "NAME")]
    pub buckets: Vec<String>,
}

impl ReadOptions {
    /// Where the buckets are.
    ///
    /// # Errors
    /// If keys are incomplete.
    pub fn buckets(&self) -> Result<Buckets, Error> {
        let Some(endpoint) = &self.endpoint else {
            return Ok(Buckets::Folder(self.data.clone()));
        };
        Ok(Buckets::S3(S3Access {
            endpoint: Some(endpoint.trim_end_matches('/').to_owned()),
            region: self.region.clone(),
            credentials: credentials(&self.access_key, &self.secret_key, &self.session_token)?,
        }))
    }

    /// The buckets to look for tables in: those that were named, else all of a folder, else the
    /// walkthrough's.
    pub fn bucket_names(&self) -> Vec<String> {
        if !self.buckets.is_empty() {
            return self.buckets.clone();
        }
        if self.endpoint.is_some() {
            return ["raw-data-bucket", "curated-data-bucket"]
                .map(str::to_owned)
                .to_vec();
        }
        let mut names: Vec<String> = std::fs::read_dir(&self.data)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.path().is_dir())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        names
    }
}

fn credentials(
    access_key: &Option<String>,
    secret_key: &Option<String>,
    session_token: &Option<String>,
) -> Result<Option<Credentials>, Error> {
    match (access_key, secret_key) {
        (None, None) => Ok(None),
        (Some(access_key), Some(secret_key)) => Ok(Some(Credentials {
            access_key: access_key.clone(),
            secret_key: secret_key.clone(),
            session_token: session_token.clone(),
        })),
        _ => Err(Error::new(
            "MISSING_CREDENTIALS",
            "An access key and its secret come together: one of them is missing.",
        )),
    }
}
