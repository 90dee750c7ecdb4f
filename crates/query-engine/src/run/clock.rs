//! The clock.

use web_time::Instant;

/// The present, by a clock that runs in a browser too.
#[allow(
    clippy::disallowed_methods,
    reason = "what is forbidden is std's clock, which web_time has outside of a browser"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
