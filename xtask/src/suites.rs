//! `cargo xtask test`: sets up for, and runs, every test.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Error, Result, anyhow, bail};

use crate::counts::Counts;
use crate::process::{self, print_line};
use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{artifacts, lanes, system, tools};

/// Options of `cargo xtask test`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Run this suite alone; may be given several times.
    #[arg(long, value_enum)]
    only: Vec<Suite>,
}

/// A set of tests that run the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Suite {
    /// `cargo test` on the native crates.
    Native,
    /// wasm-pack in headless Chromium.
    Wasm,
    /// The native tests that need a real MinIO.
    Minio,
    /// The page in Chromium, end to end: on the embedded store, and on MinIO.
    Browser,
}

const ALL: [Suite; 4] = [Suite::Native, Suite::Wasm, Suite::Minio, Suite::Browser];

/// How a suite ended.
enum Outcome {
    /// It ran to its end.
    Ran(Counts),
    /// It could not be set up, or did not run to its end; with what it had counted by then.
    Broken(Counts, Error),
    /// Something is missing that is not asked of this machine.
    Skipped(String),
}

/// Runs the suites that were asked for, all of them even where one fails.
///
/// Returns whether all went well: no test failed, and no suite broke. What is missing is a reason
/// to skip a suite, but not on CI.
pub fn run(workspace: &Workspace, options: &Options) -> bool {
    let steps = Steps::new();
    let wanted = |suite| options.only.is_empty() || options.only.contains(&suite);
    let built = set_up(workspace, &steps, wanted);
    let mut outcomes = Vec::new();
    for suite in ALL.into_iter().filter(|&suite| wanted(suite)) {
        outcomes.push((suite, run_suite(workspace, &steps, suite, &built)));
    }
    steps.summary();
    conclude(&outcomes)
}

/// What the suites stand on; each may be missing without the others.
struct Built {
    native: Result<()>,
    page: Result<()>,
    minio: Result<PathBuf>,
}

impl Built {
    fn native(&self) -> Result<()> {
        self.native
            .as_ref()
            .copied()
            .map_err(|error| anyhow!("{error:#}"))
    }

    fn page(&self) -> Result<()> {
        self.page
            .as_ref()
            .copied()
            .map_err(|error| anyhow!("{error:#}"))
    }
}

/// Builds what the wanted suites need: native code in one lane, in the other the tools, then the
/// engine and the page.
fn set_up(workspace: &Workspace, steps: &Steps, wanted: impl Fn(Suite) -> bool) -> Built {
    let (wasm, browser) = (wanted(Suite::Wasm), wanted(Suite::Browser));
    let with_minio = wanted(Suite::Minio) || browser;
    let native = wanted(Suite::Native) || with_minio;
    let mut programs = Vec::new();
    if wasm || browser {
        programs.extend([system::CLANG, system::CHROMIUM]);
    }
    if wasm {
        programs.push(system::CHROMEDRIVER);
    }
    if browser {
        programs.extend([system::NODE, system::NPM]);
    }
    let system = system::ensure(workspace, &programs);
    let mut minio = Err(anyhow!("not asked for"));
    let (native, page) = lanes::both(
        || {
            if native {
                artifacts::native(workspace, steps, true)
            } else {
                Ok(())
            }
        },
        || {
            let page = system.and_then(|()| set_up_wasm(workspace, steps, wasm, browser));
            if with_minio {
                minio = tools::ensure_minio(workspace, steps);
            }
            page
        },
    );
    Built {
        native,
        page,
        minio,
    }
}

fn set_up_wasm(workspace: &Workspace, steps: &Steps, wasm: bool, browser: bool) -> Result<()> {
    if !wasm && !browser {
        return Ok(());
    }
    tools::ensure_wasm_target(workspace, steps)?;
    let page_is_due = browser && !artifacts::page_is_current(workspace)?;
    let mut needed = vec![tools::WASM_BINDGEN];
    if wasm {
        needed.push(tools::WASM_PACK);
    }
    if page_is_due {
        needed.push(tools::TRUNK);
    }
    tools::ensure(workspace, steps, &needed)?;
    tools::clean_up(workspace)?;
    if page_is_due {
        artifacts::engine(workspace, steps)?;
        artifacts::page(workspace, steps)?;
    }
    if browser {
        artifacts::node_modules(workspace, steps, "tests/browser")?;
    }
    Ok(())
}

fn run_suite(workspace: &Workspace, steps: &Steps, suite: Suite, built: &Built) -> Outcome {
    match suite {
        Suite::Native => {
            let mut cargo = workspace.command("cargo");
            cargo.args(["test", "--no-fail-fast"]);
            run_counted(
                steps,
                "native",
                "run the native tests",
                built.native(),
                cargo,
            )
        }
        Suite::Wasm => run_counted_or_broken(built.page().and_then(|()| wasm(workspace)), |test| {
            run_counted(steps, "wasm", "run the wasm tests", Ok(()), test)
        }),
        Suite::Minio => match (&built.minio, built.native()) {
            (Err(error), _) if !workspace.ci => Outcome::Skipped(format!("{error:#}")),
            (Err(error), _) => Outcome::Broken(Counts::default(), anyhow!("{error:#}")),
            (Ok(minio), native) => {
                let mut cargo = workspace.command("cargo");
                cargo
                    .args(["test", "--no-fail-fast", "minio"])
                    .env("LAKEGLASS_MINIO", minio);
                run_counted(steps, "minio", "run the tests against MinIO", native, cargo)
            }
        },
        Suite::Browser => {
            let ready = built.native().and_then(|()| built.page());
            run_counted_or_broken(ready.and_then(|()| browser(workspace, built)), |test| {
                run_counted(steps, "browser", "run the browser tests", Ok(()), test)
            })
        }
    }
}

fn wasm(workspace: &Workspace) -> Result<Command> {
    let driver = system::CHROMEDRIVER.require(workspace)?;
    let mut pack = workspace.command("wasm-pack");
    pack.args([
        "test",
        "--headless",
        "--chrome",
        "--mode",
        "no-install",
        "--chromedriver",
    ])
    .arg(driver)
    .args(["crates/query-worker", "--profile", "quick"]);
    Ok(pack)
}

fn browser(workspace: &Workspace, built: &Built) -> Result<Command> {
    let mut node = workspace.command("node");
    node.args(["--test", "--test-reporter=spec", "--test-concurrency=1"])
        .args(browser_tests(workspace)?)
        .env("LAKEGLASS_BINARY", workspace.lakeglass())
        .env(
            "LAKEGLASS_DELTA_RS",
            workspace.target.join("debug/delta-rs-sql"),
        )
        .env("LAKEGLASS_PAGE", workspace.page())
        .env(
            "LAKEGLASS_SCREENSHOTS",
            workspace.target.join("screenshots"),
        )
        .env("LAKEGLASS_CHROMIUM", system::CHROMIUM.require(workspace)?);
    match &built.minio {
        Ok(minio) => {
            node.env("LAKEGLASS_MINIO", minio);
        }
        Err(error) if workspace.ci => bail!("no MinIO to test against: {error:#}"),
        Err(error) => {
            print_line(
                "browser",
                &format!("no MinIO: its tests are skipped ({error:#})"),
            );
        }
    }
    Ok(node)
}

/// The test files by name: what `node --test FOLDER` means differs between versions of Node.
fn browser_tests(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(workspace.root.join("tests/browser"))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".test.mjs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn run_counted_or_broken(
    command: Result<Command>,
    run: impl FnOnce(Command) -> Outcome,
) -> Outcome {
    match command {
        Ok(command) => run(command),
        Err(error) => Outcome::Broken(Counts::default(), error),
    }
}

fn run_counted(
    steps: &Steps,
    label: &'static str,
    what: &str,
    ready: Result<()>,
    mut command: Command,
) -> Outcome {
    let mut counts = Counts::default();
    let result = ready.and_then(|()| {
        steps.step(label, what, || {
            process::run(label, &mut command, |line| counts.read(line))
        })
    });
    match result {
        Ok(()) => Outcome::Ran(counts),
        Err(error) => Outcome::Broken(counts, error),
    }
}

/// Prints what came of each suite and, as the last line, the sum.
fn conclude(outcomes: &[(Suite, Outcome)]) -> bool {
    let mut sum = Counts::default();
    println!();
    for (suite, outcome) in outcomes {
        let name = format!("{suite:?}").to_lowercase();
        match outcome {
            Outcome::Ran(counts) => {
                print_line(&name, &format!("{counts}"));
                sum.add(*counts);
            }
            Outcome::Skipped(why) => print_line(&name, &format!("skipped: {why}")),
            Outcome::Broken(counts, error) => {
                // A suite that broke without naming a failed test is a failure all the same.
                let counts = Counts {
                    failed: counts.failed.max(1),
                    ..*counts
                };
                print_line(&name, &format!("{counts}"));
                error_lines(&name, error);
                sum.add(counts);
            }
        }
    }
    println!("\n{} passed, {} failed", sum.passed, sum.failed);
    sum.failed == 0
}

fn error_lines(name: &str, error: &Error) {
    for line in format!("{error:#}").lines() {
        print_line(name, line);
    }
}
