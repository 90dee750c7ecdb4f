//! The value of a cell: one variant for each type that results have.

use std::ops::Range;

/// A column of cells.
pub trait Column {
    /// The value in `row`, which is below the column's length.
    fn value(&self, row: usize) -> Value<'_>;
}

/// The columns of a struct.
pub trait Fields {
    /// Number of fields.
    fn count(&self) -> usize;

    /// Name and column of a field; `index` is below [`Fields::count`].
    fn field(&self, index: usize) -> (&str, &dyn Column);
}

/// A value, borrowed from its column.
#[derive(Clone)]
pub enum Value<'a> {
    /// NULL, of any type.
    Null,
    /// `boolean`.
    Boolean(bool),
    /// `tinyint`, `smallint`, `int`: an integer that a double holds exactly.
    Int(i32),
    /// `bigint`.
    Long(i64),
    /// `float`.
    Float(f32),
    /// `double`.
    Double(f64),
    /// `decimal(p,s)`: `unscaled` × 10^-`scale`.
    Decimal {
        /// All digits, as an integer.
        unscaled: i128,
        /// Number of digits behind the point; below zero, of zeros before it.
        scale: i8,
    },
    /// `string`.
    String(&'a str),
    /// `binary`.
    Binary(&'a [u8]),
    /// `date`: days since 1970-01-01.
    Date(i32),
    /// `time`: nanoseconds since midnight.
    Time(i64),
    /// `timestamp` and `timestamp_ntz`.
    Timestamp {
        /// Microseconds since 1970-01-01T00:00:00.
        micros: i64,
        /// Whether it is an instant, in UTC: `timestamp`. Else it has no time zone: `timestamp_ntz`.
        is_instant: bool,
    },
    /// `interval year to month`, in months.
    YearMonthInterval(i32),
    /// Any other interval, and the difference of two times. Spark's `interval day to second` has
    /// no months, and days of 24 hours.
    Interval {
        /// Months.
        months: i32,
        /// Days.
        days: i32,
        /// Nanoseconds.
        nanos: i128,
    },
    /// `array`: the rows of a column.
    List(&'a dyn Column, Range<usize>),
    /// `struct`: a row of its fields.
    Struct(&'a dyn Fields, usize),
    /// `map`: the rows of a column of keys and a column of values.
    Map {
        /// The keys.
        keys: &'a dyn Column,
        /// The values.
        values: &'a dyn Column,
        /// The map's rows in both.
        rows: Range<usize>,
    },
    /// A type that results don't have, by its name. It is written as `<name>`.
    Unsupported(String),
}
