//! Intervals, as Spark prints them.

use std::fmt::Write;

const NANOS_PER_SECOND: u128 = 1_000_000_000;
const NANOS_PER_DAY: i128 = 86_400 * 1_000_000_000;

/// Appends `INTERVAL '2-3' YEAR TO MONTH`.
pub(crate) fn write_year_month(out: &mut String, months: i32) {
    let sign = if months < 0 { "-" } else { "" };
    let months = months.unsigned_abs();
    let _ = write!(
        out,
        "INTERVAL '{sign}{}-{}' YEAR TO MONTH",
        months / 12,
        months % 12
    );
}

/// Appends `INTERVAL '1 02:03:04.5' DAY TO SECOND`, or the form of months without days, where there
/// are months alone. An interval of both is none of the SQL standard's; it is written in the words
/// of Spark's `CalendarIntervalType`: `1 months 2 days`.
pub(crate) fn write(out: &mut String, months: i32, days: i32, nanos: i128) {
    match (months, days, nanos) {
        (0, _, _) => write_day_time(out, i128::from(days) * NANOS_PER_DAY + nanos),
        (_, 0, 0) => write_year_month(out, months),
        _ => write_units(out, months, days, nanos),
    }
}

/// The sign stands before all of it, and a day has 24 hours.
fn write_day_time(out: &mut String, nanos: i128) {
    let sign = if nanos < 0 { "-" } else { "" };
    let seconds = nanos.unsigned_abs() / NANOS_PER_SECOND;
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let _ = write!(
        out,
        "INTERVAL '{sign}{days} {:02}:{:02}:{:02}",
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60
    );
    crate::calendar::write_fraction(out, below_second(nanos));
    out.push_str("' DAY TO SECOND");
}

/// Each unit has a sign of its own; those that are zero are left out.
fn write_units(out: &mut String, months: i32, days: i32, nanos: i128) {
    let start = out.len();
    let mut unit = |sign: &str, count: u128, fraction: u32, name: &str| {
        if count == 0 && fraction == 0 {
            return;
        }
        if out.len() > start {
            out.push(' ');
        }
        let _ = write!(out, "{sign}{count}");
        crate::calendar::write_fraction(out, fraction);
        let _ = write!(out, " {name}");
    };
    let sign = |is_negative: bool| if is_negative { "-" } else { "" };
    let count = u128::from(months.unsigned_abs());
    unit(sign(months < 0), count / 12, 0, "years");
    unit(sign(months < 0), count % 12, 0, "months");
    unit(sign(days < 0), days.unsigned_abs().into(), 0, "days");
    let seconds = nanos.unsigned_abs() / NANOS_PER_SECOND;
    let sign = sign(nanos < 0);
    unit(sign, seconds / 3600, 0, "hours");
    unit(sign, seconds / 60 % 60, 0, "minutes");
    unit(sign, seconds % 60, below_second(nanos), "seconds");
}

/// Nanoseconds beyond the whole seconds, without a sign.
fn below_second(nanos: i128) -> u32 {
    (nanos.unsigned_abs() % NANOS_PER_SECOND) as u32
}
