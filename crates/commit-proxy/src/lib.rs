//! The commit proxy: it puts objects and makes commits for writers that hold no keys.
//!
//! A browser tab can read tables straight from object storage and compute every write, but it can't
//! be trusted with the keys, and a log must only ever grow by put-if-absent. So it hands over what it
//! has computed, data files first, then the commit, and this crate checks it:
//!
//! - [`Proxy`] is the service. It evaluates no expression and runs no query: what a request may cost
//!   is bounded by its size.
//! - [`app`] puts it behind HTTP: the routes of [`messages::proxy`], with checks of Host, Origin,
//!   token, time and size.
//!
//! A commit is checked against the table's version before it (`commit`): that it keeps to the
//! protocol, that what it removes is there and what it adds is in the store, with the columns and
//! the rows that it claims. What it means is its writer's business.
#![warn(missing_docs)]

mod body;
mod checkpoints;
mod commit;
mod deletes;
mod error;
#[cfg(test)]
mod faulty_store;
mod http;
mod location;
mod options;
mod probe;
mod proxy;
mod retention;
mod staged;
mod store;
mod tables;
#[cfg(test)]
mod tests;
mod token;
mod uploads;

pub use http::app;
pub use options::{Limits, ProxyOptions, StoreConfig};
pub use proxy::Proxy;
pub use token::Token;
