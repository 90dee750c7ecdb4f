use query_engine::{Environment, Uuid};

/// The browser's clock, and random ids.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BrowserEnvironment;

impl Environment for BrowserEnvironment {
    fn now(&self) -> i64 {
        // Whole milliseconds, far below what a double holds exactly.
        js_sys::Date::now() as i64
    }

    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
    }
}
