//! Where things are: the checkout, the target directory, the tools in it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

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
        }
    }

    /// A command that runs in the root, with the project's tools first on its `PATH`.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = process::command(program);
        command
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("PATH", self.search_path());
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

    fn search_path(&self) -> OsString {
        let mut folders = vec![self.tools.join("bin")];
        folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        // A folder with a colon in its name can't stand on a PATH: then the tools are not found.
        env::join_paths(folders).unwrap_or_else(|_| env::var_os("PATH").unwrap_or_default())
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
