//! The clock of a running script.

use std::time::Duration;

use leptos::leptos_dom::helpers::IntervalHandle;
use leptos::prelude::*;

use crate::browser;

/// The clock of a running script.
#[derive(Clone, Copy)]
pub struct RunClock {
    /// Milliseconds since the script was started.
    pub elapsed: RwSignal<f64>,
    started: StoredValue<f64>,
    interval: StoredValue<Option<IntervalHandle>>,
}

impl Default for RunClock {
    fn default() -> Self {
        Self {
            elapsed: RwSignal::new(0.0),
            started: StoredValue::new(0.0),
            interval: StoredValue::new(None),
        }
    }
}

impl RunClock {
    pub fn start(self) {
        self.stop();
        self.started.set_value(browser::now());
        self.elapsed.set(0.0);
        let show = move || self.elapsed.set(browser::now() - self.started.get_value());
        // Where the browser gives no interval the clock stands; nothing else depends on it.
        self.interval
            .set_value(set_interval_with_handle(show, Duration::from_millis(100)).ok());
    }

    pub fn stop(self) {
        if let Some(interval) = self.interval.get_value() {
            interval.clear();
            self.interval.set_value(None);
            self.elapsed.set(browser::now() - self.started.get_value());
        }
    }
}
