//! The metadata of messages: FlatBuffers, as far as results need them.
//!
//! Format: [FlatBuffers' internals](https://flatbuffers.dev/internals/), with the tables of Arrow's
//! [Message.fbs](https://github.com/apache/arrow/blob/main/format/Message.fbs) and
//! [Schema.fbs](https://github.com/apache/arrow/blob/main/format/Schema.fbs).
//!
//! Each access is checked, so that bytes need not be verified first: the verifier of `arrow-ipc` knows
//! all of Arrow's tables, and is larger than the rest of this reader.

/// A table: fields by their number in the schema, each of which may be missing.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Table<'a> {
    /// The table that the bytes begin with.
    pub fn root(bytes: &'a [u8]) -> Result<Self, String> {
        Self { bytes, at: 0 }.behind(0)
    }

    /// Position of a field's value.
    fn field(&self, number: usize) -> Result<Option<usize>, String> {
        let back = i32::from_le_bytes(self.read(self.at)?);
        let vtable = i64::try_from(self.at).map_err(damaged)? - i64::from(back);
        let vtable = usize::try_from(vtable).map_err(damaged)?;
        let length = u16::from_le_bytes(self.read(vtable)?);
        let entry = 4 + 2 * number;
        if usize::from(length) < entry + 2 {
            return Ok(None);
        }
        let offset = u16::from_le_bytes(self.read(vtable + entry)?);
        Ok((offset > 0).then_some(self.at + usize::from(offset)))
    }

    fn scalar<const N: usize>(&self, number: usize) -> Result<Option<[u8; N]>, String> {
        let at = self.field(number)?;
        at.map(|at| self.read(at)).transpose()
    }

    pub fn u8(&self, number: usize) -> Result<u8, String> {
        Ok(self.scalar::<1>(number)?.map_or(0, |[byte]| byte))
    }

    pub fn i16(&self, number: usize, default: i16) -> Result<i16, String> {
        let bytes = self.scalar(number)?;
        Ok(bytes.map_or(default, i16::from_le_bytes))
    }

    pub fn i32(&self, number: usize, default: i32) -> Result<i32, String> {
        let bytes = self.scalar(number)?;
        Ok(bytes.map_or(default, i32::from_le_bytes))
    }

    pub fn i64(&self, number: usize) -> Result<i64, String> {
        Ok(self.scalar(number)?.map_or(0, i64::from_le_bytes))
    }

    pub fn table(&self, number: usize) -> Result<Option<Self>, String> {
        let at = self.field(number)?;
        at.map(|at| self.behind(at)).transpose()
    }

    /// The table that the offset at `at` points to.
    fn behind(&self, at: usize) -> Result<Self, String> {
        let offset = u32::from_le_bytes(self.read(at)?);
        let at = at.checked_add(offset as usize).ok_or_else(cut_short)?;
        Ok(Self { at, ..*self })
    }

    /// Position of a vector's first item, and the number of its items.
    fn vector(&self, number: usize) -> Result<Option<(usize, usize)>, String> {
        let Some(at) = self.field(number)? else {
            return Ok(None);
        };
        let Self { at, .. } = self.behind(at)?;
        let length = u32::from_le_bytes(self.read(at)?);
        Ok(Some((at + 4, length as usize)))
    }

    /// Bytes of a vector whose items have `size` bytes each; none where it is missing.
    pub fn items(&self, number: usize, size: usize) -> Result<&'a [u8], String> {
        let Some((start, length)) = self.vector(number)? else {
            return Ok(&[]);
        };
        let end = length
            .checked_mul(size)
            .and_then(|size| start.checked_add(size));
        let bytes = end.and_then(|end| self.bytes.get(start..end));
        bytes.ok_or_else(cut_short)
    }

    pub fn text(&self, number: usize) -> Result<&'a str, String> {
        std::str::from_utf8(self.items(number, 1)?).map_err(damaged)
    }

    /// The tables of a vector; none where it is missing.
    pub fn tables(
        &self,
        number: usize,
    ) -> Result<impl Iterator<Item = Result<Self, String>> + use<'a>, String> {
        let (start, length) = self.vector(number)?.unwrap_or_default();
        let table = *self;
        Ok((0..length).map(move |index| table.behind(start + 4 * index)))
    }

    fn read<const N: usize>(&self, at: usize) -> Result<[u8; N], String> {
        let bytes = self.bytes.get(at..).and_then(<[u8]>::first_chunk);
        bytes.copied().ok_or_else(cut_short)
    }
}

fn cut_short() -> String {
    "their metadata is cut short".to_owned()
}

fn damaged<E: std::fmt::Display>(error: E) -> String {
    format!("their metadata is damaged: {error}")
}

/// Numbers of the fields of the tables, and the values of its enums.
pub mod message {
    pub const HEADER_TYPE: usize = 1;
    pub const HEADER: usize = 2;
    pub const BODY_LENGTH: usize = 3;

    pub const SCHEMA: u8 = 1;
    pub const RECORD_BATCH: u8 = 3;
    /// By their number.
    pub const HEADER_TYPES: [&str; 6] = [
        "NONE",
        "Schema",
        "DictionaryBatch",
        "RecordBatch",
        "Tensor",
        "SparseTensor",
    ];
}

pub mod schema {
    pub const FIELDS: usize = 1;
}

pub mod record_batch {
    pub const LENGTH: usize = 0;
    pub const NODES: usize = 1;
    pub const BUFFERS: usize = 2;
    pub const COMPRESSION: usize = 3;
}

pub mod field {
    pub const NAME: usize = 0;
    pub const TYPE_TYPE: usize = 2;
    pub const TYPE: usize = 3;
    pub const DICTIONARY: usize = 4;
    pub const CHILDREN: usize = 5;
}

/// The types' numbers, and below them the fields of their tables.
pub mod types {
    pub const NULL: u8 = 1;
    pub const INT: u8 = 2;
    pub const FLOATING_POINT: u8 = 3;
    pub const BINARY: u8 = 4;
    pub const UTF8: u8 = 5;
    pub const BOOL: u8 = 6;
    pub const DECIMAL: u8 = 7;
    pub const DATE: u8 = 8;
    pub const TIME: u8 = 9;
    pub const TIMESTAMP: u8 = 10;
    pub const INTERVAL: u8 = 11;
    pub const LIST: u8 = 12;
    pub const STRUCT: u8 = 13;
    pub const MAP: u8 = 17;
    pub const DURATION: u8 = 18;
    /// By their number.
    pub const NAMES: [&str; 27] = [
        "NONE",
        "Null",
        "Int",
        "FloatingPoint",
        "Binary",
        "Utf8",
        "Bool",
        "Decimal",
        "Date",
        "Time",
        "Timestamp",
        "Interval",
        "List",
        "Struct",
        "Union",
        "FixedSizeBinary",
        "FixedSizeList",
        "Map",
        "Duration",
        "LargeBinary",
        "LargeUtf8",
        "LargeList",
        "RunEndEncoded",
        "BinaryView",
        "Utf8View",
        "ListView",
        "LargeListView",
    ];

    pub const INT_BIT_WIDTH: usize = 0;
    pub const INT_IS_SIGNED: usize = 1;

    pub const FLOATING_POINT_PRECISION: usize = 0;
    pub const SINGLE: i16 = 1;
    pub const DOUBLE: i16 = 2;

    pub const DECIMAL_SCALE: usize = 1;
    pub const DECIMAL_BIT_WIDTH: usize = 2;

    /// Of `Date`, `Time`, `Timestamp`, `Interval` and `Duration`.
    pub const UNIT: usize = 0;
    pub const TIMESTAMP_ZONE: usize = 1;

    /// `DateUnit`.
    pub const DAY: i16 = 0;
    pub const DATE_DEFAULT: i16 = 1;
    /// `TimeUnit`.
    pub const SECOND: i16 = 0;
    pub const MILLISECOND: i16 = 1;
    pub const MICROSECOND: i16 = 2;
    pub const NANOSECOND: i16 = 3;
    /// `IntervalUnit`.
    pub const YEAR_MONTH: i16 = 0;
    pub const DAY_TIME: i16 = 1;
    pub const MONTH_DAY_NANO: i16 = 2;
}
