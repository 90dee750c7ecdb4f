//! Deletion vectors, put into files or into the log.
//!
//! Protocol: [Deletion Vector Format](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#deletion-vector-format)

use std::sync::Arc;

use bytes::Bytes;
use delta_log::DeletionVector;
use object_store::ObjectStore;
use object_store::path::Path;
use roaring::RoaringTreemap;
use uuid::Uuid;

use crate::environment::Environment;
use crate::files::error::{FileError, Result};
use crate::files::layout::TableLayout;
use crate::files::names::random_prefix;
use crate::files::upload::Target;

/// Magic number of the portable format.
const PORTABLE: u32 = 1_681_511_377;

/// Version of the format of files.
const FILE_VERSION: u8 = 1;

/// Bytes at which a file gets no more vectors, as in Spark.
const FILE_SIZE: usize = 2 << 20;

/// Writes deletion vectors, the rows that each deletes of its data file, to files below `root`, the
/// table's folder in `store`; several to a file. Their descriptors come in the same order.
///
/// Requests: one PUT for each 2 MiB, about.
///
/// # Errors
/// [`FileError::Storage`]; [`FileError::OutOfRange`] for a row or a size that descriptors have no room
/// for.
///
/// Protocol: [Deletion Vector File Storage Format](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#deletion-vector-file-storage-format)
pub async fn write_deletion_vectors(
    layout: &TableLayout,
    store: Arc<dyn ObjectStore>,
    root: Path,
    environment: &dyn Environment,
    vectors: &[&RoaringTreemap],
) -> Result<Vec<DeletionVector>> {
    let target = Target { store, root };
    let mut descriptors = Vec::new();
    let mut file = VectorFile::new();
    for vector in vectors {
        file.add(vector)?;
        if file.bytes.len() >= FILE_SIZE {
            let full = std::mem::replace(&mut file, VectorFile::new());
            descriptors.extend(full.put(layout, &target, environment).await?);
        }
    }
    if !file.vectors.is_empty() {
        descriptors.extend(file.put(layout, &target, environment).await?);
    }
    Ok(descriptors)
}

/// A deletion vector that is stored in its descriptor. For small ones: the descriptor is read with the
/// log, by everyone who opens the table.
///
/// # Errors
/// [`FileError::OutOfRange`] for a row or a size that descriptors have no room for.
pub fn inline_deletion_vector(vector: &RoaringTreemap) -> Result<DeletionVector> {
    let mut bitmap = serialize(vector)?;
    let size_in_bytes = size(bitmap.len())?;
    // Base 85 knows multiples of four bytes only.
    bitmap.resize(bitmap.len().next_multiple_of(4), 0);
    Ok(DeletionVector {
        storage_type: "i".to_owned(),
        path_or_inline_dv: z85::encode(&bitmap),
        offset: None,
        size_in_bytes,
        cardinality: cardinality(vector)?,
    })
}

/// A file of vectors in the making.
struct VectorFile {
    bytes: Vec<u8>,
    vectors: Vec<StoredVector>,
}

struct StoredVector {
    offset: i64,
    size_in_bytes: i64,
    cardinality: i64,
}

impl VectorFile {
    fn new() -> Self {
        Self {
            bytes: vec![FILE_VERSION],
            vectors: Vec::new(),
        }
    }

    fn add(&mut self, vector: &RoaringTreemap) -> Result<()> {
        let bitmap = serialize(vector)?;
        let size_in_bytes = size(bitmap.len())?;
        self.vectors.push(StoredVector {
            offset: size(self.bytes.len())?,
            size_in_bytes,
            cardinality: cardinality(vector)?,
        });
        let length = u32::try_from(bitmap.len()).map_err(|_| too_large())?;
        self.bytes.extend(length.to_be_bytes());
        self.bytes.extend(&bitmap);
        self.bytes.extend(crc32fast::hash(&bitmap).to_be_bytes());
        Ok(())
    }

    async fn put(
        self,
        layout: &TableLayout,
        target: &Target,
        environment: &dyn Environment,
    ) -> Result<Vec<DeletionVector>> {
        let mut name = (String::new(), Uuid::nil());
        let key = || {
            let prefix = layout.random_vector_prefix;
            let prefix =
                prefix.map_or_else(String::new, |length| random_prefix(environment, length));
            name = (prefix, environment.uuid());
            let (prefix, uuid) = &name;
            let folder = if prefix.is_empty() { "" } else { "/" };
            format!("{prefix}{folder}deletion_vector_{uuid}.bin")
        };
        target.put_new(Bytes::from(self.bytes), key).await?;
        let (prefix, uuid) = name;
        let path = format!("{prefix}{}", z85::encode(uuid.as_bytes()));
        let descriptors = self.vectors.into_iter().map(|vector| DeletionVector {
            storage_type: "u".to_owned(),
            path_or_inline_dv: path.clone(),
            offset: Some(vector.offset),
            size_in_bytes: vector.size_in_bytes,
            cardinality: vector.cardinality,
        });
        Ok(descriptors.collect())
    }
}

/// Magic number and bitmap.
fn serialize(vector: &RoaringTreemap) -> Result<Vec<u8>> {
    // Java reads the upper halves of rows with their sign.
    if vector.max().is_some_and(|row| i64::try_from(row).is_err()) {
        return Err(FileError::OutOfRange("the number of a deleted row"));
    }
    let mut vector = vector.clone();
    vector.optimize();
    let mut bytes = PORTABLE.to_le_bytes().to_vec();
    vector
        .serialize_into(&mut bytes)
        .map_err(|error| FileError::Arrow(error.into()))?;
    Ok(bytes)
}

/// Offsets and sizes are 32-bit integers to readers.
fn size(bytes: usize) -> Result<i64> {
    i32::try_from(bytes).map(i64::from).map_err(|_| too_large())
}

fn cardinality(vector: &RoaringTreemap) -> Result<i64> {
    i64::try_from(vector.len()).map_err(|_| FileError::OutOfRange("the number of deleted rows"))
}

fn too_large() -> FileError {
    FileError::OutOfRange("the size of a deletion vector")
}
