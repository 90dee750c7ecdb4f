//! Random small tables: several files, partitions with NULL, deletion vectors, with statistics or
//! without; and what the engine says that a statement does to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use delta_log::schema::StructType;
use delta_log::{Table, TimeTravel};
use messages::Error;
use object_store::ObjectStore;
use object_store::path::Path;
use proptest::prelude::*;
use query_engine::{RowKind, TouchedRows};
use roaring::RoaringTreemap;
use serde_json::{Map, Value, json};

use crate::row_changes::model::{ModelRow, small, word};
use crate::support::{Lake, as_text, metadata_with};

pub const COLUMNS: [(&str, &str); 6] = [
    ("id", "long"),
    ("a", "long"),
    ("b", "long"),
    ("s", "string"),
    ("p", "string"),
    ("y", "long"),
];

/// A table of one version.
#[derive(Debug, Clone)]
pub struct ModelTable {
    pub partition_by: Vec<&'static str>,
    pub files: Vec<ModelFile>,
    pub change_feed: bool,
}

#[derive(Debug, Clone)]
pub struct ModelFile {
    pub rows: Vec<ModelRow>,
    /// Those that a deletion vector deletes.
    pub deleted: BTreeSet<usize>,
    pub statistics: bool,
}

pub fn model_row() -> impl Strategy<Value = ModelRow> {
    (small(), small(), word(), word(), small()).prop_map(|(a, b, s, p, y)| ModelRow {
        id: 0,
        a,
        b,
        s,
        p,
        y,
    })
}

pub fn tables() -> impl Strategy<Value = ModelTable> {
    let file = (
        proptest::collection::vec(model_row(), 1..9),
        proptest::collection::btree_set(0..8_usize, 0..4),
        any::<bool>(),
    );
    let partition_by: [&[&str]; 4] = [&[], &["p"], &["y"], &["y", "p"]];
    let partition_by = proptest::sample::select(partition_by.to_vec());
    let files = proptest::collection::vec(file, 0..5);
    (partition_by, files, any::<bool>()).prop_map(|(partition_by, files, change_feed)| {
        let mut id = 0;
        let files = files
            .into_iter()
            .map(|(mut rows, mut deleted, statistics)| {
                let (p, y) = (rows[0].p.clone(), rows[0].y);
                // An empty string is NULL where it is a partition's value.
                let p = p.filter(|p| !p.is_empty());
                for row in &mut rows {
                    row.id = id;
                    id += 1;
                    if partition_by.contains(&"p") {
                        row.p.clone_from(&p);
                    }
                    if partition_by.contains(&"y") {
                        row.y = y;
                    }
                }
                deleted.retain(|row| *row < rows.len());
                ModelFile {
                    rows,
                    deleted,
                    statistics,
                }
            });
        ModelTable {
            files: files.collect(),
            partition_by: partition_by.to_vec(),
            change_feed,
        }
    })
}

impl ModelTable {
    /// File, position and row of all rows that are there.
    pub fn rows(&self) -> impl Iterator<Item = (usize, u64, &ModelRow)> {
        self.files.iter().enumerate().flat_map(|(i, file)| {
            let rows = file.rows.iter().enumerate();
            let rows = rows.filter(|(n, _)| !file.deleted.contains(n));
            rows.map(move |(n, row)| (i, n as u64, row))
        })
    }

    /// A table of these rows, in one file.
    pub fn of_rows(rows: &[ModelRow]) -> Self {
        let file = ModelFile {
            rows: rows.to_vec(),
            deleted: BTreeSet::new(),
            statistics: true,
        };
        Self {
            partition_by: Vec::new(),
            files: if rows.is_empty() {
                Vec::new()
            } else {
                vec![file]
            },
            change_feed: false,
        }
    }

    /// Writes it as `t` of a new lake.
    pub async fn write(&self) -> Lake {
        let lake = Lake::default();
        self.write_as(&lake, "t").await;
        lake
    }

    pub async fn write_as(&self, lake: &Lake, table: &str) {
        let columns: Vec<(&str, Value)> = COLUMNS
            .iter()
            .map(|(name, of)| (*name, json!(of)))
            .collect();
        let feed = json!({ "delta.enableChangeDataFeed": self.change_feed.to_string() });
        let mut actions = metadata_with(&columns, &self.partition_by, feed);
        actions[0] = json!({ "protocol": {
            "minReaderVersion": 3, "minWriterVersion": 7,
            "readerFeatures": ["deletionVectors"],
            "writerFeatures": ["deletionVectors", "changeDataFeed", "inCommitTimestamp"],
        } });
        for (i, file) in self.files.iter().enumerate() {
            let partition = self.partition_by.iter().map(|name| {
                let row = &file.rows[0];
                let value = match *name {
                    "p" => row.p.clone(),
                    _ => row.y.map(|y| y.to_string()),
                };
                ((*name).to_owned(), json!(value))
            });
            let partition = Value::Object(partition.collect::<Map<_, _>>());
            let name = format!("{i}.parquet");
            let batch = self.batch(&file.rows);
            let mut add = lake.add_partition(table, &name, &batch, partition).await;
            if !file.statistics {
                add["add"]["stats"] = Value::Null;
            }
            if !file.deleted.is_empty() {
                add["add"]["deletionVector"] = deletion_vector(&file.deleted);
                let stats = json!({ "numRecords": file.rows.len() });
                add["add"]["stats"] = match file.statistics {
                    true => add["add"]["stats"].clone(),
                    // With a deletion vector the number of rows must be there.
                    false => json!(stats.to_string()),
                };
            }
            actions.push(add);
        }
        lake.commit(table, 0, "WRITE", actions).await;
    }

    fn batch(&self, rows: &[ModelRow]) -> RecordBatch {
        let in_file = |name: &&(&str, &str)| !self.partition_by.contains(&name.0);
        let columns = COLUMNS
            .iter()
            .filter(in_file)
            .map(|(name, _)| (*name, column(name, rows)));
        RecordBatch::try_from_iter(columns).unwrap()
    }
}

fn column(name: &str, rows: &[ModelRow]) -> ArrayRef {
    let ints = |of: fn(&ModelRow) -> Option<i64>| {
        Arc::new(rows.iter().map(of).collect::<Int64Array>()) as ArrayRef
    };
    let texts = |of: fn(&ModelRow) -> Option<&str>| {
        Arc::new(rows.iter().map(of).collect::<StringArray>()) as ArrayRef
    };
    match name {
        "id" => ints(|row| Some(row.id)),
        "a" => ints(|row| row.a),
        "b" => ints(|row| row.b),
        "y" => ints(|row| row.y),
        "s" => texts(|row| row.s.as_deref()),
        _ => texts(|row| row.p.as_deref()),
    }
}

/// A deletion vector in the log itself.
pub fn deletion_vector(deleted: &BTreeSet<usize>) -> Value {
    let rows: RoaringTreemap = deleted.iter().map(|row| *row as u64).collect();
    let mut bytes = 1_681_511_377_u32.to_le_bytes().to_vec();
    rows.serialize_into(&mut bytes).unwrap();
    let size = bytes.len();
    bytes.resize(size.next_multiple_of(4), 0);
    json!({
        "storageType": "i",
        "pathOrInlineDv": z85::encode(&bytes),
        "sizeInBytes": size,
        "cardinality": deleted.len(),
    })
}

/// Rows by kind of change, sorted; and what they take the place of, by the number in a file's name.
#[derive(Debug, Default, PartialEq)]
pub struct Changes {
    pub rows: BTreeMap<RowKind, Vec<ModelRow>>,
    pub deleted: BTreeSet<(usize, u64)>,
    pub updated: BTreeSet<(usize, u64)>,
    /// Rows of the files that lose some, in order, by the position of the file.
    pub unchanged: Vec<(usize, ModelRow)>,
    pub touched: TouchedRows,
}

/// What the engine says that `sql` changes.
pub async fn changes(lake: &Lake, sql: &str) -> Result<Changes, Error> {
    let engine = lake.engine();
    let statement = engine.parse(sql)?.remove(0);
    let mut change = engine.changed_rows(&statement).await?;
    let mut changes = Changes::default();
    while let Some(changed) = change.next().await {
        let changed = changed?;
        assert!(changed.rows.num_rows() > 0);
        let rows = changes.rows.entry(changed.kind).or_default();
        rows.extend(model_rows(&changed.rows));
    }
    for rows in changes.rows.values_mut() {
        rows.sort();
    }
    let mut unchanged = engine.unchanged_rows(&mut change).await?;
    while let Some(rows) = unchanged.next().await {
        let (file, rows) = rows?;
        changes
            .unchanged
            .extend(model_rows(&rows).into_iter().map(|row| (file, row)));
    }
    changes.touched = change.finish();
    let files = numbers_of_files(lake).await;
    let by_name = |touched: &BTreeMap<usize, RoaringTreemap>| {
        let places = touched.iter().flat_map(|(i, rows)| {
            let file = files[*i];
            rows.iter().map(move |row| (file, row))
        });
        places.collect()
    };
    for (file, _) in &mut changes.unchanged {
        *file = files[*file];
    }
    changes.deleted = by_name(&changes.touched.deleted);
    changes.updated = by_name(&changes.touched.updated);
    Ok(changes)
}

/// The number in the name of each file of the snapshot.
async fn numbers_of_files(lake: &Lake) -> Vec<usize> {
    let store = Arc::clone(&lake.store) as Arc<dyn ObjectStore>;
    let table = Table::new(store, Path::from("t"), "s3a://lake/t".to_owned(), true);
    let snapshot = table.snapshot(TimeTravel::Latest).await.unwrap();
    let files = snapshot.files();
    let number = |i| {
        files
            .raw_path(i)
            .split_once('.')
            .unwrap()
            .0
            .parse()
            .unwrap()
    };
    (0..files.len()).map(number).collect()
}

fn model_rows(batch: &RecordBatch) -> Vec<ModelRow> {
    let ints = |name| {
        batch
            .column_by_name(name)
            .unwrap()
            .as_primitive::<Int64Type>()
    };
    let texts = |name| batch.column_by_name(name).unwrap().as_string::<i32>();
    let value = |values: &StringArray, i| {
        arrow::array::Array::is_valid(values, i).then(|| values.value(i).to_owned())
    };
    let number =
        |values: &Int64Array, i| arrow::array::Array::is_valid(values, i).then(|| values.value(i));
    let row = |i| ModelRow {
        id: number(ints("id"), i).unwrap_or(-1),
        a: number(ints("a"), i),
        b: number(ints("b"), i),
        s: value(texts("s"), i),
        p: value(texts("p"), i),
        y: number(ints("y"), i),
    };
    (0..batch.num_rows()).map(row).collect()
}

/// Kind and values of the rows that `sql` changes, and the table's columns after it.
pub async fn text_rows(
    lake: &Lake,
    sql: &str,
) -> Result<(Vec<(RowKind, String)>, StructType), Error> {
    let engine = lake.engine();
    let statement = engine.parse(sql)?.remove(0);
    let mut change = engine.changed_rows(&statement).await?;
    let mut rows = Vec::new();
    while let Some(changed) = change.next().await {
        let changed = changed?;
        let values = as_text(&changed.rows).into_iter();
        rows.extend(values.map(|row| (changed.kind, row.join("|"))));
    }
    Ok((rows, change.schema().as_ref().clone()))
}

/// Runs `test` on a runtime of its own.
pub fn block_on<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(test)
}
