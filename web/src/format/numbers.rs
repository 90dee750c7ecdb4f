//! Numbers for people: grouped counts, bytes, durations.

/// `1,204`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1,204 rows`, `1 row`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `48 kB`, `4.1 MB`: powers of 1000, two digits where one would be coarse.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = number as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let name = UNITS[unit];
    if unit > 0 && value < 9.95 {
        format!("{value:.1} {name}")
    } else {
        format!("{value:.0} {name}")
    }
}

/// Milliseconds as a number and its unit: (`212`, `ms`), (`3.4`, `s`), (`2:05`, `min`).
pub fn duration(millis: f64) -> (String, &'static str) {
    let millis = millis.max(0.0);
    if millis < 999.5 {
        (format!("{millis:.0}"), "ms")
    } else if millis < 59_950.0 {
        (format!("{:.1}", millis / 1000.0), "s")
    } else {
        let seconds = (millis / 1000.0).round() as u64;
        (format!("{}:{:02}", seconds / 60, seconds % 60), "min")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1204), "1,204");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(counted(1, "row", "rows"), "1 row");
    }

    #[test]
    fn bytes_keep_two_digits() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1000), "1.0 kB");
        assert_eq!(bytes(48_211), "48 kB");
        assert_eq!(bytes(4_100_000), "4.1 MB");
        assert_eq!(bytes(999_900), "1.0 MB");
    }

    #[test]
    fn durations_change_their_unit() {
        assert_eq!(duration(212.4), ("212".into(), "ms"));
        assert_eq!(duration(3_440.0), ("3.4".into(), "s"));
        assert_eq!(duration(125_000.0), ("2:05".into(), "min"));
    }
}
