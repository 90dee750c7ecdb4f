use chrono::{DateTime, FixedOffset, NaiveDateTime};
use proptest::prelude::*;

use super::*;

/// The bounds that a minimum and a maximum in JSON lead to, as arrays of one value.
fn bounds(min: &str, max: &str, data_type: &DataType) -> (ArrayRef, ArrayRef) {
    let of = |text: &str, bound| of_texts(&StringArray::from(vec![text]), data_type, bound);
    (of(min, Bound::Min).unwrap(), of(max, Bound::Max).unwrap())
}

fn times(text: &str, data_type: &DataType) -> Option<(i64, i64)> {
    let (min, max) = bounds(text, text, data_type);
    let value = |array: &ArrayRef| {
        let array = array.as_primitive::<TimestampMicrosecondType>();
        array.is_valid(0).then(|| array.value(0))
    };
    Some((value(&min)?, value(&max)?))
}

#[test]
fn maximum_that_ends_in_u_fffd_is_only_known_up_to_there() {
    let cut = "0123456789abcdefghijklmnopqrstuv";
    let expected = "0123456789abcdefghijklmnopqrstuw";
    for (text, bound) in [
        (format!("{cut}\u{FFFD}"), Some(expected)),
        ("ab\u{FFFD}".to_owned(), Some("ac")),
        ("ab\u{FFFD}cd".to_owned(), Some("ac")),
        ("\u{FFFD}".to_owned(), None),
        ("\u{10FFFF}\u{FFFD}".to_owned(), None),
        (cut.to_owned(), Some(expected)),
        ("ab\u{7F}".to_owned(), Some("ab\u{7F}")),
        (String::new(), Some("")),
    ] {
        assert_eq!(upper_bound(&text).as_deref(), bound, "{text}");
    }
    assert_eq!(lower_bound("ab\u{FFFD}"), "ab");
}

#[test]
fn time_with_an_offset_in_minutes_may_be_59_seconds_off() {
    let parse = |text: &str| values::timestamp(text).unwrap();
    // The row has 1849-12-31 23:06:32, at an offset of 53 minutes and 28 seconds.
    let (min, max) = times("1850-01-01T00:00:00.000+00:53", &DataType::Timestamp).unwrap();
    assert_eq!(min, parse("1849-12-31T23:06:00.999001Z"));
    assert_eq!(max, parse("1849-12-31T23:07:59.000999Z"));
    let (min, max) = times("2024-05-01T00:00:00.000+02:00", &DataType::Timestamp).unwrap();
    assert_eq!(min, parse("2024-04-30T21:59:01Z"));
    assert_eq!(max, parse("2024-04-30T22:00:59.000999Z"));
}

#[test]
fn time_is_known_to_what_its_text_has_of_the_second() {
    for (text, cut) in [
        ("2024-05-01T01:02:03Z", 999_999),
        ("2024-05-01T01:02:03.4Z", 99_999),
        ("2024-05-01T01:02:03.45Z", 9_999),
        ("2024-05-01T01:02:03.456Z", 999),
        ("2024-05-01T01:02:03.456000Z", 999),
        ("2024-05-01T01:02:03.456001Z", 0),
    ] {
        let (min, max) = times(text, &DataType::Timestamp).unwrap();
        assert_eq!(min, values::timestamp(text).unwrap(), "{text}");
        assert_eq!(max - min, cut, "{text}");
    }
    for text in [
        "2024-05-01T01:02:03.456",
        "2024-05-01T01:02Z",
        "2024-05-01",
        "2024-05-01T01:02:03.456+0071582789",
    ] {
        assert_eq!(times(text, &DataType::Timestamp), None, "{text}");
    }
    let (min, max) = times("2024-05-01T01:02:03.456", &DataType::TimestampNtz).unwrap();
    assert_eq!(max - min, 999);
}

/// Characters of all planes, and those beside the places where an order of characters can break.
fn text() -> impl Strategy<Value = String> {
    let characters = prop_oneof![
        any::<char>(),
        proptest::sample::select(vec![
            'a',
            '~',
            '\u{7F}',
            '\u{80}',
            '\u{D7FF}',
            '\u{E000}',
            '\u{FFFC}',
            '\u{FFFD}',
            '\u{FFFE}',
            '\u{FFFF}',
            '\u{10000}',
            '\u{1F33C}',
            '\u{10FFFE}',
            '\u{10FFFF}',
        ]),
    ];
    proptest::collection::vec(characters, 0..70).prop_map(String::from_iter)
}

/// How writers cut strings.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// Not at all: strings of fewer characters than would be taken for cut, and longer ones.
    Never,
    /// At 32 characters, without a mark.
    Bare,
    /// At a number of characters, with a mark of old: U+FFFD.
    Old(usize),
    /// At a number of characters, with a mark that is above what was cut off.
    New(usize),
}

impl Cut {
    fn of(self, text: &str, bound: Bound) -> String {
        let length = match self {
            Self::Never => return text.to_owned(),
            Self::Bare => 32,
            Self::Old(length) | Self::New(length) => length,
        };
        let mut cut: String = text.chars().take(length).collect();
        let Some(next) = text.chars().nth(length) else {
            return cut;
        };
        match (self, bound) {
            (Self::Old(_), Bound::Max) => cut.push('\u{FFFD}'),
            (Self::New(_), Bound::Max) if next < '\u{7F}' => cut.push('\u{7F}'),
            // A string of these alone cannot be cut: nothing is above it.
            (Self::New(_), Bound::Max) if next == char::MAX => return text.to_owned(),
            (Self::New(_), Bound::Max) => cut.push(char::MAX),
            _ => {}
        }
        cut
    }
}

fn cut() -> impl Strategy<Value = Cut> {
    prop_oneof![
        Just(Cut::Never),
        Just(Cut::Bare),
        (1usize..40).prop_map(Cut::Old),
        (1usize..40).prop_map(Cut::New),
    ]
}

/// How writers spell a time's zone.
#[derive(Debug, Clone, Copy)]
enum Zone {
    Utc,
    /// `+02:00`, without seconds, and `Z` for zero.
    Minutes,
    /// `+0200`.
    BareMinutes,
    /// `+02:00:00`.
    Seconds,
}

fn spelled(micros: i64, east: i32, zone: Zone, digits: usize) -> Option<String> {
    let utc: NaiveDateTime = DateTime::from_timestamp_micros(micros)?.naive_utc();
    let east = match zone {
        Zone::Utc => 0,
        _ => east,
    };
    let local = FixedOffset::east_opt(east)?;
    let local = utc.checked_add_offset(local)?;
    let fraction = format!("{:09}", local.and_utc().timestamp_subsec_nanos());
    let sign = if east < 0 { '-' } else { '+' };
    let (hours, minutes, seconds) = (east.abs() / 3600, east.abs() / 60 % 60, east.abs() % 60);
    let zone = match zone {
        Zone::Utc => "Z".to_owned(),
        Zone::Minutes if hours == 0 && minutes == 0 => "Z".to_owned(),
        Zone::Minutes => format!("{sign}{hours:02}:{minutes:02}"),
        Zone::BareMinutes => format!("{sign}{hours:02}{minutes:02}"),
        Zone::Seconds => format!("{sign}{hours:02}:{minutes:02}:{seconds:02}"),
    };
    let fraction = match digits {
        0 => String::new(),
        digits => format!(".{}", &fraction[..digits]),
    };
    Some(format!(
        "{}{fraction}{zone}",
        local.format("%Y-%m-%dT%H:%M:%S")
    ))
}

fn zone() -> impl Strategy<Value = Zone> {
    proptest::sample::select(vec![
        Zone::Utc,
        Zone::Minutes,
        Zone::BareMinutes,
        Zone::Seconds,
    ])
}

/// Of the years 1 to 9998, most of them near the epoch and the end of offsets with seconds.
fn time() -> impl Strategy<Value = i64> {
    prop_oneof![
        -62_135_500_000_000_000i64..253_370_000_000_000_000,
        -3_000_000i64..3_000_000,
        (OFFSETS_IN_MINUTES_SINCE - 100_000_000)..(OFFSETS_IN_MINUTES_SINCE + 100_000_000),
        (1_714_500_000_000i64..1_714_500_000_100).prop_map(|millis| millis * 1000),
    ]
}

proptest! {
    #[test]
    fn strings_of_a_file_are_within_its_bounds(
        mut texts in proptest::collection::vec(text(), 1..4),
        how in cut(),
        probe in text(),
    ) {
        texts.sort();
        let min = how.of(&texts[0], Bound::Min);
        let max = how.of(&texts[texts.len() - 1], Bound::Max);
        let (min, max) = bounds(&min, &max, &DataType::String);
        let (min, max) = (min.as_string::<i32>(), max.as_string::<i32>());
        for text in &texts {
            prop_assert!(min.value(0) <= text.as_str());
            prop_assert!(max.is_null(0) || text.as_str() <= max.value(0));
        }
        // A filter for values above or below another finds the same with the bounds as without.
        let above = max.is_null(0) || max.value(0) > probe.as_str();
        prop_assert!(above || texts.iter().all(|text| *text <= probe));
        let below = min.value(0) < probe.as_str();
        prop_assert!(below || texts.iter().all(|text| *text >= probe));
    }

    #[test]
    fn times_of_a_file_are_within_its_bounds(
        micros in time(),
        east in -64_800i32..=64_800,
        zone in zone(),
        digits in proptest::sample::select(vec![0usize, 1, 2, 3, 6, 9]),
    ) {
        // Since then no zone has seconds in its offset; a text in minutes may still be short of them.
        let has_seconds = micros < OFFSETS_IN_MINUTES_SINCE || east.abs() >= 60;
        let east = if has_seconds { east } else { 0 };
        let Some(text) = spelled(micros, east, zone, digits) else {
            return Err(TestCaseError::reject("out of range"));
        };
        let Some((min, max)) = times(&text, &DataType::Timestamp) else {
            return Err(TestCaseError::fail(format!("{text} is not read")));
        };
        prop_assert!(min <= micros && micros <= max, "{} to {}: {} of {}", min, max, micros, text);
        prop_assert!(max - min < 121_000_000);
    }

    #[test]
    fn times_of_a_checkpoint_are_as_wide_as_the_texts_that_they_were_parsed_from(
        micros in time(),
        east in -64_800i32..=64_800,
    ) {
        let east = if micros < OFFSETS_IN_MINUTES_SINCE { east } else { east / 60 * 60 };
        let text = spelled(micros, east, Zone::Minutes, 3);
        let typed = values::timestamp(&text.unwrap()).unwrap();
        let typed = TimestampMicrosecondArray::from(vec![typed]).with_timezone("UTC");
        let of = |bound| {
            let typed: ArrayRef = Arc::new(typed.clone());
            let bound = of_values(typed, &DataType::Timestamp, bound);
            bound.as_primitive::<TimestampMicrosecondType>().value(0)
        };
        prop_assert!(of(Bound::Min) <= micros && micros <= of(Bound::Max));
    }

    #[test]
    fn decimals_that_went_through_a_double_are_within_their_bounds(
        unscaled in -(10i128.pow(38) - 1)..10i128.pow(38),
        shift in 0u32..100,
        scale in 0i8..=38,
    ) {
        let unscaled = unscaled >> shift;
        let data_type = DataType::Decimal { precision: 38, scale };
        let array = Decimal128Array::from(vec![unscaled]);
        let array = array.with_precision_and_scale(38, scale).unwrap();
        let double: f64 = array.value_as_string(0).parse().unwrap();
        let text = format!("{double:e}");
        let (min, max) = bounds(&text, &text, &data_type);
        let [min, max] = [min, max].map(|array| {
            let array = array.as_primitive::<arrow::datatypes::Decimal128Type>();
            array.is_valid(0).then(|| array.value(0))
        });
        prop_assert!(min.is_none_or(|min| min <= unscaled));
        prop_assert!(max.is_none_or(|max| unscaled <= max));
    }
}
