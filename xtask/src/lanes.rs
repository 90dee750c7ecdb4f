//! Two pieces of work at the same time.
//!
//! One compilation rarely fills the machine: it ends with single large crates and with linking.
//! Two of them side by side do.

use std::thread;

use anyhow::{Result, anyhow};

/// Runs both, on two threads, and returns both results.
pub fn both<A: Send, B>(
    first: impl FnOnce() -> Result<A> + Send,
    second: impl FnOnce() -> Result<B>,
) -> (Result<A>, Result<B>) {
    thread::scope(|scope| {
        let first = scope.spawn(first);
        let second = second();
        let first = first
            .join()
            .unwrap_or_else(|_| Err(anyhow!("a step panicked")));
        (first, second)
    })
}
