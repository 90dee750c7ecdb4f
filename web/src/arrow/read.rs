//! Reading columns: buffers in the order of the fields, checked against what the column says of
//! itself, so that its values can be had without doubt.

use super::column::{Children, Column, Data, IntervalUnit, Offsets, Width};
use super::frames::Bytes;
use super::metadata::{Table, field, record_batch, types};

/// Types may be nested this deep.
const DEPTH: usize = 64;

/// Reads a batch's columns: nodes and buffers lie in the order of the fields, depth first.
pub struct Columns<'a> {
    nodes: Pairs<'a>,
    buffers: Pairs<'a>,
    body: Bytes,
    depth: usize,
}

/// Structs of two numbers of 64 bits: lengths and counts of NULLs, or offsets and lengths.
type Pairs<'a> = std::slice::Chunks<'a, u8>;

impl<'a> Columns<'a> {
    pub fn new(batch: Table<'a>, body: Bytes) -> Result<Self, String> {
        Ok(Self {
            nodes: batch.items(record_batch::NODES, 16)?.chunks(16),
            buffers: batch.items(record_batch::BUFFERS, 16)?.chunks(16),
            body,
            depth: 0,
        })
    }

    /// The next column, which is of `field`.
    pub fn read(&mut self, field: Table<'_>) -> Result<Column, String> {
        let name = field.text(field::NAME)?.to_owned();
        let refusal = |what: &str| format!("column {name} is {what}");
        if field.table(field::DICTIONARY)?.is_some() {
            return Err(refusal("a dictionary"));
        }
        let (length, null_count) = next_pair(&mut self.nodes)?;
        // As many rows as a list's offsets can count; sizes below don't overflow then.
        let len = i32::try_from(length).map_err(|error| error.to_string())?;
        let len = usize::try_from(len).map_err(|error| error.to_string())?;
        let kind = field.u8(field::TYPE_TYPE)?;
        let of = field.table(field::TYPE)?.ok_or_else(too_small)?;
        let validity = match kind {
            types::NULL => None,
            _ => {
                let bits = self.next_buffer(0)?;
                if null_count > 0 && bits.len() < len.div_ceil(8) {
                    return Err(too_small());
                }
                (null_count > 0).then_some(bits)
            }
        };
        let data = match kind {
            types::NULL => Data::Null,
            types::BOOL => Data::Boolean(self.next_buffer(len.div_ceil(8))?),
            types::INT => {
                let is_signed = of.u8(types::INT_IS_SIGNED)? != 0;
                let width = Width::of_bits(of.i32(types::INT_BIT_WIDTH, 0)?);
                let width = width.filter(|_| is_signed);
                let width = width.ok_or_else(|| refusal("an integer without a sign"))?;
                let bytes = self.next_values(len, width.bytes())?;
                Data::Int { width, bytes }
            }
            types::FLOATING_POINT => match of.i16(types::FLOATING_POINT_PRECISION, 0)? {
                types::SINGLE => Data::Float32(self.next_values(len, 4)?),
                types::DOUBLE => Data::Float64(self.next_values(len, 8)?),
                _ => return Err(refusal("a float of 16 bits")),
            },
            types::DECIMAL => {
                if of.i32(types::DECIMAL_BIT_WIDTH, 128)? != 128 {
                    return Err(refusal("a decimal that is not of 128 bits"));
                }
                let scale = i8::try_from(of.i32(types::DECIMAL_SCALE, 0)?);
                Data::Decimal {
                    scale: scale.map_err(|_| refusal("a decimal of too many digits"))?,
                    bytes: self.next_values(len, 16)?,
                }
            }
            types::UTF8 => {
                let (offsets, bytes) = self.next_variable(len)?;
                check_utf8(&name, len, &offsets, &bytes)?;
                Data::Utf8 { offsets, bytes }
            }
            types::BINARY => {
                let (offsets, bytes) = self.next_variable(len)?;
                Data::Binary { offsets, bytes }
            }
            types::DATE => match of.i16(types::UNIT, types::DATE_DEFAULT)? {
                types::DAY => Data::Date(self.next_values(len, 4)?),
                _ => return Err(refusal("a date in milliseconds")),
            },
            types::TIME => match of.i16(types::UNIT, types::MILLISECOND)? {
                types::NANOSECOND => Data::Time(self.next_values(len, 8)?),
                _ => return Err(refusal("a time that is not in nanoseconds")),
            },
            types::TIMESTAMP => {
                if of.i16(types::UNIT, types::SECOND)? != types::MICROSECOND {
                    return Err(refusal("a timestamp that is not in microseconds"));
                }
                let zone = of.text(types::TIMESTAMP_ZONE)?;
                if !matches!(zone, "" | "UTC") {
                    return Err(refusal("a timestamp of another zone than UTC"));
                }
                Data::Timestamp {
                    is_instant: !zone.is_empty(),
                    bytes: self.next_values(len, 8)?,
                }
            }
            types::DURATION => match of.i16(types::UNIT, types::MILLISECOND)? {
                types::MICROSECOND => Data::Duration(self.next_values(len, 8)?),
                _ => return Err(refusal("a duration that is not in microseconds")),
            },
            types::INTERVAL => {
                let (unit, size) = match of.i16(types::UNIT, types::YEAR_MONTH)? {
                    types::YEAR_MONTH => (IntervalUnit::YearMonth, 4),
                    types::DAY_TIME => (IntervalUnit::DayTime, 8),
                    types::MONTH_DAY_NANO => (IntervalUnit::MonthDayNano, 16),
                    _ => return Err(refusal("an interval of an unknown unit")),
                };
                Data::Interval {
                    unit,
                    bytes: self.next_values(len, size)?,
                }
            }
            types::LIST => {
                let offsets = self.next_offsets(len)?;
                let mut items = self.children(field)?;
                let items = Box::new(items.pop().ok_or("a list without items")?);
                offsets.check(len, items.len)?;
                Data::List { offsets, items }
            }
            types::STRUCT => {
                let fields = self.children(field)?;
                if fields.iter().any(|field| field.len < len) {
                    return Err(too_small());
                }
                Data::Struct(Children(fields))
            }
            types::MAP => {
                let offsets = self.next_offsets(len)?;
                let entries = self.children(field)?.pop().ok_or("a map without entries")?;
                offsets.check(len, entries.len)?;
                let Data::Struct(Children(mut fields)) = entries.data else {
                    return Err(refusal("no map"));
                };
                let (Some(values), Some(keys)) = (fields.pop(), fields.pop()) else {
                    return Err(refusal("a map without keys and values"));
                };
                Data::Map {
                    offsets,
                    keys: Box::new(keys),
                    values: Box::new(values),
                }
            }
            other => {
                let name = types::NAMES.get(usize::from(other)).unwrap_or(&"unknown");
                return Err(refusal(&format!("of type {name}")));
            }
        };
        Ok(Column {
            name,
            len,
            validity,
            data,
        })
    }

    fn children(&mut self, field: Table<'_>) -> Result<Vec<Column>, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err("types are nested too deep".to_owned());
        }
        let fields = field.tables(field::CHILDREN)?;
        let children = fields.map(|child| self.read(child?)).collect();
        self.depth -= 1;
        children
    }

    /// The next buffer, of at least `count` values of `size` bytes.
    fn next_values(&mut self, count: usize, size: usize) -> Result<Bytes, String> {
        self.next_buffer(count.saturating_mul(size))
    }

    /// The next buffer, of at least `size` bytes.
    fn next_buffer(&mut self, size: usize) -> Result<Bytes, String> {
        let (offset, length) = next_pair(&mut self.buffers)?;
        let offset = usize::try_from(offset).map_err(|error| error.to_string())?;
        let length = usize::try_from(length).map_err(|error| error.to_string())?;
        let bytes = self
            .body
            .part(offset, length)
            .filter(|bytes| bytes.len() >= size);
        bytes.ok_or_else(too_small)
    }

    fn next_offsets(&mut self, len: usize) -> Result<Offsets, String> {
        // A column without rows may come without its one offset.
        let count = if len == 0 { 0 } else { len + 1 };
        Ok(Offsets(self.next_values(count, 4)?))
    }

    /// Values of different lengths: their offsets, and the bytes that these point into.
    fn next_variable(&mut self, len: usize) -> Result<(Offsets, Bytes), String> {
        let offsets = self.next_offsets(len)?;
        let bytes = self.next_buffer(0)?;
        offsets.check(len, bytes.len())?;
        Ok((offsets, bytes))
    }
}

impl Offsets {
    /// Checks that they rise, and end within what they point into.
    fn check(&self, len: usize, within: usize) -> Result<(), String> {
        let mut rows = (0..len).map(|row| self.range(row));
        let sound = rows.all(|range| range.start <= range.end && range.end <= within);
        if sound { Ok(()) } else { Err(too_small()) }
    }
}

/// Texts are UTF-8: a wrong one would be shown as an empty one.
fn check_utf8(name: &str, len: usize, offsets: &Offsets, bytes: &Bytes) -> Result<(), String> {
    let text = |row| bytes.as_slice().get(offsets.range(row));
    let is_sound = |row| text(row).is_some_and(|text| std::str::from_utf8(text).is_ok());
    if (0..len).all(is_sound) {
        Ok(())
    } else {
        Err(format!("column {name} holds a text that is not UTF-8"))
    }
}

fn next_pair(pairs: &mut Pairs<'_>) -> Result<(i64, i64), String> {
    let pair = pairs
        .next()
        .and_then(|pair| pair.as_chunks().0.first_chunk());
    let [first, second] = pair.ok_or_else(too_small)?;
    Ok((i64::from_le_bytes(*first), i64::from_le_bytes(*second)))
}

fn too_small() -> String {
    "a column is smaller than it says".to_owned()
}
