//! Child processes: started with a clean environment, their output marked with the step they
//! belong to, and none of them left behind.

use std::env;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Ids of the children that run now.
static CHILDREN: Mutex<Vec<u32>> = Mutex::new(Vec::new());
/// Set when the whole run is to end: no further child is started.
static STOPPING: AtomicBool = AtomicBool::new(false);
/// Set when the reason is a signal.
static SIGNALLED: AtomicBool = AtomicBool::new(false);

/// How many of a failed command's last lines are shown again.
const TAIL: usize = 40;

/// A command without what `cargo run` put into our own environment.
///
/// Build scripts (ring's, for one) ask cargo to run again when `CARGO_PKG_NAME` and the like
/// change: handed on to an inner cargo, they would make it rebuild everything above ring each time
/// a build is started from here rather than from a shell.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let leaked = text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_MANIFEST_")
            || matches!(
                &*text,
                "CARGO" | "CARGO_BIN_NAME" | "CARGO_CRATE_NAME" | "OUT_DIR"
            );
        if leaked {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs `command` to its end and prints each line of its output after `label`.
///
/// `observe` sees each line too.
///
/// # Errors
/// If it can't be started or ends with another code than 0; its last lines are then repeated, as
/// other steps may have printed between them.
pub fn run(label: &str, command: &mut Command, mut observe: impl FnMut(&str)) -> Result<()> {
    let shown = display(command);
    print_line(label, &format!("$ {shown}"));
    let (reader, writer) = io::pipe()?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let mut child = Guard::spawn(command).with_context(|| format!("cannot run `{shown}`"))?;
    // The command holds the pipe's writing end open; without this the loop below never ends.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut tail = Vec::new();
    each_line(reader, |line| {
        print_line(label, line);
        observe(line);
        if tail.len() == TAIL {
            tail.remove(0);
        }
        tail.push(line.to_owned());
    });
    let status = child.wait()?;
    if !status.success() {
        bail!(
            "`{shown}` failed ({status}); its last lines:\n{}",
            tail.join("\n")
        );
    }
    Ok(())
}

/// Runs `command` silently and returns what it wrote to stdout.
///
/// # Errors
/// If it can't be started or ends with another code than 0; with its stderr.
pub fn output(command: &mut Command) -> Result<String> {
    let shown = display(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run `{shown}`"))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("`{shown}` failed ({}): {}", output.status, stderr.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A running child; dropped, it is asked to end (SIGTERM), and made to if it doesn't.
#[derive(Debug)]
pub struct Guard(Child);

impl Guard {
    /// Starts `command`.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        // Under the lock, so that a signal can't fall between start and registration.
        let mut children = children();
        if STOPPING.load(Ordering::SeqCst) {
            return Err(io::Error::other("the run is being stopped"));
        }
        let child = command.spawn()?;
        children.push(child.id());
        Ok(Self(child))
    }

    /// Waits for the child's end.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.0.wait();
        forget(self.0.id());
        status
    }

    /// The child's code where it has ended, without waiting.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.0.try_wait();
        if matches!(status, Ok(Some(_))) {
            forget(self.0.id());
        }
        status
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !matches!(self.ended(), Ok(None)) {
            return;
        }
        terminate(self.0.id());
        let deadline = Instant::now() + Duration::from_secs(5);
        while Instant::now() < deadline {
            if !matches!(self.ended(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        // Nothing more can be done about a child that can't be killed.
        let _ = self.0.kill();
        let _ = self.wait();
    }
}

/// After a signal the thread that caught it ends the process: no result counts any more.
pub fn park_if_signalled() {
    while SIGNALLED.load(Ordering::SeqCst) {
        thread::park();
    }
}

/// From now on Ctrl-C, SIGTERM and SIGHUP end all children, then this process.
pub fn stop_children_on_signal() -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            SIGNALLED.store(true, Ordering::SeqCst);
            stop_all();
            let deadline = Instant::now() + Duration::from_secs(6);
            while Instant::now() < deadline && !children().is_empty() {
                thread::sleep(Duration::from_millis(20));
            }
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

/// Ends all children and lets no other start: one lane has failed, the others need not go on.
pub fn stop_all() {
    let children = children();
    STOPPING.store(true, Ordering::SeqCst);
    children.iter().copied().for_each(terminate);
}

/// Prints one line after a label that says whose it is.
pub fn print_line(label: &str, line: &str) {
    // A closed stdout (`| head`) is no reason to stop a build.
    let _ = writeln!(io::stdout().lock(), "{label:>8} │ {line}");
}

fn each_line(reader: impl Read, mut with: impl FnMut(&str)) {
    let mut reader = BufReader::new(reader);
    let mut bytes = Vec::new();
    while reader
        .read_until(b'\n', &mut bytes)
        .is_ok_and(|read| read > 0)
    {
        with(String::from_utf8_lossy(&bytes).trim_end());
        bytes.clear();
    }
}

fn terminate(id: u32) {
    // It may have ended on its own by now.
    let _ = Command::new("kill")
        .args(["-TERM", &id.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

fn forget(id: u32) {
    children().retain(|&child| child != id);
}

fn children() -> MutexGuard<'static, Vec<u32>> {
    CHILDREN
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn display(command: &Command) -> String {
    let mut words = vec![file_name(command.get_program())];
    words.extend(
        command
            .get_args()
            .map(|word| word.to_string_lossy().into_owned()),
    );
    words.join(" ")
}

fn file_name(program: &OsStr) -> String {
    let path = std::path::Path::new(program);
    path.file_name()
        .unwrap_or(program)
        .to_string_lossy()
        .into_owned()
}
