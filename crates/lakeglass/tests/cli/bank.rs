//! Writers at once, through two proxies of which one or the other is killed all the time, and past
//! them: no money comes or goes, and what was acknowledged is there, once.

use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::serve::{Server, page};
use crate::{lakeglass, query, stdout};

const ACCOUNTS: &str = "delta.`s3a://curated-data-bucket/accounts`";
const TRANSFERS: &str = "delta.`s3a://raw-data-bucket/transfers`";

/// Clients, each of which makes so many transfers. More of both find more.
const CLIENTS: usize = 4;
const TRANSFERS_EACH: usize = 6;

/// What became of a statement.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Made,
    Refused,
    Unknown,
}

fn write(sql: &str, data: &Path, proxy: Option<&str>) -> Outcome {
    let mut command = lakeglass();
    command.args(["sql", sql]).arg("--data").arg(data);
    if let Some(proxy) = proxy {
        command.args(["--proxy", proxy]);
    }
    let Output { status, stderr, .. } = command.output().unwrap();
    let error = String::from_utf8_lossy(&stderr);
    if status.success() {
        return Outcome::Made;
    }
    assert!(!error.contains("panicked"), "{error}");
    let unknown = ["COMMIT_OUTCOME_UNKNOWN"];
    match unknown.iter().any(|code| error.contains(code)) {
        true => Outcome::Unknown,
        false => Outcome::Refused,
    }
}

#[test]
fn money_is_neither_made_nor_lost_though_proxies_are_killed() {
    let (folder, page) = (tempfile::tempdir().unwrap(), page());
    let data = folder.path();
    for bucket in ["raw-data-bucket", "curated-data-bucket"] {
        std::fs::create_dir_all(data.join(bucket)).unwrap();
    }
    let create = format!(
        "CREATE TABLE {ACCOUNTS} TBLPROPERTIES (delta.checkpointInterval = 5) AS \
         SELECT * FROM VALUES (0, 100), (1, 100), (2, 100), (3, 100) AS v(id, balance); \
         CREATE TABLE {TRANSFERS} (client INT, number INT)"
    );
    stdout(&["sql", &create], data);

    let start = || Server::start(data, page.path());
    let proxies = Mutex::new([start(), start()]);
    let is_over = AtomicBool::new(false);
    let url = |n: usize| {
        let proxies = proxies.lock().unwrap_or_else(PoisonError::into_inner);
        proxies[n].url.clone()
    };
    let client = |client: usize| {
        let mut outcomes = Vec::new();
        for number in 0..TRANSFERS_EACH {
            let proxy = match (client + number) % 3 {
                2 => None,
                n => Some(url(n)),
            };
            let (from, to) = (client % 4, (client + number + 1) % 4);
            let transfer = format!(
                "MERGE INTO {ACCOUNTS} t USING (SELECT id, balance \
                     - CASE WHEN id = {from} THEN 7 ELSE 0 END \
                     + CASE WHEN id = {to} THEN 7 ELSE 0 END AS balance FROM {ACCOUNTS}) s \
                 ON t.id = s.id WHEN MATCHED THEN UPDATE SET balance = s.balance"
            );
            write(&transfer, data, proxy.as_deref());
            let insert = format!("INSERT INTO {TRANSFERS} VALUES ({client}, {number})");
            outcomes.push(write(&insert, data, proxy.as_deref()));
        }
        outcomes
    };
    let outcomes: Vec<Vec<Outcome>> = thread::scope(|scope| {
        let killer = scope.spawn(|| {
            let mut killed = 0;
            while !is_over.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(500));
                let mut proxies = proxies.lock().unwrap_or_else(PoisonError::into_inner);
                // The old one is killed as it is dropped.
                proxies[killed % 2] = start();
                killed += 1;
            }
            killed
        });
        let client = &client;
        let clients: Vec<_> = (0..CLIENTS)
            .map(|n| scope.spawn(move || client(n)))
            .collect();
        let outcomes = clients.into_iter().map(|client| client.join().unwrap());
        let outcomes = outcomes.collect();
        is_over.store(true, Ordering::Relaxed);
        assert!(killer.join().unwrap() > 0);
        outcomes
    });

    let sum = format!("SELECT sum(balance) AS s, count(*) AS n FROM {ACCOUNTS}");
    assert_eq!(query(&sum, data)["rows"], json!([["400", "4"]]));
    let mut made = 0;
    for (client, outcomes) in outcomes.iter().enumerate() {
        for (number, outcome) in outcomes.iter().enumerate() {
            let count = format!(
                "SELECT count(*) AS n FROM {TRANSFERS} WHERE client = {client} AND number = {number}"
            );
            let count = query(&count, data)["rows"][0][0].clone();
            let expected: &[Value] = match outcome {
                Outcome::Made => &[json!("1")],
                Outcome::Refused => &[json!("0")],
                Outcome::Unknown => &[json!("0"), json!("1")],
            };
            assert!(
                expected.contains(&count),
                "{client}, {number}: {count} of {outcome:?}"
            );
            made += usize::from(*outcome == Outcome::Made);
        }
    }
    println!("{made} of {} made", CLIENTS * TRANSFERS_EACH);
    assert!(made * 2 > CLIENTS * TRANSFERS_EACH, "{outcomes:?}");
    let history = query(&format!("DESCRIBE HISTORY {ACCOUNTS}"), data);
    let versions: Vec<i64> = history["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row[0].as_str().unwrap().parse().unwrap())
        .collect();
    let newest = versions[0];
    assert_eq!(versions, (0..=newest).rev().collect::<Vec<_>>());
}
