//! Canonical rows: the rendering that the checksum is made of.
//!
//! A row is a JSON array without blanks, one element per column:
//!
//! | type | rendered as |
//! | --- | --- |
//! | null of any type | `null` |
//! | boolean | `true`, `false` |
//! | integers | decimal digits |
//! | float, double | string of the IEEE 754 bits, big-endian, in hex; every NaN is the quiet one |
//! | decimal(p,s) | string with exactly s digits after the point, never `-0` |
//! | string | JSON string, escaped only where JSON asks for it |
//! | binary | string of lowercase hex |
//! | date | days since 1970-01-01 |
//! | timestamp, with or without time zone | microseconds since 1970-01-01T00:00:00, floored |
//! | struct | array of its fields' values |
//! | array | array of its elements |
//! | map | array of `[key,value]`, sorted by their bytes |

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Decimal128Array, Decimal256Array,
    Float32Array, Float64Array, Int64Array, ListArray, MapArray, StringArray, StructArray,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int64Type,
    TimeUnit, i256,
};
use arrow::error::ArrowError;

/// Renders the rows of one batch.
pub struct RowRenderer {
    columns: Vec<Column>,
}

impl RowRenderer {
    /// For rows made of these columns, all of the same length.
    ///
    /// # Errors
    /// If a column is of a type that has no rendering.
    pub fn new(columns: &[ArrayRef]) -> Result<Self, ArrowError> {
        Ok(Self {
            columns: columns.iter().map(Column::new).collect::<Result<_, _>>()?,
        })
    }

    /// Appends row `row` to `out`.
    pub fn render(&self, row: usize, out: &mut Vec<u8>) {
        sequence(self.columns.iter(), out, |column, out| {
            column.render(row, out);
        });
    }
}

/// A column, cast to the one array type that its rendering needs.
enum Column {
    Null,
    Boolean(BooleanArray),
    /// All that is rendered as digits.
    Integer(Int64Array),
    /// Nanoseconds, to be floored to microseconds.
    Nanoseconds(Int64Array),
    Float(Float32Array),
    Double(Float64Array),
    Decimal(Decimal128Array, usize),
    WideDecimal(Decimal256Array, usize),
    Text(StringArray),
    Binary(BinaryArray),
    Struct(StructArray, Vec<Column>),
    List(ListArray, Box<Column>),
    Map(MapArray, Box<Column>, Box<Column>),
}

impl Column {
    fn new(array: &ArrayRef) -> Result<Self, ArrowError> {
        let to = |to: &DataType| cast(array, to);
        Ok(match array.data_type() {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Boolean(array.as_boolean().clone()),
            DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32 => {
                Self::Integer(to(&DataType::Int64)?.as_primitive::<Int64Type>().clone())
            }
            DataType::Date32 => {
                let days = array.as_primitive::<Date32Type>();
                Self::Integer(days.unary(i64::from))
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                Self::Nanoseconds(to(&DataType::Int64)?.as_primitive::<Int64Type>().clone())
            }
            DataType::Timestamp(_, zone) => {
                let micros = to(&DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))?;
                let numbers = cast(&micros, &DataType::Int64)?;
                Self::Integer(numbers.as_primitive::<Int64Type>().clone())
            }
            DataType::Float32 => Self::Float(array.as_primitive::<Float32Type>().clone()),
            DataType::Float64 => Self::Double(array.as_primitive::<Float64Type>().clone()),
            DataType::Decimal128(_, scale) => Self::Decimal(
                array.as_primitive::<Decimal128Type>().clone(),
                digits(*scale)?,
            ),
            DataType::Decimal256(_, scale) => Self::WideDecimal(
                array.as_primitive::<Decimal256Type>().clone(),
                digits(*scale)?,
            ),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                Self::Text(to(&DataType::Utf8)?.as_string::<i32>().clone())
            }
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => {
                Self::Binary(to(&DataType::Binary)?.as_binary::<i32>().clone())
            }
            DataType::Struct(_) => {
                let array = array.as_struct();
                let fields = array
                    .columns()
                    .iter()
                    .map(Self::new)
                    .collect::<Result<_, _>>()?;
                Self::Struct(array.clone(), fields)
            }
            DataType::List(_) => {
                let array = array.as_list::<i32>();
                Self::List(array.clone(), Box::new(Self::new(array.values())?))
            }
            DataType::Map(..) => {
                let array = array.as_map();
                let keys = Box::new(Self::new(array.keys())?);
                Self::Map(array.clone(), keys, Box::new(Self::new(array.values())?))
            }
            DataType::Dictionary(_, values) => Self::new(&to(values)?)?,
            other => {
                return Err(ArrowError::NotYetImplemented(format!(
                    "values of type {other} have no canonical rendering"
                )));
            }
        })
    }

    fn render(&self, row: usize, out: &mut Vec<u8>) {
        if self.is_null(row) {
            return out.extend_from_slice(b"null");
        }
        match self {
            Self::Null => {}
            Self::Boolean(array) => out.extend(array.value(row).to_string().bytes()),
            Self::Integer(array) => out.extend(array.value(row).to_string().bytes()),
            Self::Nanoseconds(array) => {
                out.extend(array.value(row).div_euclid(1_000).to_string().bytes());
            }
            Self::Float(array) => {
                let value = array.value(row);
                let bits = if value.is_nan() {
                    0x7fc0_0000
                } else {
                    value.to_bits()
                };
                quoted(&format!("{bits:08x}"), out);
            }
            Self::Double(array) => {
                let value = array.value(row);
                let bits = if value.is_nan() {
                    0x7ff8_0000_0000_0000
                } else {
                    value.to_bits()
                };
                quoted(&format!("{bits:016x}"), out);
            }
            Self::Decimal(array, scale) => {
                let value = array.value(row);
                quoted(
                    &decimal(value < 0, &value.unsigned_abs().to_string(), *scale),
                    out,
                );
            }
            Self::WideDecimal(array, scale) => {
                let value = array.value(row);
                let text = value.to_string();
                let negative = value < i256::ZERO;
                quoted(
                    &decimal(negative, text.trim_start_matches('-'), *scale),
                    out,
                );
            }
            Self::Text(array) => json_string(array.value(row), out),
            Self::Binary(array) => quoted(&hex::encode(array.value(row)), out),
            Self::Struct(_, fields) => {
                sequence(fields.iter(), out, |field, out| field.render(row, out));
            }
            Self::List(array, elements) => {
                let offsets = array.value_offsets();
                let range = offsets[row] as usize..offsets[row + 1] as usize;
                sequence(range, out, |element, out| elements.render(element, out));
            }
            Self::Map(array, keys, values) => {
                let offsets = array.value_offsets();
                let mut entries: Vec<Vec<u8>> = (offsets[row] as usize..offsets[row + 1] as usize)
                    .map(|entry| {
                        let mut text = Vec::new();
                        sequence([keys, values], &mut text, |part, out| {
                            part.render(entry, out);
                        });
                        text
                    })
                    .collect();
                entries.sort_unstable();
                sequence(entries, out, |entry, out| out.extend(entry));
            }
        }
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Null => true,
            Self::Boolean(array) => array.is_null(row),
            Self::Integer(array) | Self::Nanoseconds(array) => array.is_null(row),
            Self::Float(array) => array.is_null(row),
            Self::Double(array) => array.is_null(row),
            Self::Decimal(array, _) => array.is_null(row),
            Self::WideDecimal(array, _) => array.is_null(row),
            Self::Text(array) => array.is_null(row),
            Self::Binary(array) => array.is_null(row),
            Self::Struct(array, _) => array.is_null(row),
            Self::List(array, _) => array.is_null(row),
            Self::Map(array, ..) => array.is_null(row),
        }
    }
}

/// `[item,item]`
fn sequence<T>(
    items: impl IntoIterator<Item = T>,
    out: &mut Vec<u8>,
    mut render: impl FnMut(T, &mut Vec<u8>),
) {
    out.push(b'[');
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        render(item, out);
    }
    out.push(b']');
}

/// For text that needs no escapes.
fn quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn json_string(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(&mut *out, text).expect("a string is written to memory");
}

fn digits(scale: i8) -> Result<usize, ArrowError> {
    usize::try_from(scale).map_err(|_| {
        ArrowError::NotYetImplemented("decimals of negative scale have no rendering".to_owned())
    })
}

/// Puts the point into `digits`, the value without sign and point.
fn decimal(negative: bool, digits: &str, scale: usize) -> String {
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if negative { "-" } else { "" };
    let point = if scale > 0 { "." } else { "" };
    format!("{sign}{whole}{point}{fraction}")
}

#[cfg(test)]
mod tests;
