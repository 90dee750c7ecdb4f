//! Where things are: the checkout, the target directory, the tools in it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// Paths of this checkout. All absolute.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The repository's root.
    pub root: PathBuf,
    /// Cargo's target directory: `CARGO_TARGET_DIR`, else `target/` in the root.
    pub target: PathBuf,
    /// Tools that were built because the machine lacks them: `target/tools`.
    pub tools: PathBuf,
    /// Whether this is an automatic run (`CI` is set and not `false`): then what can't be had is a
    /// failure rather than a skip.
    pub ci: bool,
    /// Whether clippy looks at the project's crates while they are compiled.
    pub lints: bool,
}

impl Workspace {
    /// The workspace that this xtask was built from.
    pub fn find() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .unwrap_or(Path::new("."))
            .to_path_buf();
        let target = match env::var_os("CARGO_TARGET_DIR").filter(|value| !value.is_empty()) {
            Some(value) => env::current_dir().unwrap_or_default().join(value),
            None => root.join("target"),
        };
        let ci = env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
        Self {
            tools: target.join("tools"),
            root,
            target,
            ci,
            lints: false,
        }
    }

    /// The same, with clippy looking at the project's crates while they are compiled.
    ///
    /// clippy-driver is rustc with more lints: it makes code as well, if with fewer optimisations.
    /// Dependencies are compiled by rustc all the same, and shared with builds without lints.
    pub fn with_lints(self) -> Self {
        Self {
            lints: true,
            ..self
        }
    }

    /// A command that runs in the root, with the project's tools first on its `PATH`.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = process::command(program);
        command
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("PATH", self.search_path());
        if self.lints {
            command.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver");
        }
        command
    }

    /// The first executable file called `name`: among the project's tools, then on `PATH`.
    pub fn which(&self, name: &str) -> Option<PathBuf> {
        env::split_paths(&self.search_path())
            .map(|folder| folder.join(name))
            .find(|path| is_executable(path))
    }

    /// The native binary, once built.
    pub fn lakeglass(&self) -> PathBuf {
        self.target.join("debug/lakeglass")
    }

    /// What `lakeglass serve` serves.
    pub fn page(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// The version of a package in Cargo.lock.
    ///
    /// # Errors
    /// If Cargo.lock can't be read, or has no such package, or several.
    pub fn locked_version(&self, package: &str) -> Result<String> {
        let path = self.root.join("Cargo.lock");
        let lock =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        locked_version(&lock, package)
    }

    fn search_path(&self) -> OsString {
        let mut folders = vec![self.tools.join("bin")];
        folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        // A folder with a colon in its name can't stand on a PATH: then the tools are not found.
        env::join_paths(folders).unwrap_or_else(|_| env::var_os("PATH").unwrap_or_default())
    }
}

fn locked_version(lock: &str, package: &str) -> Result<String> {
    let name = format!("name = \"{package}\"");
    let mut versions = lock.split("[[package]]").filter_map(|entry| {
        let mut lines = entry.lines().map(str::trim);
        lines.find(|line| *line == name)?;
        lines
            .next()?
            .strip_prefix("version = \"")?
            .strip_suffix('"')
    });
    match (versions.next(), versions.next()) {
        (Some(version), None) => Ok(version.to_owned()),
        (None, _) => bail!("Cargo.lock has no {package}"),
        (Some(_), Some(_)) => bail!("Cargo.lock has several versions of {package}"),
    }
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_of_a_package_is_read_from_the_lock_file() {
        let lock = r#"version = 4

[[package]]
name = "syn"
version = "1.0.109"

[[package]]
name = "syn"
version = "2.0.119"

[[package]]
name = "wasm-bindgen"
version = "0.2.130"
dependencies = [
 "syn 2.0.119",
]

[[package]]
name = "wasm-bindgen-shared"
version = "0.2.131"
"#;
        assert_eq!(locked_version(lock, "wasm-bindgen").unwrap(), "0.2.130");
        assert!(locked_version(lock, "wasm").is_err());
        assert!(locked_version(lock, "syn").is_err());
    }

    #[test]
    fn the_lock_file_names_one_wasm_bindgen() {
        Workspace::find().locked_version("wasm-bindgen").unwrap();
    }
}
