//! Dates and timestamps as text, as Spark reads them.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

/// Offsets from UTC reach from -18:00 to +18:00, in Java and so in Spark.
const MAX_OFFSET_SECONDS: i64 = 18 * 3600;

/// A timestamp's text, taken apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TimestampText {
    /// The date and time of day that the text says, in whichever zone.
    pub wall_clock: NaiveDateTime,
    /// Seconds east of UTC; 0 where the text names no zone, as the session's is UTC.
    offset: i64,
}

impl TimestampText {
    /// Microseconds since the epoch.
    pub fn micros(&self) -> Option<i64> {
        let wall_clock = self.wall_clock.and_utc().timestamp_micros();
        wall_clock.checked_sub(self.offset.checked_mul(1_000_000)?)
    }
}

/// `2024`, `2024-5-1`, `2024-05-01 10:00`, `2024-05-01T10:00:00.123456Z`,
/// `2024-05-01 10:00:00 +02:00`. A zone may only follow seconds, and is an offset from UTC: Spark's
/// names of regions are not known here. Digits beyond microseconds are dropped.
pub(crate) fn parse_timestamp(text: &str) -> Option<TimestampText> {
    let text = text.trim();
    let Some((date, time)) = text.split_once(['T', ' ']) else {
        return Some(TimestampText {
            wall_clock: parse_date(text)?.and_time(NaiveTime::MIN),
            offset: 0,
        });
    };
    let mut parts = time.splitn(3, ':');
    let hour = number(parts.next()?, 2)?;
    let minute = parts.next().map_or(Some(0), |minute| number(minute, 2))?;
    let (second, micros, offset) = parts.next().map_or(Some((0, 0, 0)), seconds)?;
    let time = NaiveTime::from_hms_micro_opt(hour, minute, second, micros)?;
    Some(TimestampText {
        wall_clock: parse_date(date)?.and_time(time),
        // A leap second is none in Spark.
        offset: (second < 60).then_some(offset)?,
    })
}

/// `2024`, `2024-5`, `2024-05-01`.
pub(crate) fn parse_date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.splitn(3, '-');
    let year = parts.next().filter(|year| year.len() == 4)?;
    let mut part = || parts.next().map_or(Some(1), |part| number(part, 2));
    NaiveDate::from_ymd_opt(number(year, 4)?.try_into().ok()?, part()?, part()?)
}

/// `5`, `05.123`, `05.123+02:00`: seconds, microseconds, and the seconds east of UTC.
fn seconds(text: &str) -> Option<(u32, u32, i64)> {
    let is_digit = |c: char| c.is_ascii_digit();
    let (second, rest) = text.split_at(text.find(|c| !is_digit(c)).unwrap_or(text.len()));
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|c| !is_digit(c)).unwrap_or(rest.len())),
        None => ("", rest),
    };
    let kept = &fraction[..fraction.len().min(6)];
    let micros = format!("{kept:0<6}").parse().ok()?;
    Some((number(second, 2)?, micros, parse_zone(zone.trim_start())?))
}

/// Nothing, `Z`, `UTC`, `GMT`, `UT`, an offset, or an offset after one of these three.
fn parse_zone(zone: &str) -> Option<i64> {
    if zone.is_empty() || zone == "Z" {
        return Some(0);
    }
    for name in ["UTC", "GMT", "UT"] {
        if let Some(offset) = zone.strip_prefix(name) {
            return if offset.is_empty() {
                Some(0)
            } else {
                parse_offset(offset)
            };
        }
    }
    parse_offset(zone)
}

/// `+2`, `+02`, `+2:00`, `+0200`, `-05:30`, `+00:19:32`, `+001932`: seconds east of UTC.
fn parse_offset(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('+') {
        Some(digits) => (1, digits),
        None => (-1, text.strip_prefix('-')?),
    };
    let parts: Vec<&str> = digits.split(':').collect();
    let (hours, minutes, seconds) = match parts.as_slice() {
        [digits] if digits.is_ascii() => match digits.len() {
            1 | 2 => (*digits, "0", "0"),
            4 => (&digits[..2], &digits[2..], "0"),
            6 => (&digits[..2], &digits[2..4], &digits[4..]),
            _ => return None,
        },
        [hours, minutes] => (*hours, *minutes, "0"),
        [hours, minutes, seconds] if minutes.len() == 2 && seconds.len() == 2 => {
            (*hours, *minutes, *seconds)
        }
        _ => return None,
    };
    let below_60 = |text| number(text, 2).filter(|number| *number < 60);
    let (hours, minutes, seconds) = (number(hours, 2)?, below_60(minutes)?, below_60(seconds)?);
    let offset = i64::from(hours * 3600 + minutes * 60 + seconds);
    (offset <= MAX_OFFSET_SECONDS).then_some(sign * offset)
}

/// A number of 1 to `most` digits, and nothing else.
fn number(text: &str, most: usize) -> Option<u32> {
    if text.is_empty() || text.len() > most || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn timestamps_are_read_as_spark_reads_them() {
        let cases = include_str!("../../../../tests/cases/timestamps.txt");
        let mut count = 0;
        for case in cases.lines().filter(|line| !line.starts_with('#')) {
            let (text, expected) = case.split_once(" = ").expect("text = time");
            let expected = match expected {
                "-" => None,
                time => Some(DateTime::parse_from_rfc3339(time).expect("a time")),
            };
            let expected = expected.map(|time| time.timestamp_micros());
            let read = |text| parse_timestamp(text).and_then(|time| time.micros());
            assert_eq!(read(text.trim_end()), expected, "{text}");
            assert_eq!(
                read(&format!(" {text}\n")),
                expected,
                "{text} in blank space"
            );
            count += 1;
        }
        assert!(count > 60, "{count} cases read");
    }

    #[test]
    fn a_clock_without_zone_keeps_its_time() {
        let time = parse_timestamp("2024-05-01 14:00:00+02:00").map(|time| time.wall_clock);
        let expected = parse_timestamp("2024-05-01 14:00:00").map(|time| time.wall_clock);
        assert!(expected.is_some());
        assert_eq!(time, expected);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*|[-+0-9:.TZUGMC ]{0,32}") {
            let _ = (parse_timestamp(&text), parse_date(&text));
        }
    }
}
