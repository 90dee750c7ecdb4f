//! Connecting: where the page reads, and whether it may write.

use leptos::prelude::*;
use leptos::task::spawn_local;
use messages::connection::Connection;
use messages::sandbox::SandboxOptions;

use super::tab_sandbox::TabSandbox;
use super::workbench::Workbench;
use crate::browser;
use crate::engine::connect::{self, Form, from_query};
use crate::engine::server_client::{self, Answer};

/// Bytes that a sandbox may hold: an eighth of what the engine can address.
const SANDBOX_LIMIT: u64 = 512_000_000;

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
                    // Tables on plain HTTP servers can be read, and all that is written stays here.
                    None => self.connect(nowhere()),
                },
            }
        });
    }

    /// Reads from `connection` from now on. What is written goes to its store if the page's server takes
    /// commits, and nobody has asked for a sandbox; else it stays in this tab.
    pub fn connect(self, connection: Connection) {
        let mut commits = false;
        self.connection.update(|state| {
            state.connection = Some(connection.clone());
            commits = state.takes_commits();
            let chosen = browser::recall(browser::SANDBOX);
            state.sandboxed = !commits || chosen.as_ref() == Some(&connection.endpoint);
        });
        // Nothing that is run now may still go where the page says no longer that it goes.
        self.engine().hold();
        let sandboxed = self.connection.with_untracked(|state| state.sandboxed);
        self.sandbox.set(TabSandbox::default());
        self.sandbox_problem.set(None);
        let proxy = commits.then(|| server_client::beside_page("."));
        spawn_local(async move {
            let mut options = None;
            if sandboxed {
                let mirror = self.keeps_sandbox(&connection.endpoint).await;
                self.sandbox
                    .update(|sandbox| sandbox.kept_elsewhere = !mirror);
                options = Some(SandboxOptions {
                    limit: SANDBOX_LIMIT,
                    mirror,
                });
            }
            let current = self.connection.with_untracked(|state| {
                state.connection.as_ref() == Some(&connection) && state.sandboxed == sandboxed
            });
            // Another connection was made meanwhile.
            if !current {
                return;
            }
            let buckets = connection.buckets.clone();
            self.engine().connect(connection, proxy, options);
            self.find_tables(buckets);
        });
    }

    /// Leaves the store alone: what is written goes into a bucket of this tab.
    pub fn connect_nowhere(self) {
        self.connect(nowhere());
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
                Some(connection) if state.has_store() => Form::of(connection),
                Some(_) | None => Form {
                    region: connect::DEFAULT_REGION.to_owned(),
                    ..Form::default()
                },
            })
    }
}

/// The connection of a page that has none: a bucket in the tab.
fn nowhere() -> Connection {
    Connection {
        endpoint: String::new(),
        region: connect::DEFAULT_REGION.to_owned(),
        buckets: vec!["sandbox".to_owned()],
        credentials: None,
    }
}
