//! A proxy on a temporary folder, and delta-rs to read back what it wrote.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray};
use arrow::ipc::writer::StreamWriter;
use bytes::Bytes;
use commit_proxy::{Proxy, ProxyOptions, StoreConfig};
use deltalake::DeltaTable;
use deltalake::arrow::util::pretty::pretty_format_batches;
use deltalake::datafusion::prelude::SessionContext;
use messages::Error;
use messages::commit::{
    Assignment, CommitOutcome, CommitRequest, CreateMode, InsertMode, Operation, TableOptions,
};
use messages::connection::Connection;
use serde_json::Value;
use tempfile::TempDir;
use url::Url;

pub struct Fixture {
    pub folder: TempDir,
    pub proxy: Proxy,
}

pub fn options(folder: PathBuf) -> ProxyOptions {
    ProxyOptions {
        store: StoreConfig::Local {
            folder,
            buckets: vec!["raw".into(), "curated".into()],
        },
        version: "1.2.3".into(),
        connection: Connection {
            endpoint: "http://127.0.0.1:4601".into(),
            region: "us-east-1".into(),
            buckets: vec!["raw".into(), "curated".into()],
            credentials: None,
        },
        allowed_origins: vec!["http://localhost:8080".into()],
        allowed_hosts: Vec::new(),
        max_request_bytes: 64 * 1024,
    }
}

/// The location of the table that most tests use.
pub const TABLE: &str = "s3a://raw/some/table";

impl Fixture {
    pub async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let proxy = Proxy::start(options(folder.path().to_owned()))
            .await
            .unwrap();
        Self { folder, proxy }
    }

    pub async fn run(
        &self,
        operation: Operation,
        rows: Option<Bytes>,
    ) -> Result<CommitOutcome, Error> {
        self.proxy
            .commit(
                CommitRequest {
                    table: TABLE.into(),
                    operation,
                },
                rows,
            )
            .await
    }

    pub async fn create(&self, mode: CreateMode, rows: Bytes) -> CommitOutcome {
        let operation = Operation::CreateTableAsSelect {
            mode,
            options: TableOptions::default(),
        };
        self.run(operation, Some(rows)).await.unwrap()
    }

    pub async fn append(&self, rows: Bytes) -> Result<CommitOutcome, Error> {
        let operation = Operation::Insert {
            mode: InsertMode::Append,
            merge_schema: false,
        };
        self.run(operation, Some(rows)).await
    }

    pub async fn set(&self, name: &str, value: &str) -> Result<CommitOutcome, Error> {
        let properties = [(name.to_owned(), value.to_owned())].into();
        self.run(Operation::SetTableProperties { properties }, None)
            .await
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("raw/some/table")
    }

    /// The table as delta-rs reads it from the disk.
    pub async fn table(&self) -> DeltaTable {
        let path = self.path().canonicalize().unwrap();
        deltalake::open_table(Url::from_directory_path(path).unwrap())
            .await
            .unwrap()
    }

    pub async fn version(&self) -> u64 {
        self.table().await.version().unwrap()
    }

    /// The table's rows as text, sorted, without the frame.
    pub async fn rows(&self, columns: &str) -> Vec<String> {
        let context = SessionContext::new();
        let provider = self.table().await.table_provider().await.unwrap();
        context.register_table("t", provider).unwrap();
        let batches = context
            .sql(&format!("SELECT {columns} FROM t"))
            .await
            .unwrap()
            .collect()
            .await
            .unwrap();
        lines(&batches)
    }

    /// The change feed's rows as text, sorted: the columns, then `_change_type`.
    pub async fn changes(&self, from: u64, columns: &str) -> Vec<String> {
        let context = SessionContext::new();
        let cdf = self.table().await.scan_cdf().with_starting_version(from);
        let plan = cdf.build(&context.state(), None).await.unwrap();
        let batches = deltalake::datafusion::physical_plan::collect(plan, context.task_ctx())
            .await
            .unwrap();
        if batches.is_empty() {
            return Vec::new();
        }
        let frame = context.read_batches(batches).unwrap();
        let names: Vec<&str> = columns.split(", ").chain(["_change_type"]).collect();
        lines(
            &frame
                .select_columns(&names)
                .unwrap()
                .collect()
                .await
                .unwrap(),
        )
    }

    /// The `commitInfo` of a version.
    pub fn commit_info(&self, version: u64) -> Value {
        self.actions(version)
            .into_iter()
            .find_map(|mut action| Some(action.get_mut("commitInfo")?.take()))
            .unwrap()
    }

    pub fn actions(&self, version: u64) -> Vec<Value> {
        let path = self.path().join(format!("_delta_log/{version:020}.json"));
        let text = std::fs::read_to_string(path).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The names of all files of the table outside of its log.
    pub fn data_files(&self) -> Vec<String> {
        fn walk(folder: PathBuf, files: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.ends_with("_delta_log") {
                    walk(path, files);
                } else if path.is_file() {
                    files.push(path.display().to_string());
                }
            }
        }
        let mut files = Vec::new();
        walk(self.path(), &mut files);
        files.sort();
        files
    }
}

fn lines(batches: &[RecordBatch]) -> Vec<String> {
    let text = pretty_format_batches(batches).unwrap().to_string();
    let mut lines: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(1)
        .map(|line| {
            line.trim_matches('|')
                .split('|')
                .map(str::trim)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    lines.sort();
    lines
}

/// An Arrow IPC stream of one batch.
pub fn ipc(columns: Vec<(&str, ArrayRef)>) -> Bytes {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, column)| (name, column, true)),
    )
    .unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap().into()
}

pub fn text(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

pub fn numbers(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

pub fn flags(values: &[bool]) -> ArrayRef {
    Arc::new(BooleanArray::from(values.to_vec()))
}

/// `id` and `amount`.
pub fn payments(rows: &[(&str, f64)]) -> Bytes {
    let (ids, amounts): (Vec<&str>, Vec<f64>) = rows.iter().copied().unzip();
    ipc(vec![("id", text(&ids)), ("amount", numbers(&amounts))])
}

pub fn set(pairs: &[(&str, &str)]) -> Vec<Assignment> {
    pairs
        .iter()
        .map(|(column, expression)| Assignment {
            column: (*column).into(),
            expression: (*expression).into(),
        })
        .collect()
}

/// The names of an object's members, sorted.
pub fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}
