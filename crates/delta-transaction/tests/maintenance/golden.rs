//! Tables of other writers: what our checkpoint alone says of them is what their log says.

use std::fs;
use std::path::{Path, PathBuf};

use delta_log::{Snapshot, TimeTravel};
use delta_transaction::maintenance::{MaintenanceError, write_checkpoint};
use serde_json::{Value, json};

use crate::support::*;

/// How a checkpoint is written.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Variant {
    AsItIs,
    Structs,
    StructsAlone,
    V2,
}

fn tables() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/tables");
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut tables: Vec<_> = entries
        .filter(|path| path.join("table/_delta_log").is_dir())
        .collect();
    tables.sort();
    tables
}

async fn copy(folder: &Path) -> TestTable {
    let t = TestTable::new();
    let log = folder.join("table/_delta_log");
    for prefix in ["", "_sidecars/"] {
        let Ok(entries) = fs::read_dir(log.join(prefix)) else {
            continue;
        };
        for path in entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
        {
            let name = path.file_name().unwrap().to_str().unwrap();
            t.put(&format!("{prefix}{name}"), fs::read(&path).unwrap())
                .await;
        }
    }
    t
}

/// The next version, which changes nothing but how a checkpoint is written.
async fn commit(t: &TestTable, snapshot: &Snapshot, variant: Variant) {
    let version = snapshot.version();
    let log = t.table.reconcile(version).await.unwrap();
    let (mut metadata, mut protocol) = (log.metadata().clone(), log.protocol().clone());
    let settings: &[(&str, &str)] = match variant {
        Variant::AsItIs => &[],
        Variant::Structs => &[("delta.checkpoint.writeStatsAsStruct", "true")],
        Variant::StructsAlone => &[
            ("delta.checkpoint.writeStatsAsStruct", "true"),
            ("delta.checkpoint.writeStatsAsJson", "false"),
        ],
        Variant::V2 => &[("delta.checkpointPolicy", "v2")],
    };
    for (name, value) in settings {
        metadata["configuration"][name] = json!(value);
    }
    if variant == Variant::V2 {
        let mut features = |name: &str| {
            let list = protocol.get(name).and_then(Value::as_array).cloned();
            let mut list = list.unwrap_or_default();
            list.push(json!("v2Checkpoint"));
            if snapshot.protocol().min_reader_version == 2 {
                list.push(json!("columnMapping"));
            }
            protocol.insert(name.to_owned(), json!(list));
        };
        features("readerFeatures");
        features("writerFeatures");
        protocol["minReaderVersion"] = json!(3);
        protocol["minWriterVersion"] = json!(7);
    }
    let info = json!({"inCommitTimestamp": 9_000_000_000_000_i64});
    let actions = [
        json!({ "commitInfo": info }),
        json!({ "metaData": metadata }),
        json!({ "protocol": protocol }),
    ];
    t.commit(version + 1, &actions).await;
}

#[tokio::test]
async fn a_checkpoint_alone_says_what_the_log_of_another_writer_says() {
    let mut compared = 0;
    for folder in tables() {
        let name = folder.file_name().unwrap().to_str().unwrap();
        for variant in [
            Variant::AsItIs,
            Variant::Structs,
            Variant::StructsAlone,
            Variant::V2,
        ] {
            let t = copy(&folder).await;
            let Ok(snapshot) = t.table.snapshot(TimeTravel::Latest).await else {
                continue;
            };
            commit(&t, &snapshot, variant).await;
            let snapshot = t.snapshot().await;
            match write_checkpoint(&t.table, &snapshot, &StillLife::at(NOW)).await {
                Err(MaintenanceError::UnsupportedFeature(_)) => continue,
                result => result.unwrap_or_else(|error| panic!("{name} {variant:?}: {error:?}")),
            }
            let version = snapshot.version();
            let before = t.table.reconcile(version).await.unwrap();
            let kept = format!("{version:020}.checkpoint.");
            for other in t.names().await {
                let is_ours = other.starts_with(&kept) || other.starts_with("_sidecars/");
                if !is_ours && other != "_last_checkpoint" {
                    t.delete(&other).await;
                }
            }
            let read = t.snapshot().await;
            assert_eq!(read.version(), version, "{name}");
            assert_eq!(read.metadata(), snapshot.metadata(), "{name}");
            assert_eq!(read.protocol(), snapshot.protocol(), "{name}");
            assert!(read.warnings().is_empty(), "{name}: {:?}", read.warnings());
            let (found, expected) = (seen(&read, true), seen(&snapshot, true));
            assert_as_good(&found, &expected, variant, name);
            let after = t.table.reconcile(version).await.unwrap();
            assert_eq!(after.transactions(), before.transactions(), "{name}");
            assert_eq!(after.domain_metadata(), before.domain_metadata(), "{name}");
            compared += 1;
        }
    }
    assert!(compared > 400, "{compared}");
}

/// Columns alone need not have all that JSON had: what may be off further than they can tell is left
/// out of them. And where there are columns, they count nulls of nested ones too, which is not read
/// out of JSON.
fn assert_as_good(found: &Seen, expected: &Seen, variant: Variant, name: &str) {
    assert!(found.keys().eq(expected.keys()), "{name}");
    for (found, expected) in found.values().zip(expected.values()) {
        for (found, expected) in found.iter().zip(expected) {
            let is_unknown = found.contains("null") || found.ends_with("none");
            let is_counted_now = found.starts_with("nulls") && expected.ends_with("none");
            let may_be_unknown = variant == Variant::StructsAlone && is_unknown;
            let may_differ = is_counted_now || may_be_unknown;
            assert!(
                found == expected || may_differ,
                "{name} {variant:?}: {found}, not {expected}"
            );
        }
    }
}
