//! A statement while it runs: what it shares, what it has cost, when it yields to the event loop,
//! and the rows that leave it.

mod clock;
pub(crate) mod execution;
pub(crate) mod metered_store;
pub(crate) mod statement_context;
pub(crate) mod yielding;
