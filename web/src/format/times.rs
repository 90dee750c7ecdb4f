//! Times of commits, for the history.

use cells::calendar::CivilDateTime;

const MILLIS_PER_DAY: i64 = 86_400_000;

/// A commit's time for the history, in UTC: without the date if it is today's, without the year if
/// it is this year's. Both times are in milliseconds since the epoch.
pub fn short_time(millis: i64, now_millis: i64) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (time, now) = (
        CivilDateTime::from_millis(millis),
        CivilDateTime::from_millis(now_millis),
    );
    let clock = format!("{:02}:{:02}:{:02}", time.hour, time.minute, time.second);
    let month = MONTHS
        .get(time.month as usize - 1)
        .copied()
        .unwrap_or_default();
    if millis.div_euclid(MILLIS_PER_DAY) == now_millis.div_euclid(MILLIS_PER_DAY) {
        clock
    } else if time.year == now.year {
        format!("{} {month} {clock}", time.day)
    } else {
        format!("{} {month} {} {clock}", time.day, time.year)
    }
}

/// A time in full, as `TIMESTAMP AS OF` takes it: `2026-11-23 10:00:00.123 UTC`. `millis` since the
/// epoch.
pub fn full_time(millis: i64) -> String {
    let time = CivilDateTime::from_millis(millis);
    let mut out = String::new();
    time.write_date(&mut out);
    out.push(' ');
    time.write_time(&mut out);
    out.push_str(" UTC");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_time_names_the_day_only_when_it_is_another() {
        let now = 1_795_428_138_000; // 2026-11-23 10:02:18
        assert_eq!(short_time(now - 60_000, now), "10:01:18");
        assert_eq!(short_time(now - 86_400_000, now), "22 Nov 10:02:18");
        assert_eq!(full_time(now), "2026-11-23 10:02:18 UTC");
        assert!(short_time(0, now).starts_with("1 Jan 1970"));
    }
}
