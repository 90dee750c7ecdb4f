//! Tools at pinned versions: from `PATH` where the version matches, else by `cargo binstall` where
//! that is installed, else built under `target/tools`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::steps::Steps;
use crate::workspace::Workspace;

const LABEL: &str = "tools";

/// A tool that cargo builds.
#[derive(Debug, Clone, Copy)]
pub struct CargoTool {
    package: &'static str,
    version: Version,
    /// What it installs; the first answers `--version`.
    binaries: &'static [&'static str],
    /// More words for `cargo install`.
    arguments: &'static [&'static str],
    /// Packages that are optimised. The others are not: that compiles fastest.
    optimised: &'static [&'static str],
}

/// Which version of a tool.
#[derive(Debug, Clone, Copy)]
enum Version {
    /// This one.
    Pinned(&'static str),
    /// That of a package in Cargo.lock.
    Of(&'static str),
}

/// Without `--locked`: its lock file names a crate version that is gone from the registry.
pub const WASM_BINDGEN: CargoTool = CargoTool {
    package: "wasm-bindgen-cli",
    version: Version::Of("wasm-bindgen"),
    binaries: &["wasm-bindgen", "wasm-bindgen-test-runner"],
    arguments: &[],
    // They take a module of 60 MB apart, and put it together again.
    optimised: &[
        "id-arena",
        "leb128",
        "walrus",
        "wasm-bindgen-cli-support",
        "wasm-encoder",
        "wasmparser",
    ],
};
/// 0.22 needs a newer rustc. Its default features are TLS and a check for updates, for which a
/// build has no use.
pub const TRUNK: CargoTool = CargoTool {
    package: "trunk",
    version: Version::Pinned("0.21.14"),
    binaries: &["trunk"],
    arguments: &["--locked", "--no-default-features"],
    optimised: &[],
};
/// Runs the wasm tests in a browser.
pub const WASM_PACK: CargoTool = CargoTool {
    package: "wasm-pack",
    version: Version::Pinned("0.15.1"),
    binaries: &["wasm-pack"],
    arguments: &["--locked"],
    optimised: &[],
};
/// Finds dependencies that nothing uses. Newer versions need a newer rustc.
pub const CARGO_SHEAR: CargoTool = CargoTool {
    package: "cargo-shear",
    version: Version::Pinned("1.9.1"),
    binaries: &["cargo-shear"],
    arguments: &["--locked"],
    optimised: &[],
};
/// Checks licences, sources and advisories of dependencies.
pub const CARGO_DENY: CargoTool = CargoTool {
    package: "cargo-deny",
    version: Version::Pinned("0.20.2"),
    binaries: &["cargo-deny"],
    arguments: &["--locked"],
    optimised: &[],
};

/// The release of MinIO that the tests run, as a Go module version (MinIO's own binaries and
/// images are no longer published everywhere).
const MINIO: &str = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c";

/// The target of page and worker.
pub const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Makes sure of each tool, in order.
pub fn ensure(workspace: &Workspace, steps: &Steps, tools: &[CargoTool]) -> Result<()> {
    for tool in tools {
        let version = tool.version(workspace)?;
        if !tool.is_there(workspace, &version) {
            let what = format!("install {} {version}", tool.package);
            steps.step(LABEL, &what, || tool.install(workspace, &version))?;
        }
    }
    // What building them left is some gigabytes.
    let build = workspace.tools.join("build");
    if build.exists() {
        fs::remove_dir_all(&build).with_context(|| format!("cannot remove {}", build.display()))?;
    }
    Ok(())
}

impl CargoTool {
    fn version(&self, workspace: &Workspace) -> Result<String> {
        match self.version {
            Version::Pinned(version) => Ok(version.to_owned()),
            Version::Of(package) => workspace.locked_version(package),
        }
    }

    fn is_there(&self, workspace: &Workspace, version: &str) -> bool {
        let all = self
            .binaries
            .iter()
            .all(|binary| workspace.which(binary).is_some());
        all && (self.was_built(workspace, version)
            || process::output(workspace.command(self.binaries[0]).arg("--version"))
                .is_ok_and(|answer| answer.split_whitespace().any(|word| word == version)))
    }

    /// Whether cargo's list of what it has installed here names this version. Not every tool can
    /// say its own: cargo-shear calls itself "dev".
    fn was_built(&self, workspace: &Workspace, version: &str) -> bool {
        let entry = format!("\"{} {version} (", self.package);
        fs::read_to_string(workspace.tools.join(".crates.toml"))
            .is_ok_and(|list| list.contains(&entry))
    }

    fn install(&self, workspace: &Workspace, version: &str) -> Result<()> {
        if workspace.which("cargo-binstall").is_some() {
            let mut binstall = workspace.command("cargo");
            binstall
                .args([
                    "binstall",
                    "--no-confirm",
                    "--disable-strategies",
                    "compile",
                ])
                .arg("--install-path")
                .arg(workspace.tools.join("bin"))
                .arg(format!("{}@{version}", self.package));
            match process::run(LABEL, &mut binstall, |_| ()) {
                Ok(()) if self.is_there(workspace, version) => return Ok(()),
                _ => process::print_line(LABEL, "no prebuilt binary; building it"),
            }
        }
        let mut install = workspace.command("cargo");
        install
            .args([
                "install",
                self.package,
                "--version",
                version,
                "--debug",
                "--force",
            ])
            .args(self.arguments)
            .arg("--root")
            .arg(&workspace.tools)
            // The tools share dependencies: one target directory for all of them.
            .arg("--target-dir")
            .arg(workspace.tools.join("build"))
            .env("CARGO_PROFILE_DEV_DEBUG", "0");
        for package in self.optimised {
            install.arg("--config");
            install.arg(format!("profile.dev.package.{package}.opt-level=1"));
        }
        process::run(LABEL, &mut install, |_| ())?;
        if !self.is_there(workspace, version) {
            bail!(
                "{} was installed, but does not say that it is {version}",
                self.package
            );
        }
        Ok(())
    }
}

/// Makes sure that rustc has the standard library for wasm32.
pub fn ensure_wasm_target(workspace: &Workspace, steps: &Steps) -> Result<()> {
    let library = process::output(workspace.command("rustc").args([
        "--print",
        "target-libdir",
        "--target",
        WASM_TARGET,
    ]))?;
    if PathBuf::from(library.trim()).exists() {
        return Ok(());
    }
    if workspace.which("rustup").is_none() {
        bail!("rustc has no target {WASM_TARGET}, and there is no rustup to add it");
    }
    steps.step(LABEL, &format!("add the target {WASM_TARGET}"), || {
        let mut rustup = workspace.command("rustup");
        process::run(LABEL, rustup.args(["target", "add", WASM_TARGET]), |_| ())
    })
}

/// A MinIO server: from `PATH`, else built with Go.
///
/// # Errors
/// If there is neither `minio` nor `go`, or building it fails.
pub fn ensure_minio(workspace: &Workspace, steps: &Steps) -> Result<PathBuf> {
    if let Some(path) = workspace.which("minio") {
        return Ok(path);
    }
    if workspace.which("go").is_none() {
        bail!("neither `minio` nor `go` (1.24 or later) is on PATH; see https://go.dev/dl");
    }
    steps.step(LABEL, "build MinIO", || {
        let mut go = workspace.command("go");
        go.args(["install", "-ldflags=-s -w", MINIO])
            .env("GOBIN", workspace.tools.join("bin"))
            .env("CGO_ENABLED", "0");
        process::run(LABEL, &mut go, |_| ())
    })?;
    workspace
        .which("minio")
        .context("`go install` left no minio")
}
