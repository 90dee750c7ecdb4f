//! Documentation from the build that there is.
//!
//! `cargo doc` would check all dependencies, DataFusion among them, which the builds for tests have
//! compiled already. `cargo test --doc` uses those: it calls rustdoc for each library, with all that
//! it links to. Here this program stands in for rustdoc, and has it document the library instead of
//! running its examples.

use std::env;
use std::ffi::OsString;
use std::process::{Command, ExitCode};

use crate::workspace::Workspace;

/// Where the documentation goes; set where this program is called as rustdoc.
const OUTPUT: &str = "XTASK_RUSTDOC_OUTPUT";

/// What rustdoc understands only together with `--test`; the second says if a value follows.
const OF_TESTS: [(&str, bool); 3] = [
    ("--test", false),
    ("--test-run-directory", true),
    ("--test-args", true),
];

/// Lets `command`, a `cargo test --doc`, document libraries, with warnings denied.
pub fn document_instead(workspace: &Workspace, command: &mut Command) {
    // By its path: what runs may have been built anew, and replaced there, since it was started.
    let this = format!("debug/xtask{}", env::consts::EXE_SUFFIX);
    command
        .env("RUSTDOC", workspace.target.join(this))
        .env(OUTPUT, workspace.target.join("doc"));
}

/// Whether cargo has called this program as rustdoc; if so, what rustdoc said.
pub fn called_by_cargo() -> Option<ExitCode> {
    let output = env::var_os(OUTPUT)?;
    let mut rustdoc = Command::new("rustdoc");
    rustdoc.args(without_tests(env::args_os().skip(1)));
    rustdoc.args(["-Dwarnings", "--out-dir"]).arg(output);
    Some(match rustdoc.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cannot run rustdoc: {error}");
            ExitCode::FAILURE
        }
    })
}

fn without_tests(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut kept = Vec::new();
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        match OF_TESTS.iter().find(|(name, _)| argument == *name) {
            Some((_, true)) => drop(arguments.next()),
            Some((_, false)) => (),
            None => kept.push(argument),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_tests_is_left_out() {
        let words = "--crate-name a --test src/lib.rs --test-run-directory /a --extern b=c.rlib";
        let kept = without_tests(words.split(' ').map(OsString::from));
        let expected = ["--crate-name", "a", "src/lib.rs", "--extern", "b=c.rlib"];
        assert_eq!(kept, expected);
    }
}
