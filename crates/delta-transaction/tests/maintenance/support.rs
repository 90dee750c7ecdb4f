//! Tables in memory, whose files are as old as a test wants them.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::Array;
use async_trait::async_trait;
use bytes::Bytes;
use delta_log::{FileActions, Snapshot, Table, TimeTravel};
use delta_transaction::Environment;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use serde_json::{Value, json};
use uuid::Uuid;

pub const DAY: i64 = 86_400_000;

/// A midnight.
pub const NOW: i64 = 20_000 * DAY;

/// A clock that stands still, and ids one after the other.
#[derive(Debug)]
pub struct StillLife {
    pub now: i64,
    ids: AtomicU64,
}

impl StillLife {
    pub fn at(now: i64) -> Self {
        Self::with_ids(now, 1)
    }

    /// The first id is given.
    pub fn with_ids(now: i64, first: u64) -> Self {
        let ids = AtomicU64::new(first);
        Self { now, ids }
    }
}

impl Environment for StillLife {
    fn now(&self) -> i64 {
        self.now
    }

    fn uuid(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.ids.fetch_add(1, Ordering::Relaxed)))
    }
}

/// A store in memory that dates files as it is told to, and refuses to delete on cue.
#[derive(Debug, Default)]
pub struct DatedStore {
    pub inner: InMemory,
    times: Mutex<HashMap<String, i64>>,
    pub refuses_deletes: AtomicBool,
}

impl fmt::Display for DatedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatedStore")
    }
}

impl DatedStore {
    /// Sets a file's modification time.
    pub fn date(&self, name: &str, milliseconds: i64) {
        self.times
            .lock()
            .unwrap()
            .insert(name.to_owned(), milliseconds);
    }
}

#[async_trait]
impl ObjectStore for DatedStore {
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
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        if self.refuses_deletes.load(Ordering::Relaxed) {
            let refuse = |path: Result<Path>| {
                Err(Error::PermissionDenied {
                    path: path?.to_string(),
                    source: "nothing is deleted here".into(),
                })
            };
            return locations.map(refuse).boxed();
        }
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let times = self.times.lock().unwrap().clone();
        let date = move |mut meta: ObjectMeta| {
            let name = meta.location.filename().unwrap_or_default();
            let time = times.get(name).copied().unwrap_or(NOW);
            meta.last_modified = chrono::DateTime::from_timestamp_millis(time).unwrap();
            meta
        };
        self.inner.list(prefix).map_ok(date).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

pub struct TestTable {
    pub store: Arc<DatedStore>,
    pub table: Table,
}

impl TestTable {
    pub fn new() -> Self {
        let store = Arc::new(DatedStore::default());
        let table = Table::new(store.clone(), Path::from("t"), "s3a://bucket/t", true);
        Self { store, table }
    }

    pub async fn put(&self, name: &str, content: impl Into<Bytes>) {
        let content = PutPayload::from(content.into());
        self.store.put(&log_file(name), content).await.unwrap();
    }

    pub async fn get(&self, name: &str) -> Option<Bytes> {
        let file = self.store.get(&log_file(name)).await.ok()?;
        Some(file.bytes().await.unwrap())
    }

    pub async fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.get(name).await.unwrap()).unwrap()
    }

    pub async fn delete(&self, name: &str) {
        self.store.inner.delete(&log_file(name)).await.unwrap();
    }

    pub async fn commit(&self, version: u64, actions: &[Value]) {
        let lines: Vec<String> = actions.iter().map(Value::to_string).collect();
        self.put(&commit_name(version), lines.join("\n")).await;
    }

    pub async fn snapshot(&self) -> Snapshot {
        let snapshot = self.table.snapshot(TimeTravel::Latest).await.unwrap();
        Arc::into_inner(snapshot).unwrap()
    }

    pub async fn at(&self, version: u64) -> Snapshot {
        let snapshot = self.table.snapshot(TimeTravel::Version(version)).await;
        Arc::into_inner(snapshot.unwrap()).unwrap()
    }

    /// The names of the files in the log, of those in its folders with the folder's.
    pub async fn names(&self) -> Vec<String> {
        let files = self.store.list(Some(&Path::from("t/_delta_log")));
        let files: Vec<ObjectMeta> = files.try_collect().await.unwrap();
        let names = files.iter().map(|file| {
            let name = file
                .location
                .as_ref()
                .strip_prefix("t/_delta_log/")
                .unwrap();
            name.to_owned()
        });
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// Deletes all commits.
    pub async fn delete_commits(&self) {
        for name in self.names().await {
            if name.len() == 25 && name.ends_with(".json") {
                self.delete(&name).await;
            }
        }
    }
}

fn log_file(name: &str) -> Path {
    Path::from(format!("t/_delta_log/{name}"))
}

pub fn commit_name(version: u64) -> String {
    format!("{version:020}.json")
}

pub fn checkpoint_name(version: u64) -> String {
    format!("{version:020}.checkpoint.parquet")
}

pub fn protocol() -> Value {
    json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}})
}

pub fn metadata(configuration: Value) -> Value {
    let column = |name: &str, data_type: &str| json!({"name": name, "type": data_type, "nullable": true, "metadata": {}});
    let fields = [
        column("day", "date"),
        column("id", "long"),
        column("text", "string"),
        column("time", "timestamp"),
        column("price", "decimal(10,2)"),
    ];
    let schema = json!({"type": "struct", "fields": fields}).to_string();
    json!({"metaData": {
        "id": "test", "format": {"provider": "parquet", "options": {"k": "v"}},
        "schemaString": schema, "partitionColumns": ["day"], "configuration": configuration,
        "createdTime": 1,
    }})
}

/// An `add` with everything that one can have.
pub fn add(path: &str, vector: Option<&Value>, n: i64) -> Value {
    let bounds = |n: i64| json!({"id": n, "text": format!("t{n}"), "time": "2024-05-06T07:08:09.123Z", "price": 1.5});
    let stats = json!({
        "numRecords": n + 10, "minValues": bounds(n), "maxValues": bounds(n + 5),
        "nullCount": {"id": 0, "text": n, "time": 0, "price": 1}, "tightBounds": n % 2 == 0,
    });
    let day = (n % 3 != 0).then(|| format!("2024-01-0{}", n % 9 + 1));
    let mut add = json!({
        "path": path, "partitionValues": {"day": day}, "size": 100 + n, "modificationTime": n,
        "dataChange": n % 2 == 0, "stats": stats.to_string(), "tags": {"k": null, "n": n.to_string()},
        "baseRowId": n * 10, "defaultRowCommitVersion": n, "clusteringProvider": "liquid",
    });
    if let Some(vector) = vector {
        add["deletionVector"] = vector.clone();
    }
    json!({ "add": add })
}

pub fn vector(n: u64) -> Value {
    json!({
        "storageType": "u", "pathOrInlineDv": format!("ab^-aqEH.-t@S}}K{{vb[*k^{n}"), "offset": n,
        "sizeInBytes": 40, "cardinality": 2, "maxRowIndex": 9,
    })
}

/// What a reader sees of each file.
pub type Seen = BTreeMap<String, Vec<String>>;

/// Everything that a reader sees of a version, but for the order of files; bounds and counts with
/// `statistics`.
pub fn seen(snapshot: &Snapshot, statistics: bool) -> Seen {
    let files = snapshot.files();
    let mut columns: Vec<(String, Vec<String>)> = Vec::new();
    let mut push = |name: String, array: Option<arrow::array::ArrayRef>| {
        let values = (0..files.len()).map(|i| match &array {
            Some(array) => format!("{:?}", array.slice(i, 1)),
            None => "none".to_owned(),
        });
        columns.push((name, values.collect()));
    };
    for field in snapshot.schema().fields() {
        let name = &field.name;
        if snapshot.partition_columns().contains(name) {
            push(
                format!("partition {name}"),
                files.partition_values(name).ok(),
            );
        } else if statistics {
            push(format!("min {name}"), files.min_values(name).unwrap());
            push(format!("max {name}"), files.max_values(name).unwrap());
            let nulls = files.null_counts(name);
            push(
                format!("nulls {name}"),
                nulls.map(|counts| Arc::new(counts) as _),
            );
        }
    }
    (0..files.len())
        .map(|i| {
            let vector = files.deletion_vector(i);
            let mut values = vec![
                format!("size {}", files.size(i)),
                format!("modified {}", files.modification_time(i)),
                format!("vector {vector:?}"),
                format!("records {:?}", files.num_records(i)),
            ];
            values.extend(
                columns
                    .iter()
                    .map(|(name, values)| format!("{name} {}", values[i])),
            );
            let vector = vector.map(|vector| vector.unique_id());
            (format!("{} {vector:?}", files.raw_path(i)), values)
        })
        .collect()
}

/// The file actions of a version as JSON without nulls, `add` and `remove`, in order.
pub async fn file_actions(table: &Table, version: u64) -> (Vec<Value>, Vec<Value>) {
    let actions = table.reconcile(version).await.unwrap();
    let batches: Vec<FileActions> = actions.file_actions().try_collect().await.unwrap();
    let mut all = (Vec::new(), Vec::new());
    for batch in batches {
        all.0.extend(rows(batch.adds));
        all.1.extend(rows(batch.removes));
    }
    all.0.sort_by_key(Value::to_string);
    all.1.sort_by_key(Value::to_string);
    all
}

fn rows(actions: arrow::array::StructArray) -> Vec<Value> {
    if actions.is_empty() {
        return Vec::new();
    }
    // Typed columns are compared as a reader sees them.
    let (fields, columns, nulls) = actions.into_parts();
    let texts = fields.iter().cloned().zip(columns);
    let texts = texts.filter(|(field, _)| !field.name().ends_with("_parsed"));
    let (fields, columns): (Vec<_>, Vec<_>) = texts.unzip();
    let actions = arrow::array::StructArray::new(fields.into(), columns, nulls);
    let mut writer = arrow::json::LineDelimitedWriter::new(Vec::new());
    writer.write(&actions.into()).unwrap();
    writer.finish().unwrap();
    let lines = String::from_utf8(writer.into_inner()).unwrap();
    lines
        .lines()
        .map(|line| sorted(&serde_json::from_str(line).unwrap()))
        .collect()
}

/// The same JSON with sorted keys and without nulls.
pub fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> = fields
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), sorted(value)))
                .collect();
            fields.into_iter().collect::<serde_json::Map<_, _>>().into()
        }
        other => other.clone(),
    }
}
