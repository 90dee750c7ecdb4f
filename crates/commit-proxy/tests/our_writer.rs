//! Our writer through the proxy, over a local folder: what it computes passes every check, under names
//! that no URL likes, and writers that race share the versions.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use bytes::Bytes;
use commit_proxy::{Limits, Proxy, ProxyOptions, StoreConfig, app};
use delta_log::actions::Add;
use delta_log::schema::{DataType, StructField, StructType};
use delta_log::{Format, Metadata, Protocol, Table, TimeTravel};
use delta_transaction::{
    DataFile, DataFileWriter, Environment, FileWriterOptions, Operation, TableLayout, Transaction,
};
use futures::stream::BoxStream;
use http_guard::Callers;
use messages::connection::Connection;
use messages::proxy::{COMMITS, OBJECTS, object_url};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

/// A clock that goes on by itself, and ids that nobody has.
#[derive(Debug, Default)]
struct Clock(AtomicU64);

impl Environment for Clock {
    fn now(&self) -> i64 {
        let ticks = self.0.fetch_add(1, Ordering::Relaxed);
        1_700_000_000_000 + i64::try_from(ticks).unwrap()
    }

    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
    }
}

/// Reads from the folder, and writes through the proxy.
#[derive(Debug)]
struct ThroughProxy {
    folder: LocalFileSystem,
    app: Router,
}

impl fmt::Display for ThroughProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ThroughProxy")
    }
}

fn failed(why: String) -> Error {
    Error::Generic {
        store: "ThroughProxy",
        source: why.into(),
    }
}

#[async_trait]
impl ObjectStore for ThroughProxy {
    async fn put_opts(&self, at: &Path, payload: PutPayload, _: PutOptions) -> Result<PutResult> {
        let bytes: Vec<u8> = payload.iter().flatten().copied().collect();
        let version = at.filename().and_then(|name| name.strip_suffix(".json"));
        let version = version.filter(|_| at.as_ref().contains("/_delta_log/"));
        let (method, url) = match version {
            Some(version) => {
                let version: u64 = version.parse().unwrap();
                let first = bytes.split(|byte| *byte == b'\n').next().unwrap();
                let info: Value = serde_json::from_slice(first).unwrap();
                let txn = info["commitInfo"]["txnId"].as_str().unwrap();
                let (table, _) = at.as_ref().split_once("/_delta_log/").unwrap();
                let url = object_url(COMMITS, "raw", table);
                (Method::POST, format!("{url}?version={version}&txnId={txn}"))
            }
            None => (Method::PUT, object_url(OBJECTS, "raw", at.as_ref())),
        };
        let request = Request::builder()
            .method(method)
            .uri(url)
            .header(header::HOST, "localhost")
            .header(header::IF_NONE_MATCH, "*")
            .header(header::CONTENT_LENGTH, bytes.len())
            .body(Body::from(bytes))
            .unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await;
        let body = String::from_utf8_lossy(&body.unwrap()).into_owned();
        match status {
            StatusCode::OK => Ok(PutResult {
                e_tag: None,
                version: None,
            }),
            StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => Err(Error::AlreadyExists {
                path: at.to_string(),
                source: body.into(),
            }),
            status => Err(failed(format!("{status} {body}"))),
        }
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(failed("no file here is that large".to_owned()))
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.folder.get_opts(at, options).await
    }

    async fn get_ranges(&self, at: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.folder.get_ranges(at, ranges).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.folder.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.folder.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.folder.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(failed("nothing is copied here".to_owned()))
    }
}

/// The table `über/t` of the folder, written through a proxy of its own.
async fn table(folder: &std::path::Path) -> Table {
    let proxy = Proxy::start(ProxyOptions {
        store: StoreConfig::Local {
            folder: folder.to_owned(),
            buckets: vec!["raw".to_owned()],
        },
        prefixes: Vec::new(),
        allow_drop: false,
        version: "0".to_owned(),
        connection: Connection {
            endpoint: String::new(),
            region: String::new(),
            buckets: Vec::new(),
            credentials: None,
        },
        callers: Callers::default(),
        token: None,
        limits: Limits::default(),
    })
    .await
    .unwrap();
    let store = ThroughProxy {
        folder: LocalFileSystem::new_with_prefix(folder.join("raw")).unwrap(),
        app: app(proxy),
    };
    let root = Path::parse("über/t").unwrap();
    Table::new(Arc::new(store), root, "s3a://raw/über/t", true)
}

fn protocol() -> Protocol {
    Protocol {
        min_reader_version: 3,
        min_writer_version: 7,
        reader_features: Some(vec!["deletionVectors".to_owned()]),
        writer_features: Some(
            ["deletionVectors", "inCommitTimestamp"]
                .map(str::to_owned)
                .to_vec(),
        ),
    }
}

fn metadata() -> Metadata {
    let field = |name: &str, data_type| StructField::new(name, data_type, true);
    let schema = StructType::new(vec![
        field("id", DataType::Long),
        field("city", DataType::String),
        field("at", DataType::Timestamp),
    ]);
    let on = [("delta.enableInCommitTimestamps", "true")];
    let on = on.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Metadata {
        id: Uuid::new_v4().to_string(),
        name: None,
        description: None,
        format: Format::default(),
        schema_string: schema.to_json().to_string(),
        partition_columns: vec!["city".to_owned(), "at".to_owned()],
        created_time: None,
        configuration: BTreeMap::from(on),
    }
}

/// Rows with these ids and cities, written to data files.
async fn write(table: &Table, rows: &[(i64, Option<&str>)]) -> Vec<DataFile> {
    let layout = Arc::new(TableLayout::new(&protocol(), &metadata()).unwrap());
    let ids: Vec<i64> = rows.iter().map(|(id, _)| *id).collect();
    let cities: StringArray = rows.iter().map(|(_, city)| *city).collect();
    let times = TimestampMicrosecondArray::from(vec![1_700_000_000_123_456; rows.len()]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(ids)),
        Arc::new(cities),
        Arc::new(times.with_timezone("UTC")),
    ];
    let rows = RecordBatch::try_new(layout.arrow_schema(), columns).unwrap();
    let (store, root) = (Arc::clone(&table.store), table.root.clone());
    let options = FileWriterOptions::default();
    let writer = DataFileWriter::new(layout, store, root, Arc::new(Clock::default()), options);
    let mut writer = writer.unwrap();
    writer.write(&rows).await.unwrap();
    writer.finish().await.unwrap()
}

fn add(file: DataFile) -> Add {
    let action = json!({
        "path": file.path, "partitionValues": file.partition_values, "size": file.size,
        "modificationTime": file.modification_time, "dataChange": true, "stats": file.stats,
    });
    serde_json::from_value(action).unwrap()
}

#[tokio::test]
async fn what_our_writer_computes_passes() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(folder.path()).await;
    let clock: Arc<dyn Environment> = Arc::new(Clock::default());
    let mut create = Transaction::create(table.clone(), Arc::clone(&clock), Uuid::new_v4());
    *create.operation() = Operation::new("CREATE TABLE");
    create.set_protocol(protocol());
    create.set_metadata(metadata());
    let created = create.commit().await.unwrap().snapshot;
    let cities = [
        Some("50% off"),
        Some("a/b"),
        Some("München"),
        Some("😈"),
        Some("%2F"),
        Some("x:y#1?"),
        Some("\"quoted\""),
        Some(" blank "),
        None,
        Some("a+b=c"),
        Some(".."),
        Some("#7"),
    ];
    let rows: Vec<_> = (0..).zip(cities).collect();
    let files = write(&table, &rows).await;
    let mut insert =
        Transaction::begin(table.clone(), created, Arc::clone(&clock), Uuid::new_v4()).unwrap();
    *insert.operation() = Operation::new("WRITE");
    insert.add(files.into_iter().map(add));
    let inserted = insert.commit().await.unwrap().snapshot;
    assert_eq!(inserted.files().len(), rows.len());
    // Half of the files go, under the names that they were added by.
    let half: Vec<usize> = (0..rows.len()).step_by(2).collect();
    let gone = inserted.files().adds(&half).unwrap();
    let mut delete = Transaction::begin(table.clone(), inserted, clock, Uuid::new_v4()).unwrap();
    *delete.operation() = Operation::new("DELETE");
    delete.remove(gone, true);
    delete.commit().await.unwrap();
    let latest = table.snapshot(TimeTravel::Latest).await.unwrap();
    assert_eq!(
        (latest.version(), latest.files().len()),
        (2, rows.len() - half.len())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_at_two_proxies_share_the_versions() {
    let folder = tempfile::tempdir().unwrap();
    let tables = [table(folder.path()).await, table(folder.path()).await];
    let clock: Arc<dyn Environment> = Arc::new(Clock::default());
    let mut create = Transaction::create(tables[0].clone(), Arc::clone(&clock), Uuid::new_v4());
    *create.operation() = Operation::new("CREATE TABLE");
    create.set_protocol(protocol());
    create.set_metadata(metadata());
    let created = create.commit().await.unwrap().snapshot;
    let mut writers = Vec::new();
    for writer in 0..8 {
        let (table, clock) = (tables[writer % 2].clone(), Arc::clone(&clock));
        let files = write(&table, &[(0, Some("x"))]).await;
        let insert = Transaction::begin(table, Arc::clone(&created), clock, Uuid::new_v4());
        let mut insert = insert.unwrap();
        *insert.operation() = Operation::new("WRITE");
        insert.add(files.into_iter().map(add));
        writers.push(tokio::spawn(insert.commit()));
    }
    let mut versions = Vec::new();
    for writer in writers {
        versions.push(writer.await.unwrap().unwrap().version);
    }
    versions.sort_unstable();
    assert_eq!(versions, (1..=8).collect::<Vec<u64>>());
    let latest = tables[0].snapshot(TimeTravel::Latest).await.unwrap();
    assert_eq!(latest.files().num_records_total(), Some(8));
}
