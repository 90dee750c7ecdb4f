//! The cost of a query, in the words of the bar below the result.

use messages::engine::QueryMetrics;

use crate::format::numbers::{bytes, count};

/// A number and what it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    pub number: String,
    pub what: String,
    /// Beside it, quietly.
    pub note: Option<String>,
}

/// Bytes read, with the share of the table's data in percent for the meter. The log is read too: of a
/// small table that is read whole, more comes than its data, which then is no measure.
pub fn bytes_read(metrics: &QueryMetrics) -> Option<(Figure, Option<u32>)> {
    if metrics.requests == 0 && metrics.bytes == 0 && metrics.table_bytes == 0 {
        return None;
    }
    let figure = |what: String| Figure {
        number: bytes(metrics.bytes),
        what,
        note: None,
    };
    if metrics.bytes >= metrics.table_bytes {
        let share = (metrics.table_bytes > 0).then_some(100);
        return Some((figure("read".to_owned()), share));
    }
    let share = (metrics.bytes as f64 / metrics.table_bytes as f64 * 100.0).round() as u32;
    Some((
        figure(format!("of {}", bytes(metrics.table_bytes))),
        Some(share),
    ))
}

/// `6 of 8 files skipped by max(amount)`.
pub fn files(metrics: &QueryMetrics) -> Option<Figure> {
    if metrics.files_total == 0 || metrics.from_log {
        return None;
    }
    let total = count(metrics.files_total);
    if metrics.files_skipped == 0 {
        let what = format!("of {total} files read");
        return Some(Figure {
            number: count(metrics.files_read),
            what,
            note: None,
        });
    }
    let note = match metrics.skipped_by.as_slice() {
        [] => None,
        [one] => Some(format!("by {one}")),
        [one, two] => Some(format!("by {one}, {two}")),
        [one, two, rest @ ..] => Some(format!("by {one}, {two} and {} more", rest.len())),
    };
    let what = format!("of {total} files skipped");
    Some(Figure {
        number: count(metrics.files_skipped),
        what,
        note,
    })
}

/// `3 of 16 row groups skipped`.
pub fn row_groups(metrics: &QueryMetrics) -> Option<Figure> {
    if metrics.row_groups_total == 0 || metrics.row_groups_skipped == 0 {
        return None;
    }
    Some(Figure {
        number: count(metrics.row_groups_skipped),
        what: format!("of {} row groups skipped", count(metrics.row_groups_total)),
        note: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_of_the_table_is_for_the_meter() {
        let metrics = QueryMetrics {
            requests: 3,
            bytes: 48_000,
            table_bytes: 512_000,
            ..Default::default()
        };
        let (figure, share) = bytes_read(&metrics).unwrap();
        assert_eq!(
            (figure.number.as_str(), figure.what.as_str(), share),
            ("48 kB", "of 512 kB", Some(9))
        );
        assert_eq!(bytes_read(&QueryMetrics::default()), None);

        let small = QueryMetrics {
            table_bytes: 40_000,
            ..metrics
        };
        let (figure, share) = bytes_read(&small).unwrap();
        assert_eq!((figure.what.as_str(), share), ("read", Some(100)));
    }

    #[test]
    fn skipped_files_are_told_with_their_reason() {
        let mut metrics = QueryMetrics {
            files_total: 8,
            files_read: 8,
            ..Default::default()
        };
        assert_eq!(files(&metrics).unwrap().what, "of 8 files read");
        metrics.files_skipped = 6;
        metrics.skipped_by = vec!["max(amount)".into()];
        let figure = files(&metrics).unwrap();
        assert_eq!(
            (figure.number.as_str(), figure.note.as_deref()),
            ("6", Some("by max(amount)"))
        );
        metrics.from_log = true;
        assert_eq!(files(&metrics), None);
    }
}
