//! Connecting: where the page reads, and whether it may write.

use leptos::prelude::*;
use leptos::task::spawn_local;
use messages::connection::Connection;

use super::connection_state::ConnectionState;
use super::workbench::Workbench;
use crate::browser;
use crate::engine::connect::{self, Form, from_query};
use crate::engine::server_client::{self, Answer};

impl Workbench {
    /// Finds out where to read: the address says it, or the server, or the user will.
    pub fn find_connection(self) {
        self.connection.update(|state| state.asking = true);
        spawn_local(async move {
            let answer = server_client::config().await;
            let server = match answer {
                Answer::Config(config) => Some(*config),
                Answer::NoProxy | Answer::Unreachable => None,
            };
            let asked_for = from_query(&browser::query_pairs());
            let from_server = server.as_ref().map(|server| server.connection.clone());
            self.connection.update(|state| {
                state.server = server;
                state.asking = false;
            });
            match asked_for.map(|form| form.connection()) {
                Some(Ok(connection)) => self.connect(connection),
                // An address that asks for half a connection asks for none.
                Some(Err(_)) | None => match from_server {
                    Some(connection) => self.connect(connection),
                    // Tables on plain HTTP servers, and statements without a table, work all the same.
                    None => self.engine().connect(nowhere(), None),
                },
            }
        });
    }

    /// Reads from `connection` from now on.
    pub fn connect(self, connection: Connection) {
        self.connection
            .update(|state| state.connection = Some(connection.clone()));
        let commits = self
            .connection
            .with_untracked(ConnectionState::takes_commits);
        let proxy = commits.then(|| server_client::beside_page("."));
        let buckets = connection.buckets.clone();
        self.engine().connect(connection, proxy);
        self.find_tables(buckets);
    }

    /// Asks the server again, after it may have gone or come back.
    pub fn check_server(self) {
        if self
            .connection
            .with_untracked(|state| state.server.is_none())
        {
            return;
        }
        spawn_local(async move {
            let down = server_client::config().await == Answer::Unreachable;
            if self.connection.with_untracked(|state| state.server_down) != down {
                self.connection.update(|state| state.server_down = down);
            }
        });
    }

    /// The form's fields for the present connection; keys are not shown again.
    pub fn connection_form(&self) -> Form {
        self.connection
            .with_untracked(|state| match &state.connection {
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
