//! Cells of `arrow-array`'s columns, without Arrow's kernels: of the types that results have (see
//! [`is_result_type`]).

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, StructArray};
use arrow_schema::{DataType, IntervalUnit, TimeUnit};

use crate::value::{Column, Fields, Value};

/// True for the types of columns that results have: a closed list, with a variant of [`Value`] for
/// each. `messages::engine` documents it ("Rows on the wire").
pub fn is_result_type(data_type: &DataType) -> bool {
    match data_type {
        DataType::Null
        | DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal128(_, _)
        | DataType::Utf8
        | DataType::Binary
        | DataType::Date32
        | DataType::Time64(TimeUnit::Nanosecond)
        | DataType::Duration(TimeUnit::Microsecond)
        | DataType::Interval(_) => true,
        DataType::Timestamp(unit, zone) => {
            *unit == TimeUnit::Microsecond && zone.as_deref().is_none_or(|zone| zone == "UTC")
        }
        DataType::List(item) => is_result_type(item.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| is_result_type(field.data_type())),
        DataType::Map(entries, _) => matches!(entries.data_type(), DataType::Struct(fields)
            if fields.len() == 2 && is_result_type(entries.data_type())),
        _ => false,
    }
}

impl Column for ArrayRef {
    fn value(&self, row: usize) -> Value<'_> {
        value(self.as_ref(), row)
    }
}

impl Fields for StructArray {
    fn count(&self) -> usize {
        self.num_columns()
    }

    fn field(&self, index: usize) -> (&str, &dyn Column) {
        (self.fields()[index].name(), self.column(index))
    }
}

fn value(array: &dyn Array, row: usize) -> Value<'_> {
    if array.is_null(row) {
        return Value::Null;
    }
    macro_rules! primitive {
        ($type:ty) => {
            array.as_primitive::<$type>().value(row)
        };
    }
    match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => Value::Boolean(array.as_boolean().value(row)),
        DataType::Int8 => Value::Int(primitive!(Int8Type).into()),
        DataType::Int16 => Value::Int(primitive!(Int16Type).into()),
        DataType::Int32 => Value::Int(primitive!(Int32Type)),
        DataType::Int64 => Value::Long(primitive!(Int64Type)),
        DataType::Float32 => Value::Float(primitive!(Float32Type)),
        DataType::Float64 => Value::Double(primitive!(Float64Type)),
        DataType::Decimal128(_, scale) => Value::Decimal {
            unscaled: primitive!(Decimal128Type),
            scale: *scale,
        },
        DataType::Utf8 => Value::String(array.as_string::<i32>().value(row)),
        DataType::Binary => Value::Binary(array.as_binary::<i32>().value(row)),
        DataType::Date32 => Value::Date(primitive!(Date32Type)),
        DataType::Time64(TimeUnit::Nanosecond) => Value::Time(primitive!(Time64NanosecondType)),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => Value::Timestamp {
            micros: primitive!(TimestampMicrosecondType),
            is_instant: zone.is_some(),
        },
        DataType::Duration(TimeUnit::Microsecond) => Value::Interval {
            months: 0,
            days: 0,
            nanos: i128::from(primitive!(DurationMicrosecondType)) * 1000,
        },
        DataType::Interval(IntervalUnit::YearMonth) => {
            Value::YearMonthInterval(primitive!(IntervalYearMonthType))
        }
        DataType::Interval(IntervalUnit::DayTime) => {
            let interval = primitive!(IntervalDayTimeType);
            Value::Interval {
                months: 0,
                days: interval.days,
                nanos: i128::from(interval.milliseconds) * 1_000_000,
            }
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let interval = primitive!(IntervalMonthDayNanoType);
            Value::Interval {
                months: interval.months,
                days: interval.days,
                nanos: interval.nanoseconds.into(),
            }
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            Value::List(list.values(), rows(list.value_offsets(), row))
        }
        DataType::Struct(_) => Value::Struct(array.as_struct(), row),
        DataType::Map(_, _) => {
            let map = array.as_map();
            Value::Map {
                keys: map.keys(),
                values: map.values(),
                rows: rows(map.value_offsets(), row),
            }
        }
        other => Value::Unsupported(other.to_string()),
    }
}

/// Arrow's offsets are never negative.
fn rows(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    offsets[row] as usize..offsets[row + 1] as usize
}

#[cfg(all(test, feature = "cases"))]
mod tests {
    use super::*;
    use crate::{cases, text, write_json};

    #[test]
    fn each_case_is_written_as_text_and_as_json() {
        for case in cases::all() {
            assert!(is_result_type(case.array.data_type()), "{}", case.name);
            let rows = 0..case.array.len();
            let texts: Vec<_> = rows
                .clone()
                .map(|row| text(case.array.value(row)))
                .collect();
            assert_eq!(texts, case.texts(), "{}", case.name);
            let json: Vec<_> = rows
                .map(|row| {
                    let mut out = String::new();
                    write_json(&mut out, case.array.value(row));
                    out
                })
                .collect();
            assert_eq!(json, case.json(), "{}", case.name);
        }
    }

    #[test]
    fn other_types_are_named_and_no_results() {
        for array in cases::unsupported() {
            assert!(!is_result_type(array.data_type()), "{}", array.data_type());
        }
        let unsigned: ArrayRef = std::sync::Arc::new(arrow_array::UInt64Array::from(vec![7]));
        assert_eq!(text(unsigned.value(0)).as_deref(), Some("<UInt64>"));
    }
}
