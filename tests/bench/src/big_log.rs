//! Logs of `cargo xtask bench reader`: 10,000 commits and 100,000 active files, the same for the
//! same seed on every machine. There are no data files: a reader of the log needs none.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};

/// Versions 0 to 9,999.
const COMMITS: u64 = 10_000;
/// Files that a commit adds. It removes one of an earlier commit.
const ADDS: usize = 11;
/// Versions with a checkpoint.
const CHECKPOINTS: [u64; 3] = [2_500, 5_000, 9_990];
/// The last checkpoint where compacted commits follow it, and what they compact.
const EARLY_CHECKPOINT: u64 = 9_000;
const COMPACTED: (u64, u64) = (9_001, 9_990);
/// Sidecars of each V2 checkpoint.
const SIDECARS: usize = 4;
/// 2024-01-01, in milliseconds since the epoch; commits are a minute apart.
const START: u64 = 1_704_067_200_000;
const REGIONS: [&str; 5] = ["ap", "eu", "me", "north america", "sa"];

/// What a log consists of, beside its commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Layout {
    /// Checkpoints of one Parquet file, the last one ten commits before the end.
    Classic,
    /// Checkpoints of the V2 spec, with sidecars.
    Sidecars,
    /// A checkpoint a thousand commits before the end, and these compacted in one file.
    Compacted,
}

/// Writes a log into `folder`, which must not exist yet, and `next.json` beside the log: the commit
/// that would come next.
pub fn write(folder: &Path, layout: Layout, seed: u64) -> Result<()> {
    if folder.exists() {
        bail!("{} exists already", folder.display());
    }
    let mut writer = Writer {
        log: folder.join("_delta_log"),
        layout,
        random: Random(seed),
        active: Vec::new(),
        removed: Vec::new(),
        compacted: BTreeMap::new(),
        files: 0,
    };
    fs::create_dir_all(&writer.log)
        .with_context(|| format!("cannot create {}", writer.log.display()))?;
    for version in 0..COMMITS {
        let commit = writer.commit(version);
        writer.put(&format!("{version:020}.json"), &commit)?;
        let checkpoint = match layout {
            Layout::Compacted => version == EARLY_CHECKPOINT,
            _ => CHECKPOINTS.contains(&version),
        };
        if checkpoint {
            writer.checkpoint(version)?;
        }
        if layout == Layout::Compacted && version == COMPACTED.1 {
            let lines: Vec<&str> = writer.compacted.values().map(String::as_str).collect();
            let (from, to) = COMPACTED;
            writer.put(&format!("{from:020}.{to:020}.compacted.json"), &lines)?;
        }
    }
    let next = writer.commit(COMMITS).join("\n");
    fs::write(folder.join("next.json"), next + "\n").context("cannot write the next commit")
}

struct Writer {
    log: std::path::PathBuf,
    layout: Layout,
    random: Random,
    /// Each file's path, and the line of the log that adds it.
    active: Vec<(String, String)>,
    /// The lines that remove files.
    removed: Vec<String>,
    /// What the compacted commits say of each path.
    compacted: BTreeMap<String, String>,
    /// Files so far.
    files: u64,
}

impl Writer {
    fn commit(&mut self, version: u64) -> Vec<String> {
        let time = START + version * 60_000;
        let mut lines = vec![
            json!({"commitInfo": {
                "timestamp": time,
                "operation": "WRITE",
                "operationParameters": {"mode": "Append", "partitionBy": "[]"},
                "isBlindAppend": false,
            }})
            .to_string(),
        ];
        let compacted = (COMPACTED.0..=COMPACTED.1).contains(&version);
        let mut adds = ADDS;
        if version == 0 {
            lines.extend([self.protocol(), metadata()].map(|action| action.to_string()));
            adds -= 1;
        } else {
            let index = self.random.below(self.active.len() as u64) as usize;
            let (path, _) = self.active.swap_remove(index);
            let line = json!({"remove": {
                "path": path,
                "deletionTimestamp": time,
                "dataChange": true,
            }});
            let line = line.to_string();
            if compacted {
                self.compacted.insert(path, line.clone());
            }
            self.removed.push(line.clone());
            lines.push(line);
        }
        for _ in 0..adds {
            let (path, line) = self.add(time);
            if compacted {
                self.compacted.insert(path.clone(), line.clone());
            }
            lines.push(line.clone());
            self.active.push((path, line));
        }
        lines
    }

    fn add(&mut self, time: u64) -> (String, String) {
        let number = self.files;
        self.files += 1;
        let day = format!("2024-{:02}-{:02}", time / 60_000 % 12 + 1, number % 28 + 1);
        let region = REGIONS[self.random.below(REGIONS.len() as u64) as usize];
        let path = format!(
            "day={day}/region={}/part-{:05}-{:016x}.c000.snappy.parquet",
            region.replace(' ', "%20"),
            number % 200,
            self.random.next(),
        );
        let rows = 1_000 + self.random.below(10_000);
        let low = self.random.below(1_000_000_000);
        let names = [self.random.next(), self.random.next()];
        let nulls = self.random.below(rows);
        let stats = json!({
            "numRecords": rows,
            "minValues": {
                "id": low,
                "customer": format!("customer {:016x}", names[0].min(names[1])),
                "amount": low as f64 / 100.0,
                "at": "2024-01-01T00:00:00.000Z",
            },
            "maxValues": {
                "id": low + rows,
                "customer": format!("customer {:016x}", names[0].max(names[1])),
                "amount": (low + rows) as f64 / 100.0,
                "at": "2024-12-28T23:59:59.999Z",
            },
            "nullCount": {"id": 0, "customer": nulls, "amount": 0, "at": 0},
        });
        let line = json!({"add": {
            "path": path,
            "partitionValues": {"day": day, "region": region},
            "size": 10_000 + rows * 40,
            "modificationTime": time,
            "dataChange": true,
            "stats": stats.to_string(),
        }});
        (path, line.to_string())
    }

    fn protocol(&self) -> Value {
        match self.layout {
            Layout::Sidecars => json!({"protocol": {
                "minReaderVersion": 3,
                "minWriterVersion": 7,
                "readerFeatures": ["v2Checkpoint"],
                "writerFeatures": ["v2Checkpoint"],
            }}),
            _ => json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}),
        }
    }

    fn checkpoint(&self, version: u64) -> Result<()> {
        let adds = || self.active.iter().map(|(_, line)| line.as_str());
        let removes = self.removed.iter().map(String::as_str);
        let state = [self.protocol().to_string(), metadata().to_string()];
        let state = state.iter().map(String::as_str);
        let hint = if self.layout == Layout::Sidecars {
            let sidecars = self.log.join("_sidecars");
            fs::create_dir_all(&sidecars).context("cannot create the sidecars' folder")?;
            let lines: Vec<&str> = adds().chain(removes).collect();
            let mut top: Vec<String> = state.map(str::to_owned).collect();
            for (number, part) in lines.chunks(lines.len().div_ceil(SIDECARS)).enumerate() {
                let name = format!("{}.parquet", uuid(version, number));
                let size = parquet(&sidecars.join(&name), part)?;
                let sidecar = json!({"path": name, "sizeInBytes": size, "modificationTime": START});
                top.push(json!({ "sidecar": sidecar }).to_string());
            }
            top.push(json!({"checkpointMetadata": {"version": version}}).to_string());
            let top: Vec<&str> = top.iter().map(String::as_str).collect();
            let name = format!(
                "{version:020}.checkpoint.{}.parquet",
                uuid(version, SIDECARS)
            );
            parquet(&self.log.join(&name), &top)?;
            json!({"version": version, "size": lines.len(), "v2Checkpoint": {"path": name}})
        } else {
            let lines: Vec<&str> = state.chain(adds()).chain(removes).collect();
            let name = format!("{version:020}.checkpoint.parquet");
            parquet(&self.log.join(name), &lines)?;
            json!({"version": version, "size": lines.len()})
        };
        self.put("_last_checkpoint", &[hint.to_string()])
    }

    fn put(&self, name: &str, lines: &[impl AsRef<str>]) -> Result<()> {
        let lines: Vec<&str> = lines.iter().map(AsRef::as_ref).collect();
        let path = self.log.join(name);
        fs::write(&path, lines.join("\n") + "\n")
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

fn metadata() -> Value {
    let types = [
        ("id", "long"),
        ("customer", "string"),
        ("amount", "double"),
        ("at", "timestamp"),
        ("day", "date"),
        ("region", "string"),
    ];
    let fields = types.map(|(name, data_type)| {
        json!({"name": name, "type": data_type, "nullable": true, "metadata": {}})
    });
    json!({"metaData": {
        "id": "5b1d8f0e-6a7b-4a39-9f3b-0c2f4f3f9d10",
        "format": {"provider": "parquet", "options": {}},
        "schemaString": json!({"type": "struct", "fields": fields}).to_string(),
        "partitionColumns": ["day", "region"],
        "configuration": {},
        "createdTime": START,
    }})
}

/// Something of the shape of a UUID.
fn uuid(version: u64, number: usize) -> String {
    format!("{version:08x}-0000-4000-8000-{number:012x}")
}

/// Writes actions as Spark writes a checkpoint: in one row group, compressed with Snappy.
fn parquet(path: &Path, lines: &[&str]) -> Result<u64> {
    let schema = checkpoint_schema();
    let mut decoder = arrow::json::ReaderBuilder::new(schema.clone())
        .with_batch_size(lines.len().max(1))
        .build_decoder()?;
    decoder.decode(lines.join("\n").as_bytes())?;
    let batch = decoder.flush()?.context("a checkpoint without actions")?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .build();
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties))?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(fs::metadata(path)?.len())
}

fn checkpoint_schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let long = |name: &str| Field::new(name, DataType::Int64, true);
    let int = |name: &str| Field::new(name, DataType::Int32, true);
    let flag = |name: &str| Field::new(name, DataType::Boolean, true);
    let texts = |name: &str| {
        let element = Arc::new(Field::new("element", DataType::Utf8, true));
        Field::new(name, DataType::List(element), true)
    };
    let map = |name: &str| {
        let key = Field::new("key", DataType::Utf8, false);
        let entries = DataType::Struct(Fields::from(vec![key, text("value")]));
        let entries = Arc::new(Field::new("key_value", entries, false));
        Field::new(name, DataType::Map(entries, false), true)
    };
    let group =
        |name: &str, fields: Vec<Field>| Field::new(name, DataType::Struct(fields.into()), true);
    Arc::new(Schema::new(vec![
        group("txn", vec![text("appId"), long("version")]),
        group(
            "add",
            vec![
                text("path"),
                map("partitionValues"),
                long("size"),
                long("modificationTime"),
                flag("dataChange"),
                map("tags"),
                text("stats"),
            ],
        ),
        group(
            "remove",
            vec![text("path"), long("deletionTimestamp"), flag("dataChange")],
        ),
        group(
            "metaData",
            vec![
                text("id"),
                group("format", vec![text("provider"), map("options")]),
                text("schemaString"),
                texts("partitionColumns"),
                map("configuration"),
                long("createdTime"),
            ],
        ),
        group(
            "protocol",
            vec![
                int("minReaderVersion"),
                int("minWriterVersion"),
                texts("readerFeatures"),
                texts("writerFeatures"),
            ],
        ),
        group("checkpointMetadata", vec![long("version")]),
        group(
            "sidecar",
            vec![text("path"), long("sizeInBytes"), long("modificationTime")],
        ),
    ]))
}

/// splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}
