//! Dates and timestamps as text.

use chrono::{NaiveDate, NaiveTime};

/// Microseconds since the epoch of `2024-5-1`, `2024-05-01 10:00:00.123456`, `2024-05-01T10:00Z`,
/// `2024-05-01 10:00:00+02:00`; UTC unless it says otherwise.
pub(crate) fn parse_timestamp(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, time.trim()),
        None => (text, ""),
    };
    let date = parse_date(date)?;
    let (time, offset_seconds) = split_offset(time)?;
    let time = if time.is_empty() {
        NaiveTime::MIN
    } else {
        parse_time(time)?
    };
    date.and_time(time)
        .and_utc()
        .timestamp_micros()
        .checked_sub(offset_seconds * 1_000_000)
}

pub(crate) fn parse_date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.split('-');
    let year = parts.next().filter(|year| year.len() == 4)?;
    let month = parts.next().unwrap_or("1");
    let day = parts.next().unwrap_or("1");
    if parts.next().is_some() {
        return None;
    }
    NaiveDate::from_ymd_opt(
        digits(year, 4)?.try_into().ok()?,
        digits(month, 2)?,
        digits(day, 2)?,
    )
}

fn parse_time(text: &str) -> Option<NaiveTime> {
    let (text, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = text.split(':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next().unwrap_or("0"), 2)?;
    let second = digits(parts.next().unwrap_or("0"), 2)?;
    if parts.next().is_some() {
        return None;
    }
    let micros = if fraction.is_empty() {
        0
    } else {
        let kept = fraction.get(..fraction.len().min(6))?;
        if !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        format!("{kept:0<6}").parse().ok()?
    };
    NaiveTime::from_hms_micro_opt(hour, minute, second, micros)
}

/// Splits `Z`, `UTC`, `+02:00`, `-0530` off; the offset in seconds.
fn split_offset(time: &str) -> Option<(&str, i64)> {
    for zone in ["Z", "UTC", "GMT"] {
        if let Some(rest) = time.strip_suffix(zone) {
            return Some((rest.trim_end(), 0));
        }
    }
    let Some(at) = time.rfind(['+', '-']) else {
        return Some((time, 0));
    };
    let (rest, offset) = time.split_at(at);
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let offset = &offset[1..];
    let (hours, minutes) = match offset.split_once(':') {
        Some(parts) => parts,
        None if offset.len() == 4 && offset.is_ascii() => offset.split_at(2),
        None => (offset, "0"),
    };
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    if hours > 18 || minutes > 59 {
        return None;
    }
    Some((
        rest.trim_end(),
        sign * i64::from(hours * 3600 + minutes * 60),
    ))
}

fn digits(text: &str, most: usize) -> Option<u32> {
    if text.is_empty() || text.len() > most || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_read_as_spark_writes_them() {
        let noon = parse_timestamp("2024-05-01 12:00:00");
        assert_eq!(noon, Some(1_714_564_800_000_000));
        for same in [
            "2024-05-01T12:00:00Z",
            "2024-5-1 12:00",
            "2024-05-01 14:00:00+02:00",
            "2024-05-01 12:00:00.000 UTC",
            " 2024-05-01 06:30:00-0530 ",
        ] {
            assert_eq!(parse_timestamp(same), noon, "{same}");
        }
        assert_eq!(
            parse_timestamp("2024-05-01"),
            noon.map(|n| n - 12 * 3_600_000_000)
        );
        assert_eq!(parse_timestamp("1969-12-31 23:59:59.999999"), Some(-1));
        for wrong in [
            "",
            "yesterday",
            "2024-13-01",
            "2024-02-30",
            "2024-05-01 25:00",
            "24-05-01",
            "2024-05-01 10:00é",
        ] {
            assert_eq!(parse_timestamp(wrong), None, "{wrong}");
        }
    }
}
