//! Valid commits, damaged at random: each is refused with nothing written, or leaves a table that can
//! be read and whose files are there.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode;
use object_store::ObjectStoreExt as _;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use uuid::Uuid;

use super::lake::*;

/// One change of an action: of the value at a place, or of its name.
#[derive(Debug, Clone)]
enum Mutation {
    Drop {
        action: usize,
    },
    Repeat {
        action: usize,
    },
    Swap {
        a: usize,
        b: usize,
    },
    Set {
        action: usize,
        field: usize,
        value: usize,
    },
    Unset {
        action: usize,
        field: usize,
    },
    Byte {
        at: usize,
        byte: u8,
    },
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let n = 0usize..64;
    prop_oneof![
        n.clone().prop_map(|action| Mutation::Drop { action }),
        n.clone().prop_map(|action| Mutation::Repeat { action }),
        (n.clone(), n.clone()).prop_map(|(a, b)| Mutation::Swap { a, b }),
        (n.clone(), n.clone(), n.clone()).prop_map(|(action, field, value)| Mutation::Set {
            action,
            field,
            value
        }),
        (n.clone(), n.clone()).prop_map(|(action, field)| Mutation::Unset { action, field }),
        (
            0usize..4096,
            prop_oneof![
                any::<u8>(),
                prop::sample::select(b"\n{}[]\",:0x/.%".to_vec())
            ]
        )
            .prop_map(|(at, byte)| Mutation::Byte { at, byte }),
    ]
}

fn values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(-1),
        json!(u64::MAX),
        json!(1.5),
        json!(""),
        json!("a.parquet"),
        json!("b.parquet"),
        json!("%62.parquet"),
        json!("s3a://raw/t/b.parquet"),
        json!("../b.parquet"),
        json!("_delta_log/x"),
        json!([]),
        json!(["deletionVectors"]),
        json!({}),
        json!({"numRecords": 1}),
        json!("{\"numRecords\":1}"),
        json!("{\"numRecords\":-1}"),
        json!({"id": "1"}),
        vector(&[0]),
        vector(&[7]),
        json!(7),
        json!(3),
    ]
}

fn apply(actions: &mut Vec<Value>, mutation: &Mutation) {
    let length = actions.len().max(1);
    match mutation {
        Mutation::Drop { action } if !actions.is_empty() => {
            actions.remove(action % length);
        }
        Mutation::Repeat { action } if !actions.is_empty() => {
            let action = actions[action % length].clone();
            actions.push(action);
        }
        Mutation::Swap { a, b } if !actions.is_empty() => actions.swap(a % length, b % length),
        Mutation::Set {
            action,
            field,
            value,
        } => with_field(actions, *action, *field, |fields, name| {
            let values = values();
            fields.insert(name, values[value % values.len()].clone());
        }),
        Mutation::Unset { action, field } => {
            with_field(actions, *action, *field, |fields, name| {
                fields.remove(&name);
            });
        }
        Mutation::Byte { .. }
        | Mutation::Drop { .. }
        | Mutation::Repeat { .. }
        | Mutation::Swap { .. } => {}
    }
}

fn with_field(
    actions: &mut [Value],
    action: usize,
    field: usize,
    change: impl Fn(&mut serde_json::Map<String, Value>, String),
) {
    if actions.is_empty() {
        return;
    }
    let action = action % actions.len();
    let Some(body) = actions[action]
        .as_object_mut()
        .and_then(|action| action.values_mut().next())
    else {
        return;
    };
    if let Some(fields) = body.as_object_mut().filter(|fields| !fields.is_empty()) {
        let name = fields.keys().nth(field % fields.len()).unwrap().clone();
        change(fields, name);
    }
}

/// Commits version 1 of a fresh table, damaged, and looks at what is there then.
async fn try_damaged(mutations: &[Mutation]) -> bool {
    let lake = Lake::new().await;
    let first = lake.create_table().await;
    let second = lake.stage("b.parquet", &[4, 5]).await;
    let mut kept = first.clone();
    kept["add"]["deletionVector"] = vector(&[1]);
    let txn = Uuid::new_v4();
    let mut actions = vec![
        info(txn),
        protocol(),
        metadata(),
        remove(&first),
        kept,
        second,
    ];
    for mutation in mutations {
        apply(&mut actions, mutation);
    }
    let mut body = lines(&actions).into_bytes();
    for mutation in mutations {
        if let Mutation::Byte { at, byte } = mutation
            && !body.is_empty()
        {
            let at = at % body.len();
            body[at] = *byte;
        }
    }
    let answer = lake.commit(1, txn, body.clone()).await;
    if answer.status != StatusCode::OK {
        assert!(
            answer.status.is_client_error(),
            "{} {}",
            answer.status,
            answer.body
        );
        assert!(!lake.has("t/_delta_log/00000000000000000001.json").await);
        assert_eq!(lake.snapshot().await.version(), 0);
        return false;
    }
    let snapshot = lake.snapshot().await;
    assert_eq!(snapshot.version(), 1);
    let files = snapshot.files();
    for i in 0..files.len() {
        let path = files.path(i).unwrap();
        let bytes = lake.store.get(&path).await.unwrap().bytes().await.unwrap();
        assert_eq!(bytes.len() as u64, files.size(i));
        let reader = parquet::file::serialized_reader::SerializedFileReader::new(bytes).unwrap();
        let rows = parquet::file::reader::FileReader::metadata(&reader)
            .file_metadata()
            .num_rows() as u64;
        if let Some(claimed) = files.num_stored_records(i) {
            assert_eq!(claimed, rows, "{}", String::from_utf8_lossy(&body));
        }
        if let Some(vector) = files.deletion_vector(i) {
            let deleted = lake.table().deleted_rows(vector).await.unwrap();
            assert!(deleted.max().is_some_and(|last| last < rows));
        }
    }
    let mut paths: Vec<_> = (0..files.len()).map(|i| files.path(i).unwrap()).collect();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), files.len(), "a file is there twice");
    true
}

#[test]
fn damaged_commit_is_refused_or_leaves_a_table_that_is_whole() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    assert!(
        runtime.block_on(try_damaged(&[])),
        "the commit is valid to begin with"
    );
    let config = ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let (made, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let mut runner = TestRunner::new(config);
    let damaged = prop::collection::vec(mutation(), 1..4);
    runner
        .run(&damaged, |mutations| {
            match runtime.block_on(try_damaged(&mutations)) {
                true => made.fetch_add(1, Ordering::Relaxed),
                false => refused.fetch_add(1, Ordering::Relaxed),
            };
            Ok(())
        })
        .unwrap();
    let (made, refused) = (made.into_inner(), refused.into_inner());
    assert!(
        made > 20 && refused > 100,
        "{made} commits made, {refused} refused"
    );
}
