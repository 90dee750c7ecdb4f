//! The object store that tables are read from, and the keys for it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An object store that speaks the S3 API, addressed by path (`endpoint/bucket/key`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Scheme, host and port, without a trailing slash: `http://127.0.0.1:9000`.
    pub endpoint: String,
    /// AWS region for the signature: `us-east-1`. Other servers take any.
    pub region: String,
    /// The buckets to look for tables in. A bucket that is not named here can still be queried
    /// by path.
    pub buckets: Vec<String>,
    /// `None` reads anonymously; requests then need no CORS preflight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
}

/// Keys for SigV4. They live in memory only, and never in a log: `Debug` leaves the secrets out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Access key ID.
    pub access_key: String,
    /// Secret access key.
    pub secret_key: String,
    /// Token of temporary credentials (AWS STS).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_token: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key", &self.access_key)
            .finish_non_exhaustive()
    }
}
