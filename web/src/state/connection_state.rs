//! The connection, and the server behind the page.

use messages::connection::Connection;
use messages::server::{ServerConfig, StoreKind, Writes};

use crate::engine::connect::host;

/// The connection, and what is known of the server behind the page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConnectionState {
    /// `None`: nobody has said where to read.
    pub connection: Option<Connection>,
    /// The server's set-up, where the page came from one of ours.
    pub server: Option<ServerConfig>,
    /// Whether the server answered when it was last asked.
    pub server_down: bool,
    /// The server is being asked for the first time.
    pub asking: bool,
    /// What is written stays in this tab.
    pub sandboxed: bool,
}

impl ConnectionState {
    /// Whether there is a store below.
    pub fn has_store(&self) -> bool {
        let connection = self.connection.as_ref();
        connection.is_some_and(|connection| !connection.endpoint.is_empty())
    }

    /// Whether commits can be made: by the page's server, on the store that is behind it.
    pub fn takes_commits(&self) -> bool {
        self.no_commits_reason().is_none()
    }

    /// Why nothing can be written to the store; `None` where it can.
    pub fn no_commits_reason(&self) -> Option<String> {
        let (Some(connection), Some(server)) = (&self.connection, &self.server) else {
            return Some("This page has no server that could make commits.".to_owned());
        };
        if connection.endpoint != server.connection.endpoint {
            return Some("The page's server makes commits on its own store only.".to_owned());
        }
        match &server.writes {
            Writes::Enabled => None,
            Writes::Disabled { reason } => Some(reason.clone()),
        }
    }

    /// The connection in a few words: `MinIO · 127.0.0.1:9000`.
    pub fn label(&self) -> String {
        let Some(connection) = &self.connection else {
            return if self.asking {
                "connecting…"
            } else {
                "not connected"
            }
            .to_owned();
        };
        if connection.endpoint.is_empty() {
            return "no store".to_owned();
        }
        let own = self
            .server
            .as_ref()
            .filter(|s| s.connection.endpoint == connection.endpoint);
        let kind = match own.map(|server| server.store) {
            Some(StoreKind::Embedded) => "Local store",
            Some(StoreKind::S3) | None => "S3",
        };
        format!("{kind} · {}", host(&connection.endpoint))
    }
}
