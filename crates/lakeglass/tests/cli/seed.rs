use serde_json::json;

use crate::{DIMENSION, TRANSACTIONS, query, seeded, shared, stdout};

#[test]
fn seed_writes_the_tables_of_the_walkthrough() {
    let data = shared();
    let count = |table: &str| {
        let result = query(&format!("SELECT COUNT(*) FROM {table}"), data);
        (
            result["version"].as_u64(),
            result["rows"][0][0].as_str().map(str::to_owned),
        )
    };
    let transactions = format!("delta.`{TRANSACTIONS}`");
    assert_eq!(count(&transactions), (Some(5), Some("2410".to_owned())));
    for (version, rows) in [(0, "400"), (3, "1600"), (4, "2000")] {
        let then = format!("{transactions} VERSION AS OF {version}");
        assert_eq!(count(&then), (Some(version), Some(rows.to_owned())));
    }
    let claims = count("delta.`s3a://raw-data-bucket/insurance_data_delta`");
    assert_eq!(claims, (Some(2), Some("500".to_owned())));
}

#[test]
fn last_append_adds_is_flagged_and_older_rows_read_as_null() {
    let sql = format!(
        "SELECT is_flagged IS NULL, COUNT(*), COUNT(DISTINCT transaction_id)
         FROM delta.`{TRANSACTIONS}` GROUP BY 1 ORDER BY 1"
    );
    let rows = &query(&sql, shared())["rows"];
    assert_eq!(
        *rows,
        json!([[false, "410", "410"], [true, "2000", "2000"]])
    );
}

#[test]
fn dimension_is_the_guides_to_the_letter() {
    let result = query(
        &format!("SELECT * FROM delta.`{DIMENSION}` ORDER BY 1"),
        shared(),
    );
    assert_eq!(
        result["rows"],
        json!([
            ["T001", "2024-05-01", "A001", 100.0, "USD", "credit"],
            ["T002", "2024-05-01", "A002", 200.0, "USD", "debit"],
            ["T003", "2024-05-02", "A001", 50.0, "EUR", "payment"],
        ])
    );
    let names = [
        "transaction_id",
        "date",
        "account_id",
        "amount",
        "currency",
        "type",
    ];
    let types = ["string", "string", "string", "double", "string", "string"];
    let columns: Vec<_> = names
        .iter()
        .zip(types)
        .map(|(name, kind)| json!({"name": name, "type": kind}))
        .collect();
    assert_eq!(result["columns"], json!(columns));
    assert_eq!(result["version"], 0);
}

#[test]
fn second_seed_leaves_tables_alone_and_reset_starts_over() {
    let data = seeded();
    let count = format!("SELECT COUNT(*) FROM delta.`{DIMENSION}`");
    query(
        &format!("INSERT INTO delta.`{DIMENSION}` SELECT * FROM delta.`{DIMENSION}`"),
        data.path(),
    );
    assert_eq!(query(&count, data.path())["rows"], json!([["6"]]));

    let again = stdout(&["seed", "--pause", "0"], data.path());
    assert_eq!(
        again
            .lines()
            .filter(|line| line.ends_with(" exists"))
            .count(),
        3,
        "{again}"
    );
    assert_eq!(query(&count, data.path())["rows"], json!([["6"]]));

    stdout(&["seed", "--pause", "0", "--reset"], data.path());
    let result = query(&count, data.path());
    assert_eq!(
        (&result["rows"], &result["version"]),
        (&json!([["3"]]), &json!(0))
    );
}
