//! What ARCHITECTURE.md says of which crate knows what.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The workspace's crates, with what they depend on (dev-dependencies apart).
struct Dependencies {
    /// Package id to name.
    names: BTreeMap<String, String>,
    /// Package id to the ids of its direct dependencies.
    edges: BTreeMap<String, Vec<String>>,
}

impl Dependencies {
    fn read() -> Self {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--locked"])
            .current_dir(root())
            .output()
            .expect("cargo runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        let list = |value: &Value| value.as_array().expect("an array").clone();
        let names = list(&metadata["packages"])
            .iter()
            .map(|package| (text(&package["id"]), text(&package["name"])))
            .collect();
        let not_dev = |kinds: &Value| list(kinds).iter().any(|kind| kind["kind"] != "dev");
        let edges = list(&metadata["resolve"]["nodes"])
            .iter()
            .map(|node| {
                let dependencies = list(&node["deps"]);
                let dependencies = dependencies.iter().filter(|dep| not_dev(&dep["dep_kinds"]));
                (
                    text(&node["id"]),
                    dependencies.map(|dep| text(&dep["pkg"])).collect(),
                )
            })
            .collect();
        Self { names, edges }
    }

    fn id(&self, name: &str) -> &str {
        let found = self.names.iter().find(|(_, candidate)| *candidate == name);
        found.unwrap_or_else(|| panic!("no crate {name}")).0
    }

    fn direct(&self, name: &str) -> BTreeSet<&str> {
        self.edges[self.id(name)]
            .iter()
            .map(|id| self.names[id].as_str())
            .collect()
    }

    fn all(&self, name: &str) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut next = vec![self.id(name)];
        while let Some(id) = next.pop() {
            for dependency in &self.edges[id] {
                if seen.insert(dependency.as_str()) {
                    next.push(dependency);
                }
            }
        }
        seen.into_iter().map(|id| self.names[id].as_str()).collect()
    }
}

#[test]
fn crates_know_only_what_the_architecture_lets_them_know() {
    let crates = Dependencies::read();
    let assert_none = |name: &str, has: BTreeSet<&str>, forbidden: &[&str]| {
        // A rule on a crate that nobody uses any more, or under another name, says nothing.
        for other in forbidden {
            crates.id(other);
        }
        let found: Vec<_> = forbidden
            .iter()
            .filter(|other| has.contains(*other))
            .collect();
        assert!(found.is_empty(), "{name} must not depend on {found:?}");
    };
    let browser = ["js-sys", "wasm-bindgen", "web-sys"];
    for name in [
        "delta-log",
        "delta-transaction",
        "overlay-store",
        "query-engine",
        "spark-dialect",
        "messages",
    ] {
        assert_none(name, crates.direct(name), &browser);
    }
    for name in ["delta-log", "delta-transaction", "overlay-store"] {
        let runtimes = ["tokio", "reqwest", "hyper"];
        assert_none(name, crates.direct(name), &runtimes);
        let others = ["datafusion", "deltalake", "axum", "sqlparser"];
        assert_none(name, crates.all(name), &others);
    }
    assert_none(
        "overlay-store",
        crates.all("overlay-store"),
        &["delta-log", "parquet"],
    );
    assert_none(
        "spark-dialect",
        crates.all("spark-dialect"),
        &[
            "datafusion",
            "datafusion-common",
            "delta-log",
            "object_store",
        ],
    );
    assert_none(
        "query-engine",
        crates.all("query-engine"),
        &["deltalake", "axum", "delta_kernel"],
    );
    // Oracles of the tests, and of nothing else.
    assert_none(
        "lakeglass",
        crates.all("lakeglass"),
        &["deltalake", "delta_kernel"],
    );
    assert_none(
        "proxy-store",
        crates.all("proxy-store"),
        &["datafusion", "delta-log", "axum"],
    );
    assert_none(
        "web",
        crates.all("web"),
        &["datafusion", "parquet", "object_store", "delta-log"],
    );
    assert_none(
        "commit-proxy",
        crates.all("commit-proxy"),
        &["query-engine", "spark-dialect", "datafusion", "deltalake"],
    );
    assert_eq!(crates.direct("messages"), BTreeSet::from(["serde"]));
}

#[test]
fn only_worker_and_page_are_written_for_the_browser() {
    let mut strays = Vec::new();
    for name in fs::read_dir(root().join("crates")).expect("crates/ is there") {
        let folder = name.expect("an entry").path();
        if !folder.ends_with("query-worker") {
            find_in_sources(&folder.join("src"), "wasm32", &mut strays);
        }
    }
    strays.retain(|(_, line)| !line.trim_start().starts_with("//"));
    assert!(
        strays.is_empty(),
        "cfg for wasm32 outside query-worker and web: {strays:?}"
    );
}

fn find_in_sources(folder: &Path, needle: &str, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).expect("a source folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            find_in_sources(&path, needle, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source file");
            let lines = text.lines().filter(|line| line.contains(needle));
            found.extend(lines.map(|line| (path.clone(), line.to_owned())));
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
