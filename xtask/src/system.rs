//! What comes from the system's package manager: clang, a browser, its driver.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::process;
use crate::workspace::Workspace;

/// A program that the system's packages bring.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// What it is for, in a message.
    purpose: &'static str,
    /// Its names; the first that is found counts.
    names: &'static [&'static str],
    /// The package in Debian.
    package: &'static str,
}

/// zstd is C, for wasm32 as well.
pub const CLANG: Program = Program {
    purpose: "compiles zstd for wasm32",
    names: &["clang"],
    package: "clang",
};
/// The browser of the tests.
pub const CHROMIUM: Program = Program {
    purpose: "runs the tests in a browser",
    names: &[
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ],
    package: "chromium",
};
/// Its WebDriver, which wasm-pack talks to.
pub const CHROMEDRIVER: Program = Program {
    purpose: "lets wasm-pack drive the browser",
    names: &["chromedriver"],
    package: "chromium-driver",
};
/// Builds the editor's bundle, and runs the browser tests.
pub const NODE: Program = Program {
    purpose: "bundles the page's scripts",
    names: &["node"],
    package: "nodejs",
};
/// Node's package manager.
pub const NPM: Program = Program {
    purpose: "installs the page's scripts",
    names: &["npm"],
    package: "npm",
};

impl Program {
    /// Where it is installed.
    pub fn find(&self, workspace: &Workspace) -> Option<PathBuf> {
        self.names.iter().find_map(|name| workspace.which(name))
    }

    /// Where it is installed.
    ///
    /// # Errors
    /// If it isn't, naming the command that installs it.
    pub fn require(&self, workspace: &Workspace) -> Result<PathBuf> {
        match self.find(workspace) {
            Some(path) => Ok(path),
            None => bail!(
                "{} is missing (it {}); install it: sudo apt-get install {}",
                self.names[0],
                self.purpose,
                self.package
            ),
        }
    }
}

/// Installs those of `programs` that are missing, in one go.
///
/// # Errors
/// If some are missing and there is no `apt-get`, or no right to run it; the message has the
/// command to run.
pub fn ensure(workspace: &Workspace, programs: &[Program]) -> Result<()> {
    let missing: Vec<Program> = programs
        .iter()
        .copied()
        .filter(|program| program.find(workspace).is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|program| program.package).collect();
    let by_hand = format!("sudo apt-get install {}", packages.join(" "));
    if workspace.which("apt-get").is_none() {
        let names: Vec<&str> = missing.iter().map(|program| program.names[0]).collect();
        bail!(
            "missing: {} (on Debian and Ubuntu: {by_hand})",
            names.join(", ")
        );
    }
    let Some(prefix) = privilege(workspace) else {
        bail!("missing packages, and no right to install them; run: {by_hand}");
    };
    let apt = |arguments: &[&str]| {
        let mut words = prefix.clone();
        words.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        words.extend(arguments);
        let mut command = workspace.command(words[0]);
        command.args(&words[1..]);
        process::run("system", &mut command, |_| ())
    };
    apt(&["update", "-qq"])?;
    let mut install = vec!["install", "-y", "-qq", "--no-install-recommends"];
    install.extend(&packages);
    apt(&install)?;
    missing
        .iter()
        .try_for_each(|program| program.require(workspace).map(drop))
}

/// The words before a command that needs root: none for root, `sudo -n` where that works.
fn privilege(workspace: &Workspace) -> Option<Vec<&'static str>> {
    let id = process::output(workspace.command("id").arg("-u")).ok()?;
    if id.trim() == "0" {
        return Some(Vec::new());
    }
    workspace.which("sudo")?;
    process::output(workspace.command("sudo").args(["-n", "true"])).ok()?;
    Some(vec!["sudo", "-n"])
}
