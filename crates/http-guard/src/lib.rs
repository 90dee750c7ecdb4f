//! What stands between a listener and the services behind it: who may call, which headers go out
//! with every answer, and how long a connection may take.
//!
//! A service on loopback is reached by every page that the user's browser shows. [`Callers`] tells
//! apart by `Host` and `Origin` which of them are ours; [`secured`] keeps foreign pages from framing
//! ours, and ours from running what it should not; [`serve`] gives slow or idle clients only
//! so much time, and ends with what is in flight.
#![warn(missing_docs)]

mod callers;
mod connections;
mod headers;

pub use callers::{Callers, NotOurs};
pub use connections::{ConnectionLimits, serve};
pub use headers::{page_policy, secured};
