//! How long a table keeps what it no longer needs.

use std::time::Duration;

use delta_log::Metadata;

/// Time for which files stay that a version of the past needs.
pub(crate) fn deleted_files(metadata: &Metadata) -> Result<Duration, String> {
    of(metadata, "delta.deletedFileRetentionDuration", 7)
}

/// Time for which commits stay.
pub(crate) fn log(metadata: &Metadata) -> Result<Duration, String> {
    of(metadata, "delta.logRetentionDuration", 30)
}

fn of(metadata: &Metadata, property: &str, days: u64) -> Result<Duration, String> {
    match metadata.configuration.get(property) {
        None => Ok(Duration::from_secs(days.saturating_mul(86_400))),
        Some(text) => interval(text)
            .ok_or_else(|| format!("the table's {property} is not an interval: {text}")),
    }
}

/// Reads `interval 30 days`, `2 weeks 12 hours`.
fn interval(text: &str) -> Option<Duration> {
    let text = text.trim().to_lowercase();
    let words: Vec<&str> = text
        .strip_prefix("interval ")
        .unwrap_or(&text)
        .split_whitespace()
        .collect();
    if words.is_empty() {
        return None;
    }
    words.chunks(2).try_fold(Duration::ZERO, |sum, words| {
        let [count, unit] = words else {
            return None;
        };
        let unit = match unit.strip_suffix('s').unwrap_or(unit) {
            "nanosecond" => Duration::from_nanos(1),
            "microsecond" => Duration::from_micros(1),
            "millisecond" => Duration::from_millis(1),
            "second" => Duration::from_secs(1),
            "minute" => Duration::from_secs(60),
            "hour" => Duration::from_secs(3_600),
            "day" => Duration::from_secs(86_400),
            "week" => Duration::from_secs(604_800),
            _ => return None,
        };
        sum.checked_add(unit.checked_mul(count.parse().ok()?)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_or_nothing_is() {
        let hours = |hours: u64| Some(Duration::from_secs(hours * 3_600));
        for (text, expected) in [
            ("interval 30 days", hours(720)),
            ("INTERVAL 1 Week 12 hours", hours(180)),
            ("0 hours", hours(0)),
            ("interval 1 month", None),
            ("interval -1 days", None),
            ("interval 7", None),
            ("interval", None),
            ("", None),
            ("interval 99999999999 weeks", None),
        ] {
            assert_eq!(interval(text), expected, "{text}");
        }
    }
}
