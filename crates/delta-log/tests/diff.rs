//! Which files hold what is different between two versions.

mod support;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use delta_log::{ChangeKind, ChangePlan, Error, FileRows, Result, TimeTravel};
use serde_json::{Value, json};
use support::*;

const VECTOR: &str = "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L";

/// `path`, without the rows of a vector that says so.
fn with_vector(path: &str, vector: &str) -> Value {
    let mut file = add(path);
    file["add"]["deletionVector"] = json!({
        "storageType": "i", "pathOrInlineDv": vector, "sizeInBytes": 44, "cardinality": 6,
    });
    file
}

fn partitioned(path: &str, day: &str) -> Value {
    let mut file = add(path);
    file["add"]["partitionValues"] = json!({ "day": day });
    file
}

fn partitioned_by(columns: &[(&str, &str)], partition_columns: &[&str]) -> Value {
    let mut metadata = metadata_with(columns, json!({}));
    metadata["metaData"]["partitionColumns"] = json!(partition_columns);
    metadata
}

async fn diff(t: &TestTable, from: u64, to: u64) -> Result<ChangePlan> {
    let from = t.table.snapshot(TimeTravel::Version(from)).await?;
    let to = t.table.snapshot(TimeTravel::Version(to)).await?;
    t.table.diff(&from, &to)
}

/// `-a` for a file whose rows are only in the first version, `+a` for one of the second, with `?`
/// where not all of its rows are meant.
async fn sources(t: &TestTable, from: u64, to: u64) -> Vec<String> {
    let plan = diff(t, from, to).await.unwrap();
    assert_eq!((plan.start, plan.end), (from, to));
    let [version] = plan.versions.as_slice() else {
        panic!("{plan:?}");
    };
    assert_eq!(
        (version.version, version.timestamp_ms),
        (to, commit_time(to))
    );
    let mut sources: Vec<String> = version
        .sources
        .iter()
        .map(|source| {
            let sign = match source.kind {
                ChangeKind::Delete => "-",
                _ => "+",
            };
            let part = match source.rows {
                FileRows::All => "",
                _ => "?",
            };
            format!("{sign}{}{part}", source.path.filename().unwrap())
        })
        .collect();
    sources.sort();
    sources
}

#[tokio::test]
async fn only_files_and_rows_that_differ_are_named() {
    let t = TestTable::new();
    t.commit(
        0,
        &[protocol(), metadata(), add("a%20a"), add("b"), add("c")],
    )
    .await;
    // The same file, spelt otherwise and added once more.
    let again = add(&format!("{}/a a", t.table.location));
    t.commit(1, &[again, remove("b"), add("d")]).await;
    let vectors = json!({"protocol": {
        "minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"],
    }});
    let gone = remove("c");
    t.commit(2, &[vectors, gone, with_vector("c", VECTOR)])
        .await;
    assert_eq!(sources(&t, 0, 1).await, ["+d", "-b"]);
    assert_eq!(sources(&t, 1, 0).await, ["+b", "-d"]);
    assert_eq!(sources(&t, 1, 2).await, ["-c?"]);
    assert_eq!(sources(&t, 2, 1).await, ["+c?"]);
    assert_eq!(sources(&t, 0, 2).await, ["+d", "-b", "-c?"]);
    assert_eq!(sources(&t, 2, 2).await, Vec::<String>::new());
}

#[tokio::test]
async fn other_partition_values_make_another_file() {
    let t = TestTable::new();
    let columns = [("id", "long"), ("day", "integer")];
    let by_day = partitioned_by(&columns, &["day"]);
    let files = [partitioned("a", "1"), partitioned("b", "1")];
    let [a, b] = files;
    t.commit(0, &[protocol(), by_day, a, b]).await;
    t.commit(1, &[partitioned("a", "2"), partitioned("b", "01")])
        .await;
    assert_eq!(sources(&t, 0, 1).await, ["+a", "-a"]);
    // Widened, and with a column more.
    let wider = [("id", "long"), ("day", "long"), ("more", "string")];
    t.commit(2, &[partitioned_by(&wider, &["day"])]).await;
    assert_eq!(sources(&t, 1, 2).await, Vec::<String>::new());
    let plan = diff(&t, 0, 2).await.unwrap();
    let values = plan.versions[0].sources.iter().map(|source| {
        let (column, value) = &source.partition_values[0];
        (column.as_str(), value.as_primitive::<Int64Type>().value(0))
    });
    assert_eq!(values.collect::<Vec<_>>(), [("day", 1), ("day", 2)]);
    t.commit(3, &[partitioned_by(&wider, &[])]).await;
    assert_eq!(sources(&t, 2, 3).await, ["+a", "+b", "-a", "-b"]);
}

/// Column mapping by name: name, physical name and type of each column.
fn mapped(columns: &[(&str, &str, &str)], partition_columns: &[&str]) -> Value {
    let fields: Vec<Value> = columns
        .iter()
        .enumerate()
        .map(|(id, (name, physical, data_type))| {
            json!({ "name": name, "type": data_type, "nullable": true, "metadata": {
                "delta.columnMapping.id": id, "delta.columnMapping.physicalName": physical,
            } })
        })
        .collect();
    let mode = json!({ "delta.columnMapping.mode": "name" });
    let mut metadata = metadata_with(&[], mode);
    let schema = json!({ "type": "struct", "fields": fields });
    metadata["metaData"]["schemaString"] = json!(schema.to_string());
    metadata["metaData"]["partitionColumns"] = json!(partition_columns);
    metadata
}

#[tokio::test]
async fn a_renamed_column_is_the_same_and_one_of_its_name_is_not() {
    let t = TestTable::new();
    let protocol = json!({"protocol": {"minReaderVersion": 2, "minWriterVersion": 5}});
    let before = mapped(&[("id", "c1", "long"), ("day", "c2", "integer")], &["day"]);
    let mut file = add("a");
    file["add"]["partitionValues"] = json!({ "c2": "7" });
    let mut other = file.clone();
    other["add"]["path"] = json!("b");
    t.commit(0, &[protocol, before, file]).await;
    let after = mapped(
        &[("day", "c1", "long"), ("date", "c2", "integer")],
        &["date"],
    );
    t.commit(1, &[after, other]).await;
    assert_eq!(sources(&t, 0, 1).await, ["+b"]);
    t.commit(2, &[remove("a")]).await;
    let plan = diff(&t, 0, 2).await.unwrap();
    for source in &plan.versions[0].sources {
        assert_eq!(source.partition_values[0].0, "date");
    }
    let replaced = mapped(
        &[("day", "c3", "long"), ("date", "c2", "integer")],
        &["date"],
    );
    t.commit(3, &[replaced]).await;
    match diff(&t, 2, 3).await {
        Err(Error::IncompatibleSchemaInDiff { reason, .. }) => {
            assert_eq!(reason, "column day is another one now");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn versions_whose_columns_do_not_fit_are_refused() {
    let t = TestTable::new();
    t.commit(0, &[protocol(), metadata(), add("a")]).await;
    let columns = [("id", "long"), ("name", "string")];
    t.commit(1, &[metadata_with(&columns, json!({}))]).await;
    assert_eq!(sources(&t, 0, 1).await, Vec::<String>::new());
    match diff(&t, 1, 0).await {
        Err(Error::IncompatibleSchemaInDiff {
            from: 1,
            to: 0,
            reason,
        }) => assert_eq!(reason, "column name is gone"),
        other => panic!("{other:?}"),
    }
}
