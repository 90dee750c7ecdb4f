//! Days and microseconds as dates of the proleptic Gregorian calendar, in UTC, as Spark has them.
//!
//! Arrow converts through `chrono`, whose years end at ±262,000; Delta's timestamps go to ±292,000.

use std::fmt::Write;

/// Date and time of day, without a time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CivilDateTime {
    /// Astronomical: 0 is 1 BC.
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 59.
    pub second: u32,
    /// Below the second.
    pub nanos: u32,
}

impl CivilDateTime {
    /// From seconds since 1970-01-01T00:00:00, and nanoseconds into that second.
    pub fn from_parts(seconds: i64, nanos: u32) -> Self {
        let (year, month, day) = date(seconds.div_euclid(86_400));
        let of_day = seconds.rem_euclid(86_400) as u32;
        Self {
            year,
            month,
            day,
            hour: of_day / 3600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
            nanos,
        }
    }

    /// From milliseconds since 1970-01-01T00:00:00.
    pub fn from_millis(millis: i64) -> Self {
        Self::from_parts(
            millis.div_euclid(1000),
            millis.rem_euclid(1000) as u32 * 1_000_000,
        )
    }

    /// From microseconds since 1970-01-01T00:00:00.
    pub fn from_micros(micros: i64) -> Self {
        Self::from_parts(
            micros.div_euclid(1_000_000),
            micros.rem_euclid(1_000_000) as u32 * 1000,
        )
    }

    /// Appends `2024-05-01`.
    pub fn write_date(&self, out: &mut String) {
        write_date(out, self.year, self.month, self.day);
    }

    /// Appends `10:40:11`, and `.204` where there is a fraction.
    pub fn write_time(&self, out: &mut String) {
        let _ = write!(
            out,
            "{:02}:{:02}:{:02}",
            self.hour, self.minute, self.second
        );
        write_fraction(out, self.nanos);
    }
}

/// Appends a time of day, of nanoseconds since midnight: `10:40:11.204`.
pub fn write_time_of_day(out: &mut String, nanos: i64) {
    let below_second = nanos.rem_euclid(1_000_000_000) as u32;
    CivilDateTime::from_parts(nanos.div_euclid(1_000_000_000), below_second).write_time(out);
}

/// Year, month, day of a number of days since 1970-01-01.
///
/// The algorithm is Howard Hinnant's `civil_from_days`: years start in March, so that the leap day
/// comes last.
pub fn date(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u32, day as u32)
}

/// Appends a date of ISO 8601.
pub fn write_date(out: &mut String, year: i64, month: u32, day: u32) {
    let _ = match year {
        0..=9999 => write!(out, "{year:04}-{month:02}-{day:02}"),
        _ => write!(out, "{year:+05}-{month:02}-{day:02}"),
    };
}

/// Appends the fraction of a second, in as many digits as it has.
pub fn write_fraction(out: &mut String, nanos: u32) {
    if nanos == 0 {
        return;
    }
    let digits = format!("{nanos:09}");
    out.push('.');
    out.push_str(digits.trim_end_matches('0'));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_before_and_after_the_epoch_and_leap_days_are_exact() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(-1), (1969, 12, 31));
        assert_eq!(date(19_844), (2024, 5, 1));
        assert_eq!(date(11_016), (2000, 2, 29));
        assert_eq!(date(-719_528), (0, 1, 1));
        assert_eq!(date(2_932_896), (9999, 12, 31));
    }

    #[test]
    fn time_before_the_epoch_counts_towards_it() {
        let before = CivilDateTime::from_parts(-1, 999_999_000);
        assert_eq!(
            (before.year, before.second, before.nanos),
            (1969, 59, 999_999_000)
        );
        assert_eq!(CivilDateTime::from_micros(-1), before);
        assert_eq!(CivilDateTime::from_millis(-1).nanos, 999_000_000);
    }

    #[test]
    fn years_beyond_four_digits_have_a_sign() {
        let text = |micros| {
            let mut out = String::new();
            CivilDateTime::from_micros(micros).write_date(&mut out);
            out
        };
        assert_eq!(text(i64::MAX), "+294247-01-10");
        assert_eq!(text(i64::MIN), "-290308-12-21");
    }

    #[test]
    fn fraction_has_as_many_digits_as_it_needs() {
        let mut out = String::new();
        write_fraction(&mut out, 204_000_000);
        write_fraction(&mut out, 1);
        write_fraction(&mut out, 0);
        assert_eq!(out, ".204.000000001");
    }
}
