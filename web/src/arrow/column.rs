//! A column of a record batch: its buffers, checked once, and the value of each row.
//!
//! Format: [Physical memory layout](https://arrow.apache.org/docs/format/Columnar.html#physical-memory-layout)

use std::ops::Range;

use cells::Value;

use super::frames::Bytes;

/// One column.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    /// Number of rows.
    pub len: usize,
    /// A bit for each row that has a value; `None` where all have.
    pub(super) validity: Option<Bytes>,
    pub(super) data: Data,
}

/// The buffers of a column, by the types that results have.
#[derive(Debug, Clone)]
pub(super) enum Data {
    Null,
    Boolean(Bytes),
    Int {
        width: Width,
        bytes: Bytes,
    },
    Float32(Bytes),
    Float64(Bytes),
    /// Of 128 bits.
    Decimal {
        scale: i8,
        bytes: Bytes,
    },
    /// UTF-8, checked.
    Utf8 {
        offsets: Offsets,
        bytes: Bytes,
    },
    Binary {
        offsets: Offsets,
        bytes: Bytes,
    },
    /// Days since the epoch, of 32 bits.
    Date(Bytes),
    /// Nanoseconds since midnight, of 64 bits.
    Time(Bytes),
    /// Microseconds, of 64 bits.
    Timestamp {
        is_instant: bool,
        bytes: Bytes,
    },
    /// Microseconds, of 64 bits.
    Duration(Bytes),
    Interval {
        unit: IntervalUnit,
        bytes: Bytes,
    },
    List {
        offsets: Offsets,
        items: Box<Column>,
    },
    Struct(Children),
    Map {
        offsets: Offsets,
        keys: Box<Column>,
        values: Box<Column>,
    },
}

/// The columns of a struct.
#[derive(Debug, Clone)]
pub(super) struct Children(pub(super) Vec<Column>);

/// Parts of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IntervalUnit {
    /// 4 bytes.
    YearMonth,
    /// 4 bytes each.
    DayTime,
    /// 4, 4 and 8 bytes.
    MonthDayNano,
}

/// Bytes of an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    One,
    Two,
    Four,
    Eight,
}

/// Start of each row's items, and the end of the last one's: numbers of 32 bits.
#[derive(Debug, Clone)]
pub(super) struct Offsets(pub(super) Bytes);

impl cells::Column for Column {
    fn value(&self, row: usize) -> Value<'_> {
        let validity = self.validity.as_ref();
        if validity.is_some_and(|validity| !validity.bit(row)) {
            return Value::Null;
        }
        match &self.data {
            Data::Null => Value::Null,
            Data::Boolean(bytes) => Value::Boolean(bytes.bit(row)),
            Data::Int { width, bytes } => match width {
                Width::One => Value::Int(i8::from_le_bytes(bytes.group(row)).into()),
                Width::Two => Value::Int(i16::from_le_bytes(bytes.group(row)).into()),
                Width::Four => Value::Int(i32::from_le_bytes(bytes.group(row))),
                Width::Eight => Value::Long(i64::from_le_bytes(bytes.group(row))),
            },
            Data::Float32(bytes) => Value::Float(f32::from_le_bytes(bytes.group(row))),
            Data::Float64(bytes) => Value::Double(f64::from_le_bytes(bytes.group(row))),
            Data::Decimal { scale, bytes } => Value::Decimal {
                unscaled: i128::from_le_bytes(bytes.group(row)),
                scale: *scale,
            },
            Data::Utf8 { offsets, bytes } => {
                let text = bytes.as_slice().get(offsets.range(row));
                // Checked when the column was read.
                Value::String(std::str::from_utf8(text.unwrap_or_default()).unwrap_or_default())
            }
            Data::Binary { offsets, bytes } => {
                let binary = bytes.as_slice().get(offsets.range(row));
                Value::Binary(binary.unwrap_or_default())
            }
            Data::Date(bytes) => Value::Date(i32::from_le_bytes(bytes.group(row))),
            Data::Time(bytes) => Value::Time(i64::from_le_bytes(bytes.group(row))),
            Data::Timestamp { is_instant, bytes } => Value::Timestamp {
                micros: i64::from_le_bytes(bytes.group(row)),
                is_instant: *is_instant,
            },
            Data::Duration(bytes) => Value::Interval {
                months: 0,
                days: 0,
                nanos: i128::from(i64::from_le_bytes(bytes.group(row))) * 1000,
            },
            Data::Interval { unit, bytes } => interval(*unit, bytes, row),
            Data::List { offsets, items } => Value::List(items.as_ref(), offsets.range(row)),
            Data::Struct(fields) => Value::Struct(fields, row),
            Data::Map {
                offsets,
                keys,
                values,
            } => Value::Map {
                keys: keys.as_ref(),
                values: values.as_ref(),
                rows: offsets.range(row),
            },
        }
    }
}

impl cells::Fields for Children {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn field(&self, index: usize) -> (&str, &dyn cells::Column) {
        (&self.0[index].name, &self.0[index])
    }
}

impl Offsets {
    pub(super) fn range(&self, row: usize) -> Range<usize> {
        let at = |index| usize::try_from(i32::from_le_bytes(self.0.group(index)));
        let at = |index| at(index).unwrap_or(usize::MAX);
        at(row)..at(row + 1)
    }
}

impl Width {
    pub(super) fn of_bits(bits: i32) -> Option<Self> {
        Some(match bits {
            8 => Self::One,
            16 => Self::Two,
            32 => Self::Four,
            64 => Self::Eight,
            _ => return None,
        })
    }

    pub(super) fn bytes(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }
}

fn interval(unit: IntervalUnit, bytes: &Bytes, row: usize) -> Value<'static> {
    match unit {
        IntervalUnit::YearMonth => Value::YearMonthInterval(i32::from_le_bytes(bytes.group(row))),
        IntervalUnit::DayTime => {
            let part = |part| i32::from_le_bytes(bytes.group(row * 2 + part));
            Value::Interval {
                months: 0,
                days: part(0),
                nanos: i128::from(part(1)) * 1_000_000,
            }
        }
        IntervalUnit::MonthDayNano => Value::Interval {
            months: i32::from_le_bytes(bytes.group(row * 4)),
            days: i32::from_le_bytes(bytes.group(row * 4 + 1)),
            nanos: i64::from_le_bytes(bytes.group(row * 2 + 1)).into(),
        },
    }
}
