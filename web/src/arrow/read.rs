//! Reading columns: buffers in the order of the fields, checked against what the column says of
//! itself, so that its values can be had without doubt.

use arrow_ipc::{DateUnit, Field, FieldNode, IntervalUnit, Precision, RecordBatch, Type};

use super::column::{Column, Data, Offsets, Width, view};
use super::frames::Bytes;

/// Reads a batch's columns: nodes and buffers lie in the order of the fields, depth first.
pub struct Columns<'a> {
    batch: RecordBatch<'a>,
    body: Bytes,
    node: usize,
    buffer: usize,
    variadic: usize,
}

impl<'a> Columns<'a> {
    pub fn new(batch: RecordBatch<'a>, body: Bytes) -> Self {
        Self {
            batch,
            body,
            node: 0,
            buffer: 0,
            variadic: 0,
        }
    }

    /// The next column, which is of `field`.
    pub fn read(&mut self, field: Field<'_>) -> Result<Column, String> {
        let name = field.name().unwrap_or_default().to_owned();
        let refuse = |what: &str| Err(format!("column {name} is {what}"));
        if field.dictionary().is_some() {
            return refuse("a dictionary");
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
            Type::Bool => Data::Bool(self.next_buffer(len.div_ceil(8))?),
            Type::Int => {
                let of = field.type_as_int().ok_or_else(too_small)?;
                let Some(width) = Width::of_bits(of.bitWidth()) else {
                    return refuse("too wide");
                };
                let bytes = self.next_values(len, width.bytes())?;
                Data::Int {
                    width,
                    signed: of.is_signed(),
                    bytes,
                }
            }
            Type::FloatingPoint => match field.type_as_floating_point().map(|of| of.precision()) {
                Some(Precision::SINGLE) => Data::Float32(self.next_values(len, 4)?),
                Some(Precision::DOUBLE) => Data::Float64(self.next_values(len, 8)?),
                _ => return refuse("a float of 16 bits"),
            },
            Type::Decimal => {
                let of = field.type_as_decimal().ok_or_else(too_small)?;
                let Some(width) = Width::of_bits(of.bitWidth()) else {
                    return refuse("a decimal of more than 38 digits");
                };
                let bytes = self.next_values(len, width.bytes())?;
                Data::Decimal {
                    scale: of.scale(),
                    width,
                    bytes,
                }
            }
            Type::Utf8 | Type::LargeUtf8 | Type::Binary | Type::LargeBinary => {
                let is_text = matches!(kind, Type::Utf8 | Type::LargeUtf8);
                let wide = matches!(kind, Type::LargeUtf8 | Type::LargeBinary);
                let offsets = self.next_offsets(wide, len)?;
                let bytes = self.next_buffer(0)?;
                offsets.check(len, bytes.len())?;
                Data::Variable {
                    offsets,
                    bytes,
                    is_text,
                }
            }
            Type::Utf8View | Type::BinaryView => {
                let views = self.next_values(len, 16)?;
                let counts = self.batch.variadicBufferCounts();
                let count = counts.filter(|counts| self.variadic < counts.len());
                let count = count.map_or(0, |counts| counts.get(self.variadic));
                self.variadic += 1;
                let buffers = (0..count)
                    .map(|_| self.next_buffer(0))
                    .collect::<Result<_, _>>()?;
                Data::View {
                    views,
                    buffers,
                    is_text: kind == Type::Utf8View,
                }
            }
            Type::FixedSizeBinary => {
                let size = field
                    .type_as_fixed_size_binary()
                    .map_or(0, |of| of.byteWidth());
                let size = usize::try_from(size).unwrap_or(0);
                Data::Fixed {
                    size,
                    bytes: self.next_values(len, size)?,
                }
            }
            Type::Date => {
                let millis = field
                    .type_as_date()
                    .is_some_and(|of| of.unit() == DateUnit::MILLISECOND);
                let bytes = self.next_values(len, if millis { 8 } else { 4 })?;
                Data::Date { millis, bytes }
            }
            Type::Time => {
                let of = field.type_as_time().ok_or_else(too_small)?;
                let Some(width) = Width::of_bits(of.bitWidth()) else {
                    return refuse("too wide");
                };
                let bytes = self.next_values(len, width.bytes())?;
                Data::Time {
                    unit: of.unit(),
                    width,
                    bytes,
                }
            }
            Type::Timestamp => {
                let of = field.type_as_timestamp().ok_or_else(too_small)?;
                let bytes = self.next_values(len, 8)?;
                Data::Timestamp {
                    unit: of.unit(),
                    zoned: of.timezone().is_some(),
                    bytes,
                }
            }
            Type::Duration => {
                let of = field.type_as_duration().ok_or_else(too_small)?;
                Data::Duration {
                    unit: of.unit(),
                    bytes: self.next_values(len, 8)?,
                }
            }
            Type::Interval => {
                let unit = field.type_as_interval().ok_or_else(too_small)?.unit();
                let size = match unit {
                    IntervalUnit::YEAR_MONTH => 4,
                    IntervalUnit::DAY_TIME => 8,
                    _ => 16,
                };
                Data::Interval {
                    unit,
                    bytes: self.next_values(len, size)?,
                }
            }
            Type::List | Type::LargeList | Type::FixedSizeList => {
                let offsets = match field.type_as_fixed_size_list() {
                    Some(of) => Offsets::Each(usize::try_from(of.listSize()).unwrap_or(0)),
                    None => self.next_offsets(kind == Type::LargeList, len)?,
                };
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
                Data::Struct(fields)
            }
            Type::Map => {
                let offsets = self.next_offsets(false, len)?;
                let entries = self.children(field)?.pop().ok_or("a map without entries")?;
                offsets.check(len, entries.len)?;
                let Data::Struct(mut fields) = entries.data else {
                    return refuse("no map");
                };
                let (Some(values), Some(keys)) = (fields.pop(), fields.pop()) else {
                    return refuse("a map without keys and values");
                };
                Data::Map {
                    offsets,
                    keys: Box::new(keys),
                    values: Box::new(values),
                }
            }
            other => return refuse(other.variant_name().unwrap_or("of an unknown type")),
        };
        let column = Column {
            name,
            len,
            validity,
            data,
        };
        column.check_text()?;
        Ok(column)
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

    fn next_offsets(&mut self, wide: bool, len: usize) -> Result<Offsets, String> {
        // A column without rows may come without its one offset.
        let count = if len == 0 { 0 } else { len + 1 };
        Ok(if wide {
            Offsets::Wide(self.next_values(count, 8)?)
        } else {
            Offsets::Narrow(self.next_values(count, 4)?)
        })
    }
}

impl Offsets {
    /// Whether they rise, and end within what they point into.
    fn check(&self, len: usize, within: usize) -> Result<(), String> {
        let mut rows = (0..len).map(|row| self.range(row));
        let sound = rows.all(|range| range.start <= range.end && range.end <= within);
        if sound { Ok(()) } else { Err(too_small()) }
    }
}

impl Column {
    /// Texts are UTF-8: a wrong one would be shown as an empty one.
    fn check_text(&self) -> Result<(), String> {
        let is_sound = |bytes: Option<&[u8]>| bytes.is_some_and(|b| std::str::from_utf8(b).is_ok());
        let sound = match &self.data {
            Data::Variable {
                offsets,
                bytes,
                is_text: true,
            } => (0..self.len).all(|row| is_sound(bytes.as_slice().get(offsets.range(row)))),
            Data::View {
                views,
                buffers,
                is_text: true,
            } => (0..self.len).all(|row| is_sound(view(views, buffers, row))),
            _ => true,
        };
        if sound {
            Ok(())
        } else {
            Err(format!(
                "column {} holds a text that is not UTF-8",
                self.name
            ))
        }
    }
}

fn too_small() -> String {
    "a column is smaller than it says".to_owned()
}
