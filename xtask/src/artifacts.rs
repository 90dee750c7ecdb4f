//! What gets built: the native binary, the engine for the browser, the page.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::Path;

use anyhow::{Context, Result};

use crate::process;
use crate::steps::Steps;
use crate::tools::WASM_TARGET;
use crate::workspace::Workspace;

/// What the page and the worker are made of. Native crates among `crates` make it a little too
/// much: better than to list the others, and serve an old page once the list is out of date.
const PAGE_INPUTS: &[&str] = &[
    ".cargo/config.toml",
    "Cargo.lock",
    "Cargo.toml",
    "Trunk.toml",
    "crates",
    "rust-toolchain.toml",
    "web",
];

/// Folders in them that are made, not written.
const GENERATED: &[&str] = &["dist", "node_modules", "target"];

/// Builds the native crates; `all_targets` adds their tests.
///
/// Always the workspace's default members: another choice of packages could mean other features,
/// and DataFusion compiled a second time.
pub fn native(workspace: &Workspace, steps: &Steps, all_targets: bool) -> Result<()> {
    let what = if all_targets {
        "build native crates and their tests"
    } else {
        "build lakeglass"
    };
    steps.step("native", what, || {
        let mut cargo = workspace.command("cargo");
        cargo.arg("build");
        if all_targets {
            cargo.arg("--all-targets");
        }
        process::run("native", &mut cargo, |_| ())
    })
}

/// Compiles the engine for the browser: the long part of the page, which needs no tool but cargo
/// and clang. Packaging it is [`page`]'s part.
pub fn engine(workspace: &Workspace, steps: &Steps) -> Result<()> {
    steps.step("engine", "compile the engine for the browser", || {
        let mut cargo = workspace.command("cargo");
        cargo.args(["build", "--package", "query-worker", "--profile", "quick"]);
        cargo.args(["--target", WASM_TARGET]);
        process::run("engine", &mut cargo, |_| ())
    })
}

/// Builds page and worker into `dist/`.
pub fn page(workspace: &Workspace, steps: &Steps) -> Result<()> {
    steps.step("page", "build the page", || {
        let inputs = page_inputs(workspace)?;
        let mut trunk = workspace.command("trunk");
        trunk.args(["build", "--offline"]);
        process::run("page", &mut trunk, |_| ())?;
        fs::write(stamp(workspace), inputs).context("cannot write the page's stamp")
    })
}

/// Whether `dist/` was built from what the checkout holds now.
pub fn page_is_current(workspace: &Workspace) -> Result<bool> {
    let built_from = fs::read_to_string(stamp(workspace)).unwrap_or_default();
    let there = workspace.page().join("index.html").exists();
    Ok(there && built_from == page_inputs(workspace)?)
}

/// `npm ci` in `folder` (below the root), unless its lock file was installed before.
pub fn node_modules(workspace: &Workspace, steps: &Steps, folder: &str) -> Result<()> {
    let folder_path = workspace.root.join(folder);
    let lock = fs::read_to_string(folder_path.join("package-lock.json"))
        .with_context(|| format!("cannot read {folder}/package-lock.json"))?;
    let stamp = folder_path.join("node_modules/.installed-lock.json");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    steps.step("npm", &format!("install what {folder} needs"), || {
        let mut npm = workspace.command("npm");
        npm.args(["ci", "--no-audit", "--no-fund"])
            .current_dir(&folder_path);
        process::run("npm", &mut npm, |_| ())?;
        fs::write(&stamp, &lock).with_context(|| format!("cannot write {}", stamp.display()))
    })
}

fn stamp(workspace: &Workspace) -> std::path::PathBuf {
    workspace.page().join(".inputs")
}

/// A hash over names and contents of [`PAGE_INPUTS`]: contents, as a checkout sets new times on
/// files that it leaves as they are.
fn page_inputs(workspace: &Workspace) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for input in PAGE_INPUTS {
        hash_path(&workspace.root.join(input), &mut hasher)
            .with_context(|| format!("cannot read {input}"))?;
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}

fn hash_path(path: &Path, hasher: &mut DefaultHasher) -> std::io::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    path.hash(hasher);
    if path.is_dir() {
        let mut entries = fs::read_dir(path)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<std::io::Result<Vec<_>>>()?;
        entries.sort();
        for entry in entries {
            let name = entry.file_name().unwrap_or_default().to_string_lossy();
            if !GENERATED.contains(&&*name) {
                hash_path(&entry, hasher)?;
            }
        }
    } else {
        fs::read(path)?.hash(hasher);
    }
    Ok(())
}
