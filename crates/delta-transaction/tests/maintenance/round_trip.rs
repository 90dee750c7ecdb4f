//! Random logs: what a checkpoint keeps is what the commits say.

use std::collections::{BTreeMap, BTreeSet};

use delta_transaction::maintenance::{write_checkpoint, write_checksum};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::*;

/// One action, of one of a few things.
#[derive(Debug, Clone, Copy)]
enum Op {
    Add(u8, i64),
    Remove(u8, i64),
    Delete(u8, u64),
    Transaction(u8, i64),
    Domain(u8, u8),
    RemoveDomain(u8),
    Property(u8),
}

#[derive(Debug, Clone)]
struct Step {
    ops: Vec<Op>,
    checkpoint: Option<Kind>,
    /// Whether the commits before it go.
    cleaned: bool,
}

#[derive(Debug, Clone, Copy)]
struct Kind {
    v2: bool,
    json: bool,
    structs: bool,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0u8..8, 0i64..30).prop_map(|(file, n)| Op::Add(file, n)),
        2 => (0u8..8, 0i64..14).prop_map(|(file, age)| Op::Remove(file, age)),
        2 => (0u8..8, 0u64..3).prop_map(|(file, n)| Op::Delete(file, n)),
        1 => (0u8..3, any::<i64>()).prop_map(|(app, version)| Op::Transaction(app, version)),
        1 => (0u8..3, any::<u8>()).prop_map(|(domain, n)| Op::Domain(domain, n)),
        1 => (0u8..3).prop_map(Op::RemoveDomain),
        1 => any::<u8>().prop_map(Op::Property),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    // At least one of the two, or there are no statistics.
    let kind = (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(v2, json, structs)| Kind {
        v2,
        json: json || !structs,
        structs,
    });
    let checkpoint = proptest::option::weighted(0.3, kind);
    (
        proptest::collection::vec(op(), 0..6),
        checkpoint,
        any::<bool>(),
    )
        .prop_map(|(ops, checkpoint, cleaned)| Step {
            ops,
            checkpoint,
            cleaned,
        })
}

/// What the log comes to, kept the simple way.
#[derive(Debug, Default)]
struct Model {
    files: BTreeMap<u8, Value>,
    tombstones: BTreeMap<String, Value>,
    transactions: BTreeMap<String, i64>,
    domains: BTreeMap<String, String>,
    property: u8,
}

fn path(file: u8) -> String {
    format!("day=a%20b/f{file}")
}

/// The same file, spelt in another way now and then.
fn respelt(file: u8, n: i64) -> String {
    if n % 2 == 0 {
        path(file)
    } else {
        format!("s3a://bucket/t/day=a b/f{file}")
    }
}

fn key(file: u8, add: &Value) -> String {
    format!("{file} {}", add["add"]["deletionVector"])
}

impl Model {
    fn apply(&mut self, ops: &[Op], actions: &mut Vec<Value>) {
        let mut touched = BTreeSet::new();
        for op in ops {
            let (class, thing) = match op {
                Op::Add(file, _) | Op::Remove(file, _) | Op::Delete(file, _) => (0, *file),
                Op::Transaction(app, _) => (1, *app),
                Op::Domain(domain, _) | Op::RemoveDomain(domain) => (2, *domain),
                Op::Property(_) => (3, 0),
            };
            if touched.insert((class, thing)) {
                self.apply_one(*op, actions);
            }
        }
    }

    fn apply_one(&mut self, op: Op, actions: &mut Vec<Value>) {
        match op {
            Op::Add(file, n) => {
                let vector = self
                    .files
                    .get(&file)
                    .map(|old| old["add"]["deletionVector"].clone());
                let vector = vector.filter(|vector| !vector.is_null());
                self.add(file, add(&respelt(file, n), vector.as_ref(), n), actions);
            }
            Op::Remove(file, age) => self.remove(file, age, actions),
            Op::Delete(file, n) => {
                let new = vector(n);
                let old = self
                    .files
                    .get(&file)
                    .map(|old| old["add"]["deletionVector"].clone());
                if old.is_some_and(|old| old != new) {
                    self.remove(file, 0, actions);
                    self.add(file, add(&path(file), Some(&new), 7), actions);
                }
            }
            Op::Transaction(app, version) => {
                let app = format!("app{app}");
                actions.push(json!({"txn": {"appId": app, "version": version, "lastUpdated": 3}}));
                self.transactions.insert(app, version);
            }
            Op::Domain(domain, n) => {
                let (domain, text) = (format!("d{domain}"), format!("{{\"n\":{n}}}"));
                actions.push(json!({"domainMetadata": {
                    "domain": domain, "configuration": text, "removed": false,
                }}));
                self.domains.insert(domain, text);
            }
            Op::RemoveDomain(domain) => {
                let domain = format!("d{domain}");
                actions.push(json!({"domainMetadata": {
                    "domain": domain, "configuration": "", "removed": true,
                }}));
                self.domains.remove(&domain);
            }
            Op::Property(n) => self.property = n,
        }
    }

    fn add(&mut self, file: u8, add: Value, actions: &mut Vec<Value>) {
        self.tombstones.remove(&key(file, &add));
        self.files.insert(file, add.clone());
        actions.push(add);
    }

    fn remove(&mut self, file: u8, age: i64, actions: &mut Vec<Value>) {
        let Some(add) = self.files.remove(&file) else {
            return;
        };
        let mut remove = json!({
            "path": path(file), "deletionTimestamp": NOW - age * DAY, "dataChange": true,
            "extendedFileMetadata": true, "partitionValues": add["add"]["partitionValues"],
            "size": 1, "baseRowId": 5, "defaultRowCommitVersion": 6,
        });
        if !add["add"]["deletionVector"].is_null() {
            remove["deletionVector"] = add["add"]["deletionVector"].clone();
        }
        let remove = json!({ "remove": remove });
        self.tombstones.insert(key(file, &add), remove.clone());
        actions.push(remove);
    }

    /// `add` and `remove` of a checkpoint.
    fn file_actions(&self) -> (Vec<Value>, Vec<Value>) {
        let of = |actions: Vec<&Value>| {
            let mut actions: Vec<Value> = actions.into_iter().map(sorted).collect();
            actions.sort_by_key(Value::to_string);
            actions
        };
        let adds = self.files.values().map(|add| &add["add"]).collect();
        let removes = self.tombstones.values().map(|remove| &remove["remove"]);
        let young = |remove: &&Value| remove["deletionTimestamp"].as_i64() > Some(NOW - 7 * DAY);
        (of(adds), of(removes.filter(young).collect()))
    }
}

fn settings(kind: Kind, property: u8) -> Value {
    metadata(json!({
        "delta.checkpoint.writeStatsAsJson": kind.json.to_string(),
        "delta.checkpoint.writeStatsAsStruct": kind.structs.to_string(),
        "delta.checkpointPolicy": if kind.v2 { "v2" } else { "classic" },
        "property": property.to_string(),
    }))
}

fn features() -> Value {
    let features = json!(["v2Checkpoint", "deletionVectors", "domainMetadata"]);
    json!({"protocol": {
        "minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["v2Checkpoint", "deletionVectors"], "writerFeatures": features,
    }})
}

/// Without what goes into columns, and is compared as a reader sees it.
fn without_stats(mut actions: (Vec<Value>, Vec<Value>)) -> (Vec<Value>, Vec<Value>) {
    for add in &mut actions.0 {
        let add = add.as_object_mut().unwrap();
        add.remove("stats");
    }
    actions.0.sort_by_key(Value::to_string);
    actions
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_checkpoint_says_what_the_commits_say(steps in proptest::collection::vec(step(), 1..14)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            // One table has commits alone, the other one checkpoints too, and fewer commits.
            let (commits, t) = (TestTable::new(), TestTable::new());
            let environment = StillLife::at(NOW);
            let mut model = Model::default();
            let mut cleaned = 0;
            for (version, step) in steps.iter().enumerate() {
                let version = version as u64;
                let mut actions = vec![json!({"commitInfo": {"txnId": format!("id{version}")}})];
                if version == 0 {
                    actions.push(features());
                }
                model.apply(&step.ops, &mut actions);
                let kind = step.checkpoint.unwrap_or(Kind { v2: false, json: true, structs: false });
                actions.push(settings(kind, model.property));
                commits.commit(version, &actions).await;
                t.commit(version, &actions).await;
                let expected = commits.snapshot().await;
                let snapshot = t.snapshot().await;
                assert_eq!(seen(&snapshot, true), seen(&expected, true));
                if step.checkpoint.is_none() {
                    continue;
                }
                write_checkpoint(&t.table, &snapshot, &environment).await.unwrap();
                assert_eq!(t.json("_last_checkpoint").await["version"], version);
                let reconciled = t.table.reconcile(version).await.unwrap();
                assert_eq!(reconciled.checkpoint_version(), Some(version));
                write_checksum(&t.table, &snapshot, &reconciled).await.unwrap();
                if step.cleaned {
                    for version in cleaned..version {
                        t.delete(&commit_name(version)).await;
                    }
                    cleaned = version;
                }
                let read = t.snapshot().await;
                assert_eq!(read.version(), version);
                assert_eq!((read.protocol(), read.metadata()), (expected.protocol(), expected.metadata()));
                assert_eq!(seen(&read, true), seen(&expected, true));
                let all: Vec<usize> = (0..read.files().len()).collect();
                let repeated = read.files().adds(&all).unwrap();
                assert_eq!(seen(&read.with_files(repeated), true), seen(&expected, true));
                let transactions = reconciled.transactions().iter();
                let transactions: BTreeMap<_, _> =
                    transactions.map(|(app, txn)| (app.clone(), txn.version)).collect();
                assert_eq!(transactions, model.transactions);
                let domains = reconciled.domain_metadata().iter();
                let domains: BTreeMap<_, _> =
                    domains.map(|(name, domain)| (name.clone(), domain.configuration.clone())).collect();
                assert_eq!(domains, model.domains);
                let found = file_actions(&t.table, version).await;
                match kind {
                    Kind { json: true, structs: false, .. } => assert_eq!(stats_parsed(found), stats_parsed(model.file_actions())),
                    _ => assert_eq!(without_stats(found), without_stats(model.file_actions())),
                }
                let checksum = t.json(&format!("{version:020}.crc")).await;
                assert_eq!(checksum["numFiles"], model.files.len());
                assert_eq!(checksum["txnId"], format!("id{version}"));
                assert_eq!(checksum["setTransactions"].as_array().unwrap().len(), model.transactions.len());
            }
        });
    }
}

/// Statistics as JSON rather than as text: what went through columns lists its fields in another order.
fn stats_parsed(mut actions: (Vec<Value>, Vec<Value>)) -> (Vec<Value>, Vec<Value>) {
    for add in &mut actions.0 {
        let stats = add["stats"].as_str().unwrap();
        let mut stats: Value = sorted(&serde_json::from_str(stats).unwrap());
        for group in ["minValues", "maxValues"] {
            let time = stats[group]["time"]
                .as_str()
                .unwrap()
                .replace("123000Z", "123Z");
            stats[group]["time"] = time.into();
            stats[group]["price"] = 1.5.into();
        }
        add["stats"] = stats;
    }
    actions.0.sort_by_key(Value::to_string);
    actions
}
