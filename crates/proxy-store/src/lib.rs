//! A bucket that is read directly and written through the commit proxy, which holds the keys: puts of
//! objects and of commits become the proxy's requests ([`messages::proxy`]), everything else goes to
//! the store itself.
//!
//! The crate sends with whatever HTTP client the host gives object_store: `fetch` in a browser tab,
//! reqwest natively.
#![warn(missing_docs)]

mod answer;
mod deletes;
mod requests;
mod store;
mod upload;

pub use requests::ProxyAddress;
pub use store::{ProxyStore, drop_table};
