//! The clock of this machine, and random ids.

use std::time::{SystemTime, UNIX_EPOCH};

use query_engine::Environment;
use uuid::Uuid;

/// What a native host gives to those who write tables.
#[derive(Debug, Clone, Copy)]
pub struct SystemEnvironment;

impl Environment for SystemEnvironment {
    fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    }

    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
    }
}
