//! The table of the benchmark: 2,000,000 transactions in 8 files, the same on every machine.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use arrow::array::{Array, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::{max, max_string, min, min_string};
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use arrow::temporal_conversions::timestamp_us_to_datetime;
use event_simulator::{Dataset, Simulator};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde_json::{Map, Value, json};

const FILES: usize = 8;
const ROWS_PER_FILE: usize = 250_000;
/// Rows per Parquet row group.
const ROW_GROUP: usize = 125_000;
const SEED: u64 = 1;
/// 2024-01-01, in microseconds since the epoch.
const START: i64 = 1_704_067_200_000_000;
/// The commit's time, in milliseconds since the epoch.
const COMMITTED: i64 = 1_767_225_600_000;

/// Writes the table's files and its one commit.
pub fn write(folder: &Path) -> Result<()> {
    if folder.exists() {
        bail!("{} exists already", folder.display());
    }
    let log = folder.join("_delta_log");
    fs::create_dir_all(&log).with_context(|| format!("cannot create {}", log.display()))?;
    let dataset = Dataset::Transactions { flagged: false };
    let mut simulator = Simulator::new(dataset, SEED, START);
    let mut actions = vec![
        json!({"commitInfo": {
            "timestamp": COMMITTED,
            "operation": "WRITE",
            "operationParameters": {"mode": "Append", "partitionBy": "[]"},
        }}),
        json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}),
        json!({"metaData": {
            "id": "8a2f4b0e-3d53-4c35-9a35-0d5c1d1f7b10",
            "format": {"provider": "parquet", "options": {}},
            "schemaString": schema_string(&dataset.schema())?,
            "partitionColumns": [],
            "configuration": {},
            "createdTime": COMMITTED,
        }}),
    ];
    for number in 0..FILES {
        let batch = simulator.batch(ROWS_PER_FILE);
        let name = format!("part-{number:05}.parquet");
        let size = write_file(&folder.join(&name), &batch)?;
        actions.push(json!({"add": {
            "path": name,
            "partitionValues": {},
            "size": size,
            "modificationTime": COMMITTED,
            "dataChange": true,
            "stats": statistics(&batch).to_string(),
        }}));
    }
    let lines: Vec<String> = actions.iter().map(Value::to_string).collect();
    fs::write(
        log.join("00000000000000000000.json"),
        lines.join("\n") + "\n",
    )
    .context("cannot write the commit")
}

fn write_file(path: &Path, batch: &RecordBatch) -> Result<u64> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .build();
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    let mut writer = ArrowWriter::try_new(file, Arc::clone(&batch.schema()), Some(properties))?;
    writer.write(batch)?;
    writer.close()?;
    Ok(fs::metadata(path)?.len())
}

/// The schema as the Delta log writes it.
fn schema_string(schema: &SchemaRef) -> Result<String> {
    let fields = schema
        .fields()
        .iter()
        .map(|field| {
            let name = match field.data_type() {
                DataType::Utf8 => "string",
                DataType::Float64 => "double",
                DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "timestamp",
                other => bail!("no Delta type for {other}"),
            };
            Ok(json!({"name": field.name(), "type": name, "nullable": true, "metadata": {}}))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(json!({"type": "struct", "fields": fields}).to_string())
}

/// The file's statistics, as an `add` action carries them.
fn statistics(batch: &RecordBatch) -> Value {
    let (mut least, mut most, mut nulls) = (Map::new(), Map::new(), Map::new());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        nulls.insert(field.name().clone(), json!(column.null_count()));
        if let Some((low, high)) = bounds(column.as_ref()) {
            least.insert(field.name().clone(), low);
            most.insert(field.name().clone(), high);
        }
    }
    json!({
        "numRecords": batch.num_rows(),
        "minValues": least,
        "maxValues": most,
        "nullCount": nulls,
    })
}

fn bounds(column: &dyn Array) -> Option<(Value, Value)> {
    if let Some(strings) = column.as_any().downcast_ref::<StringArray>() {
        return Some((json!(min_string(strings)?), json!(max_string(strings)?)));
    }
    if let Some(numbers) = column.as_any().downcast_ref::<Float64Array>() {
        return Some((json!(min(numbers)?), json!(max(numbers)?)));
    }
    if let Some(times) = column.as_any().downcast_ref::<TimestampMicrosecondArray>() {
        return Some((time(min(times)?)?, time(max(times)?)?));
    }
    None
}

/// Truncated to milliseconds, as Spark writes it; readers know that the maximum is.
fn time(microseconds: i64) -> Option<Value> {
    let time = timestamp_us_to_datetime(microseconds)?;
    Some(json!(time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()))
}
