//! Conventions of the source code, as tests.

mod circles;
mod fixtures;
mod imports;
mod modules;
mod paths;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::circles::circles;
use crate::imports::imports;
use crate::modules::Modules;

#[test]
fn files_do_not_import_each_other_in_circles() {
    let mut problems = Vec::new();
    for target in targets() {
        let modules = Modules::read(&target.root).expect("sources that compile");
        for circle in circles(&imports(&modules)) {
            problems.push(format!(
                "{}: {}",
                target.package,
                circle.describe(&workspace())
            ));
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// The crates whose numbers are checked for overflow in a profile.
fn overflow_checked(profile: &str) -> Vec<String> {
    let manifest = std::fs::read_to_string(workspace().join("Cargo.toml")).expect("a manifest");
    let section = format!("[profile.{profile}.package]");
    let lines = manifest.lines().skip_while(|line| *line != section).skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    let checked = lines.filter(|line| line.contains("overflow-checks = true"));
    checked
        .filter_map(|line| Some(line.split_once(" = ")?.0.to_owned()))
        .collect()
}

#[test]
fn engine_that_ships_checks_for_overflow_what_the_one_that_is_tested_does() {
    let tested = overflow_checked("quick");
    assert!(tested.len() > 5, "{tested:?}");
    assert_eq!(overflow_checked("engine"), tested);
}

/// A library, program, test or example of the workspace.
struct Target {
    package: String,
    /// The file of its root module.
    root: PathBuf,
}

/// All targets that `cargo` knows in this workspace, build scripts apart.
fn targets() -> Vec<Target> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--locked"])
        .current_dir(workspace())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let list = |value: &Value| value.as_array().expect("an array").clone();
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let mut targets = Vec::new();
    for package in list(&metadata["packages"]) {
        for target in list(&package["targets"]) {
            if !list(&target["kind"]).contains(&Value::from("custom-build")) {
                targets.push(Target {
                    package: text(&package["name"]),
                    root: text(&target["src_path"]).into(),
                });
            }
        }
    }
    assert!(targets.len() > 20, "only {} targets found", targets.len());
    targets
}

fn workspace() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().expect("xtask is in a folder").to_path_buf()
}
