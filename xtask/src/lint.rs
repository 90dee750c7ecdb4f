//! `cargo xtask lint`: the checks that read the sources rather than run them.

use std::process::Command;

use anyhow::{Result, bail, ensure};

use crate::counts::Counts;
use crate::process::{self, print_line};
use crate::rustdoc;
use crate::steps::Steps;
use crate::tools::WASM_TARGET;
use crate::workspace::Workspace;
use crate::{artifacts, system, tools};

const LABEL: &str = "lint";

/// A check, under the name of what makes it.
struct Gate {
    name: &'static str,
    check: fn(&Workspace) -> Result<Verdict>,
}

/// How a check ended, if it did not fail.
enum Verdict {
    Passed,
    /// For this reason.
    Skipped(String),
}

/// In the order of their cost.
const GATES: [Gate; 7] = [
    Gate {
        name: "rustfmt",
        check: rustfmt,
    },
    Gate {
        name: "biome",
        check: biome,
    },
    Gate {
        name: "cargo-shear",
        check: unused_dependencies,
    },
    Gate {
        name: "cargo-deny",
        check: dependencies,
    },
    Gate {
        name: "advisories",
        check: advisories,
    },
    Gate {
        name: "clippy",
        check: clippy,
    },
    Gate {
        name: "rustdoc",
        check: documentation,
    },
];

/// Makes all checks, also where one fails, and says how many passed.
///
/// # Errors
/// If some failed, with what they found; `counts` has the numbers all the same.
pub fn run(workspace: &Workspace, steps: &Steps, counts: &mut Counts) -> Result<()> {
    let mut failures = Vec::new();
    for gate in &GATES {
        match steps.step(LABEL, gate.name, || (gate.check)(workspace)) {
            Ok(Verdict::Passed) => counts.passed += 1,
            Ok(Verdict::Skipped(why)) => {
                print_line(LABEL, &format!("NOT CHECKED: {}: {why}", gate.name));
                counts.skipped += 1;
            }
            Err(error) => {
                failures.push(format!("{}: {error:#}", gate.name));
                counts.failed += 1;
            }
        }
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

/// Installs what the checks need.
pub fn set_up(workspace: &Workspace, steps: &Steps) -> Result<()> {
    system::ensure(workspace, &[system::CLANG, system::NODE, system::NPM])?;
    tools::ensure_wasm_target(workspace, steps)?;
    tools::ensure(workspace, steps, &[tools::CARGO_SHEAR, tools::CARGO_DENY])?;
    artifacts::node_modules(workspace, steps, ".")
}

fn rustfmt(workspace: &Workspace) -> Result<Verdict> {
    run_all([
        cargo(workspace, &["fmt", "--all", "--check"]),
        cargo(
            workspace,
            &["fmt", "--check", "--manifest-path=fuzz/Cargo.toml"],
        ),
    ])
}

fn biome(workspace: &Workspace) -> Result<Verdict> {
    let mut biome = workspace.command(workspace.root.join("node_modules/.bin/biome"));
    biome.args(["ci", "--error-on-warnings"]);
    run_all([biome])
}

fn unused_dependencies(workspace: &Workspace) -> Result<Verdict> {
    run_all([cargo(workspace, &["shear"])])
}

/// Licences, sources, and crates that must not come in.
fn dependencies(workspace: &Workspace) -> Result<Verdict> {
    let words = [
        "deny",
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ];
    run_all([cargo(workspace, &words)])
}

/// Known weaknesses of the dependencies, and versions that were withdrawn.
fn advisories(workspace: &Workspace) -> Result<Verdict> {
    let fetched = process::run(
        LABEL,
        &mut cargo(workspace, &["deny", "fetch", "db"]),
        |_| (),
    );
    if let Err(error) = fetched {
        // Where there must be a network, its absence is a failure.
        if std::env::var_os("GITHUB_ACTIONS").is_some() {
            return Err(error);
        }
        return Ok(Verdict::Skipped(
            "the database at https://github.com/rustsec/advisory-db can't be had".to_owned(),
        ));
    }
    run_all([cargo(
        workspace,
        &["deny", "check", "--disable-fetch", "advisories"],
    )])
}

/// Builds all targets with clippy looking on, natively and for the browser.
///
/// These are the builds that the tests start from: where they have been made before, cargo compiles
/// nothing, and repeats the warnings of what it finds.
fn clippy(workspace: &Workspace) -> Result<Verdict> {
    let wasm = ["--profile=quick", "--target", WASM_TARGET];
    let builds = [
        cargo(workspace, &["build", "--all-targets"]),
        // Apart from the others: what it depends on has other features there.
        cargo(workspace, &["build", "--all-targets", "--package=web"]),
        // The crates that query-worker consists of are compiled, and looked at, with it.
        with(
            cargo(workspace, &["build", "--package=query-worker"]),
            &wasm,
        ),
        with(
            cargo(workspace, &["build", "--tests", "--package=query-worker"]),
            &wasm,
        ),
        // In the profile of the page's own build.
        with(
            cargo(
                workspace,
                &["build", "--package=web", "--profile=page", "--target"],
            ),
            &[WASM_TARGET],
        ),
    ];
    let mut result = Ok(());
    let mut warned = Vec::new();
    for mut build in builds {
        let built = process::run(LABEL, &mut build, |line| {
            if is_about_warnings(line) {
                warned.push(line.to_owned());
            }
        });
        result = result.and(built);
    }
    result?;
    if !warned.is_empty() {
        bail!("there are warnings, see above:\n{}", warned.join("\n"));
    }
    Ok(Verdict::Passed)
}

/// Whether this is the line by which cargo counts a target's warnings.
fn is_about_warnings(line: &str) -> bool {
    let counted = line
        .strip_prefix("warning: `")
        .and_then(|rest| rest.split_once(") generated "));
    counted.is_some_and(|(_, count)| count.contains(" warning"))
}

/// The documentation of all libraries, written to `target/doc`.
fn documentation(workspace: &Workspace) -> Result<Verdict> {
    let wasm = ["--profile=quick", "--target", WASM_TARGET];
    let mut commands = [
        cargo(workspace, &["test", "--doc"]),
        cargo(workspace, &["test", "--doc", "--package=web"]),
        with(
            cargo(workspace, &["test", "--doc", "--package=query-worker"]),
            &wasm,
        ),
    ];
    for command in &mut commands {
        rustdoc::document_instead(workspace, command);
    }
    run_all(commands)
}

fn cargo(workspace: &Workspace, words: &[&str]) -> Command {
    with(workspace.command("cargo"), words)
}

fn with(mut command: Command, words: &[&str]) -> Command {
    command.args(words);
    command
}

/// Runs each command, even where one fails.
fn run_all<const N: usize>(commands: [Command; N]) -> Result<Verdict> {
    let mut result = Ok(Verdict::Passed);
    for mut command in commands {
        if let Err(error) = process::run(LABEL, &mut command, |_| ()) {
            result = result.and(Err(error));
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::is_about_warnings;

    #[test]
    fn warnings_are_told_from_other_lines_of_cargo() {
        for line in [
            "warning: `delta-log` (lib) generated 1 warning",
            "warning: `web` (lib test) generated 12 warnings (3 duplicates)",
            "warning: `xtask` (bin \"xtask\") generated 2 warnings (run `cargo clippy --fix` to apply 2 suggestions)",
        ] {
            assert!(is_about_warnings(line), "{line}");
        }
        for line in [
            "warning: unused variable: `x`",
            "   Compiling warning v0.1.0",
            "error: could not compile `web` (lib) due to 1 previous error; 2 warnings emitted",
            "warning: the following packages contain code that will be rejected by a future version of Rust: a v1",
        ] {
            assert!(!is_about_warnings(line), "{line}");
        }
    }
}
