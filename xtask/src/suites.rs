//! `cargo xtask test`, `lint` and `ci`: set up for, and run, what checks the project.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Error, Result, anyhow};

use crate::artifacts::Purpose;
use crate::counts::Counts;
use crate::process::{self, print_line};
use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{artifacts, lanes, lint, system, tools};

/// Options of `cargo xtask test`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Run this suite alone; may be given several times.
    #[arg(long, value_enum)]
    only: Vec<Suite>,
}

impl Options {
    /// The suites to run: without a choice, all tests.
    pub fn suites(&self) -> &[Suite] {
        if self.only.is_empty() {
            &Suite::TESTS
        } else {
            &self.only
        }
    }
}

/// A set of tests, or checks, that run the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Suite {
    /// What reads the sources: formats, lints, documentation, dependencies.
    #[value(skip)]
    Lint,
    /// `cargo test` on the native crates, and on what of the page needs no browser.
    Native,
    /// Of the native tests, those that need a real MinIO.
    Minio,
    /// The engine, with wasm-pack in headless Chromium.
    Wasm,
    /// The page in Chromium, end to end: on the embedded store, and on MinIO.
    Browser,
}

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
pub fn run(workspace: &Workspace, wanted: &[Suite]) -> bool {
    let steps = Steps::new();
    let built = set_up(workspace, &steps, wanted);
    let mut outcomes = Vec::new();
    for &suite in wanted {
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
    lint: Result<()>,
}

/// A result that several suites ask for.
fn again(result: &Result<()>) -> Result<()> {
    result
        .as_ref()
        .copied()
        .map_err(|error| anyhow!("{error:#}"))
}

/// Builds what the wanted suites need: native code in one lane, in the other the tools, then the
/// engine and the page.
fn set_up(workspace: &Workspace, steps: &Steps, wanted: &[Suite]) -> Built {
    let wasm = wanted.contains(&Suite::Wasm);
    let browser = wanted.contains(&Suite::Browser);
    let native = wanted.iter().any(|suite| suite.runs_native_code());
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
            if native {
                minio = tools::ensure_minio(workspace, steps);
            }
            system.and_then(|()| set_up_wasm(workspace, steps, wasm, browser))
        },
    );
    let lint = if wanted.contains(&Suite::Lint) {
        lint::set_up(workspace, steps)
    } else {
        Ok(())
    };
    Built {
        native,
        page,
        minio,
        lint,
    }
}

fn set_up_wasm(workspace: &Workspace, steps: &Steps, wasm: bool, browser: bool) -> Result<()> {
    if !wasm && !browser {
        return Ok(());
    }
    tools::ensure_wasm_target(workspace, steps)?;
    let page_is_due = browser && !artifacts::page_is_current(workspace, Purpose::Trial)?;
    let mut needed = vec![tools::WASM_BINDGEN];
    if wasm {
        needed.push(tools::WASM_PACK);
    }
    if page_is_due {
        needed.push(tools::TRUNK);
    }
    tools::ensure(workspace, steps, &needed)?;
    if page_is_due {
        artifacts::engine(workspace, steps, Purpose::Trial)?;
        artifacts::page(workspace, steps, Purpose::Trial)?;
    }
    if browser {
        artifacts::node_modules(workspace, steps, "tests/browser")?;
    }
    Ok(())
}

fn run_suite(workspace: &Workspace, steps: &Steps, suite: Suite, built: &Built) -> Outcome {
    if let Err(error) = &built.minio
        && suite.runs_native_code()
    {
        match suite {
            _ if workspace.ci => return Outcome::Broken(Counts::default(), anyhow!("{error:#}")),
            Suite::Minio => return Outcome::Skipped(format!("{error:#}")),
            _ => print_line("minio", &format!("its tests are skipped: {error:#}")),
        }
    }
    let commands = match suite {
        Suite::Lint => return run_lint(workspace, steps, built),
        Suite::Native => again(&built.native).map(|()| native(workspace)),
        Suite::Minio => again(&built.native).map(|()| against_minio(workspace)),
        Suite::Wasm => again(&built.page).and_then(|()| wasm(workspace)),
        Suite::Browser => again(&built.native)
            .and_then(|()| again(&built.page))
            .and_then(|()| browser(workspace)),
    };
    let mut counts = Counts::default();
    let label = suite.label();
    let result = commands.and_then(|commands| {
        steps.step(label, &format!("run the {label} tests"), || {
            // Each of them, even where one fails.
            let mut result = Ok(());
            for mut command in commands {
                if let Ok(minio) = &built.minio {
                    command.env("LAKEGLASS_MINIO", minio);
                }
                let ran = process::run(label, &mut command, |line| counts.read(line));
                result = result.and(ran);
            }
            result
        })
    });
    match result {
        Ok(()) => Outcome::Ran(counts),
        Err(error) => Outcome::Broken(counts, error),
    }
}

fn run_lint(workspace: &Workspace, steps: &Steps, built: &Built) -> Outcome {
    let mut counts = Counts::default();
    match again(&built.lint).and_then(|()| lint::run(workspace, steps, &mut counts)) {
        Ok(()) => Outcome::Ran(counts),
        Err(error) => Outcome::Broken(counts, error),
    }
}

impl Suite {
    /// All tests; `Native` has those of `Minio`.
    const TESTS: [Self; 3] = [Self::Native, Self::Wasm, Self::Browser];
    /// All tests and checks.
    pub const ALL: [Self; 4] = [Self::Lint, Self::Native, Self::Wasm, Self::Browser];

    /// Whether it runs native code, and has something to try on MinIO.
    fn runs_native_code(self) -> bool {
        match self {
            Self::Native | Self::Minio | Self::Browser => true,
            Self::Lint | Self::Wasm => false,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Lint => "lint",
            Self::Native => "native",
            Self::Minio => "minio",
            Self::Wasm => "wasm",
            Self::Browser => "browser",
        }
    }
}

fn native(workspace: &Workspace) -> Vec<Command> {
    let mut crates = workspace.command("cargo");
    crates.args(["test", "--no-fail-fast"]);
    // Apart from the others: what it depends on has other features there.
    let mut page = workspace.command("cargo");
    page.args(["test", "--no-fail-fast", "--package", "web"]);
    vec![crates, page]
}

fn against_minio(workspace: &Workspace) -> Vec<Command> {
    let mut cargo = workspace.command("cargo");
    cargo.args(["test", "--no-fail-fast", "--test", "minio"]);
    vec![cargo]
}

fn wasm(workspace: &Workspace) -> Result<Vec<Command>> {
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
    Ok(vec![pack])
}

fn browser(workspace: &Workspace) -> Result<Vec<Command>> {
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
    Ok(vec![node])
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

/// Prints what came of each suite and, as the last line, the sum.
fn conclude(outcomes: &[(Suite, Outcome)]) -> bool {
    let mut sum = Counts::default();
    println!();
    for (suite, outcome) in outcomes {
        let label = suite.label();
        match outcome {
            Outcome::Ran(counts) => {
                print_line(label, &counts.to_string());
                sum.add(*counts);
            }
            Outcome::Skipped(why) => print_line(label, &format!("skipped: {why}")),
            Outcome::Broken(counts, error) => {
                // A suite that broke without naming a failed test is a failure all the same.
                let counts = Counts {
                    failed: counts.failed.max(1),
                    ..*counts
                };
                print_line(label, &counts.to_string());
                for line in format!("{error:#}").lines() {
                    print_line(label, line);
                }
                sum.add(counts);
            }
        }
    }
    println!("\n{} passed, {} failed", sum.passed, sum.failed);
    sum.failed == 0
}
