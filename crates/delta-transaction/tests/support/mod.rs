//! A table in memory, in a store whose puts of commits fail on cue.
#![allow(dead_code)] // Each test uses its part.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use delta_log::actions::Add;
use delta_log::{Metadata, Protocol, Snapshot, Table, TimeTravel};
use delta_transaction::{Environment, Transaction};
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use uuid::Uuid;

/// A clock that stands still until it is set, and ids that count.
#[derive(Debug, Default)]
pub struct Steady {
    pub now: AtomicI64,
    ids: AtomicU64,
}

impl Environment for Steady {
    fn now(&self) -> i64 {
        self.now.load(Ordering::Relaxed)
    }

    fn uuid(&self) -> Uuid {
        Uuid::from_u64_pair(7, self.ids.fetch_add(1, Ordering::Relaxed))
    }
}

/// What becomes of the put of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is made, and the answer comes.
    Made,
    /// The store fails before it is made.
    Lost,
    /// It is made, and the answer is lost.
    AnswerLost,
    /// It is made, and repeated below, so that the answer is that it is there already.
    Repeated,
    /// It is refused for good.
    Refused,
}

/// A store in memory that decides the fate of each put of a commit.
#[derive(Debug, Default)]
pub struct FatefulStore {
    pub inner: InMemory,
    /// Fates of the next puts; then all are made.
    pub fates: Mutex<Vec<Fate>>,
    /// Whether reads fail.
    pub is_down: Mutex<bool>,
}

impl fmt::Display for FatefulStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FatefulStore")
    }
}

fn failure() -> Error {
    Error::Generic {
        store: "FatefulStore",
        source: "the connection was closed".into(),
    }
}

#[async_trait]
impl ObjectStore for FatefulStore {
    async fn put_opts(&self, to: &Path, body: PutPayload, o: PutOptions) -> Result<PutResult> {
        if to.extension() != Some("json") {
            return self.inner.put_opts(to, body, o).await;
        }
        let fate = self.fates.lock().unwrap().pop().unwrap_or(Fate::Made);
        match fate {
            Fate::Made => self.inner.put_opts(to, body, o).await,
            Fate::Lost => Err(failure()),
            Fate::AnswerLost => {
                self.inner.put_opts(to, body, o).await?;
                Err(failure())
            }
            Fate::Repeated => {
                self.inner.put_opts(to, body.clone(), o.clone()).await?;
                self.inner.put_opts(to, body, o).await
            }
            Fate::Refused => Err(Error::PermissionDenied {
                path: to.to_string(),
                source: "no".into(),
            }),
        }
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        o: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(to, o).await
    }

    async fn get_opts(&self, from: &Path, o: GetOptions) -> Result<GetResult> {
        if *self.is_down.lock().unwrap() {
            return Err(failure());
        }
        self.inner.get_opts(from, o).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, o: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, o).await
    }
}

/// A table in memory.
#[derive(Debug, Clone)]
pub struct TestTable {
    pub store: Arc<FatefulStore>,
    pub table: Table,
    pub environment: Arc<Steady>,
}

impl TestTable {
    /// Nothing yet.
    pub fn nowhere() -> Self {
        let store = Arc::new(FatefulStore::default());
        let table = Table::new(store.clone(), Path::from("t"), "memory:///t", true);
        Self {
            store,
            table,
            environment: Arc::default(),
        }
    }

    /// Version 0, of one column, with these properties.
    pub async fn with_properties(properties: &[(&str, &str)]) -> Self {
        let t = Self::nowhere();
        let mut transaction = t.creation(1);
        transaction.set_metadata(metadata(properties));
        transaction.commit().await.unwrap();
        t
    }

    /// The creation of the table, without files.
    pub fn creation(&self, id: u128) -> Transaction {
        let id = Uuid::from_u128(id);
        let mut transaction = Transaction::create(self.table.clone(), self.environment.clone(), id);
        transaction.operation().name = "CREATE TABLE".to_owned();
        transaction.set_protocol(protocol(1, 2));
        transaction.set_metadata(metadata(&[]));
        transaction
    }

    pub async fn latest(&self) -> Arc<Snapshot> {
        self.table.snapshot(TimeTravel::Latest).await.unwrap()
    }

    /// A transaction on the latest version.
    pub async fn begin(&self, id: u128) -> Transaction {
        self.begin_on(self.latest().await, id)
    }

    pub fn begin_on(&self, snapshot: Arc<Snapshot>, id: u128) -> Transaction {
        let id = Uuid::from_u128(id);
        let mut transaction =
            Transaction::begin(self.table.clone(), snapshot, self.environment.clone(), id).unwrap();
        transaction.operation().name = "WRITE".to_owned();
        transaction
    }

    /// Appends a file, read by nobody.
    pub async fn append(&self, id: u128, path: &str) -> u64 {
        let mut transaction = self.begin(id).await;
        transaction.add([add(path, 0, 9)]);
        transaction.commit().await.unwrap().version
    }

    /// The paths of the latest version's files.
    pub async fn files(&self) -> Vec<String> {
        let latest = self.latest().await;
        let files = latest.files();
        let mut paths: Vec<String> = (0..files.len())
            .map(|i| files.raw_path(i).to_owned())
            .collect();
        paths.sort_unstable();
        paths
    }
}

pub fn protocol(reader: u32, writer: u32) -> Protocol {
    Protocol {
        min_reader_version: reader,
        min_writer_version: writer,
        reader_features: None,
        writer_features: None,
    }
}

pub fn metadata(properties: &[(&str, &str)]) -> Metadata {
    let properties = properties.iter();
    Metadata {
        id: "f0a1".to_owned(),
        name: None,
        description: None,
        format: delta_log::Format::default(),
        schema_string: r#"{"type":"struct","fields":[{"name":"x","type":"long","nullable":true,"metadata":{}}]}"#
            .to_owned(),
        partition_columns: Vec::new(),
        configuration: properties
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        created_time: Some(0),
    }
}

/// A file whose `x` goes from `min` to `max`.
pub fn add(path: &str, min: i64, max: i64) -> Add {
    Add {
        path: path.to_owned(),
        partition_values: Default::default(),
        size: 100,
        modification_time: 0,
        data_change: true,
        stats: Some(format!(
            r#"{{"numRecords":2,"minValues":{{"x":{min}}},"maxValues":{{"x":{max}}},"nullCount":{{"x":0}}}}"#
        )),
        tags: None,
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
        clustering_provider: None,
    }
}
