use std::sync::Arc;

use axum::http::{Method, StatusCode};
use messages::proxy::{COMMITS, Committed, object_url};
use object_store::ObjectStore;
use serde_json::{Value, json};
use uuid::Uuid;

use super::lake::*;

#[tokio::test]
async fn table_is_created_appended_to_and_rewritten() {
    let lake = Lake::new().await;
    let first = lake.create_table().await;
    let second = lake.stage("b%20ü.parquet", &[4]).await;
    // The key holds an escape to the letter; the path in the log encodes it once more.
    let mut second = second;
    second["add"]["path"] = json!("b%2520ü.parquet");
    let txn = Uuid::new_v4();
    let answer = lake.commit(1, txn, lines(&[info(txn), second])).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let committed: Committed = serde_json::from_value(answer.body).unwrap();
    assert_eq!(
        (committed.version, committed.operation.as_deref()),
        (1, Some("WRITE"))
    );
    // Rows of the first file go: one by a deletion vector, then the file.
    let mut fewer = first.clone();
    fewer["add"]["deletionVector"] = vector(&[2]);
    let txn = Uuid::new_v4();
    let answer = lake
        .commit(2, txn, lines(&[info(txn), remove(&first), fewer.clone()]))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(lake.snapshot().await.files().num_records_total(), Some(3));
    let txn = Uuid::new_v4();
    let answer = lake
        .commit(3, txn, lines(&[info(txn), remove(&fewer)]))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(lake.snapshot().await.files().num_records_total(), Some(1));
}

#[tokio::test]
async fn commit_that_is_sent_again_is_made_once() {
    let lake = Lake::new().await;
    lake.create_table().await;
    let add = lake.stage("b.parquet", &[4]).await;
    let txn = Uuid::new_v4();
    let body = lines(&[info(txn), add]);
    let first = lake.commit(1, txn, body.clone()).await;
    let again = lake.commit(1, txn, body.clone()).await;
    assert_eq!((again.status, &again.body), (StatusCode::OK, &first.body));
    // So it is where the writer takes it for lost to somebody else, and goes on.
    let rebased = lake.commit(2, txn, body).await;
    assert_eq!(
        (rebased.status, &rebased.body),
        (StatusCode::OK, &first.body)
    );
    assert_eq!(lake.snapshot().await.version(), 1);
    let found = async |query: String| {
        let url = format!("{}?{query}", object_url(COMMITS, "raw", "t"));
        lake.send(Method::GET, &url, &[], "").await
    };
    let answer = found(format!("txnId={txn}")).await;
    assert_eq!((answer.status, &answer.body), (StatusCode::OK, &first.body));
    for query in [
        format!("txnId={txn}&after=1"),
        format!("txnId={}", Uuid::new_v4()),
    ] {
        let answer = found(query).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::NOT_FOUND, "COMMIT_NOT_FOUND")
        );
    }
}

#[tokio::test]
async fn version_that_exists_is_answered_with_its_winner() {
    let lake = Lake::new().await;
    let first = lake.create_table().await;
    let winner = Uuid::new_v4();
    let mut delete = info(winner);
    delete["commitInfo"]["operation"] = json!("DELETE");
    lake.commit(1, winner, lines(&[delete, remove(&first)]))
        .await;
    let txn = Uuid::new_v4();
    for (version, operation) in [(1, "DELETE"), (0, "WRITE")] {
        let answer = lake.commit(version, txn, lines(&[info(txn)])).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::CONFLICT, "DELTA_CONCURRENT_WRITE")
        );
        assert_eq!(answer.body["winner"]["version"], version);
        assert_eq!(answer.body["winner"]["operation"], operation);
        assert_eq!(answer.body["latest"], 1);
    }
    let gap = lake.commit(3, txn, lines(&[info(txn)])).await;
    assert_eq!(
        (gap.status, gap.code()),
        (StatusCode::UNPROCESSABLE_ENTITY, "INVALID_COMMIT")
    );
}

/// Commits version 1 of a fresh table; answers the code of the refusal and its message, and checks
/// that nothing was written.
async fn refusal(lake: &Lake, actions: &[Value]) -> (String, String) {
    let txn = Uuid::new_v4();
    let mut all = vec![info(txn)];
    all.extend_from_slice(actions);
    let answer = lake.commit(1, txn, lines(&all)).await;
    assert!(
        answer.status.is_client_error(),
        "{} {}",
        answer.status,
        answer.body
    );
    assert!(
        !lake.has("t/_delta_log/00000000000000000001.json").await,
        "{actions:?}"
    );
    (answer.code().to_owned(), answer.message().to_owned())
}

#[tokio::test]
async fn commits_that_no_writer_of_ours_makes_are_refused() {
    let lake = Lake::new().await;
    let first = lake.create_table().await;
    let staged = lake.stage("b.parquet", &[4, 5]).await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut add = staged.clone();
        change(&mut add["add"]);
        add
    };
    let mut other_spelling = first.clone();
    other_spelling["add"]["path"] = json!("%61.parquet");
    let mut same_with_vector = first.clone();
    same_with_vector["add"]["deletionVector"] = vector(&[0]);
    let id = [field("id", "long")];
    let cases: Vec<(&str, Vec<Value>)> = vec![
        (
            "unknown variant `sidecar`",
            vec![json!({"sidecar": {"path": "x", "sizeInBytes": 1}})],
        ),
        ("more than one commitInfo", vec![info(Uuid::new_v4())]),
        (
            "is not there",
            vec![with(&|add| add["path"] = json!("c.parquet"))],
        ),
        (
            "does not have the",
            vec![with(&|add| {
                add["size"] = json!(add["size"].as_u64().unwrap() + 1);
            })],
        ),
        (
            "does not have the",
            vec![with(&|add| {
                add["size"] = json!(add["size"].as_u64().unwrap() - 1);
            })],
        ),
        (
            "its statistics say 3",
            vec![with(&|add| add["stats"] = json!("{\"numRecords\":3}"))],
        ),
        (
            "statistics are broken",
            vec![with(&|add| add["stats"] = json!("{"))],
        ),
        (
            "not in the table's folder",
            vec![with(&|add| add["path"] = json!("s3a://raw/u/x.parquet"))],
        ),
        (
            "not a valid part",
            vec![with(&|add| add["path"] = json!("../t/b.parquet"))],
        ),
        (
            "outside of the table's store",
            vec![with(&|add| add["path"] = json!("/etc/passwd"))],
        ),
        (
            "in the table's log",
            vec![with(&|add| {
                add["path"] = json!("_delta_log/00000000000000000000.json");
            })],
        ),
        (
            "partition columns",
            vec![with(&|add| add["partitionValues"] = json!({"x": "1"}))],
        ),
        ("added twice", vec![staged.clone(), staged.clone()]),
        (
            "added twice",
            vec![
                staged.clone(),
                with(&|add| add["path"] = json!("%62.parquet")),
            ],
        ),
        ("in the table already", vec![first.clone()]),
        ("in the table already", vec![same_with_vector.clone()]),
        ("is in the table as a.parquet", vec![other_spelling.clone()]),
        ("added as it was", vec![remove(&first), first.clone()]),
        ("no file of the table", vec![remove(&staged)]),
        ("no file of the table", vec![remove(&other_spelling)]),
        ("another deletion vector", vec![remove(&same_with_vector)]),
        ("removed twice", vec![remove(&first), remove(&first)]),
        (
            "deletes row 2 of 2",
            vec![with(&|add| add["deletionVector"] = vector(&[2]))],
        ),
        (
            "deletes nothing",
            vec![with(&|add| add["deletionVector"] = vector(&[]))],
        ),
        (
            "cannot be used",
            vec![with(&|add| {
                add["deletionVector"] = vector(&[0]);
                add["deletionVector"]["cardinality"] = json!(2);
            })],
        ),
        (
            "don't count its rows",
            vec![with(&|add| {
                add["deletionVector"] = vector(&[0]);
                add["stats"] = Value::Null;
            })],
        ),
        (
            "deletion vector of b.parquet is not there",
            vec![with(&|add| {
                add["deletionVector"] = json!({"storageType": "p", "pathOrInlineDv": "s3a://raw/t/dv.bin", "offset": 1, "sizeInBytes": 36, "cardinality": 1});
            })],
        ),
        (
            "not in the table's folder",
            vec![with(&|add| {
                add["deletionVector"] = json!({"storageType": "p", "pathOrInlineDv": "s3a://raw/u/dv.bin", "offset": 1, "sizeInBytes": 36, "cardinality": 1});
            })],
        ),
        (
            "may not be lowered",
            vec![json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}})],
        ),
        (
            "is not a valid part",
            vec![json!({"metaData": {"id": "x", "schemaString": "{", "partitionColumns": []}})],
        ),
        (
            "there are two columns ID",
            vec![metadata_of(
                &[field("id", "long"), field("ID", "long")],
                &[],
                json!({}),
            )],
        ),
        (
            "the table has no column p",
            vec![metadata_of(&id, &["p"], json!({}))],
        ),
        (
            "partition columns change",
            vec![metadata_of(&id, &["id"], json!({}))],
        ),
        (
            "can't become string",
            vec![metadata_of(&[field("id", "string")], &[], json!({}))],
        ),
        (
            "no domainMetadata",
            vec![json!({"domainMetadata": {"domain": "d", "configuration": "", "removed": false}})],
        ),
    ];
    for (why, actions) in cases {
        let (code, message) = refusal(&lake, &actions).await;
        assert!(message.contains(why), "{why}: {code} {message}");
    }
    let (code, _) = refusal(&lake, &[json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors", "appendOnly", "invariants", "rowTracking"]}})]).await;
    assert_eq!(code, "DELTA_UNSUPPORTED_FEATURES_FOR_WRITE");
    // What was wrong with all of these was not the rest.
    let txn = Uuid::new_v4();
    let answer = lake.commit(1, txn, lines(&[info(txn), staged])).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
}

#[tokio::test]
async fn data_files_have_the_columns_of_the_table() {
    use arrow::array::{ArrayRef, Int32Array, Int64Array, StringArray};
    let lake = Lake::new().await;
    lake.create_table().await;
    let ids = || Arc::new(Int64Array::from(vec![1])) as ArrayRef;
    let ints = || Arc::new(Int32Array::from(vec![1])) as ArrayRef;
    let texts = || Arc::new(StringArray::from(vec!["a"])) as ArrayRef;
    for (name, bytes, why) in [
        (
            "c1",
            parquet_of([("id", texts())]),
            "its column id is Utf8, where the table has bigint",
        ),
        (
            "c2",
            parquet_of([("id", ids()), ("x", ids())]),
            "a column x that the table does not store",
        ),
        ("c3", "PAR1 but not really".into(), "can't be added"),
        ("c4", vec![0; 100].into(), "can't be added"),
        ("c5", "x".into(), "no Parquet file has 1 bytes"),
    ] {
        let size = bytes.len();
        lake.put(&format!("t/{name}"), bytes).await;
        let (_, message) = refusal(&lake, &[add(name, size, 1)]).await;
        assert!(message.contains(why), "{name}: {message}");
    }
    let bytes = parquet_of([("id", ints())]);
    let size = bytes.len();
    lake.put("t/c6", bytes).await;
    let txn = Uuid::new_v4();
    let answer = lake
        .commit(1, txn, lines(&[info(txn), add("c6", size, 1)]))
        .await;
    assert_eq!(
        answer.status,
        StatusCode::OK,
        "narrower, and without a column: {}",
        answer.body
    );
}

#[tokio::test]
async fn partition_values_are_of_their_columns_types() {
    let lake = Lake::new().await;
    let bytes = parquet(&[1]);
    let size = bytes.len();
    lake.put("t/p=1/a.parquet", bytes).await;
    let fields = [
        field("id", "long"),
        field("name", "string"),
        field("p", "integer"),
    ];
    let create = async |value: Value| {
        let txn = Uuid::new_v4();
        let mut add = add("p=1/a.parquet", size, 1);
        add["add"]["partitionValues"] = value;
        let metadata = metadata_of(&fields, &["p"], json!({}));
        lake.commit(0, txn, lines(&[info(txn), protocol(), metadata, add]))
            .await
    };
    for value in [
        json!({"p": "one"}),
        json!({}),
        json!({"P": "1"}),
        json!({"p": "1", "q": "1"}),
    ] {
        let answer = create(value).await;
        assert_eq!(answer.code(), "INVALID_COMMIT", "{}", answer.body);
    }
    let answer = create(json!({"p": "1"})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
}

#[tokio::test]
async fn append_only_tables_lose_no_rows() {
    let lake = Lake::new().await;
    let first = lake.create_table().await;
    let txn = Uuid::new_v4();
    let fields = [field("id", "long"), field("name", "string")];
    let append_only = metadata_of(&fields, &[], json!({"delta.appendOnly": "true"}));
    lake.commit(1, txn, lines(&[info(txn), append_only])).await;
    let txn = Uuid::new_v4();
    let answer = lake
        .commit(2, txn, lines(&[info(txn), remove(&first)]))
        .await;
    assert_eq!(answer.code(), "DELTA_CANNOT_MODIFY_APPEND_ONLY");
    let mut compacted = remove(&first);
    compacted["remove"]["dataChange"] = json!(false);
    let answer = lake.commit(2, txn, lines(&[info(txn), compacted])).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
}

#[tokio::test]
async fn in_commit_timestamps_come_first_and_only_grow() {
    let lake = Lake::new().await;
    let protocol = json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["inCommitTimestamp"]}});
    let metadata = metadata_of(
        &[field("id", "long")],
        &[],
        json!({"delta.enableInCommitTimestamps": "true"}),
    );
    let timed = |txn, time: i64| {
        let mut info = info(txn);
        info["commitInfo"]["inCommitTimestamp"] = json!(time);
        info
    };
    let txn = Uuid::new_v4();
    let create = |first: Value, second: Value| lines(&[first, second, metadata.clone()]);
    for body in [
        create(info(txn), protocol.clone()),
        create(protocol.clone(), timed(txn, 5)),
    ] {
        assert_eq!(lake.commit(0, txn, body).await.code(), "INVALID_COMMIT");
    }
    let answer = lake.commit(0, txn, create(timed(txn, 5), protocol)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    for (time, status) in [(5, StatusCode::UNPROCESSABLE_ENTITY), (6, StatusCode::OK)] {
        let txn = Uuid::new_v4();
        assert_eq!(
            lake.commit(1, txn, lines(&[timed(txn, time)])).await.status,
            status
        );
    }
}

#[tokio::test]
async fn tables_are_not_created_in_tables_nor_without_protocol() {
    let lake = Lake::new().await;
    lake.create_table().await;
    let txn = Uuid::new_v4();
    let create = async |table: &str, actions: &[Value]| {
        let url = object_url(COMMITS, "raw", table);
        let url = format!("{url}?version=0&txnId={txn}");
        lake.send(Method::POST, &url, &[], lines(actions)).await
    };
    let all = [info(txn), protocol(), metadata()];
    assert!(
        create("t/u", &all)
            .await
            .message()
            .contains("in the folder of another table")
    );
    assert!(
        create("v", &all[..2])
            .await
            .message()
            .contains("needs protocol and metaData")
    );
    assert!(create("v", &all[1..]).await.message().contains("txnId"));
    assert_eq!(create("v", &all).await.status, StatusCode::OK);
}

#[tokio::test]
async fn two_proxies_over_one_store_share_the_versions() {
    let first = Lake::new().await;
    first.create_table().await;
    let store = Arc::clone(&first.store);
    let second = Lake::over(Arc::clone(&store) as Arc<dyn ObjectStore>, store, options()).await;
    let write = async |lake: &Lake, writer: usize| {
        let add = lake
            .stage(&format!("w{writer}.parquet"), &[writer as i64])
            .await;
        let (txn, mut version, mut won) = (Uuid::new_v4(), 1, Vec::new());
        loop {
            let answer = lake
                .commit(version, txn, lines(&[info(txn), add.clone()]))
                .await;
            match answer.status {
                StatusCode::OK => won.push(version),
                StatusCode::CONFLICT => {
                    version = answer.body["latest"].as_u64().unwrap() + 1;
                    continue;
                }
                status => panic!("{status} {}", answer.body),
            }
            return won;
        }
    };
    let writers =
        (0..16).map(|writer| write(if writer % 2 == 0 { &first } else { &second }, writer));
    let won = futures::future::join_all(writers).await;
    let mut won: Vec<u64> = won.into_iter().flatten().collect();
    won.sort_unstable();
    assert_eq!(won, (1..=16).collect::<Vec<u64>>());
    assert_eq!(
        first.snapshot().await.files().num_records_total(),
        Some(3 + 16)
    );
}
