//! Tables in memory, in a store that watches what is asked of it and fails on cue.
#![allow(dead_code)] // Each test uses its part.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Fields, Schema};
use async_trait::async_trait;
use bytes::Bytes;
use delta_log::Table;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};
use serde_json::{Value, json};

/// What goes wrong with a file.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// The request fails.
    Fails,
    /// It is listed, and gone when it is asked for.
    Missing,
    /// The response ends this many bytes early.
    CutShort(usize),
}

#[derive(Debug, Default)]
struct Watch {
    requests: Vec<String>,
    /// Requests that had to be over before the last one could start, plus one.
    depth: usize,
    finished_depth: usize,
}

/// An in-memory store that takes down each request.
#[derive(Debug, Default)]
pub struct WatchedStore {
    inner: InMemory,
    watch: Mutex<Watch>,
    faults: Mutex<HashMap<String, Fault>>,
    times: Mutex<HashMap<String, i64>>,
}

impl fmt::Display for WatchedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WatchedStore")
    }
}

impl WatchedStore {
    /// Requests since the last call, `GET 00000000000000000001.json`, and how many of them had to
    /// wait for another.
    pub fn take_requests(&self) -> (Vec<String>, usize) {
        let mut watch = self.watch.lock().unwrap();
        let watch = std::mem::take(&mut *watch);
        (watch.requests, watch.depth)
    }

    pub fn set_fault(&self, name: &str, fault: Fault) {
        self.faults.lock().unwrap().insert(name.to_owned(), fault);
    }

    /// Sets a file's modification time.
    pub fn set_time(&self, name: &str, milliseconds: i64) {
        self.times
            .lock()
            .unwrap()
            .insert(name.to_owned(), milliseconds);
    }

    fn start(&self, request: String) -> usize {
        let mut watch = self.watch.lock().unwrap();
        watch.requests.push(request);
        let depth = watch.finished_depth + 1;
        watch.depth = watch.depth.max(depth);
        depth
    }

    /// Lets whatever else is concurrent start first.
    async fn finish(&self, depth: usize) {
        tokio::task::yield_now().await;
        let mut watch = self.watch.lock().unwrap();
        watch.finished_depth = watch.finished_depth.max(depth);
    }

    fn dated(&self, mut meta: ObjectMeta) -> ObjectMeta {
        let name = meta.location.filename().unwrap_or_default();
        if let Some(time) = self.times.lock().unwrap().get(name) {
            meta.last_modified = chrono::DateTime::from_timestamp_millis(*time).unwrap();
        }
        meta
    }

    fn fault(&self, location: &Path) -> Option<Fault> {
        self.faults
            .lock()
            .unwrap()
            .get(location.filename().unwrap_or_default())
            .copied()
    }
}

#[async_trait]
impl ObjectStore for WatchedStore {
    async fn put_opts(&self, to: &Path, payload: PutPayload, o: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(to, payload, o).await
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(to, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let verb = if options.head { "HEAD" } else { "GET" };
        let depth = self.start(format!(
            "{verb} {}",
            location.filename().unwrap_or_default()
        ));
        self.finish(depth).await;
        let fault = self.fault(location);
        if matches!(fault, Some(Fault::Fails)) {
            return Err(Error::Generic {
                store: "watched",
                source: "it failed".into(),
            });
        }
        if matches!(fault, Some(Fault::Missing)) {
            return Err(Error::NotFound {
                path: location.to_string(),
                source: "it is gone".into(),
            });
        }
        let mut result = self.inner.get_opts(location, options).await?;
        result.meta = self.dated(result.meta);
        if let Some(Fault::CutShort(bytes)) = fault {
            let (meta, range, attributes) = (
                result.meta.clone(),
                result.range.clone(),
                result.attributes.clone(),
            );
            let whole = result.bytes().await?;
            let cut = whole.slice(..whole.len().saturating_sub(bytes));
            let payload = GetResultPayload::Stream(stream::once(async { Ok(cut) }).boxed());
            return Ok(GetResult {
                payload,
                meta,
                range,
                attributes,
            });
        }
        Ok(result)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let name = location.filename().unwrap_or_default();
        let depth = self.start(format!("GET {name} in {} ranges", ranges.len()));
        self.finish(depth).await;
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let depth = self.start("LIST".to_owned());
        self.watch.lock().unwrap().finished_depth = depth;
        let objects = futures::executor::block_on(self.inner.list(prefix).try_collect::<Vec<_>>());
        let objects = objects
            .unwrap_or_default()
            .into_iter()
            .map(|meta| Ok(self.dated(meta)));
        stream::iter(objects.collect::<Vec<_>>()).boxed()
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let offset = offset.clone();
        let after = move |meta: &ObjectMeta| futures::future::ready(meta.location > offset);
        self.list(prefix).try_filter(after).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// A table that a test writes.
pub struct TestTable {
    pub store: Arc<WatchedStore>,
    pub table: Table,
}

impl TestTable {
    pub fn new() -> Self {
        let store = Arc::new(WatchedStore::default());
        let table = Table::new(store.clone(), Path::from("t"), "s3a://bucket/t", true);
        Self { store, table }
    }

    pub fn without_listing(&self) -> Table {
        Table {
            can_list: false,
            ..self.table.clone()
        }
    }

    pub async fn put(&self, name: &str, content: impl Into<Bytes>) {
        let path = Path::from(format!("t/_delta_log/{name}"));
        self.store
            .put(&path, PutPayload::from(content.into()))
            .await
            .unwrap();
    }

    pub async fn delete(&self, name: &str) {
        self.store
            .delete(&Path::from(format!("t/_delta_log/{name}")))
            .await
            .unwrap();
    }

    pub async fn commit(&self, version: u64, actions: &[Value]) {
        let lines: Vec<String> = actions.iter().map(Value::to_string).collect();
        self.put(&commit_name(version), lines.join("\n")).await;
        self.store
            .set_time(&commit_name(version), commit_time(version));
    }

    pub async fn checkpoint(&self, version: u64, actions: &[Value]) {
        self.put(
            &format!("{version:020}.checkpoint.parquet"),
            parquet(actions),
        )
        .await;
    }

    pub async fn compaction(&self, first: u64, last: u64, actions: &[Value]) {
        let lines: Vec<String> = actions.iter().map(Value::to_string).collect();
        self.put(&compaction_name(first, last), lines.join("\n"))
            .await;
    }

    pub async fn hint(&self, version: u64) {
        self.put(
            "_last_checkpoint",
            json!({ "version": version, "size": 1 }).to_string(),
        )
        .await;
    }

    /// Versions 0 to `last`; each adds a file of its own number, `f3`, with ten rows.
    pub async fn appends(&self, last: u64) {
        for version in 0..=last {
            let mut actions = vec![add(&format!("f{version}"))];
            if version == 0 {
                actions.splice(0..0, [protocol(), metadata()]);
            }
            self.commit(version, &actions).await;
        }
    }

    /// A checkpoint of what [`Self::appends`] writes.
    pub async fn checkpoint_of_appends(&self, version: u64) {
        let mut actions = vec![protocol(), metadata()];
        actions.extend((0..=version).map(|version| add(&format!("f{version}"))));
        self.checkpoint(version, &actions).await;
    }

    pub fn requests(&self) -> (Vec<String>, usize) {
        self.store.take_requests()
    }
}

pub fn commit_name(version: u64) -> String {
    format!("{version:020}.json")
}

pub fn compaction_name(first: u64, last: u64) -> String {
    format!("{first:020}.{last:020}.compacted.json")
}

/// Commits are a minute apart.
pub fn commit_time(version: u64) -> i64 {
    1_700_000_000_000 + version as i64 * 60_000
}

pub fn protocol() -> Value {
    json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}})
}

pub fn metadata() -> Value {
    metadata_with(&[("id", "long")], json!({}))
}

pub fn metadata_with(columns: &[(&str, &str)], configuration: Value) -> Value {
    let fields: Vec<Value> = columns
        .iter()
        .map(|(name, data_type)| {
            json!({"name": name, "type": data_type, "nullable": true, "metadata": {}})
        })
        .collect();
    let schema = json!({"type": "struct", "fields": fields}).to_string();
    json!({"metaData": {
        "id": "test", "format": {"provider": "parquet", "options": {}}, "schemaString": schema,
        "partitionColumns": [], "configuration": configuration, "createdTime": 1,
    }})
}

pub fn add(path: &str) -> Value {
    json!({"add": {
        "path": path, "partitionValues": {}, "size": 100, "modificationTime": 1,
        "dataChange": true, "stats": "{\"numRecords\":10}",
    }})
}

pub fn remove(path: &str) -> Value {
    json!({"remove": {"path": path, "deletionTimestamp": 1, "dataChange": true}})
}

/// The last path segments of the active files, in order.
pub fn names(snapshot: &delta_log::Snapshot) -> Vec<String> {
    let files = snapshot.files();
    let mut names: Vec<String> = (0..files.len())
        .map(|i| files.path(i).unwrap().filename().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// A checkpoint file of these actions.
pub fn parquet(actions: &[Value]) -> Vec<u8> {
    let schema = Arc::new(checkpoint_schema());
    let lines: Vec<String> = actions.iter().map(Value::to_string).collect();
    let mut batches = arrow::json::ReaderBuilder::new(schema.clone())
        .with_batch_size(actions.len())
        .build(std::io::Cursor::new(lines.join("\n")))
        .unwrap();
    let batch: RecordBatch = batches.next().unwrap().unwrap();
    let mut file = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut file, schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    file
}

fn checkpoint_schema() -> Schema {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let long = |name: &str| Field::new(name, DataType::Int64, true);
    let int = |name: &str| Field::new(name, DataType::Int32, true);
    let texts = |name: &str| {
        let element = Arc::new(Field::new("element", DataType::Utf8, true));
        Field::new(name, DataType::List(element), true)
    };
    let map = |name: &str| {
        let entries = Fields::from(vec![
            Field::new("key", DataType::Utf8, false),
            text("value"),
        ]);
        let entries = Field::new("key_value", DataType::Struct(entries), false);
        Field::new(name, DataType::Map(Arc::new(entries), false), true)
    };
    let group =
        |name: &str, fields: Vec<Field>| Field::new(name, DataType::Struct(fields.into()), true);
    Schema::new(vec![
        group(
            "protocol",
            vec![
                int("minReaderVersion"),
                int("minWriterVersion"),
                texts("readerFeatures"),
                texts("writerFeatures"),
            ],
        ),
        group(
            "metaData",
            vec![
                text("id"),
                group("format", vec![text("provider")]),
                text("schemaString"),
                texts("partitionColumns"),
                map("configuration"),
                long("createdTime"),
            ],
        ),
        group(
            "add",
            vec![
                text("path"),
                map("partitionValues"),
                long("size"),
                long("modificationTime"),
                text("stats"),
                group(
                    "deletionVector",
                    vec![
                        text("storageType"),
                        text("pathOrInlineDv"),
                        int("offset"),
                        int("sizeInBytes"),
                        long("cardinality"),
                    ],
                ),
                group(
                    "partitionValues_parsed",
                    vec![Field::new("day", DataType::Date32, true)],
                ),
                group(
                    "stats_parsed",
                    vec![
                        long("numRecords"),
                        group("minValues", vec![long("id")]),
                        group("maxValues", vec![long("id")]),
                        group("nullCount", vec![long("id")]),
                    ],
                ),
            ],
        ),
        group("sidecar", vec![text("path"), long("sizeInBytes")]),
    ])
}
