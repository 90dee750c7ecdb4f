//! Tables in memory, of which the writer writes the files and the test the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::concat_batches;
use bytes::Bytes;
use delta_log::{DeletionVector, Snapshot, Table, TimeTravel};
use delta_transaction::{
    DataFile, DataFileWriter, Environment, FileError, FileWriterOptions, TableLayout,
};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use uuid::Uuid;

pub const NOW: i64 = 1_700_000_000_000;

/// A clock that stands still, and ids that are counted.
#[derive(Debug, Default)]
pub struct Counted(AtomicU64);

impl Environment for Counted {
    fn now(&self) -> i64 {
        NOW
    }

    fn uuid(&self) -> Uuid {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        Uuid::from_u64_pair(0, number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }
}

pub struct TestTable {
    pub store: Arc<InMemory>,
    pub root: Path,
    pub layout: Arc<TableLayout>,
    actions: [Value; 2],
}

pub fn column(name: &str, data_type: Value) -> Value {
    json!({"name": name, "type": data_type, "nullable": true, "metadata": {}})
}

/// The layout of a table with these columns; the feature columnMapping is there to be used.
pub fn layout(
    columns: &[Value],
    partition_columns: &[&str],
    configuration: &Value,
) -> Result<TableLayout, FileError> {
    let [protocol, metadata] = actions(columns, partition_columns, configuration);
    TableLayout::new(
        &serde_json::from_value(protocol["protocol"].clone()).unwrap(),
        &serde_json::from_value(metadata["metaData"].clone()).unwrap(),
    )
}

fn actions(columns: &[Value], partition_columns: &[&str], configuration: &Value) -> [Value; 2] {
    let schema = json!({"type": "struct", "fields": columns}).to_string();
    let features = ["columnMapping", "deletionVectors", "timestampNtz"];
    [
        json!({"protocol": {
            "minReaderVersion": 3, "minWriterVersion": 7,
            "readerFeatures": features, "writerFeatures": features,
        }}),
        json!({"metaData": {
            "id": "test", "format": {"provider": "parquet", "options": {}}, "schemaString": schema,
            "partitionColumns": partition_columns, "configuration": configuration, "createdTime": 1,
        }}),
    ]
}

impl TestTable {
    pub fn new(columns: &[Value], partition_columns: &[&str], configuration: Value) -> Self {
        Self {
            store: Arc::new(InMemory::new()),
            root: Path::from("a b/t"),
            layout: Arc::new(layout(columns, partition_columns, &configuration).unwrap()),
            actions: actions(columns, partition_columns, &configuration),
        }
    }

    /// Rows of these columns, in the table's order.
    pub fn rows(&self, columns: Vec<ArrayRef>) -> RecordBatch {
        RecordBatch::try_new(self.layout.arrow_schema(), columns).unwrap()
    }

    pub fn writer(&self, options: FileWriterOptions) -> DataFileWriter {
        let (store, root) = (self.store.clone(), self.root.clone());
        let environment = Arc::new(Counted::default());
        DataFileWriter::new(self.layout.clone(), store, root, environment, options).unwrap()
    }

    pub async fn write(&self, batches: &[RecordBatch]) -> Result<Vec<DataFile>, FileError> {
        let mut writer = self.writer(FileWriterOptions::default());
        for batch in batches {
            writer.write(batch).await?;
        }
        writer.finish().await
    }

    pub async fn write_changes(&self, batch: &RecordBatch) -> Result<Vec<DataFile>, FileError> {
        let mut writer = DataFileWriter::for_changes(
            self.layout.clone(),
            self.store.clone(),
            self.root.clone(),
            Arc::new(Counted::default()),
            FileWriterOptions::default(),
        )?;
        writer.write(batch).await?;
        writer.finish().await
    }

    pub fn table(&self) -> Table {
        Table::new(
            self.store.clone(),
            self.root.clone(),
            "memory:///a b/t",
            true,
        )
    }

    /// The table with these files, as delta-log reads it.
    pub async fn snapshot(&self, files: &[DataFile]) -> Arc<Snapshot> {
        let adds = files.iter().map(|file| {
            json!({"add": {
                "path": file.path, "partitionValues": file.partition_values, "size": file.size,
                "modificationTime": file.modification_time, "dataChange": true, "stats": file.stats,
            }})
        });
        let lines: Vec<String> = self
            .actions
            .iter()
            .cloned()
            .chain(adds)
            .map(|action| action.to_string())
            .collect();
        let commit = Path::from("a b/t/_delta_log/00000000000000000000.json");
        self.store
            .put(&commit, lines.join("\n").into())
            .await
            .unwrap();
        self.table().snapshot(TimeTravel::Latest).await.unwrap()
    }

    /// The bytes of a file, found by its path in the log.
    pub async fn bytes(&self, file: &DataFile) -> Bytes {
        let key = percent_decode_str(&file.path).decode_utf8().unwrap();
        let path = Path::parse(format!("{}/{key}", self.root)).unwrap();
        let bytes = self.store.get(&path).await.unwrap().bytes().await.unwrap();
        assert_eq!(bytes.len() as i64, file.size);
        bytes
    }

    /// The rows of a file.
    pub async fn read(&self, file: &DataFile) -> RecordBatch {
        let reader = ParquetRecordBatchReaderBuilder::try_new(self.bytes(file).await).unwrap();
        let schema = reader.schema().clone();
        let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
        concat_batches(&schema, &batches).unwrap()
    }

    /// Keys of all objects.
    pub async fn keys(&self) -> Vec<String> {
        use futures::TryStreamExt;
        let objects: Vec<_> = self.store.list(None).try_collect().await.unwrap();
        objects
            .into_iter()
            .map(|object| object.location.to_string())
            .collect()
    }

    pub async fn deleted_rows(&self, vector: &DeletionVector) -> Vec<u64> {
        self.table()
            .deleted_rows(vector)
            .await
            .unwrap()
            .iter()
            .collect()
    }
}
