//! The page's side of the engine and of the server: clients, scripts that run, connections.

pub mod api;
pub mod client;
pub mod collected;
pub mod connect;
pub mod rows;
pub mod script;
pub mod server_client;
pub mod web_worker;
