use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{DIMENSION, TRANSACTIONS, lakeglass, query, seeded, shared};

/// `lakeglass serve` on free ports.
pub struct Server {
    process: Child,
    pub url: String,
}

impl Server {
    pub fn start(data: &Path, page: &Path) -> Self {
        Self::start_with(data, page, &[])
    }

    fn start_with(data: &Path, page: &Path, options: &[&str]) -> Self {
        let mut process = lakeglass()
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--store-listen",
                "127.0.0.1:0",
            ])
            .arg("--data")
            .arg(data)
            .arg("--page")
            .arg(page)
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .expect("lakeglass starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let url = line
            .trim()
            .strip_prefix("Lakeglass is at ")
            .expect(&line)
            .to_owned();
        Self { process, url }
    }

    async fn get(&self, path: &str) -> Response {
        get(&format!("{}{path}", self.url)).await
    }

    async fn config(&self) -> Value {
        json_of(self.get("/api/v1/config").await).await
    }

    /// Asks it to end, and gives its exit code.
    fn terminate(mut self) -> Option<i32> {
        let pid = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .expect("kill runs")
                .success()
        );
        self.process.wait().expect("it ends").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn get(url: &str) -> Response {
    Client::new().get(url).send().await.expect("a response")
}

async fn json_of(response: Response) -> Value {
    serde_json::from_str(&response.text().await.expect("text")).expect("JSON")
}

pub fn page() -> TempDir {
    let folder = tempfile::tempdir().expect("temporary folder");
    for (name, content) in [
        ("index.html", "<!doctype html><title>Lakeglass</title>"),
        ("web-0123456789abcdef.js", "hello()"),
        ("web-0123456789abcdef.js.br", "brotli"),
        ("web-0123456789abcdef.js.gz", "gzip"),
        ("web-0123456789abcdef_bg.wasm", "\0asm"),
    ] {
        fs::write(folder.path().join(name), content).expect("file");
    }
    folder
}

#[tokio::test]
async fn serve_answers_page_config_and_objects_and_ends_on_sigterm() {
    let page = page();
    let server = Server::start(shared(), page.path());

    let index = server.get("/").await;
    assert_eq!(index.headers()["content-type"], "text/html");
    assert_eq!(index.headers()["cache-control"], "no-cache");
    assert!(index.text().await.unwrap().contains("Lakeglass"));

    let config = server.config().await;
    assert_eq!(config["store"], "embedded");
    assert_eq!(config["writes"]["state"], "enabled");
    assert!(config["connection"].get("credentials").is_none());
    let endpoint = config["connection"]["endpoint"]
        .as_str()
        .expect("an endpoint");
    let commit = get(&format!(
        "{endpoint}/raw-data-bucket/financial_data_delta/_delta_log/00000000000000000000.json"
    ))
    .await;
    assert_eq!(commit.status(), StatusCode::OK);
    assert!(commit.text().await.unwrap().contains("CREATE TABLE"));

    assert_eq!(server.terminate(), Some(0));
}

#[tokio::test]
async fn hashed_files_are_kept_and_come_compressed_to_who_takes_it() {
    let page = page();
    let server = Server::start(shared(), page.path());
    let wasm = server.get("/web-0123456789abcdef_bg.wasm").await;
    assert_eq!(wasm.headers()["content-type"], "application/wasm");
    assert_eq!(
        wasm.headers()["cache-control"],
        "public, max-age=31536000, immutable"
    );

    let script = |encodings: &'static str| {
        let request = Client::new().get(format!("{}/web-0123456789abcdef.js", server.url));
        async move {
            request
                .header("accept-encoding", encodings)
                .send()
                .await
                .unwrap()
        }
    };
    let brotli = script("gzip, br").await;
    assert_eq!(brotli.headers()["content-encoding"], "br");
    assert_eq!(brotli.headers()["content-type"], "text/javascript");
    assert_eq!(script("gzip").await.headers()["content-encoding"], "gzip");
    assert!(
        script("identity")
            .await
            .headers()
            .get("content-encoding")
            .is_none()
    );

    let missing = server.get("/missing-0123456789abcdef.js").await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert_eq!(missing.headers()["cache-control"], "no-cache");
}

#[tokio::test]
async fn page_that_is_not_built_says_how_to_build_it() {
    let empty = tempfile::tempdir().unwrap();
    let server = Server::start(shared(), empty.path());
    let answer = server.get("/").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.text().await.unwrap().contains("cargo xtask demo"));
    assert_eq!(server.config().await["store"], "embedded");
}

#[tokio::test]
async fn commits_over_http_are_seen_in_the_store() {
    let data = seeded();
    let page = page();
    let server = Server::start(data.path(), page.path());
    let simulate = |table: &str, extra: &[&str]| {
        let output = lakeglass()
            .args(["simulate", "--proxy", &server.url, "--table", table])
            .args(["--every", "0.01", "--count", "2", "--rows", "5"])
            .args(extra)
            .output()
            .expect("lakeglass runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let sent = simulate(TRANSACTIONS, &["--flagged"]);
    assert!(
        sent.contains("version 6") && sent.contains("version 7"),
        "{sent}"
    );
    let count = |table: &str| {
        query(
            &format!("SELECT COUNT(*) FROM delta.`{table}`"),
            data.path(),
        )
    };
    assert_eq!(count(TRANSACTIONS)["rows"], json!([["2420"]]));

    let refused = simulate(TRANSACTIONS, &["--spoil", "wrong-type"]);
    assert!(
        refused.contains("0 batches committed, 2 refused"),
        "{refused}"
    );
    assert!(refused.contains("amount"), "{refused}");
    assert_eq!(count(TRANSACTIONS)["version"], 7);

    let sql = format!("INSERT INTO delta.`{DIMENSION}` SELECT * FROM delta.`{DIMENSION}`");
    let output = lakeglass()
        .args(["sql", &sql, "--proxy", &server.url, "--data"])
        .arg(data.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(count(DIMENSION)["rows"], json!([["6"]]));
}

/// Files of a folder and the folders in it.
fn files_below(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.path().is_dir() {
            true => files_below(&entry.path()),
            false => 1,
        })
        .sum()
}

#[tokio::test]
async fn files_are_compacted_and_deleted_through_the_proxy() {
    let data = seeded();
    let page = page();
    let server = Server::start(data.path(), page.path());
    let run = |sql: &str| {
        let output = lakeglass()
            .args(["sql", sql, "--proxy", &server.url, "--data"])
            .arg(data.path())
            .output()
            .expect("lakeglass runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{sql}: {error}");
        error
    };
    let table = "delta.`s3a://raw-data-bucket/deep/er/t`";
    run(&format!(
        "CREATE TABLE {table} (id INT, p STRING) PARTITIONED BY (p)"
    ));
    for _ in 0..3 {
        run(&format!("INSERT INTO {table} VALUES (1, 'a b'), (2, NULL)"));
    }
    let folder = data.path().join("raw-data-bucket/deep/er/t");
    run(&format!("OPTIMIZE {table}"));
    assert_eq!(files_below(&folder.join("p=a b")), 4);
    // The proxy keeps what the table keeps, whatever the statement says.
    let unchecked = "SET spark.databricks.delta.retentionDurationCheck.enabled = false";
    let vacuum = format!("{unchecked}; VACUUM {table} RETAIN 0 HOURS");
    let warning = run(&vacuum);
    assert!(warning.contains("6 files were not deleted"), "{warning}");
    assert_eq!(files_below(&folder.join("p=a b")), 4);
    run(&format!(
        "ALTER TABLE {table} SET TBLPROPERTIES (delta.deletedFileRetentionDuration = 'interval 0 hours')"
    ));
    let warning = run(&format!("VACUUM {table}"));
    assert_eq!(warning, "");
    assert_eq!(files_below(&folder.join("p=a b")), 1);
    let count = query(&format!("SELECT COUNT(*) FROM {table}"), data.path());
    assert_eq!(count["rows"], json!([["6"]]));
    for alter in [
        "SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name', delta.enableTypeWidening = true)",
        "RENAME COLUMN p TO `the p`",
        "ALTER COLUMN id TYPE BIGINT",
        "ALTER COLUMN id SET NOT NULL",
        "ADD CONSTRAINT positive CHECK (id > 0)",
        "ADD COLUMNS (gone INT FIRST)",
        "DROP COLUMN gone",
    ] {
        run(&format!("ALTER TABLE {table} {alter}"));
    }
    run(&format!("INSERT INTO {table} VALUES (5000000000, 'x')"));
    run(&format!("UPDATE {table} SET id = 3 WHERE `the p` = 'a b'"));
    let sum = query(&format!("SELECT SUM(id) FROM {table}"), data.path());
    assert_eq!(sum["rows"], json!([["5000000015"]]));
    // It adds no files of other tables.
    let clone = format!("CREATE TABLE delta.`s3a://raw-data-bucket/clone` SHALLOW CLONE {table}");
    let output = lakeglass()
        .args(["sql", &clone, "--proxy", &server.url, "--data"])
        .arg(data.path())
        .output()
        .expect("lakeglass runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("INVALID_COMMIT"), "{error}");
}

#[tokio::test]
async fn tables_are_dropped_through_the_proxy_where_it_allows_that() {
    let data = seeded();
    let page = page();
    let drop = |server: &Server| {
        let sql = format!("DROP TABLE delta.`{TRANSACTIONS}`");
        let output = lakeglass()
            .args(["sql", &sql, "--proxy", &server.url, "--data"])
            .arg(data.path())
            .output()
            .expect("lakeglass runs");
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let tables = || query("SHOW TABLES", data.path())["rowCount"].clone();
    let before = tables();
    let server = Server::start(data.path(), page.path());
    let (dropped, error) = drop(&server);
    assert!(!dropped && error.contains("DROP_NOT_ALLOWED"), "{error}");
    assert_eq!(tables(), before);
    assert_eq!(server.terminate(), Some(0));
    let server = Server::start_with(data.path(), page.path(), &["--allow-drop"]);
    assert_eq!(drop(&server), (true, String::new()));
    assert_eq!(tables(), json!(before.as_u64().expect("a number") - 1));
    assert_eq!(
        files_below(&data.path().join("raw-data-bucket/financial_data_delta")),
        0
    );
    // And without one, by whoever has the folder.
    let sql =
        format!("DROP TABLE IF EXISTS delta.`{TRANSACTIONS}`; DROP TABLE delta.`{DIMENSION}`");
    query(&sql, data.path());
    assert_eq!(tables(), json!(before.as_u64().expect("a number") - 2));
}

#[tokio::test]
async fn port_in_use_names_the_option_to_change() {
    let page = page();
    let server = Server::start(shared(), page.path());
    let address = server.url.strip_prefix("http://").unwrap();
    for (option, other) in [
        ("--listen", "--store-listen"),
        ("--store-listen", "--listen"),
    ] {
        let output = lakeglass()
            .args(["serve", option, address, other, "127.0.0.1:0", "--data"])
            .arg(shared())
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(
            error.contains("PORT_IN_USE") && error.contains(&format!("{option} 127.0.0.1:PORT")),
            "{error}"
        );
    }
}

#[test]
fn listening_for_other_machines_takes_a_second_word() {
    for (option, other) in [
        ("--listen", "--store-listen"),
        ("--store-listen", "--listen"),
    ] {
        let output = lakeglass()
            .args(["serve", option, "0.0.0.0:0", other, "127.0.0.1:0", "--data"])
            .arg(shared())
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(
            error.contains(option) && error.contains("--allow-remote"),
            "{error}"
        );
    }
}

#[test]
fn s3_endpoint_without_keys_is_refused() {
    let output = lakeglass()
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--s3-endpoint",
            "http://127.0.0.1:1",
        ])
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("MISSING_CREDENTIALS") && error.contains("--s3-access-key"),
        "{error}"
    );
}
