use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;

use crate::{lakeglass, query, run, stdout};

#[test]
fn proxy_that_is_not_there_ends_the_simulation_at_once() {
    let data = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let output = run(&["simulate", "--proxy", &proxy], data.path());
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("COMMIT_PROXY_UNREACHABLE"), "{error}");
}

/// The 60 rows of 12 batches, however often the producer is killed, at whatever it was doing.
#[test]
fn producer_that_is_killed_and_resumed_loses_and_doubles_no_row() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    std::fs::create_dir_all(data.join("raw-data-bucket")).unwrap();
    let create = "CREATE TABLE delta.`s3a://raw-data-bucket/events` (transaction_id STRING, \
        timestamp TIMESTAMP, account_id STRING, amount DOUBLE, currency STRING, \
        transaction_type STRING, merchant_id STRING, category STRING) \
        TBLPROPERTIES (delta.checkpointInterval = 3)";
    stdout(&["sql", create], data);
    let start = || {
        let mut command = lakeglass();
        let table = ["--table", "s3a://raw-data-bucket/events"];
        let batches = ["--rows", "5", "--count", "12", "--every", "0.01"];
        let command = command.args(["simulate", "--direct", "--resume", "--seed", "7"]);
        let command = command.args(table).args(batches).arg("--data").arg(data);
        command.stdout(Stdio::null()).spawn().unwrap()
    };
    let mut killed = 0;
    // Each lives a little longer than the one before it.
    for life in 1.. {
        let mut producer = start();
        std::thread::sleep(Duration::from_millis(25 * life));
        if let Some(status) = producer.try_wait().unwrap() {
            assert!(status.success());
            break;
        }
        producer.kill().unwrap();
        producer.wait().unwrap();
        killed += 1;
    }
    assert!(killed > 2);
    let counts = "SELECT count(*) AS n, count(DISTINCT transaction_id) AS ids \
        FROM delta.`s3a://raw-data-bucket/events`";
    assert_eq!(query(counts, data)["rows"], json!([["60", "60"]]));
    // All 12 are there: another run has nothing to do.
    assert!(start().wait().unwrap().success());
    assert_eq!(query(counts, data)["rows"], json!([["60", "60"]]));
}
