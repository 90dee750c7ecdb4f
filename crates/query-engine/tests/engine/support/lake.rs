use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use async_trait::async_trait;
use messages::Error;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use query_engine::{Engine, EngineOptions, Execution, Scheduler, StoreLocation, Stores};
use serde_json::{Map, Value, json};
use url::Url;

use super::NotingStore;

/// A row as text; NULL is `NULL`.
pub type Row = Vec<String>;

/// One bucket, `lake`, in a store of its own.
#[derive(Debug, Clone, Default)]
pub struct Lake {
    pub store: Arc<NotingStore>,
    pub turns: Arc<AtomicUsize>,
    pub environment: Arc<Steady>,
    /// Whether the engine itself writes.
    pub can_write: bool,
}

impl Lake {
    pub fn engine(&self) -> Engine {
        self.engine_with(256 * 1024 * 1024)
    }

    pub fn engine_with(&self, memory_limit: usize) -> Engine {
        Engine::new(EngineOptions {
            memory_limit,
            stores: Arc::new(self.clone()),
            environment: self.environment.clone(),
            scheduler: Arc::new(self.clone()),
        })
    }

    /// A table of the lake.
    pub fn table(&self, name: &str) -> delta_log::Table {
        let location = format!("s3a://lake/{name}");
        delta_log::Table::new(self.store.clone(), name.into(), location, true)
    }

    /// Writes a data file and gives its `add` action, with statistics.
    pub async fn add(&self, table: &str, name: &str, batch: &RecordBatch) -> Value {
        self.add_partition(table, name, batch, json!({})).await
    }

    pub async fn add_partition(
        &self,
        table: &str,
        name: &str,
        batch: &RecordBatch,
        partition_values: Value,
    ) -> Value {
        let size = self.write_parquet(table, name, batch).await;
        json!({ "add": {
            "path": name,
            "partitionValues": partition_values,
            "size": size,
            "modificationTime": 1_700_000_000_000_i64,
            "dataChange": true,
            "stats": statistics(batch).to_string(),
        } })
    }

    /// Writes a Parquet file and gives its size. Row groups have 1,000 rows.
    pub async fn write_parquet(&self, table: &str, name: &str, batch: &RecordBatch) -> usize {
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(1000))
            .build();
        let mut writer =
            ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
        writer.write(batch).unwrap();
        let bytes = writer.into_inner().unwrap();
        let size = bytes.len();
        let path = Path::from(format!("{table}/{name}"));
        self.store.put(&path, bytes.into()).await.unwrap();
        size
    }

    /// Writes a commit, made at `10:00:0version` on 2026-11-23.
    pub async fn commit(&self, table: &str, version: u64, operation: &str, actions: Vec<Value>) {
        let timestamp = FIRST_COMMIT + 1000 * i64::try_from(version).unwrap();
        let info = json!({ "commitInfo": {
            "timestamp": timestamp,
            "inCommitTimestamp": timestamp,
            "operation": operation,
            "operationParameters": { "mode": "Append", "partitionBy": "[]", "nothing": null },
            "operationMetrics": { "numFiles": "1" },
            "isBlindAppend": true,
            "engineInfo": "test",
        } });
        let lines: Vec<String> = std::iter::once(info)
            .chain(actions)
            .map(|action| action.to_string())
            .collect();
        let path = Path::from(format!("{table}/_delta_log/{version:020}.json"));
        self.store
            .put(&path, lines.join("\n").into())
            .await
            .unwrap();
    }

    pub async fn delete(&self, path: &str) {
        self.store.delete(&Path::from(path)).await.unwrap();
    }
}

/// 2026-11-23 10:00:00 UTC.
pub const FIRST_COMMIT: i64 = 1_795_428_000_000;

/// `protocol` and `metaData` of a table whose commit times are in its commits.
pub fn metadata(columns: &[(&str, Value)], partition_by: &[&str]) -> Vec<Value> {
    metadata_with(columns, partition_by, json!({}))
}

pub fn metadata_with(columns: &[(&str, Value)], partition_by: &[&str], more: Value) -> Vec<Value> {
    let fields: Vec<Value> = columns
        .iter()
        .map(|(name, data_type)| {
            json!({ "name": name, "type": data_type, "nullable": true, "metadata": {} })
        })
        .collect();
    let schema = json!({ "type": "struct", "fields": fields });
    let mut configuration = Map::new();
    configuration.insert("delta.enableInCommitTimestamps".to_owned(), json!("true"));
    configuration.extend(more.as_object().unwrap().clone());
    vec![
        json!({ "protocol": {
            "minReaderVersion": 1,
            "minWriterVersion": 7,
            "writerFeatures": ["inCommitTimestamp", "changeDataFeed"],
        } }),
        json!({ "metaData": {
            "id": "5c2a3f9e-0000-4000-8000-000000000000",
            "format": { "provider": "parquet", "options": {} },
            "schemaString": schema.to_string(),
            "partitionColumns": partition_by,
            "configuration": configuration,
            "createdTime": FIRST_COMMIT,
        } }),
    ]
}

/// All rows of the last statement of a script.
pub async fn rows_of(engine: &Engine, sql: &str) -> Result<Vec<Row>, Error> {
    let (rows, _) = run(engine, sql).await?;
    Ok(rows)
}

/// All rows of the last statement of a script, and its execution.
pub async fn run(engine: &Engine, sql: &str) -> Result<(Vec<Row>, Execution), Error> {
    let mut last = None;
    for statement in engine.parse(sql)? {
        let mut execution = engine.execute(&statement).await?;
        let mut rows = Vec::new();
        while let Some(batch) = execution.next().await {
            rows.extend(as_text(&batch?));
        }
        last = Some((rows, execution));
    }
    Ok(last.expect("the script has a statement"))
}

/// The rows of a batch.
pub fn as_text(batch: &RecordBatch) -> Vec<Row> {
    let options = FormatOptions::default().with_null("NULL");
    let columns: Vec<_> = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
        .collect();
    (0..batch.num_rows())
        .map(|row| {
            columns
                .iter()
                .map(|column| column.value(row).to_string())
                .collect()
        })
        .collect()
}

/// What Delta writers say of a file: of integers, doubles and strings.
fn statistics(batch: &RecordBatch) -> Value {
    let mut min = Map::new();
    let mut max = Map::new();
    let mut nulls = Map::new();
    for (field, values) in batch.schema().fields().iter().zip(batch.columns()) {
        nulls.insert(field.name().clone(), json!(values.null_count()));
        if let Some((low, high)) = bounds(values) {
            min.insert(field.name().clone(), low);
            max.insert(field.name().clone(), high);
        }
    }
    json!({
        "numRecords": batch.num_rows(),
        "minValues": min,
        "maxValues": max,
        "nullCount": nulls,
    })
}

fn bounds(values: &ArrayRef) -> Option<(Value, Value)> {
    match values.data_type() {
        DataType::Int64 => {
            let values = values.as_primitive::<Int64Type>();
            Some((
                json!(values.iter().flatten().min()?),
                json!(values.iter().flatten().max()?),
            ))
        }
        DataType::Float64 => {
            let values = values.as_primitive::<Float64Type>();
            let low = values.iter().flatten().fold(f64::INFINITY, f64::min);
            let high = values.iter().flatten().fold(f64::NEG_INFINITY, f64::max);
            Some((json!(low), json!(high)))
        }
        DataType::Utf8 => {
            let values = values.as_string::<i32>();
            Some((
                json!(values.iter().flatten().min()?),
                json!(values.iter().flatten().max()?),
            ))
        }
        _ => None,
    }
}

impl Stores for Lake {
    fn resolve(&self, url: &Url) -> Result<StoreLocation, Error> {
        assert!(matches!(url.scheme(), "s3" | "s3a"), "{url}");
        Ok(StoreLocation {
            store: Arc::clone(&self.store) as Arc<dyn ObjectStore>,
            root: Path::from_url_path(url.path()).unwrap(),
            location: url.to_string(),
            can_list: true,
            can_write: self.can_write,
        })
    }

    fn buckets(&self) -> Vec<String> {
        vec!["lake".to_owned()]
    }
}

#[async_trait]
impl Scheduler for Lake {
    async fn yield_now(&self) {
        self.turns.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
    }
}

/// Takes one batch and leaves the rest.
pub async fn first_batch(engine: &Engine, sql: &str) -> (Option<RecordBatch>, Execution) {
    let statement = engine.parse(sql).unwrap().remove(0);
    let mut execution = engine.execute(&statement).await.unwrap();
    let batch = execution.next().await.transpose().unwrap();
    (batch, execution)
}

/// A clock that stands still until it is set, and ids that count.
#[derive(Debug, Default)]
pub struct Steady {
    ids: std::sync::atomic::AtomicU64,
    time: std::sync::atomic::AtomicI64,
}

impl Steady {
    /// Sets the clock, in milliseconds since the epoch.
    pub fn set(&self, time: i64) {
        self.time.store(time, Ordering::Relaxed);
    }
}

impl query_engine::Environment for Steady {
    fn now(&self) -> i64 {
        match self.time.load(Ordering::Relaxed) {
            0 => 1_700_000_000_000,
            time => time,
        }
    }

    fn uuid(&self) -> query_engine::Uuid {
        let n = self.ids.fetch_add(1, Ordering::Relaxed);
        query_engine::Uuid::from_u64_pair(7, n)
    }
}
