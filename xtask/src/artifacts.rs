//! What gets built: the native binary, the engine for the browser, the page.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

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

/// What binary and engine are built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be tried and tested: built in minutes.
    Trial,
    /// To ship: as fast and as small as it gets, and compiled for long.
    Shipping,
}

impl Purpose {
    /// Cargo's profile of the engine in the browser.
    fn engine_profile(self) -> &'static str {
        match self {
            Self::Trial => "quick",
            Self::Shipping => "engine",
        }
    }
}

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

/// Builds the binary that ships. It shares nothing with [`native`]'s, so it is built alone.
pub fn binary_to_ship(workspace: &Workspace, steps: &Steps) -> Result<()> {
    steps.step("native", "build the lakeglass that ships", || {
        let mut cargo = workspace.command("cargo");
        cargo.args(["build", "--package", "lakeglass", "--profile", "dist"]);
        process::run("native", &mut cargo, |_| ())
    })
}

/// Compiles the engine for the browser: the long part of the page, which needs no tool but cargo
/// and clang. Packaging it is [`page`]'s part.
pub fn engine(workspace: &Workspace, steps: &Steps, purpose: Purpose) -> Result<()> {
    steps.step("engine", "compile the engine for the browser", || {
        let mut cargo = workspace.command("cargo");
        cargo.args([
            "build",
            "--package",
            "query-worker",
            "--target",
            WASM_TARGET,
        ]);
        cargo.args(["--profile", purpose.engine_profile()]);
        process::run("engine", &mut cargo, |_| ())
    })
}

/// Builds page and worker into `dist/`.
pub fn page(workspace: &Workspace, steps: &Steps, purpose: Purpose) -> Result<()> {
    steps.step("page", "build the page", || {
        let inputs = page_inputs(workspace, purpose)?;
        let mut trunk = workspace.command("trunk");
        trunk.args(["build", "--offline"]);
        trunk.env("LAKEGLASS_PROFILE", purpose.engine_profile());
        process::run("page", &mut trunk, |_| ())?;
        fs::write(stamp(workspace), inputs).context("cannot write the page's stamp")
    })
}

/// Whether `dist/` was built from what the checkout holds now, for this purpose.
pub fn page_is_current(workspace: &Workspace, purpose: Purpose) -> Result<bool> {
    let built_from = fs::read_to_string(stamp(workspace)).unwrap_or_default();
    let there = workspace.page().join("index.html").exists();
    Ok(there && built_from == page_inputs(workspace, purpose)?)
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
fn page_inputs(workspace: &Workspace, purpose: Purpose) -> Result<String> {
    let mut hasher = Sha256::new();
    for input in PAGE_INPUTS {
        hash_path(&workspace.root, Path::new(input), &mut hasher)
            .with_context(|| format!("cannot read {input}"))?;
    }
    let profile = purpose.engine_profile();
    Ok(format!("{:x} {profile}\n", hasher.finalize()))
}

/// Takes in the file or folder `path`, relative to `root`: each file's name, length and content.
fn hash_path(root: &Path, path: &Path, hasher: &mut Sha256) -> std::io::Result<()> {
    let full = root.join(path);
    if full.is_dir() {
        let mut names = fs::read_dir(full)?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<std::io::Result<Vec<_>>>()?;
        names.sort();
        for name in names {
            if !GENERATED.contains(&&*name.to_string_lossy()) {
                hash_path(root, &path.join(name), hasher)?;
            }
        }
    } else if full.exists() {
        let content = fs::read(full)?;
        hasher.update(format!("{}\0{}\0", path.display(), content.len()));
        hasher.update(content);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp_of(files: &[(&str, &str)]) -> String {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let mut hasher = Sha256::new();
        hash_path(folder.path(), Path::new("web"), &mut hasher).unwrap();
        format!("{:x}", hasher.finalize())
    }

    #[test]
    fn stamp_depends_on_names_and_contents_alone() {
        let stamp = stamp_of(&[("web/a", "1"), ("web/b/c", "2")]);
        // Elsewhere, written in another order, and beside what was made.
        let same = [("web/b/c", "2"), ("web/a", "1"), ("web/dist/x", "3")];
        assert_eq!(stamp_of(&same), stamp);
        for other in [
            [("web/a", "1"), ("web/b/c", "3")],
            [("web/a", "1"), ("web/b/d", "2")],
            [("web/a", "12"), ("web/b/c", "")],
        ] {
            assert_ne!(stamp_of(&other), stamp, "{other:?}");
        }
    }
}
