//! Says what runs, and how long it took.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::process::print_line;

/// The steps of one run. Shared by lanes that run at the same time.
#[derive(Debug)]
pub struct Steps {
    started: Instant,
    done: Mutex<Vec<Step>>,
}

#[derive(Debug)]
struct Step {
    label: &'static str,
    what: String,
    took: Duration,
    failed: bool,
}

impl Steps {
    /// The clock starts now.
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            done: Mutex::new(Vec::new()),
        }
    }

    /// Runs one step, and prints its start, its end and the time between.
    pub fn step<T>(
        &self,
        label: &'static str,
        what: &str,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        print_line(label, &format!("▸ {what}"));
        let started = Instant::now();
        let result = work();
        let took = started.elapsed();
        let verdict = if result.is_ok() { "✓" } else { "✗" };
        print_line(label, &format!("{verdict} {what}: {}", seconds(took)));
        let step = Step {
            label,
            what: what.to_owned(),
            took,
            failed: result.is_err(),
        };
        self.done
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .push(step);
        result
    }

    /// Prints all steps with their times, in the order in which they ended.
    pub fn summary(&self) {
        println!();
        for step in self
            .done
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .iter()
        {
            let failed = if step.failed { "  failed" } else { "" };
            print_line(
                step.label,
                &format!("{:>9}  {}{failed}", seconds(step.took), step.what),
            );
        }
        print_line(
            "",
            &format!("{:>9}  in all", seconds(self.started.elapsed())),
        );
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// `7.3 s`, `4 min 05 s`.
pub fn seconds(duration: Duration) -> String {
    let whole = duration.as_secs();
    if whole < 60 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_a_person_would_say_them() {
        assert_eq!(seconds(Duration::from_millis(7_340)), "7.3 s");
        assert_eq!(seconds(Duration::from_secs(245)), "4 min 05 s");
    }
}
