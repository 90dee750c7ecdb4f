//! Whether a checkpoint, or a checksum, says of a version what the log says. Readers take a checkpoint
//! for the log: what it leaves out is gone, and what it adds is there.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array as _, UInt32Array};
use arrow::compute::take;
use async_trait::async_trait;
use bytes::Bytes;
use delta_log::{Metadata, Protocol, Snapshot, Table, TimeTravel};
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error as StoreError, GetOptions, GetResult, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result as StoreResult,
};
use serde::Deserialize;

/// Reads `bytes` as the one checkpoint of `of`'s version, and compares.
///
/// # Errors
/// How they differ; a clause. Also where the checkpoint can't be read.
pub(crate) async fn check_checkpoint(
    table: &Table,
    key: &Path,
    bytes: Bytes,
    of: &Arc<Snapshot>,
) -> Result<(), String> {
    let store = OneCheckpoint {
        checkpoint: InMemory::new(),
        sidecars: Arc::clone(&table.store),
    };
    let put = store.checkpoint.put(key, PutPayload::from(bytes)).await;
    put.map_err(|error| error.to_string())?;
    let alone = Table {
        store: Arc::new(store),
        ..table.clone()
    };
    let read = alone.snapshot(TimeTravel::Version(of.version())).await;
    let read = read.map_err(|error| error.to_string())?;
    let of = Arc::clone(of);
    let compared = tokio::task::spawn_blocking(move || compare(&read, &of)).await;
    compared.map_err(|error| error.to_string())?
}

fn compare(read: &Snapshot, of: &Snapshot) -> Result<(), String> {
    if read.protocol() != of.protocol() || !is_same_metadata(read.metadata(), of.metadata()) {
        return Err("its protocol or metadata is another than the log's".to_owned());
    }
    let (found, expected) = (by_path(read), by_path(of));
    let (files, other) = (read.files(), of.files());
    let is_same = found.len() == expected.len()
        && found.iter().zip(&expected).all(|(i, k)| {
            let (i, k) = (*i as usize, *k as usize);
            files.raw_path(i) == other.raw_path(k)
                && files.size(i) == other.size(k)
                && files.deletion_vector(i) == other.deletion_vector(k)
                && files.num_records(i) == other.num_records(k)
        });
    if !is_same {
        return Err("its files are others than the log's".to_owned());
    }
    let (found, expected) = (UInt32Array::from(found), UInt32Array::from(expected));
    for column in of.partition_columns() {
        let values = |snapshot: &Snapshot, order: &UInt32Array| {
            let values = snapshot.files().partition_values(column);
            let values = values.map_err(|error| error.to_string())?;
            take(&values, order, None).map_err(|error| error.to_string())
        };
        if values(read, &found)?.to_data() != values(of, &expected)?.to_data() {
            return Err(format!("its values of {column} are others than the log's"));
        }
    }
    Ok(())
}

/// Whether two mean the same to readers of rows.
fn is_same_metadata(a: &Metadata, b: &Metadata) -> bool {
    a.id == b.id
        && a.schema_string == b.schema_string
        && a.partition_columns == b.partition_columns
        && a.configuration == b.configuration
        && a.format.provider == b.format.provider
}

/// The positions of a version's files, in the order of their paths.
fn by_path(snapshot: &Snapshot) -> Vec<u32> {
    let files = snapshot.files();
    let mut order: Vec<u32> = (0..u32::try_from(files.len()).unwrap_or(u32::MAX)).collect();
    order.sort_unstable_by_key(|i| files.raw_path(*i as usize));
    order
}

/// Compares a checksum with its version.
///
/// # Errors
/// How they differ; a clause.
///
/// Protocol: [Version Checksum File](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#version-checksum-file)
pub(crate) fn check_checksum(bytes: &[u8], of: &Snapshot) -> Result<(), String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Checksum {
        table_size_bytes: u64,
        num_files: u64,
        metadata: Option<Metadata>,
        protocol: Option<Protocol>,
    }
    let checksum: Checksum = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let is_same = checksum.num_files == of.files().len() as u64
        && checksum.table_size_bytes == of.files().size_in_bytes()
        && checksum
            .metadata
            .is_none_or(|metadata| metadata == *of.metadata())
        && checksum
            .protocol
            .is_none_or(|protocol| protocol == *of.protocol());
    match is_same {
        true => Ok(()),
        false => Err("it says something else than the log".to_owned()),
    }
}

/// A store in which a log has nothing but one checkpoint, and its sidecars.
#[derive(Debug)]
struct OneCheckpoint {
    checkpoint: InMemory,
    sidecars: Arc<dyn ObjectStore>,
}

impl fmt::Display for OneCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneCheckpoint")
    }
}

impl OneCheckpoint {
    fn of(&self, at: &Path) -> &dyn ObjectStore {
        match at.as_ref().contains("/_delta_log/_sidecars/") {
            true => self.sidecars.as_ref(),
            false => &self.checkpoint,
        }
    }

    fn refused(&self) -> StoreError {
        StoreError::NotImplemented {
            operation: "a write".to_owned(),
            implementer: self.to_string(),
        }
    }
}

#[async_trait]
impl ObjectStore for OneCheckpoint {
    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> StoreResult<PutResult> {
        Err(self.refused())
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> StoreResult<Box<dyn MultipartUpload>> {
        Err(self.refused())
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> StoreResult<GetResult> {
        self.of(at).get_opts(at, options).await
    }

    async fn get_ranges(&self, at: &Path, ranges: &[Range<u64>]) -> StoreResult<Vec<Bytes>> {
        self.of(at).get_ranges(at, ranges).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, StoreResult<Path>>,
    ) -> BoxStream<'static, StoreResult<Path>> {
        use futures::StreamExt as _;
        drop(paths);
        let refused = self.refused();
        futures::stream::once(async { Err(refused) }).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.checkpoint.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> StoreResult<ListResult> {
        self.checkpoint.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> StoreResult<()> {
        Err(self.refused())
    }
}
