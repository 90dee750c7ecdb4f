//! Random arrays, with more of the values at the edges than chance would give.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array,
    Int8Array, Int16Array, Int32Array, Int64Array, ListArray, MapArray, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, FieldRef};
use lakeglass_tests::random::Random;

/// 0001-01-01 and 9999-12-31, in days since 1970.
const DAYS: (i64, i64) = (-719_162, 2_932_896);
const MICROS_PER_DAY: i64 = 86_400_000_000;

const TEXTS: [&str; 14] = [
    "",
    " ",
    "a",
    "A",
    "null",
    "a b",
    "a/b",
    "100%",
    "%2F",
    "p=q",
    "it's \"so\" \\ `ok`",
    "Grüße 😀",
    "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
    "\u{ffff}\u{10ffff}",
];

/// Partition values that a path has to escape, or that look like something else. Not the empty
/// text: to the protocol it is null, but delta-rs gives it back as it is after some checkpoints.
const PARTITIONS: [&str; 8] = [
    " ",
    "a b",
    "a/b",
    "100%",
    "%2F",
    "p=q",
    "Grüße 😀",
    "x:y?#[]'\"",
];

/// `length` values of a column.
pub fn column(random: &mut Random, data_type: &DataType, length: usize) -> ArrayRef {
    match data_type {
        DataType::Boolean => {
            let values = options(random, length, |random| random.one_in(2));
            Arc::new(BooleanArray::from(values))
        }
        DataType::Int8 => Arc::new(Int8Array::from(options(random, length, |random| {
            integer(random, i8::MIN.into(), i8::MAX.into()) as i8
        }))),
        DataType::Int16 => Arc::new(Int16Array::from(options(random, length, |random| {
            integer(random, i16::MIN.into(), i16::MAX.into()) as i16
        }))),
        DataType::Int32 => Arc::new(Int32Array::from(options(random, length, |random| {
            integer(random, i32::MIN.into(), i32::MAX.into()) as i32
        }))),
        DataType::Int64 => Arc::new(Int64Array::from(options(random, length, |random| {
            integer(random, i64::MIN, i64::MAX)
        }))),
        DataType::Float32 => Arc::new(Float32Array::from(options(random, length, |random| {
            double(random) as f32
        }))),
        DataType::Float64 => Arc::new(Float64Array::from(options(random, length, double))),
        DataType::Utf8 => {
            let values = options(random, length, |random| random.pick(&TEXTS).to_string());
            Arc::new(StringArray::from(values))
        }
        DataType::Binary => {
            let values = options(random, length, |random| {
                let length = random.below(4);
                (0..length)
                    .map(|_| random.next_u64() as u8)
                    .collect::<Vec<_>>()
            });
            Arc::new(values.iter().map(Option::as_deref).collect::<BinaryArray>())
        }
        DataType::Date32 => Arc::new(Date32Array::from(options(random, length, |random| {
            day(random) as i32
        }))),
        DataType::Timestamp(_, zone) => {
            let values = options(random, length, |random| {
                day(random) * MICROS_PER_DAY + random.between(0, MICROS_PER_DAY - 1)
            });
            let values = TimestampMicrosecondArray::from(values);
            Arc::new(values.with_timezone_opt(zone.clone()))
        }
        DataType::Decimal128(precision, scale) => {
            let limit = 10i128.pow((*precision).into()) - 1;
            let values = options(random, length, |random| match random.below(6) {
                0 => limit,
                1 => -limit,
                2 => 0,
                _ => {
                    let wide = i128::from(random.next_u64()) << 64 | i128::from(random.next_u64());
                    wide % (limit + 1)
                }
            });
            let values = Decimal128Array::from(values);
            Arc::new(
                values
                    .with_precision_and_scale(*precision, *scale)
                    .expect("digits that fit"),
            )
        }
        DataType::Struct(fields) => {
            let columns = fields
                .iter()
                .map(|field| column(random, field.data_type(), length))
                .collect();
            let present = presence(random, length);
            Arc::new(StructArray::new(fields.clone(), columns, Some(present)))
        }
        DataType::List(field) => {
            let (present, offsets) = lists(random, length);
            let values = column(
                random,
                field.data_type(),
                offsets.last().map_or(0, |end| *end as usize),
            );
            Arc::new(ListArray::new(
                field.clone(),
                offsets,
                values,
                Some(present),
            ))
        }
        DataType::Map(entries, _) => Arc::new(map(random, entries, length)),
        other => panic!("no values of {other}"),
    }
}

/// `length` values of a partition column, of which there are few that differ.
pub fn partition(random: &mut Random, data_type: &DataType, length: usize) -> ArrayRef {
    let few = match data_type {
        DataType::Utf8 => {
            let few = (0..3).map(|_| Some(*random.pick(&PARTITIONS)));
            Arc::new(few.chain([None]).collect::<StringArray>()) as ArrayRef
        }
        // delta-rs does not read its own spelling of other floats back.
        DataType::Float64 => Arc::new(Float64Array::from(vec![Some(0.5), Some(-3.25), None])),
        other => column(random, other, 3),
    };
    let choice = (0..length).map(|_| Some(random.below(few.len()) as u64));
    let choice: arrow::array::UInt64Array = choice.collect();
    arrow::compute::take(&few, &choice, None).expect("positions that there are")
}

fn map(random: &mut Random, entries: &FieldRef, length: usize) -> MapArray {
    let (present, offsets) = lists(random, length);
    let total = offsets.last().map_or(0, |end| *end as usize);
    let DataType::Struct(fields) = entries.data_type() else {
        panic!("a map of {entries}");
    };
    // Different keys within a map.
    let keys: StringArray = (0..total).map(|n| Some(format!("k{n}"))).collect();
    let values = column(random, fields[1].data_type(), total);
    let pairs = StructArray::new(fields.clone(), vec![Arc::new(keys), values], None);
    MapArray::new(entries.clone(), offsets, pairs, Some(present), false)
}

fn lists(random: &mut Random, length: usize) -> (NullBuffer, OffsetBuffer<i32>) {
    let present = presence(random, length);
    let lengths = (0..length).map(|n| match present.is_valid(n) {
        true => random.below(4),
        false => 0,
    });
    let offsets = OffsetBuffer::from_lengths(lengths.collect::<Vec<_>>());
    (present, offsets)
}

fn presence(random: &mut Random, length: usize) -> NullBuffer {
    (0..length)
        .map(|_| !random.one_in(6))
        .collect::<Vec<_>>()
        .into()
}

/// Some columns are all null, some never.
fn options<T>(
    random: &mut Random,
    length: usize,
    mut value: impl FnMut(&mut Random) -> T,
) -> Vec<Option<T>> {
    let nulls = *random.pick(&[0, 5, 5, 1]);
    (0..length)
        .map(|_| match nulls > 0 && random.one_in(nulls) {
            true => None,
            false => Some(value(random)),
        })
        .collect()
}

fn integer(random: &mut Random, low: i64, high: i64) -> i64 {
    match random.below(8) {
        0 => low,
        1 => high,
        2..=5 => random.between(-3, 3),
        _ => random.between(low, high),
    }
}

fn double(random: &mut Random) -> f64 {
    match random.below(10) {
        0 => f64::NAN,
        1 => f64::INFINITY,
        2 => f64::NEG_INFINITY,
        3 => -0.0,
        4 => 0.0,
        5 => f64::MIN_POSITIVE,
        6 => f64::MAX,
        _ => random.between(-1000, 1000) as f64 / 8.0,
    }
}

fn day(random: &mut Random) -> i64 {
    match random.below(6) {
        0 => random.between(DAYS.0, DAYS.1),
        1 => *random.pick(&[DAYS.0, DAYS.1, -1, 0]),
        _ => random.between(19_000, 19_010),
    }
}
