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

/// Whether a server accepts commits. JSON: `{"state":"enabled"}`, `{"state":"disabled","reason":"…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WritesJson", into = "WritesJson")]
pub enum Writes {
    /// It does.
    Enabled,
    /// It does not: the store does not keep its promise of put-if-absent, for instance.
    Disabled {
        /// A sentence for the user.
        reason: String,
    },
}

/// [`Writes`] as it is written. A tag of serde's beside the fields would say the same, with ten times
/// the code to read it, which the page would carry.
#[derive(Serialize, Deserialize)]
struct WritesJson {
    state: WritesState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WritesState {
    Enabled,
    Disabled,
}

impl From<Writes> for WritesJson {
    fn from(writes: Writes) -> Self {
        match writes {
            Writes::Enabled => Self {
                state: WritesState::Enabled,
                reason: None,
            },
            Writes::Disabled { reason } => Self {
                state: WritesState::Disabled,
                reason: Some(reason),
            },
        }
    }
}

impl TryFrom<WritesJson> for Writes {
    type Error = &'static str;

    fn try_from(json: WritesJson) -> Result<Self, Self::Error> {
        match (json.state, json.reason) {
            (WritesState::Enabled, _) => Ok(Self::Enabled),
            (WritesState::Disabled, Some(reason)) => Ok(Self::Disabled { reason }),
            (WritesState::Disabled, None) => Err("missing field `reason`"),
        }
    }
}
