//! Reading columns: buffers in the order of the fields, checked against what the column says of
//! itself, so that its values can be had without doubt.

use arrow_ipc::{DateUnit, Field, FieldNode, IntervalUnit, Precision, RecordBatch, TimeUnit, Type};

use super::column::{Children, Column, Data, Offsets, Width};
use super::frames::Bytes;

/// Reads a batch's columns: nodes and buffers lie in the order of the fields, depth first.
pub struct Columns<'a> {
    batch: RecordBatch<'a>,
    body: Bytes,
    node: usize,
    buffer: usize,
}

impl<'a> Columns<'a> {
    pub fn new(batch: RecordBatch<'a>, body: Bytes) -> Self {
        Self {
            batch,
            body,
            node: 0,
            buffer: 0,
        }
    }

    /// The next column, which is of `field`.
    pub fn read(&mut self, field: Field<'_>) -> Result<Column, String> {
        let name = field.name().unwrap_or_default().to_owned();
        let refusal = |what: &str| format!("column {name} is {what}");
        if field.dictionary().is_some() {
            return Err(refusal("a dictionary"));
        }
        let node = self.next_node()?;
        // As many rows as a list's offsets can count; sizes below don't overflow then.
        let len = i32::try_from(node.length()).map_err(|error| error.to_string())?;
        let len = usize::try_from(len).map_err(|error| error.to_string())?;
        let kind = field.type_type();
        let validity = match kind {
            Type::Null => None,
            _ => {
                let bits = self.next_buffer(0)?;
                if node.null_count() > 0 && bits.len() < len.div_ceil(8) {
                    return Err(too_small());
                }
                (node.null_count() > 0).then_some(bits)
            }
        };
        let data = match kind {
            Type::Null => Data::Null,
            Type::Bool => Data::Boolean(self.next_buffer(len.div_ceil(8))?),
            Type::Int => {
                let of = field.type_as_int().ok_or_else(too_small)?;
                let width = Width::of_bits(of.bitWidth()).filter(|_| of.is_signed());
                let width = width.ok_or_else(|| refusal("an integer without a sign"))?;
                let bytes = self.next_values(len, width.bytes())?;
                Data::Int { width, bytes }
            }
            Type::FloatingPoint => match field.type_as_floating_point().map(|of| of.precision()) {
                Some(Precision::SINGLE) => Data::Float32(self.next_values(len, 4)?),
                Some(Precision::DOUBLE) => Data::Float64(self.next_values(len, 8)?),
                _ => return Err(refusal("a float of 16 bits")),
            },
            Type::Decimal => {
                let of = field.type_as_decimal().ok_or_else(too_small)?;
                if of.bitWidth() != 128 {
                    return Err(refusal("a decimal that is not of 128 bits"));
                }
                let scale = i8::try_from(of.scale());
                Data::Decimal {
                    scale: scale.map_err(|_| refusal("a decimal of too many digits"))?,
                    bytes: self.next_values(len, 16)?,
                }
            }
            Type::Utf8 => {
                let (offsets, bytes) = self.next_variable(len)?;
                check_utf8(&name, len, &offsets, &bytes)?;
                Data::Utf8 { offsets, bytes }
            }
            Type::Binary => {
                let (offsets, bytes) = self.next_variable(len)?;
                Data::Binary { offsets, bytes }
            }
            Type::Date => match field.type_as_date().map(|of| of.unit()) {
                Some(DateUnit::DAY) => Data::Date(self.next_values(len, 4)?),
                _ => return Err(refusal("a date in milliseconds")),
            },
            Type::Time => match field.type_as_time().map(|of| of.unit()) {
                Some(TimeUnit::NANOSECOND) => Data::Time(self.next_values(len, 8)?),
                _ => return Err(refusal("a time that is not in nanoseconds")),
            },
            Type::Timestamp => {
                let of = field.type_as_timestamp().ok_or_else(too_small)?;
                if of.unit() != TimeUnit::MICROSECOND {
                    return Err(refusal("a timestamp that is not in microseconds"));
                }
                let zone = of.timezone();
                if zone.is_some_and(|zone| zone != "UTC") {
                    return Err(refusal("a timestamp of another zone than UTC"));
                }
                Data::Timestamp {
                    is_instant: zone.is_some(),
                    bytes: self.next_values(len, 8)?,
                }
            }
            Type::Duration => match field.type_as_duration().map(|of| of.unit()) {
                Some(TimeUnit::MICROSECOND) => Data::Duration(self.next_values(len, 8)?),
                _ => return Err(refusal("a duration that is not in microseconds")),
            },
            Type::Interval => {
                let unit = field.type_as_interval().ok_or_else(too_small)?.unit();
                let size = match unit {
                    IntervalUnit::YEAR_MONTH => 4,
                    IntervalUnit::DAY_TIME => 8,
                    IntervalUnit::MONTH_DAY_NANO => 16,
                    _ => return Err(refusal("an interval of an unknown unit")),
                };
                Data::Interval {
                    unit,
                    bytes: self.next_values(len, size)?,
                }
            }
            Type::List => {
                let offsets = self.next_offsets(len)?;
                let mut items = self.children(field)?;
                let items = Box::new(items.pop().ok_or("a list without items")?);
                offsets.check(len, items.len)?;
                Data::List { offsets, items }
            }
            Type::Struct_ => {
                let fields = self.children(field)?;
                if fields.iter().any(|field| field.len < len) {
                    return Err(too_small());
                }
                Data::Struct(Children(fields))
            }
            Type::Map => {
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
                let name = other.variant_name().unwrap_or("unknown");
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

    fn children(&mut self, field: Field<'_>) -> Result<Vec<Column>, String> {
        field
            .children()
            .into_iter()
            .flatten()
            .map(|child| self.read(child))
            .collect()
    }

    fn next_node(&mut self) -> Result<FieldNode, String> {
        let nodes = self.batch.nodes().filter(|nodes| self.node < nodes.len());
        let node = *nodes.ok_or_else(too_small)?.get(self.node);
        self.node += 1;
        Ok(node)
    }

    /// The next buffer, of at least `count` values of `size` bytes.
    fn next_values(&mut self, count: usize, size: usize) -> Result<Bytes, String> {
        self.next_buffer(count.saturating_mul(size))
    }

    /// The next buffer, of at least `size` bytes.
    fn next_buffer(&mut self, size: usize) -> Result<Bytes, String> {
        let buffers = self
            .batch
            .buffers()
            .filter(|buffers| self.buffer < buffers.len());
        let buffer = *buffers.ok_or_else(too_small)?.get(self.buffer);
        self.buffer += 1;
        let offset = usize::try_from(buffer.offset()).map_err(|error| error.to_string())?;
        let length = usize::try_from(buffer.length()).map_err(|error| error.to_string())?;
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

fn too_small() -> String {
    "a column is smaller than it says".to_owned()
}
