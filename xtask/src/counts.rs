//! How many tests passed, read off what the test runners print.

use std::fmt;

/// Tests that passed, failed, and were left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl Counts {
    /// Takes in one line of a test runner's output; lines without counts change nothing.
    pub fn read(&mut self, line: &str) {
        self.read_cargo(line);
        self.read_node(line);
    }

    /// Adds the counts of another suite.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// libtest and wasm-bindgen's runner: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn read_cargo(&mut self, line: &str) {
        let Some((_, numbers)) = line.split_once("test result: ") else {
            return;
        };
        let words: Vec<&str> = numbers.split([' ', ';']).collect();
        for pair in words.windows(2) {
            let Ok(number) = pair[0].parse::<u64>() else {
                continue;
            };
            match pair[1] {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.skipped += number,
                _ => (),
            }
        }
    }

    /// Node's runner: `ℹ pass 3`, or `# pass 3` where it prints TAP.
    fn read_node(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        if !matches!(words.next(), Some("ℹ" | "#")) {
            return;
        }
        let (Some(name), Some(number), None) = (words.next(), words.next(), words.next()) else {
            return;
        };
        let Ok(number) = number.parse::<u64>() else {
            return;
        };
        match name {
            "pass" => self.passed += number,
            "fail" | "cancelled" => self.failed += number,
            "skipped" => self.skipped += number,
            _ => (),
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_cargo_and_node_add_up() {
        let mut counts = Counts::default();
        for line in [
            "running 4 tests",
            "test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 5 filtered out; finished in 0.02s",
            "test result: ok. 10 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
            "ℹ tests 9",
            "ℹ pass 7",
            "ℹ fail 1",
            "ℹ cancelled 1",
            "# skipped 4",
            "ℹ duration_ms 1834.2",
        ] {
            counts.read(line);
        }
        assert_eq!(
            counts,
            Counts {
                passed: 20,
                failed: 3,
                skipped: 6
            }
        );
        assert_eq!(counts.to_string(), "20 passed, 3 failed, 6 skipped");
    }
}
