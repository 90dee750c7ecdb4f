//! The native side of Lakeglass: the program `lakeglass`, and the parts of it that tests use.
//!
//! - [`commands::serve`] serves the page, the commit proxy and the embedded store.
//! - [`commands::seed`] and [`commands::simulate`] write the walkthrough's tables.
//! - [`commands::sql`] runs the engine of the browser tab natively; [`fingerprint`] compares what
//!   two readers see.
//!
//! It is the host that `query-engine` asks for: [`stores`] for places of tables, [`environment`]
//! for the clock and ids, [`scheduler`] for giving way.
#![warn(missing_docs)]

pub mod commands;
pub mod engine;
pub mod environment;
pub mod errors;
pub mod fingerprint;
pub mod output;
pub mod page;
pub mod run;
pub mod scheduler;
pub mod stores;
