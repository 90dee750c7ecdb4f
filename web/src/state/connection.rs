//! Where the page reads, and whether it may write.

use leptos::prelude::*;
use leptos::task::spawn_local;
use messages::connection::Connection;
use messages::server::{ServerConfig, StoreKind, Writes};

use super::Workbench;
use crate::browser;
use crate::engine::connect;
use crate::engine::connect::{Form, from_query, host};
use crate::engine::server_client::{self, Answer};

/// The connection, and what is known of the server behind the page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Link {
    /// `None`: nobody has said where to read.
    pub connection: Option<Connection>,
    /// The server's set-up, where the page came from one of ours.
    pub server: Option<ServerConfig>,
    /// Whether the server answered when it was last asked.
    pub server_down: bool,
    /// The server is being asked for the first time.
    pub asking: bool,
}

impl Link {
    /// Where commits go: only to the server that has the same store behind it.
    fn takes_commits(&self) -> bool {
        self.read_only_reason().is_none()
    }

    /// Why nothing can be written; `None` where it can.
    pub fn read_only_reason(&self) -> Option<String> {
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
        let own = self
            .server
            .as_ref()
            .filter(|s| s.connection.endpoint == connection.endpoint);
        let kind = match own.map(|server| server.store) {
            Some(StoreKind::Embedded) => "Local store",
            _ => "S3",
        };
        format!("{kind} · {}", host(&connection.endpoint))
    }
}

impl Workbench {
    /// Finds out where to read: the address says it, or the server, or the user will.
    pub fn find_connection(self) {
        self.link.update(|link| link.asking = true);
        spawn_local(async move {
            let answer = server_client::config().await;
            let server = match answer {
                Answer::Config(config) => Some(*config),
                Answer::NoProxy | Answer::Unreachable => None,
            };
            let asked_for = from_query(&browser::query_pairs());
            let from_server = server.as_ref().map(|server| server.connection.clone());
            self.link.update(|link| {
                link.server = server;
                link.asking = false;
            });
            match asked_for.map(|form| form.connection()) {
                Some(Ok(connection)) => self.connect(connection),
                _ => match from_server {
                    Some(connection) => self.connect(connection),
                    // Tables on plain HTTP servers, and statements without a table, work all the same.
                    None => self.engine().connect(nowhere(), None),
                },
            }
        });
    }

    /// Reads from `connection` from now on.
    pub fn connect(self, connection: Connection) {
        self.link
            .update(|link| link.connection = Some(connection.clone()));
        let commits = self.link.with_untracked(Link::takes_commits);
        let commit_url = commits.then(|| server_client::beside_page("api/v1/commit"));
        self.engine().connect(connection, commit_url);
        self.forget_tables();
        self.refresh();
    }

    /// Asks the server again, after it may have gone or come back.
    pub fn check_server(self) {
        if self.link.with_untracked(|link| link.server.is_none()) {
            return;
        }
        spawn_local(async move {
            let down = server_client::config().await == Answer::Unreachable;
            if self.link.with_untracked(|link| link.server_down) != down {
                self.link.update(|link| link.server_down = down);
            }
        });
    }

    /// What the connection form starts from.
    pub fn connection_form(&self) -> Form {
        self.link.with_untracked(|link| match &link.connection {
            Some(connection) => Form::of(connection),
            None => Form {
                region: connect::DEFAULT_REGION.to_owned(),
                ..Form::default()
            },
        })
    }
}

/// The connection of a page that has none.
fn nowhere() -> Connection {
    Connection {
        endpoint: String::new(),
        region: connect::DEFAULT_REGION.to_owned(),
        buckets: Vec::new(),
        credentials: None,
    }
}
