//! What `lakeglass serve` tells a page that asks: `GET /api/v1/config`.

use serde::{Deserialize, Serialize};

use crate::connection::Connection;

/// The set-up of this server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerConfig {
    /// Version of the `lakeglass` binary.
    pub version: String,
    /// What kind of store is behind it, for display.
    pub store: StoreKind,
    /// Where the tab reads. Never carries credentials.
    pub connection: Connection,
    /// Whether commits are accepted, and why not.
    pub writes: Writes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreKind {
    /// A local folder, served by `s3-gateway`.
    Embedded,
    /// MinIO, S3 or another server with its API.
    S3,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Writes {
    Enabled,
    /// For instance: the store does not keep its promise of put-if-absent.
    Disabled {
        reason: String,
    },
}
