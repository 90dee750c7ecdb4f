//! A column of a record batch: its buffers, checked once, and the value of each row.
//!
//! Format: [Physical memory layout](https://arrow.apache.org/docs/format/Columnar.html#physical-memory-layout)

use std::ops::Range;

use arrow_ipc::{IntervalUnit, TimeUnit};

use super::frames::Bytes;

/// One column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: String,
    pub len: usize,
    /// A bit for each row that has a value; `None` where all have.
    pub(super) validity: Option<Bytes>,
    pub(super) data: Data,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    Null,
    Bool(Bytes),
    Int {
        width: Width,
        signed: bool,
        bytes: Bytes,
    },
    Float32(Bytes),
    Float64(Bytes),
    Decimal {
        scale: i32,
        width: Width,
        bytes: Bytes,
    },
    /// `is_text`: UTF-8, checked; else binary.
    Variable {
        offsets: Offsets,
        bytes: Bytes,
        is_text: bool,
    },
    View {
        views: Bytes,
        buffers: Vec<Bytes>,
        is_text: bool,
    },
    Fixed {
        size: usize,
        bytes: Bytes,
    },
    Date {
        millis: bool,
        bytes: Bytes,
    },
    Time {
        unit: TimeUnit,
        width: Width,
        bytes: Bytes,
    },
    Timestamp {
        unit: TimeUnit,
        zoned: bool,
        bytes: Bytes,
    },
    Duration {
        unit: TimeUnit,
        bytes: Bytes,
    },
    Interval {
        unit: IntervalUnit,
        bytes: Bytes,
    },
    List {
        offsets: Offsets,
        items: Box<Column>,
    },
    Struct(Vec<Column>),
    Map {
        offsets: Offsets,
        keys: Box<Column>,
        values: Box<Column>,
    },
}

/// Bytes of an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    One,
    Two,
    Four,
    Eight,
    Sixteen,
}

/// Where each row's items start and end.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Offsets {
    Narrow(Bytes),
    Wide(Bytes),
    /// Each row has as many.
    Each(usize),
}

/// The value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    /// `is_wide`: of 64 bits, beyond what a double holds.
    Int {
        value: i128,
        is_wide: bool,
    },
    Float32(f32),
    Float64(f64),
    /// `unscaled` × 10^-`scale`.
    Decimal {
        unscaled: i128,
        scale: i32,
    },
    Text(&'a str),
    Binary(&'a [u8]),
    /// Days since the epoch.
    Date(i64),
    /// Seconds of the day, and nanoseconds.
    Time(i64, u32),
    /// Seconds since the epoch, and nanoseconds; `zoned`: an instant, in UTC.
    Timestamp {
        seconds: i64,
        nanos: u32,
        zoned: bool,
    },
    Interval {
        months: i32,
        days: i32,
        nanos: i128,
    },
    List(&'a Column, Range<usize>),
    /// The fields, and the row in them.
    Struct(&'a [Column], usize),
    /// Keys, values, and the rows in them.
    Map(&'a Column, &'a Column, Range<usize>),
}

impl Column {
    /// The value of `row`, which is below `len`.
    pub fn value(&self, row: usize) -> Value<'_> {
        if self
            .validity
            .as_ref()
            .is_some_and(|validity| !validity.bit(row))
        {
            return Value::Null;
        }
        match &self.data {
            Data::Null => Value::Null,
            Data::Bool(bytes) => Value::Bool(bytes.bit(row)),
            Data::Int {
                width,
                signed,
                bytes,
            } => {
                let value = integer(bytes, *width, row);
                let value = if *signed {
                    value
                } else {
                    value & unsigned_mask(*width)
                };
                Value::Int {
                    value,
                    is_wide: *width == Width::Eight,
                }
            }
            Data::Float32(bytes) => Value::Float32(f32::from_le_bytes(bytes.group(row))),
            Data::Float64(bytes) => Value::Float64(f64::from_le_bytes(bytes.group(row))),
            Data::Decimal {
                scale,
                width,
                bytes,
            } => Value::Decimal {
                unscaled: integer(bytes, *width, row),
                scale: *scale,
            },
            Data::Variable {
                offsets,
                bytes,
                is_text,
            } => variable(bytes.as_slice().get(offsets.range(row)), *is_text),
            Data::View {
                views,
                buffers,
                is_text,
            } => variable(view(views, buffers, row), *is_text),
            Data::Fixed { size, bytes } => {
                variable(bytes.as_slice().get(row * size..(row + 1) * size), false)
            }
            Data::Date {
                millis: true,
                bytes,
            } => Value::Date(i64::from_le_bytes(bytes.group(row)).div_euclid(86_400_000)),
            Data::Date { bytes, .. } => Value::Date(i32::from_le_bytes(bytes.group(row)).into()),
            Data::Time { unit, width, bytes } => {
                let (seconds, nanos) = seconds(*unit, integer(bytes, *width, row) as i64);
                Value::Time(seconds, nanos)
            }
            Data::Timestamp { unit, zoned, bytes } => {
                let (seconds, nanos) = seconds(*unit, i64::from_le_bytes(bytes.group(row)));
                Value::Timestamp {
                    seconds,
                    nanos,
                    zoned: *zoned,
                }
            }
            Data::Duration { unit, bytes } => {
                let (seconds, nanos) = seconds(*unit, i64::from_le_bytes(bytes.group(row)));
                let nanos = i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
                Value::Interval {
                    months: 0,
                    days: 0,
                    nanos,
                }
            }
            Data::Interval { unit, bytes } => interval(*unit, bytes, row),
            Data::List { offsets, items } => Value::List(items, offsets.range(row)),
            Data::Struct(fields) => Value::Struct(fields, row),
            Data::Map {
                offsets,
                keys,
                values,
            } => Value::Map(keys, values, offsets.range(row)),
        }
    }
}

impl Offsets {
    pub(super) fn range(&self, row: usize) -> Range<usize> {
        match self {
            Self::Narrow(bytes) => {
                let at = |index| usize::try_from(i32::from_le_bytes(bytes.group(index)));
                let at = |index| at(index).unwrap_or(usize::MAX);
                at(row)..at(row + 1)
            }
            Self::Wide(bytes) => {
                let at = |index| usize::try_from(i64::from_le_bytes(bytes.group(index)));
                let at = |index| at(index).unwrap_or(usize::MAX);
                at(row)..at(row + 1)
            }
            Self::Each(count) => row * count..(row + 1) * count,
        }
    }
}

impl Width {
    pub(super) fn of_bits(bits: i32) -> Option<Self> {
        Some(match bits {
            8 => Self::One,
            16 => Self::Two,
            32 => Self::Four,
            64 => Self::Eight,
            128 => Self::Sixteen,
            _ => return None,
        })
    }

    pub(super) fn bytes(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
            Self::Sixteen => 16,
        }
    }
}

fn integer(bytes: &Bytes, width: Width, row: usize) -> i128 {
    match width {
        Width::One => i8::from_le_bytes(bytes.group(row)).into(),
        Width::Two => i16::from_le_bytes(bytes.group(row)).into(),
        Width::Four => i32::from_le_bytes(bytes.group(row)).into(),
        Width::Eight => i64::from_le_bytes(bytes.group(row)).into(),
        Width::Sixteen => i128::from_le_bytes(bytes.group(row)),
    }
}

fn unsigned_mask(width: Width) -> i128 {
    match width {
        Width::Sixteen => i128::MAX,
        narrower => (1 << (narrower.bytes() * 8)) - 1,
    }
}

/// Whole seconds, and the nanoseconds above them.
fn seconds(unit: TimeUnit, value: i64) -> (i64, u32) {
    let (per_second, nanos_each) = match unit {
        TimeUnit::SECOND => (1, 0),
        TimeUnit::MILLISECOND => (1_000, 1_000_000),
        TimeUnit::MICROSECOND => (1_000_000, 1_000),
        _ => (1_000_000_000, 1),
    };
    (
        value.div_euclid(per_second),
        value.rem_euclid(per_second) as u32 * nanos_each,
    )
}

fn interval(unit: IntervalUnit, bytes: &Bytes, row: usize) -> Value<'static> {
    match unit {
        IntervalUnit::YEAR_MONTH => Value::Interval {
            months: i32::from_le_bytes(bytes.group(row)),
            days: 0,
            nanos: 0,
        },
        IntervalUnit::DAY_TIME => {
            let part = |part| i32::from_le_bytes(bytes.group(row * 2 + part));
            Value::Interval {
                months: 0,
                days: part(0),
                nanos: i128::from(part(1)) * 1_000_000,
            }
        }
        _ => Value::Interval {
            months: i32::from_le_bytes(bytes.group(row * 4)),
            days: i32::from_le_bytes(bytes.group(row * 4 + 1)),
            nanos: i64::from_le_bytes(bytes.group(row * 2 + 1)).into(),
        },
    }
}

/// Text was checked when the column was read.
fn variable(bytes: Option<&[u8]>, is_text: bool) -> Value<'_> {
    let bytes = bytes.unwrap_or_default();
    if is_text {
        Value::Text(std::str::from_utf8(bytes).unwrap_or_default())
    } else {
        Value::Binary(bytes)
    }
}

/// Bytes behind a view: inside it where they are few, else in a buffer.
pub(super) fn view<'a>(views: &'a Bytes, buffers: &'a [Bytes], row: usize) -> Option<&'a [u8]> {
    const INLINE: usize = 12;
    let word = |word: usize| u32::from_le_bytes(views.group(row * 4 + word)) as usize;
    let length = word(0);
    if length <= INLINE {
        let start = row * 16 + 4;
        return views.as_slice().get(start..start + length);
    }
    let start = word(3);
    buffers
        .get(word(2))?
        .as_slice()
        .get(start..start.checked_add(length)?)
}
