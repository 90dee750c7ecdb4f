//! Values as the texts that Spark writes, in partition values and statistics alike.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};

/// A decimal with all digits of its scale: `-0.50`.
pub(crate) fn decimal(unscaled: i128, scale: i8) -> String {
    let scale = usize::try_from(scale).unwrap_or_default();
    let digits = unscaled.unsigned_abs().to_string();
    // At least one digit is before the point.
    let width = scale.saturating_add(1);
    let digits = format!("{digits:0>width$}");
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(scale));
    let sign = if unscaled < 0 { "-" } else { "" };
    match fraction {
        "" => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{fraction}"),
    }
}

/// A float as Java prints it: the fewest digits that tell it from others, `1.0`, `1.0E10`, `NaN`.
pub(crate) fn float(value: f32) -> String {
    let is_plain = value == 0.0 || (1e-3..1e7).contains(&value.abs());
    java_number(
        f64::from(value),
        is_plain,
        format!("{value:?}"),
        format!("{value:e}"),
    )
}

/// A double: see [`float`].
pub(crate) fn double(value: f64) -> String {
    let is_plain = value == 0.0 || (1e-3..1e7).contains(&value.abs());
    java_number(value, is_plain, format!("{value:?}"), format!("{value:e}"))
}

fn java_number(value: f64, is_plain: bool, plain: String, scientific: String) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        let infinity = if value > 0.0 { "Infinity" } else { "-Infinity" };
        return infinity.to_owned();
    }
    match scientific.split_once('e') {
        Some((mantissa, exponent)) if !is_plain => {
            let fraction = if mantissa.contains('.') { "" } else { ".0" };
            format!("{mantissa}{fraction}E{exponent}")
        }
        _ => plain,
    }
}

/// A date, days since 1970-01-01, as `1970-01-01`; `None` outside of the years 1 to 9999, which
/// readers spell in different ways.
pub(crate) fn date(days: i32) -> Option<String> {
    let date = NaiveDate::default().checked_add_signed(TimeDelta::try_days(i64::from(days))?)?;
    is_common(&date).then(|| date.format("%Y-%m-%d").to_string())
}

/// A moment, in microseconds since the epoch; `None` as in [`date`].
pub(crate) fn moment(micros: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros).filter(is_common)
}

fn is_common(date: &impl Datelike) -> bool {
    (1..=9999).contains(&date.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_all_digits_of_their_scale() {
        for (unscaled, scale, expected) in [
            (0, 0, "0"),
            (0, 3, "0.000"),
            (-5, 2, "-0.05"),
            (150, 2, "1.50"),
            (-12345, 0, "-12345"),
            (i128::MAX, 38, "1.70141183460469231731687303715884105727"),
        ] {
            assert_eq!(decimal(unscaled, scale), expected);
        }
    }

    #[test]
    fn floats_are_spelt_as_java_spells_them() {
        for (value, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.001, "0.001"),
            (0.00099, "9.9E-4"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (-1.25e300, "-1.25E300"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(double(value), expected);
        }
        assert_eq!(float(0.1), "0.1");
        assert_eq!(float(1.5e10), "1.5E10");
    }
}
