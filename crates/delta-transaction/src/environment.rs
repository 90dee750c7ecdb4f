use std::fmt::Debug;

use uuid::Uuid;

/// Clock and ids of a host. What a transaction writes depends on nothing else outside of the table,
/// so a host that answers the same twice gets the same bytes twice.
pub trait Environment: Debug + Send + Sync {
    /// Now, in milliseconds since the epoch.
    fn now(&self) -> i64;

    /// An id that nobody has used yet.
    fn uuid(&self) -> Uuid;
}
