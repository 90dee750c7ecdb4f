//! Schema evolution: the table as if the new columns were there already.
//!
//! delta-rs has schema evolution of its own, but in a MERGE it fills a new column from the source
//! whatever the clauses say, also in rows that no clause changes. So a commit that evolves the schema
//! runs on a snapshot that has the new columns (all null so far), and takes the new schema along:
//! still one commit. The snapshot comes from the table's own log, read through a store that shows
//! the latest commit with the new `metaData` action in it.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use async_trait::async_trait;
use bytes::Bytes;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::{EagerSnapshot, StructType};
use deltalake::logstore::LogStore as _;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use messages::Error;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use serde_json::{Value, json};

use super::table::Table;
use super::{Context, Failure};

/// The table with the columns of `schema`, and the body of the `metaData` action that makes it so.
/// `schema` holds the table's columns in their order, structs maybe wider, and new columns after.
pub(super) async fn evolve(
    context: &Context,
    table: Table,
    schema: &Schema,
) -> std::result::Result<(Table, Option<Value>), Failure> {
    if *schema == *table.schema {
        return Ok((table, None));
    }
    let mut metadata = table.before(false)?.metadata.unwrap_or_else(|| json!({}));
    let struct_type: StructType = schema
        .try_into_kernel()
        .map_err(|e| Error::new("DELTA_WRITE_FAILED", format!("The new schema: {e}")))?;
    let new = serde_json::to_value(&struct_type)
        .map_err(|e| Error::new("INTERNAL_ERROR", e.to_string()))?;
    let old: Value = serde_json::from_str(metadata["schemaString"].as_str().unwrap_or_default())
        .map_err(|e| Error::new("DELTA_WRITE_FAILED", format!("The table's schema: {e}")))?;
    let evolved = merged_schema(&old, new);
    if evolved == old {
        return Ok((table, None));
    }
    check_types(context, &table, schema)?;
    metadata["schemaString"] = json!(evolved.to_string());

    let version = table.version();
    let commit = context.log.read_commit_entry(version).await?.ok_or_else(|| {
        Error::new(
            "DELTA_WRITE_FAILED",
            format!("The commit file of version {version} is gone, so the schema can't evolve along with this write."),
        )
        .with_hint("Add the columns first: ALTER TABLE … ADD COLUMNS (…).")
    })?;
    let snapshot = preview(context, version, &commit, &metadata).await?;
    Ok((table.with_snapshot(snapshot)?, Some(metadata)))
}

/// `new`, with every field that did not change as the log has it: comments and other metadata of
/// columns do not survive the way through Arrow.
fn merged_schema(old: &Value, mut new: Value) -> Value {
    if let Some(fields) = new["fields"].as_array_mut() {
        for field in fields {
            let known = old["fields"]
                .as_array()
                .into_iter()
                .flatten()
                .find(|known| known["name"] == field["name"]);
            let Some(known) = known else { continue };
            let new_type = field["type"].take();
            field.clone_from(known);
            field["type"] = match (&known["type"], new_type) {
                (old, new) if old["type"] == "struct" && new["type"] == "struct" => {
                    merged_schema(old, new)
                }
                (old, _) => old.clone(),
            };
        }
    }
    new
}

/// A type that needs a newer protocol than the table has comes by ALTER TABLE alone.
fn check_types(
    context: &Context,
    table: &Table,
    schema: &Schema,
) -> std::result::Result<(), Error> {
    fn has_ntz(data_type: &DataType) -> bool {
        match data_type {
            DataType::Timestamp(_, None) => true,
            DataType::List(item) | DataType::Map(item, _) => has_ntz(item.data_type()),
            DataType::Struct(fields) => fields.iter().any(|field| has_ntz(field.data_type())),
            _ => false,
        }
    }
    let supported = table
        .snapshot
        .protocol()
        .writer_features()
        .is_some_and(|features| features.iter().any(|f| f.to_string() == "timestampNtz"));
    if supported
        || !schema
            .fields()
            .iter()
            .any(|field| has_ntz(field.data_type()))
    {
        return Ok(());
    }
    Err(Error::new(
        "DELTA_FEATURES_REQUIRE_MANUAL_ENABLEMENT",
        format!("A new column is a timestamp without time zone, for which {} would need the table feature timestampNtz.", context.location),
    )
    .with_hint("Cast it to TIMESTAMP, or add the column first: ALTER TABLE … ADD COLUMNS (… TIMESTAMP_NTZ)."))
}

/// The table's latest version with other metadata.
async fn preview(
    context: &Context,
    version: u64,
    commit: &Bytes,
    metadata: &Value,
) -> std::result::Result<EagerSnapshot, Failure> {
    let mut lines: Vec<&[u8]> = commit
        .split(|byte| *byte == b'\n')
        .filter(|line| {
            !serde_json::from_slice::<Value>(line).is_ok_and(|a| a.get("metaData").is_some())
        })
        .collect();
    let action = json!({ "metaData": metadata }).to_string();
    lines.push(action.as_bytes());
    let bytes = Bytes::from(lines.join(&b'\n'));

    let log_store = context
        .bucket
        .log_store_over(&context.location, |root, table| {
            let log = table.clone().join("_delta_log");
            let path = log.clone().join(format!("{version:020}.json"));
            Arc::new(Preview {
                root,
                log,
                version,
                path,
                bytes,
            })
        })?;
    Ok(EagerSnapshot::try_new(log_store.as_ref(), Some(version)).await?)
}

/// A read-only store that shows one commit file with other content, and hides what would replace
/// reading it.
#[derive(Debug, Clone)]
struct Preview {
    root: Arc<dyn ObjectStore>,
    log: Path,
    version: u64,
    path: Path,
    bytes: Bytes,
}

impl Preview {
    /// Checkpoints and checksums of the version hold the old metadata, compacted commits may.
    fn is_hidden(&self, location: &Path) -> bool {
        let Some(mut parts) = location.prefix_match(&self.log) else {
            return false;
        };
        let Some(name) = parts.next() else {
            return false;
        };
        let name = name.as_ref();
        let of_version = name.strip_prefix(&format!("{:020}.", self.version));
        name == "_last_checkpoint"
            || name.ends_with(".compacted.json")
            || of_version.is_some_and(|rest| rest != "json")
    }

    fn shown(&self, mut meta: ObjectMeta) -> Option<ObjectMeta> {
        if self.is_hidden(&meta.location) {
            return None;
        }
        if meta.location == self.path {
            meta.size = self.bytes.len() as u64;
        }
        Some(meta)
    }

    fn filter(
        &self,
        listing: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let this = self.clone();
        listing
            .try_filter_map(move |meta| futures::future::ready(Ok(this.shown(meta))))
            .boxed()
    }
}

fn read_only() -> object_store::Error {
    object_store::Error::NotSupported {
        source: "a preview of a table is read-only".into(),
    }
}

impl std::fmt::Display for Preview {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} with other metadata in {}", self.root, self.path)
    }
}

#[async_trait]
impl ObjectStore for Preview {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if *location == self.path {
            let memory = InMemory::new();
            memory
                .put(location, PutPayload::from_bytes(self.bytes.clone()))
                .await?;
            return memory.get_opts(location, options).await;
        }
        if self.is_hidden(location) {
            return Err(object_store::Error::NotFound {
                path: location.to_string(),
                source: "hidden by a preview".into(),
            });
        }
        self.root.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        if *location == self.path {
            let range = |range: &Range<u64>| -> Option<Bytes> {
                let start = usize::try_from(range.start).ok()?.min(self.bytes.len());
                let end = usize::try_from(range.end)
                    .ok()?
                    .clamp(start, self.bytes.len());
                Some(self.bytes.slice(start..end))
            };
            return Ok(ranges.iter().filter_map(range).collect());
        }
        self.root.get_ranges(location, ranges).await
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.filter(self.root.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.filter(self.root.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut listing = self.root.list_with_delimiter(prefix).await?;
        listing.objects = listing
            .objects
            .into_iter()
            .filter_map(|m| self.shown(m))
            .collect();
        Ok(listing)
    }

    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(read_only())
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(read_only())
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        locations.map(|_| Err(read_only())).boxed()
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(read_only())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_stay_keep_their_metadata_and_structs_widen() {
        let column = |name: &str, data_type: Value, comment: Option<&str>| {
            let metadata = comment.map_or_else(|| json!({}), |c| json!({ "comment": c }));
            json!({"name": name, "type": data_type, "nullable": true, "metadata": metadata})
        };
        let structure = |fields: Vec<Value>| json!({"type": "struct", "fields": fields});
        let old = structure(vec![
            column("a", json!("long"), Some("first")),
            column(
                "s",
                structure(vec![column("x", json!("long"), Some("inner"))]),
                Some("nested"),
            ),
        ]);
        let new = structure(vec![
            column("a", json!("long"), None),
            column(
                "s",
                structure(vec![
                    column("x", json!("long"), None),
                    column("y", json!("string"), None),
                ]),
                None,
            ),
            column("b", json!("string"), None),
        ]);
        let expected = structure(vec![
            column("a", json!("long"), Some("first")),
            column(
                "s",
                structure(vec![
                    column("x", json!("long"), Some("inner")),
                    column("y", json!("string"), None),
                ]),
                Some("nested"),
            ),
            column("b", json!("string"), None),
        ]);
        assert_eq!(merged_schema(&old, new), expected);
    }
}
