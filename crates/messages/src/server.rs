//! The answer of `lakeglass serve` to `GET /api/v1/config`.

use serde::{Deserialize, Serialize};

use crate::connection::Connection;

/// Configuration of the server, for the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerConfig {
    /// Version of the `lakeglass` binary.
    pub version: String,
    /// Kind of store behind it, for display.
    pub store: StoreKind,
    /// Store for the tab to read from. Never carries credentials.
    pub connection: Connection,
    /// Whether it accepts commits.
    pub writes: Writes,
}

/// Kind of a server's store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreKind {
    /// A local folder, served by `s3-gateway`.
    Embedded,
    /// MinIO, S3 or another server with its API.
    S3,
}

/// Whether a server accepts commits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Writes {
    /// It does.
    Enabled,
    /// It does not: the store does not keep its promise of put-if-absent, for instance.
    Disabled {
        /// A sentence for the user.
        reason: String,
    },
}
