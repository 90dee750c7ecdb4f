//! `table_diff`.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Array, Int32Array, Int64Array, ListBuilder, MapBuilder, RecordBatch,
    StringArray, StringBuilder, StructArray,
};
use arrow::datatypes::{DataType, Field, Fields};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use crate::support::{Lake, Row, metadata, rows_of, run};

fn people(rows: &[(i64, &str)]) -> RecordBatch {
    let ids: Vec<i64> = rows.iter().map(|(id, _)| *id).collect();
    let names: Vec<&str> = rows.iter().map(|(_, name)| *name).collect();
    RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from(ids)) as ArrayRef),
        ("name", Arc::new(StringArray::from(names))),
    ])
    .unwrap()
}

fn remove(add: &Value) -> Value {
    json!({ "remove": {
        "path": add["add"]["path"], "deletionTimestamp": 0, "dataChange": true,
    } })
}

/// No change feed. Version 1 renames 1, deletes 2 and inserts 4 by rewriting a file; version 2 is a
/// compaction that leaves its old files to a VACUUM.
async fn lake() -> Lake {
    let lake = Lake::default();
    let columns = [("id", json!("long")), ("name", json!("string"))];
    let mut first = metadata(&columns, &[]);
    let a = lake
        .add("t", "a.parquet", &people(&[(1, "a"), (2, "b"), (3, "c")]))
        .await;
    let b = lake
        .add("t", "b.parquet", &people(&[(7, "x"), (7, "x")]))
        .await;
    first.extend([a.clone(), b.clone()]);
    lake.commit("t", 0, "WRITE", first).await;
    let c = lake
        .add("t", "c.parquet", &people(&[(4, "d"), (1, "A"), (3, "c")]))
        .await;
    lake.commit("t", 1, "MERGE", vec![remove(&a), c.clone()])
        .await;
    let all = people(&[(1, "A"), (3, "c"), (4, "d"), (7, "x"), (7, "x")]);
    let d = lake.add("t", "d.parquet", &all).await;
    lake.commit("t", 2, "OPTIMIZE", vec![remove(&b), remove(&c), d])
        .await;
    lake
}

async fn diff(lake: &Lake, arguments: &str) -> Vec<String> {
    let sql = format!("SELECT * FROM table_diff('t', {arguments}) ORDER BY id, _change_type DESC");
    let rows = rows_of(&lake.engine(), &sql).await.unwrap();
    rows.iter().map(|row| row[..4].join(" ")).collect()
}

#[tokio::test]
async fn rows_that_only_one_version_has() {
    let lake = lake().await;
    let forward = [
        "1 a delete 1",
        "1 A insert 1",
        "2 b delete 1",
        "4 d insert 1",
    ];
    let mut rows = diff(&lake, "0, 1").await;
    rows.sort_by_key(|row| (row.as_bytes()[0], row.contains("insert")));
    assert_eq!(rows, forward);
    let backward = [
        "1 A delete 0",
        "1 a insert 0",
        "2 b insert 0",
        "4 d delete 0",
    ];
    let mut rows = diff(&lake, "1, 0").await;
    rows.sort_by_key(|row| (row.as_bytes()[0], row.contains("insert")));
    assert_eq!(rows, backward);
    for unchanged in ["1, 2", "2, 1", "0, 0"] {
        assert!(diff(&lake, unchanged).await.is_empty(), "{unchanged}");
    }
}

#[tokio::test]
async fn key_columns_tell_updates() {
    let lake = lake().await;
    let sql = "SELECT * FROM table_diff('t', 0, '2026-11-23 10:00:02', 'ID') ORDER BY id, _change_type DESC";
    let (rows, execution) = run(&lake.engine(), sql).await.unwrap();
    let types: Vec<_> = execution
        .columns()
        .into_iter()
        .map(|c| c.data_type)
        .collect();
    assert_eq!(types, ["bigint", "string", "string", "bigint", "timestamp"]);
    let short: Vec<_> = rows.iter().map(|row| row[..4].join(" ")).collect();
    assert_eq!(
        short,
        [
            "1 a update_preimage 2",
            "1 A update_postimage 2",
            "2 b delete 2",
            "4 d insert 2",
        ]
    );
    assert!(
        rows.iter()
            .all(|row| row[4].starts_with("2026-11-23T10:00:02"))
    );

    let sql =
        "SELECT _change_type, name FROM table_diff('t', 0, 2, 'id') WHERE id = 1 AND name = 'A'";
    let rows = rows_of(&lake.engine(), sql).await.unwrap();
    assert_eq!(rows, [["update_postimage", "A"]]);
    let sql = "SELECT COUNT(*) FROM table_diff('t', 0, 2, 'id', 'name')";
    assert_eq!(rows_of(&lake.engine(), sql).await.unwrap(), [["4"]]);
}

#[tokio::test]
async fn files_of_both_versions_are_not_read() {
    let lake = lake().await;
    lake.delete("t/b.parquet").await;
    assert_eq!(diff(&lake, "0, 1").await.len(), 4);
    let error = rows_of(&lake.engine(), "SELECT * FROM table_diff('t', 1, 2)")
        .await
        .unwrap_err();
    assert_eq!(error.code, "FILE_NOT_FOUND");
    assert!(error.message.contains("b.parquet"), "{error}");
}

#[tokio::test]
async fn repeated_rows_count() {
    let lake = Lake::default();
    let mut first = metadata(&[("id", json!("long")), ("name", json!("string"))], &[]);
    let a = lake.add("t", "a.parquet", &people(&[(1, "a"); 3])).await;
    first.push(a.clone());
    lake.commit("t", 0, "WRITE", first).await;
    let many = vec![(1, "a"); 20_001];
    let b = lake.add("t", "b.parquet", &people(&many)).await;
    lake.commit("t", 1, "WRITE", vec![remove(&a), b.clone()])
        .await;
    let c = lake.add("t", "c.parquet", &people(&[(1, "b")])).await;
    lake.commit("t", 2, "WRITE", vec![c]).await;

    let count = "SELECT _change_type, COUNT(*), MIN(id) FROM table_diff('t', 0, 1) GROUP BY 1";
    let rows = rows_of(&lake.engine(), count).await.unwrap();
    assert_eq!(rows, [["insert", "19998", "1"]]);
    let error = rows_of(&lake.engine(), "SELECT * FROM table_diff('t', 0, 2, 'id')")
        .await
        .unwrap_err();
    assert_eq!(error.code, "DELTA_DIFF_KEY_NOT_UNIQUE");
    assert!(error.message.contains("version 2 has"), "{error}");
    assert!(error.message.contains("id = 1"), "{error}");
    // Of what did not change the keys may repeat.
    assert_eq!(diff(&lake, "1, 2, 'id'").await, ["1 b insert 2"]);
}

#[tokio::test]
async fn what_cannot_be_compared_is_refused_in_words() {
    let lake = lake().await;
    let fields = [("id", json!("string"))];
    let mut other = metadata(&fields, &[]);
    other.remove(0);
    lake.commit("t", 3, "REPLACE", other).await;
    for (arguments, code, told) in [
        ("0, 9", "DELTA_VERSION_NOT_FOUND", "[0, 3]"),
        (
            "0, '2020-01-01'",
            "DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION",
            "2020-01-01",
        ),
        (
            "0, 1, 'nmae'",
            "UNRESOLVED_COLUMN.WITH_SUGGESTION",
            "`name`",
        ),
        ("0", "WRONG_NUM_ARGS", "table_diff('t', '"),
        ("0, 1, 7", "WRONG_NUM_ARGS", "'account_id'"),
        (
            "0, 3",
            "DELTA_DIFF_INCOMPATIBLE_SCHEMA",
            "id was bigint, and is string",
        ),
        ("3, 0", "DELTA_DIFF_INCOMPATIBLE_SCHEMA", "DESCRIBE HISTORY"),
    ] {
        let sql = format!("SELECT * FROM table_diff('t', {arguments})");
        let error = rows_of(&lake.engine(), &sql).await.unwrap_err();
        assert_eq!(error.code, code, "{arguments}: {error}");
        let text = format!("{} {}", error.message, error.hint.unwrap_or_default());
        assert!(text.contains(told), "{arguments}: {text}");
    }
}

/// Rows of an `id` and of a struct with one field or two.
fn points(ids: ArrayRef, parts: &[(&str, &[f64])]) -> RecordBatch {
    let parts = parts.iter().map(|(name, values)| {
        let values: ArrayRef = Arc::new(Float64Array::from(values.to_vec()));
        (Arc::new(Field::new(*name, DataType::Float64, true)), values)
    });
    let point = Arc::new(StructArray::from(parts.collect::<Vec<_>>()));
    RecordBatch::try_from_iter([("id", ids), ("point", point as ArrayRef)]).unwrap()
}

#[tokio::test]
async fn rows_of_before_a_schema_grew_are_read_as_those_after_it() {
    let lake = Lake::default();
    let part =
        |name: &str| json!({ "name": name, "type": "double", "nullable": true, "metadata": {} });
    let columns = |id: &str, names: &[&str]| {
        let parts: Vec<Value> = names.iter().map(|name| part(name)).collect();
        let point = json!({ "type": "struct", "fields": parts });
        metadata(&[("id", json!(id)), ("point", point)], &[])
    };
    let narrow = |ids: Vec<i32>| -> ArrayRef { Arc::new(Int32Array::from(ids)) };
    let a = points(narrow(vec![1, 2]), &[("x", &[1.0, -0.0])]);
    let a = lake.add("t", "a.parquet", &a).await;
    let b = points(narrow(vec![3]), &[("x", &[3.0])]);
    let b = lake.add("t", "b.parquet", &b).await;
    let mut first = columns("integer", &["x"]);
    first.extend([a.clone(), b]);
    lake.commit("t", 0, "WRITE", first).await;
    // 1 as it was, 2 without its sign, and a new row.
    let wide: ArrayRef = Arc::new(Int64Array::from(vec![2, 1, 4_000_000_000]));
    let c: [(&str, &[f64]); 1] = [("x", &[0.0, 1.0, 4.0])];
    let c = lake.add("t", "c.parquet", &points(wide, &c)).await;
    let mut second = columns("long", &["x", "y"]);
    second.remove(0);
    second.extend([remove(&a), c]);
    lake.commit("t", 1, "MERGE", second).await;
    let rows = [
        "2 {x: -0.0, y: NULL} update_preimage 1",
        "2 {x: 0.0, y: NULL} update_postimage 1",
        "4000000000 {x: 4.0, y: NULL} insert 1",
    ];
    assert_eq!(diff(&lake, "0, 1, 'id'").await, rows);
    let sql = "SELECT * FROM table_diff('t', 0, 1, 'point')";
    let error = rows_of(&lake.engine(), sql).await.unwrap_err();
    assert_eq!(error.code, "DELTA_DIFF_KEY_TYPE");
}

#[tokio::test]
async fn a_difference_beyond_the_memory_limit_is_an_error() {
    let lake = Lake::default();
    let mut first = metadata(&[("id", json!("long")), ("name", json!("string"))], &[]);
    let rows: Vec<(i64, &str)> = (0..100_000).map(|id| (id, "some name or other")).collect();
    let a = lake.add("t", "a.parquet", &people(&rows)).await;
    first.push(a.clone());
    lake.commit("t", 0, "WRITE", first).await;
    let b = lake.add("t", "b.parquet", &people(&rows[..99_999])).await;
    lake.commit("t", 1, "WRITE", vec![remove(&a), b]).await;
    let sql = "SELECT * FROM table_diff('t', 0, 1)";
    let error = rows_of(&lake.engine_with(1024 * 1024), sql).await;
    assert_eq!(error.unwrap_err().code, "QUERY_MEMORY_EXCEEDED");
    assert_eq!(rows_of(&lake.engine(), sql).await.unwrap().len(), 1);
}

/// Row `i` of a few that differ in one column each, of all kinds of types.
fn kinds(rows: &[usize]) -> RecordBatch {
    let floats: Float64Array = rows
        .iter()
        .map(|i| match i % 8 {
            0 => Some(f64::NAN),
            1 => Some(f64::from_bits(0xfff8_0000_0000_0001)),
            2 => Some(0.0),
            3 => Some(-0.0),
            4 => None,
            _ => Some(1.5),
        })
        .collect();
    let texts: StringArray = rows.iter().map(|i| (i % 3 > 0).then_some("t")).collect();
    let mut lists = ListBuilder::new(StringBuilder::new());
    let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for i in rows {
        if i % 5 == 1 {
            lists.values().append_option((*i > 8).then_some("v"));
        }
        lists.append(i % 5 != 2);
        // The same map in two orders, an empty one, and none.
        let keys: &[&str] = match i % 16 {
            5 => &["k", "l"],
            6 | 7 => &["l", "k"],
            _ => &[],
        };
        for key in keys {
            maps.keys().append_value(key);
            maps.values().append_value(key.repeat(2));
        }
        maps.append(i % 16 != 8).unwrap();
    }
    let inner = Fields::from(vec![Field::new("f", DataType::Float64, true)]);
    let parts = StructArray::new(inner, vec![Arc::new(floats.clone())], None);
    let numbers: Int64Array = rows.iter().map(|i| Some(*i as i64 / 16)).collect();
    RecordBatch::try_from_iter([
        ("n", Arc::new(numbers) as ArrayRef),
        ("f", Arc::new(floats)),
        ("t", Arc::new(texts)),
        ("l", Arc::new(lists.finish())),
        ("m", Arc::new(maps.finish())),
        ("s", Arc::new(parts)),
    ])
    .unwrap()
}

fn kinds_columns() -> Vec<(&'static str, Value)> {
    let list = json!({ "type": "array", "elementType": "string", "containsNull": true });
    let map = json!({
        "type": "map", "keyType": "string", "valueType": "string", "valueContainsNull": true,
    });
    let part = json!({ "name": "f", "type": "double", "nullable": true, "metadata": {} });
    vec![
        ("n", json!("long")),
        ("f", json!("double")),
        ("t", json!("string")),
        ("l", list),
        ("m", map),
        ("s", json!({ "type": "struct", "fields": [part] })),
        ("v", json!("void")),
    ]
}

/// How often each row is there; of maps the entries in order.
fn bag(rows: Vec<Row>) -> BTreeMap<Vec<String>, i64> {
    let mut bag = BTreeMap::new();
    for mut row in rows {
        if row[4] == "{l: ll, k: kk}" {
            row[4] = "{k: kk, l: ll}".to_owned();
        }
        *bag.entry(row).or_default() += 1;
    }
    bag
}

/// Deleted and inserted rows with the updates among them told by the first three columns; `None`
/// where those of a side repeat.
fn by_key(rows: Vec<Row>) -> Option<Vec<Row>> {
    let mut keys: BTreeMap<Row, BTreeMap<String, Row>> = BTreeMap::new();
    for row in rows {
        let of_key = keys.entry(row[..3].to_vec()).or_default();
        if of_key.insert(row[7].clone(), row).is_some() {
            return None;
        }
    }
    let mut rows = Vec::new();
    for mut of_key in keys.into_values() {
        if let (2, Some(row)) = (of_key.len(), of_key.get_mut("delete")) {
            row[7] = "update_preimage".to_owned();
        }
        if let (2, Some(row)) = (of_key.len(), of_key.get_mut("insert")) {
            row[7] = "update_postimage".to_owned();
        }
        rows.extend(of_key.into_values());
    }
    rows.sort();
    Some(rows)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Versions of random files of random rows: what `table_diff` says turns one into the other.
    #[test]
    fn a_diff_turns_one_version_into_the_other(
        commits in prop::collection::vec(
            (prop::collection::vec(prop::collection::vec(0_usize..40, 0..12), 0..3),
             prop::collection::vec(any::<Index>(), 0..3)),
            1..5,
        ),
        from in any::<Index>(),
        to in any::<Index>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let lake = Lake::default();
            let mut live: Vec<Value> = Vec::new();
            for (version, (files, removed)) in commits.iter().enumerate() {
                let mut actions = match version {
                    0 => metadata(&kinds_columns(), &[]),
                    _ => Vec::new(),
                };
                for index in removed {
                    if !live.is_empty() {
                        let gone = live.swap_remove(index.index(live.len()));
                        actions.push(remove(&gone));
                    }
                }
                for (n, rows) in files.iter().enumerate() {
                    let name = format!("{version}-{n}.parquet");
                    let add = lake.add("t", &name, &kinds(rows)).await;
                    actions.push(add.clone());
                    live.push(add);
                }
                lake.commit("t", version as u64, "WRITE", actions).await;
            }
            let (from, to) = (from.index(commits.len()), to.index(commits.len()));
            let engine = lake.engine();
            let at = |version: usize| format!("SELECT * FROM t VERSION AS OF {version}");
            let mut rows = bag(rows_of(&engine, &at(from)).await.unwrap());
            let sql = format!("SELECT * FROM table_diff('t', {from}, {to})");
            let changes = rows_of(&engine, &sql).await.unwrap();
            let mut changed = BTreeMap::new();
            for row in &changes {
                let (row, feed) = row.split_at(7);
                assert_eq!(feed[1], to.to_string());
                let sign = if feed[0] == "insert" { 1 } else { -1 };
                // A row cannot be deleted and inserted.
                assert_eq!(*changed.entry(row.to_vec()).or_insert(sign), sign, "{row:?}");
                *rows.entry(row.to_vec()).or_default() += sign;
            }
            rows.retain(|_, count| *count != 0);
            assert_eq!(rows, bag(rows_of(&engine, &at(to)).await.unwrap()));

            let sql = format!("SELECT * FROM table_diff('t', {from}, {to}, 'n', 'f', 't')");
            match (by_key(changes), rows_of(&engine, &sql).await) {
                (Some(expected), Ok(mut rows)) => {
                    rows.sort();
                    assert_eq!(rows, expected);
                }
                (None, Err(error)) => assert_eq!(error.code, "DELTA_DIFF_KEY_NOT_UNIQUE"),
                (expected, found) => panic!("{found:?} for {expected:?}"),
            }
        });
    }
}
