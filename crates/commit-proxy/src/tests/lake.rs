//! A proxy over a store in memory, requests to it, and a table in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use bytes::Bytes;
use delta_log::{Snapshot, Table, TimeTravel};
use http_guard::Callers;
use messages::connection::Connection;
use messages::proxy::{COMMITS, OBJECTS, object_url};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::{Limits, Proxy, ProxyOptions, StoreConfig, app};

pub(crate) struct Lake {
    pub store: Arc<InMemory>,
    pub proxy: Proxy,
    pub app: Router,
}

pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

pub(crate) fn options() -> ProxyOptions {
    ProxyOptions {
        store: StoreConfig::Local {
            folder: "unused".into(),
            buckets: vec!["raw".into()],
        },
        prefixes: Vec::new(),
        allow_drop: false,
        version: "0".into(),
        connection: Connection {
            endpoint: "http://127.0.0.1:4601".into(),
            region: "us-east-1".into(),
            buckets: vec!["raw".into()],
            credentials: None,
        },
        callers: Callers::default(),
        token: None,
        limits: Limits::default(),
    }
}

impl Lake {
    pub async fn new() -> Self {
        let store = Arc::new(InMemory::new());
        Self::over(Arc::clone(&store) as _, store, options()).await
    }

    /// A proxy over `store`, which keeps its objects in `memory`.
    pub async fn over(
        store: Arc<dyn ObjectStore>,
        memory: Arc<InMemory>,
        options: ProxyOptions,
    ) -> Self {
        let buckets = BTreeMap::from([("raw".to_owned(), store)]);
        let proxy = Proxy::with_buckets(options, buckets).await;
        Self {
            store: memory,
            app: app(proxy.clone()),
            proxy,
        }
    }

    pub async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(header::HeaderName, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let body = body.into();
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header(header::HOST, "localhost:4600");
        if !headers
            .iter()
            .any(|(name, _)| *name == header::CONTENT_LENGTH)
        {
            request = request.header(header::CONTENT_LENGTH, body.len());
        }
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request.body(Body::from(body)).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        }
    }

    pub async fn put(&self, key: &str, bytes: impl Into<Bytes>) -> Answer {
        let url = object_url(OBJECTS, "raw", key);
        let create = [(header::IF_NONE_MATCH, "*")];
        self.send(Method::PUT, &url, &create, bytes).await
    }

    /// Commits to the table `t`.
    pub async fn commit(&self, version: u64, txn: Uuid, body: impl Into<Bytes>) -> Answer {
        let url = object_url(COMMITS, "raw", "t");
        let url = format!("{url}?version={version}&txnId={txn}");
        self.send(Method::POST, &url, &[], body).await
    }

    /// The table `t`, with one file of three rows, as of version 0; answers that file's `add`.
    pub async fn create_table(&self) -> Value {
        let add = self.stage("a.parquet", &[1, 2, 3]).await;
        let txn = Uuid::new_v4();
        let answer = self
            .commit(
                0,
                txn,
                lines(&[info(txn), protocol(), metadata(), add.clone()]),
            )
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        add
    }

    /// Puts a data file of the table `t`; answers its `add`.
    pub async fn stage(&self, name: &str, ids: &[i64]) -> Value {
        let bytes = parquet(ids);
        let add = add(name, bytes.len(), ids.len());
        let answer = self.put(&format!("t/{name}"), bytes).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        add
    }

    pub fn table(&self) -> Table {
        let store = Arc::clone(&self.store) as Arc<dyn ObjectStore>;
        Table::new(store, Path::from("t"), "s3a://raw/t", true)
    }

    pub async fn snapshot(&self) -> Arc<Snapshot> {
        self.table().snapshot(TimeTravel::Latest).await.unwrap()
    }

    pub async fn has(&self, key: &str) -> bool {
        self.store.head(&Path::parse(key).unwrap()).await.is_ok()
    }
}

pub(crate) fn lines(actions: &[Value]) -> String {
    let lines: Vec<String> = actions.iter().map(Value::to_string).collect();
    lines.join("\n")
}

pub(crate) fn info(txn: Uuid) -> Value {
    json!({"commitInfo": {"timestamp": 1, "operation": "WRITE", "txnId": txn.to_string()}})
}

pub(crate) fn protocol() -> Value {
    json!({"protocol": {
        "minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["deletionVectors"],
        "writerFeatures": ["deletionVectors", "appendOnly", "invariants"],
    }})
}

pub(crate) fn field(name: &str, data_type: &str) -> Value {
    json!({"name": name, "type": data_type, "nullable": true, "metadata": {}})
}

pub(crate) fn metadata_of(fields: &[Value], partitions: &[&str], configuration: Value) -> Value {
    let schema = json!({"type": "struct", "fields": fields});
    json!({"metaData": {
        "id": "8f2a3f52-4b1c-4f4e-9d6e-b7a4a1f4c1aa",
        "format": {"provider": "parquet", "options": {}},
        "schemaString": schema.to_string(),
        "partitionColumns": partitions,
        "configuration": configuration,
    }})
}

pub(crate) fn metadata() -> Value {
    metadata_of(
        &[field("id", "long"), field("name", "string")],
        &[],
        json!({}),
    )
}

pub(crate) fn add(path: &str, size: usize, rows: usize) -> Value {
    json!({"add": {
        "path": path, "partitionValues": {}, "size": size, "modificationTime": 1,
        "dataChange": true, "stats": json!({"numRecords": rows}).to_string(),
    }})
}

/// The `remove` of a file, by its `add`.
pub(crate) fn remove(add: &Value) -> Value {
    let mut remove =
        json!({"path": add["add"]["path"], "deletionTimestamp": 1, "dataChange": true});
    if let Some(vector) = add["add"].get("deletionVector") {
        remove["deletionVector"] = vector.clone();
    }
    json!({ "remove": remove })
}

/// A data file with the columns `id` and `name`.
pub(crate) fn parquet(ids: &[i64]) -> Bytes {
    let names: StringArray = ids.iter().map(|id| Some(format!("n{id}"))).collect();
    let columns: [(&str, ArrayRef); 2] = [
        ("id", Arc::new(Int64Array::from(ids.to_vec()))),
        ("name", Arc::new(names)),
    ];
    parquet_of(columns)
}

pub(crate) fn parquet_of<const N: usize>(columns: [(&str, ArrayRef); N]) -> Bytes {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap().into()
}

/// An inline deletion vector of these rows.
pub(crate) fn vector(rows: &[u64]) -> Value {
    let rows: roaring::RoaringTreemap = rows.iter().copied().collect();
    let mut bytes = 1_681_511_377u32.to_le_bytes().to_vec();
    rows.serialize_into(&mut bytes).unwrap();
    let size = bytes.len();
    bytes.resize(size.next_multiple_of(4), 0);
    json!({
        "storageType": "i", "pathOrInlineDv": z85::encode(&bytes),
        "sizeInBytes": size, "cardinality": rows.len(),
    })
}
