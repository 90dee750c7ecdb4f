//! Deletion vectors: which rows of a data file are no longer in the table.
//!
//! Protocol: [Deletion Vectors](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#deletion-vectors),
//! [Deletion Vector Format](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#deletion-vector-format)

use roaring::{RoaringBitmap, RoaringTreemap};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Length of a UUID in the descriptor: 16 bytes in base 85.
const ENCODED_UUID: usize = 20;

/// Magic number of the portable format, a `RoaringBitmapArray`.
const PORTABLE: u32 = 1_681_511_377;
/// Magic number of the older, native format: 32-bit bitmaps in the order of their keys, each after its
/// length.
const NATIVE: u32 = 1_681_511_376;

/// Deletion vector descriptor: where the vector of a data file is stored.
///
/// Protocol: [Deletion Vector Descriptor Schema](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#deletion-vector-descriptor-schema)
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeletionVector {
    /// Storage type: `u` (file by UUID), `i` (inline) or `p` (file by path).
    pub storage_type: String,
    /// Path, UUID or the vector itself, depending on the storage type.
    pub path_or_inline_dv: String,
    /// Offset of the vector in its file, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<i64>,
    /// Size of the bitmap in bytes: without length and checksum, and before it is encoded in base 85.
    #[serde(default)]
    pub size_in_bytes: i64,
    /// Number of deleted rows.
    #[serde(default)]
    pub cardinality: i64,
}

/// A selection of a data file's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileRows {
    /// All that the file has.
    All,
    /// All but those that a vector deletes.
    NotIn(DeletionVector),
    /// Those that one vector deletes and the other, if there is one, does not.
    Between {
        /// Deletes the rows.
        deleted_by: DeletionVector,
        /// Does not.
        not_by: Option<DeletionVector>,
    },
}

impl FileRows {
    /// The rows that a file has left.
    pub fn remaining(vector: Option<&DeletionVector>) -> Self {
        vector.map_or(Self::All, |vector| Self::NotIn(vector.clone()))
    }

    /// The rows that `vector` deletes and `other` does not; `None` where there can't be any.
    pub(crate) fn between(
        vector: Option<&DeletionVector>,
        other: Option<&DeletionVector>,
    ) -> Option<Self> {
        let deleted_by = vector.filter(|_| vector != other)?.clone();
        let not_by = other.cloned();
        Some(Self::Between { deleted_by, not_by })
    }

    /// Number of selected rows of a file that stores `stored` rows; `None` if that is not known.
    pub(crate) fn count(&self, stored: Option<u64>) -> Option<u64> {
        match self {
            Self::All => stored,
            Self::NotIn(vector) => stored?.checked_sub(u64::try_from(vector.cardinality).ok()?),
            Self::Between { deleted_by, not_by } => match not_by {
                None => u64::try_from(deleted_by.cardinality).ok(),
                Some(_) => None,
            },
        }
    }
}

/// Where the bytes of a deletion vector are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In the log itself.
    Inline(Vec<u8>),
    /// In a file, whose path is spelt as those of data files are.
    File {
        /// Relative to the table, or absolute.
        path: String,
        /// The first byte of the vector's length.
        start: u64,
        /// One past the last byte of its checksum.
        end: u64,
    },
}

impl DeletionVector {
    /// Unique id of the vector among those of the same data file: storage type, place, offset.
    ///
    /// Protocol: [Derived Fields](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#derived-fields)
    pub fn unique_id(&self) -> String {
        let Self {
            storage_type,
            path_or_inline_dv,
            offset,
            ..
        } = self;
        match offset {
            Some(offset) => format!("{storage_type}{path_or_inline_dv}@{offset}"),
            None => format!("{storage_type}{path_or_inline_dv}"),
        }
    }

    /// # Errors
    /// [`Error::InvalidDeletionVector`] if the descriptor says nothing that can be read.
    pub fn location(&self) -> Result<Location> {
        match self.storage_type.as_str() {
            "i" => {
                let bytes = z85::decode(&self.path_or_inline_dv)
                    .map_err(|error| self.invalid(&format!("its base 85 is broken: {error}")))?;
                Ok(Location::Inline(bytes))
            }
            "u" => self.in_file(self.relative_path()?),
            "p" => self.in_file(self.path_or_inline_dv.clone()),
            other => Err(self.invalid(&format!("there is no storage type `{other}`"))),
        }
    }

    fn in_file(&self, path: String) -> Result<Location> {
        let range = || {
            let start = u64::try_from(self.offset.unwrap_or(0)).ok()?;
            let size = u64::try_from(self.size_in_bytes).ok()?;
            Some((start, start.checked_add(size)?.checked_add(8)?))
        };
        let (start, end) =
            range().ok_or_else(|| self.invalid("its offset or size is no such thing"))?;
        Ok(Location::File { path, start, end })
    }

    /// `ab^-aqEH.-t@S}K{vb[*k^` is `ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin`.
    fn relative_path(&self) -> Result<String> {
        let text = &self.path_or_inline_dv;
        let split = text.len().checked_sub(ENCODED_UUID);
        let (prefix, encoded) = split
            .and_then(|at| text.split_at_checked(at))
            .ok_or_else(|| self.invalid("its name is too short"))?;
        let bytes = z85::decode(encoded).map_err(|error| {
            self.invalid(&format!("the base 85 of its name is broken: {error}"))
        })?;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let uuid = [
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..],
        ]
        .join("-");
        let folder = if prefix.is_empty() {
            String::new()
        } else {
            format!("{prefix}/")
        };
        Ok(format!("{folder}deletion_vector_{uuid}.bin"))
    }

    /// The rows that `bytes` of `Location::File` name: length, bitmap, checksum.
    ///
    /// # Errors
    /// [`Error::InvalidDeletionVector`] where length, checksum, format or number of rows are others
    /// than they should be.
    pub fn decode_stored(&self, bytes: &[u8]) -> Result<RoaringTreemap> {
        let field = |at: usize| {
            let bytes = bytes.get(at..at.checked_add(4)?)?;
            Some(u32::from_be_bytes(bytes.try_into().ok()?))
        };
        let size = usize::try_from(self.size_in_bytes).unwrap_or(usize::MAX);
        let (Some(length), Some(checksum), Some(bitmap)) = (
            field(0),
            size.checked_add(4).and_then(field),
            size.checked_add(4).and_then(|end| bytes.get(4..end)),
        ) else {
            return Err(self.invalid("its file ends before it does"));
        };
        if length as usize != size {
            return Err(self.invalid(&format!(
                "the log says that it has {size} bytes, its file {length}"
            )));
        }
        if crc32fast::hash(bitmap) != checksum {
            return Err(self.invalid("its checksum does not fit"));
        }
        self.decode(bitmap)
    }

    /// The rows that a bitmap without length and checksum names: that of `Location::Inline`.
    ///
    /// # Errors
    /// As [`Self::decode_stored`].
    pub fn decode(&self, bitmap: &[u8]) -> Result<RoaringTreemap> {
        // Base 85 knows multiples of four bytes only.
        let size = usize::try_from(self.size_in_bytes).unwrap_or(usize::MAX);
        let bitmap = bitmap
            .get(..size)
            .ok_or_else(|| self.invalid("it is shorter than the log says"))?;
        let (magic, rest) = bitmap
            .split_first_chunk::<4>()
            .ok_or_else(|| self.invalid("it is empty"))?;
        let rows = match u32::from_le_bytes(*magic) {
            PORTABLE => RoaringTreemap::deserialize_from(rest).ok(),
            NATIVE => decode_native(rest),
            magic => return Err(self.invalid(&format!("its format is unknown ({magic})"))),
        };
        let rows = rows.ok_or_else(|| self.invalid("it is damaged"))?;
        if i64::try_from(rows.len()) != Ok(self.cardinality) {
            return Err(self.invalid(&format!(
                "the log says that it deletes {} rows, but it names {}",
                self.cardinality,
                rows.len()
            )));
        }
        Ok(rows)
    }

    fn invalid(&self, reason: &str) -> Error {
        Error::InvalidDeletionVector {
            vector: self.unique_id(),
            reason: reason.to_owned(),
        }
    }
}

fn decode_native(bytes: &[u8]) -> Option<RoaringTreemap> {
    let (count, mut rest) = bytes.split_first_chunk::<4>()?;
    let mut bitmaps = Vec::new();
    for key in 0..u32::from_le_bytes(*count) {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (bitmap, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        bitmaps.push((key, RoaringBitmap::deserialize_from(bitmap).ok()?));
        rest = after;
    }
    Some(RoaringTreemap::from_bitmaps(bitmaps))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inline(text: &str, size: i64, cardinality: i64) -> DeletionVector {
        DeletionVector {
            storage_type: "i".to_owned(),
            path_or_inline_dv: text.to_owned(),
            offset: None,
            size_in_bytes: size,
            cardinality,
        }
    }

    fn on_disk(path: &str, offset: Option<i64>, size: i64) -> DeletionVector {
        DeletionVector {
            storage_type: "u".to_owned(),
            path_or_inline_dv: path.to_owned(),
            offset,
            size_in_bytes: size,
            cardinality: 6,
        }
    }

    fn rows(vector: &DeletionVector) -> Result<Vec<u64>> {
        match vector.location()? {
            Location::Inline(bytes) => Ok(vector.decode(&bytes)?.iter().collect()),
            Location::File { .. } => panic!("not inline"),
        }
    }

    // The protocol's example, whose first bytes there are of a format that was never released: with
    // the portable format's magic number and number of bitmaps.
    const EXAMPLE: &str = "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L";

    #[test]
    fn inline_vector_of_the_protocol_names_its_rows() {
        let vector = inline(EXAMPLE, 44, 6);
        assert_eq!(rows(&vector).unwrap(), [3, 4, 7, 11, 18, 29]);
    }

    #[test]
    fn stored_vector_is_found_by_its_uuid_and_prefix() {
        let path = "ab^-aqEH.-t@S}K{vb[*k^";
        let file = "ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin";
        let expected = Location::File {
            path: file.to_owned(),
            start: 4,
            end: 52,
        };
        assert_eq!(on_disk(path, Some(4), 40).location().unwrap(), expected);
    }

    #[test]
    fn stored_vector_is_checked_before_it_is_believed() {
        let bitmap = z85::decode(EXAMPLE).unwrap();
        let mut stored = 44_u32.to_be_bytes().to_vec();
        stored.extend(&bitmap);
        stored.extend(crc32fast::hash(&bitmap).to_be_bytes());
        let vector = on_disk("^-aqEH.-t@S}K{vb[*k^", None, 44);
        assert_eq!(vector.decode_stored(&stored).unwrap().len(), 6);

        for at in [0, 5, 20, 49] {
            let mut damaged = stored.clone();
            damaged[at] ^= 1;
            assert!(vector.decode_stored(&damaged).is_err(), "byte {at}");
        }
        assert!(vector.decode_stored(&stored[..51]).is_err());
        let fewer = DeletionVector {
            cardinality: 5,
            ..vector
        };
        let error = fewer.decode_stored(&stored).unwrap_err();
        assert!(error.to_string().contains("deletes 5 rows"), "{error}");
    }

    #[test]
    fn native_format_is_read_too() {
        let mut bytes = NATIVE.to_le_bytes().to_vec();
        bytes.extend(2_u32.to_le_bytes());
        for low in [[1_u32, 5], [0, 9]] {
            let bitmap: RoaringBitmap = low.into_iter().collect();
            bytes.extend((bitmap.serialized_size() as u32).to_le_bytes());
            bitmap.serialize_into(&mut bytes).unwrap();
        }
        let size = bytes.len() as i64;
        let vector = inline("", size, 4);
        let rows: Vec<u64> = vector.decode(&bytes).unwrap().iter().collect();
        assert_eq!(rows, [1, 5, 1 << 32, (1 << 32) + 9]);
    }

    #[test]
    fn garbage_is_an_error_that_names_the_vector() {
        for text in ["", "x", "~~~~~", "00000", EXAMPLE] {
            let error = rows(&inline(text, 36, 6)).unwrap_err();
            assert!(matches!(error, Error::InvalidDeletionVector { .. }));
        }
        assert!(on_disk("short", None, 1).location().is_err());
        assert!(
            on_disk("^-aqEH.-t@S}K{vb[*k^", Some(-1), 40)
                .location()
                .is_err()
        );
    }
}
