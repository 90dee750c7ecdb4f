/// The milliseconds in a property's interval, as Spark spells one: `interval 30 days`,
/// `2 weeks 12 hours`. What is left of a millisecond is cut off.
///
/// `None` for anything else, negative numbers and months among it, which are of no fixed length; and
/// for what does not fit.
pub fn parse_interval(text: &str) -> Option<i64> {
    let lower = text.trim().to_lowercase();
    let mut words = lower.split_whitespace().peekable();
    words.next_if_eq(&"interval");
    words.peek()?;
    let mut nanoseconds: i128 = 0;
    while let Some(number) = words.next() {
        let number: u64 = number.parse().ok()?;
        let unit = words.next()?;
        let length = in_nanoseconds(unit.strip_suffix('s').unwrap_or(unit))?;
        nanoseconds = nanoseconds.checked_add(i128::from(number).checked_mul(length)?)?;
    }
    i64::try_from(nanoseconds / 1_000_000).ok()
}

fn in_nanoseconds(unit: &str) -> Option<i128> {
    const SECOND: i128 = 1_000_000_000;
    Some(match unit {
        "nanosecond" => 1,
        "microsecond" => 1_000,
        "millisecond" => 1_000_000,
        "second" => SECOND,
        "minute" => 60 * SECOND,
        "hour" => 3_600 * SECOND,
        "day" => 86_400 * SECOND,
        "week" => 7 * 86_400 * SECOND,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_as_spark_spells_them() {
        const DAY: i64 = 86_400_000;
        for (text, expected) in [
            ("interval 30 days", Some(30 * DAY)),
            ("INTERVAL 1 week", Some(7 * DAY)),
            ("2 weeks 12 hours", Some(14 * DAY + DAY / 2)),
            ("interval 1 day 999 microseconds", Some(DAY)),
            ("interval 0 seconds", Some(0)),
            ("interval", None),
            ("", None),
            ("30", None),
            ("interval 30", None),
            ("interval -1 days", None),
            ("interval 1 month", None),
            ("interval days", None),
            ("interval 18446744073709551615 weeks", None),
        ] {
            assert_eq!(parse_interval(text), expected, "{text}");
        }
    }
}
