use std::fs;

use serde_json::{Value, json};

use crate::{DIMENSION, TRANSACTIONS, query, seeded, shared, stderr, stdout};

fn fingerprint(args: &[&str], data: &std::path::Path) -> Value {
    let text = stdout(&[&["fingerprint"], args].concat(), data);
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn fingerprint_is_the_checksum_of_the_sorted_canonical_rows() {
    let path = shared().join("curated-data-bucket/financial_transactions_dim");
    let by_path = fingerprint(&[path.to_str().unwrap()], shared());
    // printf '%s\n' '["T001","2024-05-01","A001","4059000000000000","USD","credit"]' … | sha256sum
    assert_eq!(
        by_path["checksum"],
        "6a295627cb2605669891e6cfe7f0e1767069e3de1cc527c633f8951a0ece66b2"
    );
    assert_eq!(by_path["num_rows"], 3);
    assert_eq!(by_path["num_files"], 1);
    assert_eq!(by_path["num_files_with_deletion_vector"], 0);
    assert_eq!(
        by_path["schema"][3],
        json!({"name": "amount", "type": "double", "nullable": true})
    );
    assert!(by_path["protocol"]["readerFeatures"].is_null());
    assert_eq!(fingerprint(&[DIMENSION], shared()), by_path);
}

#[test]
fn version_and_timestamp_choose_the_version() {
    let then = fingerprint(&[TRANSACTIONS, "--version", "3"], shared());
    assert_eq!(
        (&then["latest_version"], &then["version"]),
        (&json!(5), &json!(3))
    );
    assert_eq!(then["num_rows"], 1600);
    assert_eq!(then["schema"].as_array().map(Vec::len), Some(8));
    let history = query(
        &format!("DESCRIBE HISTORY delta.`{TRANSACTIONS}` LIMIT 1"),
        shared(),
    );
    let time = history["rows"][0][1].as_str().expect("a timestamp");
    let millis = chrono::DateTime::parse_from_rfc3339(time)
        .expect("RFC 3339")
        .timestamp_millis();
    let latest = fingerprint(
        &[TRANSACTIONS, "--timestamp", &millis.to_string()],
        shared(),
    );
    assert_eq!(latest["version"], 5);
    let error = stderr(
        &["fingerprint", TRANSACTIONS, "--timestamp", "-1"],
        shared(),
    );
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn log_only_reads_no_data_file() {
    let data = seeded();
    let table = data
        .path()
        .join("curated-data-bucket/financial_transactions_dim");
    for entry in fs::read_dir(&table).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::remove_file(path).unwrap();
        }
    }
    let log = fingerprint(&[DIMENSION, "--log-only"], data.path());
    assert_eq!(log["num_files"], 1);
    assert!(log.get("num_rows").is_none() && log.get("checksum").is_none());
    let error = stderr(&["fingerprint", DIMENSION], data.path());
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn changes_are_counted_by_version_and_type() {
    let data = seeded();
    let sql = format!(
        "ALTER TABLE delta.`{DIMENSION}` SET TBLPROPERTIES (delta.enableChangeDataFeed = true);
         UPDATE delta.`{DIMENSION}` SET amount = 0.0D WHERE transaction_id = 'T001';
         DELETE FROM delta.`{DIMENSION}` WHERE transaction_id = 'T002'"
    );
    query(&sql, data.path());
    for range in ["2..3", "2.."] {
        let cdf = &fingerprint(&[DIMENSION, "--changes", range], data.path())["cdf"];
        assert_eq!(
            cdf["counts"],
            json!({"2": {"update_postimage": 1, "update_preimage": 1}, "3": {"delete": 1}})
        );
        assert_eq!(cdf["num_rows"], 3);
    }
}

#[test]
fn what_is_no_table_is_one_line_on_stderr() {
    let nowhere = tempfile::tempdir().unwrap();
    let folder = nowhere.path().to_str().unwrap();
    for table in [folder, "/does/not/exist", "s3a://bucket/t", "ftp://host/t"] {
        let error = stderr(&["fingerprint", table], nowhere.path());
        assert_eq!(error.lines().count(), 1, "{table}: {error}");
        assert!(error.starts_with("error: ["), "{table}: {error}");
    }
}
