//! The JSON of each message. Page, worker and server may be of different builds: what changes here
//! changes the wire format.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use messages::connection::{Connection, Credentials};
use messages::engine::*;
use messages::proxy::*;
use messages::sandbox::{FileChange, Preview, SandboxOptions, SandboxState};
use messages::server::{ServerConfig, StoreKind, Writes};
use messages::table::*;
use messages::{ColumnProblem, Error};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Checks that a message is written as this JSON and read back from it.
#[track_caller]
fn golden<T: Serialize + DeserializeOwned + PartialEq + Debug>(message: &T, expected: Value) {
    assert_eq!(serde_json::to_value(message).unwrap(), expected);
    // As text, which is what crosses the boundary.
    let text = serde_json::to_string(message).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), message);
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn texts<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    let pairs = pairs.into_iter();
    pairs.map(|(key, value)| (text(key), text(value))).collect()
}

fn connection(credentials: Option<Credentials>) -> Connection {
    Connection {
        endpoint: text("http://127.0.0.1:9000"),
        region: text("us-east-1"),
        buckets: vec![text("raw")],
        credentials,
    }
}

fn connection_json() -> Value {
    json!({"endpoint": "http://127.0.0.1:9000", "region": "us-east-1", "buckets": ["raw"]})
}

fn column() -> Column {
    Column {
        name: text("amount"),
        data_type: text("decimal(10,2)"),
        nullable: false,
    }
}

fn column_json() -> Value {
    json!({"name": "amount", "type": "decimal(10,2)", "nullable": false})
}

fn metrics() -> QueryMetrics {
    QueryMetrics {
        elapsed_ms: 12.5,
        first_row_ms: Some(3.0),
        requests: 4,
        bytes: 5,
        table_bytes: 6,
        files_total: 7,
        files_read: 2,
        files_skipped: 5,
        skipped_by: vec![text("max(amount)")],
        row_groups_total: 3,
        row_groups_skipped: 1,
        from_log: false,
    }
}

fn metrics_json() -> Value {
    json!({
        "elapsed_ms": 12.5, "first_row_ms": 3.0, "requests": 4, "bytes": 5, "table_bytes": 6,
        "files_total": 7, "files_read": 2, "files_skipped": 5, "skipped_by": ["max(amount)"],
        "row_groups_total": 3, "row_groups_skipped": 1, "from_log": false,
    })
}

fn attempt() -> Attempt {
    Attempt {
        id: text("5c2a3f9e-0000-4000-8000-000000000000"),
        after: Some(7),
    }
}

fn attempt_json() -> Value {
    json!({"id": "5c2a3f9e-0000-4000-8000-000000000000", "after": 7})
}

#[test]
fn messages_to_the_worker() {
    let keys = Credentials {
        access_key: text("a"),
        secret_key: text("s"),
        session_token: Some(text("t")),
    };
    let mut connect = connection_json();
    connect["credentials"] = json!({"access_key": "a", "secret_key": "s", "session_token": "t"});
    let cases = [
        (
            ToWorker::Connect {
                connection: connection(Some(keys)),
                proxy: Some(text("http://127.0.0.1:4600/")),
                sandbox: None,
            },
            json!({"connect": {"connection": connect, "proxy": "http://127.0.0.1:4600/"}}),
        ),
        (
            ToWorker::Connect {
                connection: connection(None),
                proxy: None,
                sandbox: Some(SandboxOptions {
                    limit: 1024,
                    mirror: true,
                }),
            },
            json!({"connect": {
                "connection": connection_json(), "proxy": null,
                "sandbox": {"limit": 1024, "mirror": true},
            }}),
        ),
        (
            ToWorker::Run {
                id: 1,
                sql: text("SELECT 1"),
                credit: 4,
                preview: false,
                resume: None,
            },
            json!({"run": {"id": 1, "sql": "SELECT 1", "credit": 4}}),
        ),
        (
            ToWorker::Run {
                id: 2,
                sql: text("DELETE FROM t"),
                credit: 4,
                preview: true,
                resume: None,
            },
            json!({"run": {"id": 2, "sql": "DELETE FROM t", "credit": 4, "preview": true}}),
        ),
        (
            ToWorker::Run {
                id: 3,
                sql: text("SELECT 1; DELETE FROM t"),
                credit: 4,
                preview: false,
                resume: Some(Resume {
                    from: 1,
                    attempt: Some(attempt()),
                }),
            },
            json!({"run": {
                "id": 3, "sql": "SELECT 1; DELETE FROM t", "credit": 4,
                "resume": {"from": 1, "attempt": attempt_json()},
            }}),
        ),
        (
            ToWorker::Credit { id: 1, batches: 2 },
            json!({"credit": {"id": 1, "batches": 2}}),
        ),
        (ToWorker::Cancel { id: 1 }, json!({"cancel": {"id": 1}})),
        (
            ToWorker::ListFolder {
                id: 3,
                bucket: text("raw"),
                path: text("a/b"),
            },
            json!({"list_folder": {"id": 3, "bucket": "raw", "path": "a/b"}}),
        ),
        (
            ToWorker::Describe {
                id: 4,
                location: text("s3a://raw/t"),
            },
            json!({"describe": {"id": 4, "location": "s3a://raw/t"}}),
        ),
        (
            ToWorker::ResetSandbox { id: 5 },
            json!({"reset_sandbox": {"id": 5}}),
        ),
        (
            ToWorker::KeepPreview { id: 6, run: 2 },
            json!({"keep_preview": {"id": 6, "run": 2}}),
        ),
        (
            ToWorker::Export {
                id: 7,
                location: text("s3a://raw/t"),
            },
            json!({"export": {"id": 7, "location": "s3a://raw/t"}}),
        ),
    ];
    // A new message does not compile before it is listed here.
    let kind = |message: &ToWorker| match message {
        ToWorker::Connect { .. } => 0,
        ToWorker::Run { .. } => 1,
        ToWorker::Credit { .. } => 2,
        ToWorker::Cancel { .. } => 3,
        ToWorker::ListFolder { .. } => 4,
        ToWorker::Describe { .. } => 5,
        ToWorker::ResetSandbox { .. } => 6,
        ToWorker::KeepPreview { .. } => 7,
        ToWorker::Export { .. } => 8,
    };
    let kinds: BTreeSet<_> = cases.iter().map(|(message, _)| kind(message)).collect();
    assert_eq!(kinds, (0..=8).collect());
    for (message, expected) in cases {
        golden(&message, expected);
    }
}

#[test]
fn messages_from_the_worker() {
    let error = Error::new("CODE", "Message.");
    let error_json = json!({"code": "CODE", "message": "Message."});
    let cases = [
        (
            FromWorker::Downloading {
                loaded: 1,
                total: Some(2),
            },
            json!({"downloading": {"loaded": 1, "total": 2}}),
        ),
        (
            FromWorker::Crashed {
                message: text("out of memory"),
            },
            json!({"crashed": {"message": "out of memory"}}),
        ),
        (
            FromWorker::Ready {
                version: text("0.1.0"),
                memory_limit: 1024,
            },
            json!({"ready": {"version": "0.1.0", "memory_limit": 1024}}),
        ),
        (
            FromWorker::StatementStarted {
                id: 1,
                index: 0,
                count: 2,
                text: text("SELECT 1"),
                is_write: false,
            },
            json!({"statement_started": {"id": 1, "index": 0, "count": 2, "text": "SELECT 1", "is_write": false}}),
        ),
        (
            FromWorker::ResultColumns {
                id: 1,
                index: 0,
                columns: vec![column()],
            },
            json!({"result_columns": {"id": 1, "index": 0, "columns": [column_json()]}}),
        ),
        (
            FromWorker::Batch {
                id: 1,
                index: 0,
                rows: 3,
            },
            json!({"batch": {"id": 1, "index": 0, "rows": 3}}),
        ),
        (
            FromWorker::Progress {
                id: 1,
                index: 0,
                metrics: metrics(),
            },
            json!({"progress": {"id": 1, "index": 0, "metrics": metrics_json()}}),
        ),
        (
            FromWorker::StatementDone {
                id: 1,
                index: 0,
                summary: StatementSummary {
                    row_count: 3,
                    version: Some(5),
                    table: Some(text("s3a://raw/a/t")),
                    is_write: true,
                    warnings: vec![text("s3a://raw/a/t: a checkpoint is damaged.")],
                    metrics: metrics(),
                },
            },
            json!({"statement_done": {"id": 1, "index": 0, "summary": {
                "row_count": 3, "version": 5, "table": "s3a://raw/a/t", "is_write": true,
                "warnings": ["s3a://raw/a/t: a checkpoint is damaged."], "metrics": metrics_json(),
            }}}),
        ),
        (FromWorker::Done { id: 1 }, json!({"done": {"id": 1}})),
        (
            FromWorker::Failed {
                id: 1,
                index: Some(1),
                error: error.clone(),
                attempt: None,
            },
            json!({"failed": {"id": 1, "index": 1, "error": error_json}}),
        ),
        (
            FromWorker::Failed {
                id: 1,
                index: Some(1),
                error,
                attempt: Some(attempt()),
            },
            json!({"failed": {"id": 1, "index": 1, "error": error_json, "attempt": attempt_json()}}),
        ),
        (
            FromWorker::Cancelled { id: 1 },
            json!({"cancelled": {"id": 1}}),
        ),
        (
            FromWorker::Folder {
                id: 3,
                listing: FolderListing {
                    is_table: false,
                    folders: vec![text("a")],
                },
            },
            json!({"folder": {"id": 3, "listing": {"is_table": false, "folders": ["a"]}}}),
        ),
        (
            FromWorker::Described {
                id: 4,
                table: Box::new(description()),
            },
            json!({"described": {"id": 4, "table": description_json()}}),
        ),
        (
            FromWorker::Sandbox {
                state: SandboxState {
                    changes: 2,
                    bytes: 512,
                    limit: 1024,
                    tables: vec![text("s3a://raw/a/t")],
                    mirrored: true,
                    problem: None,
                },
            },
            json!({"sandbox": {"state": {
                "changes": 2, "bytes": 512, "limit": 1024, "tables": ["s3a://raw/a/t"], "mirrored": true,
            }}}),
        ),
        (
            FromWorker::SandboxReset { id: 5 },
            json!({"sandbox_reset": {"id": 5}}),
        ),
        (
            FromWorker::PreviewKept { id: 6 },
            json!({"preview_kept": {"id": 6}}),
        ),
        (
            FromWorker::Previewed {
                id: 2,
                index: 0,
                preview: Box::new(Preview {
                    table: text("s3a://raw/a/t"),
                    commit: description().history.pop(),
                    files: vec![FileChange {
                        path: text("part-0.parquet"),
                        added: true,
                        size: Some(512),
                    }],
                    no_rows: Some(text("The schema is another one.")),
                }),
            },
            json!({"previewed": {"id": 2, "index": 0, "preview": {
                "table": "s3a://raw/a/t", "commit": description_json()["history"][0],
                "files": [{"path": "part-0.parquet", "added": true, "size": 512}],
                "no_rows": "The schema is another one.",
            }}}),
        ),
        (
            FromWorker::Exported {
                id: 7,
                url: text("blob:http://127.0.0.1:4600/0-1"),
                name: text("t.zip"),
                size: 2048,
            },
            json!({"exported": {
                "id": 7, "url": "blob:http://127.0.0.1:4600/0-1", "name": "t.zip", "size": 2048,
            }}),
        ),
    ];
    // A new message does not compile before it is listed here.
    let kind = |message: &FromWorker| match message {
        FromWorker::Downloading { .. } => 0,
        FromWorker::Crashed { .. } => 1,
        FromWorker::Ready { .. } => 2,
        FromWorker::StatementStarted { .. } => 3,
        FromWorker::ResultColumns { .. } => 4,
        FromWorker::Batch { .. } => 5,
        FromWorker::Progress { .. } => 6,
        FromWorker::StatementDone { .. } => 7,
        FromWorker::Done { .. } => 8,
        FromWorker::Failed { .. } => 9,
        FromWorker::Cancelled { .. } => 10,
        FromWorker::Folder { .. } => 11,
        FromWorker::Described { .. } => 12,
        FromWorker::Sandbox { .. } => 13,
        FromWorker::SandboxReset { .. } => 14,
        FromWorker::PreviewKept { .. } => 15,
        FromWorker::Previewed { .. } => 16,
        FromWorker::Exported { .. } => 17,
    };
    let kinds: BTreeSet<_> = cases.iter().map(|(message, _)| kind(message)).collect();
    assert_eq!(kinds, (0..=17).collect());
    for (message, expected) in cases {
        golden(&message, expected);
    }
}

fn description() -> TableDescription {
    let commit = HistoryEntry {
        version: 5,
        timestamp: 1_714_560_011_204,
        operation: Some(text("WRITE")),
        parameters: texts([("mode", "Append")]),
        metrics: texts([("numFiles", "1")]),
        engine: Some(text("Apache-Spark/4.0.5")),
        rows_added: Some(10),
        rows_removed: None,
        files_added: 1,
        files_removed: 0,
        num_rows: Some(30),
        num_files: Some(3),
        schema_change: Some(SchemaChange::Added(vec![text("is_flagged")])),
    };
    TableDescription {
        location: text("s3a://raw/a/t"),
        version: 5,
        columns: vec![column()],
        partition_columns: vec![text("day")],
        num_files: 3,
        size_in_bytes: 4096,
        num_rows: Some(30),
        history: vec![commit],
        has_older_history: true,
    }
}

fn description_json() -> Value {
    json!({
        "location": "s3a://raw/a/t", "version": 5, "columns": [column_json()],
        "partition_columns": ["day"], "num_files": 3, "size_in_bytes": 4096, "num_rows": 30,
        "history": [{
            "version": 5, "timestamp": 1_714_560_011_204_i64, "operation": "WRITE",
            "parameters": {"mode": "Append"}, "metrics": {"numFiles": "1"},
            "engine": "Apache-Spark/4.0.5", "rows_added": 10, "rows_removed": null,
            "files_added": 1, "files_removed": 0, "num_rows": 30, "num_files": 3,
            "schema_change": {"added": ["is_flagged"]},
        }],
        "has_older_history": true,
    })
}

#[test]
fn schema_changes() {
    golden(&SchemaChange::Created, json!("created"));
    golden(&SchemaChange::Replaced, json!("replaced"));
}

#[test]
fn fields_that_older_builds_leave_out_have_a_default() {
    let column: Column = serde_json::from_value(json!({"name": "a", "type": "int"})).unwrap();
    assert!(column.nullable);
    let mut old = description_json();
    old.as_object_mut().unwrap().remove("has_older_history");
    let table: TableDescription = serde_json::from_value(old).unwrap();
    assert!(!table.has_older_history);
}

#[test]
fn configuration_of_the_server() {
    let config = |store, writes| ServerConfig {
        version: text("0.1.0"),
        store,
        connection: connection(None),
        writes,
    };
    golden(
        &config(StoreKind::Embedded, Writes::Enabled),
        json!({"version": "0.1.0", "store": "embedded", "connection": connection_json(), "writes": {"state": "enabled"}}),
    );
    let reason = text("No keys.");
    golden(
        &config(StoreKind::S3, Writes::Disabled { reason }),
        json!({"version": "0.1.0", "store": "s3", "connection": connection_json(), "writes": {"state": "disabled", "reason": "No keys."}}),
    );
}

#[test]
fn error_with_hint_and_columns() {
    let columns = vec![ColumnProblem {
        column: text("amount"),
        expected: text("double"),
        actual: text("string 'FIVE HUNDRED' in row 1"),
    }];
    golden(
        &Error::new("CAST_INVALID_INPUT", "No.")
            .with_hint("Cast it.")
            .with_columns(columns),
        json!({"code": "CAST_INVALID_INPUT", "message": "No.", "hint": "Cast it.", "columns": [
            {"column": "amount", "expected": "double", "actual": "string 'FIVE HUNDRED' in row 1"},
        ]}),
    );
}

#[test]
fn secrets_are_in_no_debug_output() {
    let keys = Credentials {
        access_key: text("a"),
        secret_key: text("very secret"),
        session_token: Some(text("also secret")),
    };
    let printed = format!("{:?}", connection(Some(keys)));
    assert!(!printed.contains("secret"), "{printed}");
}

#[test]
fn answers_of_the_proxy_to_a_writer() {
    let stored = |e_tag: Option<&str>| StoredObject {
        size: 3,
        e_tag: e_tag.map(text),
    };
    golden(&stored(Some("\"a\"")), json!({"size": 3, "e_tag": "\"a\""}));
    golden(&stored(None), json!({"size": 3}));
    let committed = Committed {
        version: 7,
        txn_id: text("6ec4a0cb-36ce-41ef-a0f3-7d66ee1a1b14"),
        operation: Some(text("WRITE")),
    };
    golden(
        &committed,
        json!({"version": 7, "txn_id": "6ec4a0cb-36ce-41ef-a0f3-7d66ee1a1b14", "operation": "WRITE"}),
    );
    let conflict = CommitConflict {
        error: Error::new(CONCURRENT_WRITE, "m").with_hint("h"),
        winner: Winner {
            version: 7,
            operation: Some(text("DELETE")),
            txn_id: None,
        },
        latest: 8,
    };
    golden(
        &conflict,
        json!({
            "code": "DELTA_CONCURRENT_WRITE", "message": "m", "hint": "h",
            "winner": {"version": 7, "operation": "DELETE"}, "latest": 8,
        }),
    );
    let keys = vec![text("y=1/a b.parquet")];
    golden(&DeleteObjects { keys: keys.clone() }, json!({"keys": keys}));
    let refused = RefusedDelete {
        key: text("b"),
        reason: text("the table uses it"),
    };
    golden(
        &DeletedObjects {
            deleted: keys.clone(),
            refused: vec![refused],
        },
        json!({"deleted": keys, "refused": [{"key": "b", "reason": "the table uses it"}]}),
    );
    golden(&DeletedTable { objects: 4 }, json!({"objects": 4}));
}
