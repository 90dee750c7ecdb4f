//! `cargo xtask demo`: from a fresh clone to a page with tables in it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::artifacts::Purpose;
use crate::process::{self, Guard, print_line};
use crate::steps::{Steps, seconds};
use crate::workspace::Workspace;
use crate::{artifacts, lanes, system, tools};

/// How long the server may take to answer its first request.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Options of `cargo xtask demo`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Open the page in the default browser.
    #[arg(long)]
    open: bool,
    /// Port of the page; the embedded store takes the next one.
    #[arg(long, default_value_t = 4600)]
    port: u16,
    /// Folder of the tables; `data/` in the checkout unless given.
    #[arg(long)]
    data: Option<PathBuf>,
}

/// Options of `cargo xtask build`.
#[derive(Debug, clap::Args)]
pub struct BuildOptions {
    /// Build what ships: `target/dist/lakeglass`, and `dist/` with the smallest engine. DataFusion is
    /// compiled twice more for it, and for longer.
    #[arg(long)]
    dist: bool,
}

impl BuildOptions {
    pub fn purpose(&self) -> Purpose {
        if self.dist {
            Purpose::Shipping
        } else {
            Purpose::Trial
        }
    }
}

/// Installs what is missing, builds, seeds and serves, until Ctrl-C.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let steps = Steps::new();
    build(workspace, &steps, Purpose::Trial)?;
    let data = options
        .data
        .clone()
        .unwrap_or_else(|| workspace.root.join("data"));
    steps.step(
        "seed",
        "write the example tables, where they are missing",
        || {
            let mut seed = workspace.command(workspace.lakeglass());
            process::run("seed", seed.arg("seed").arg("--data").arg(&data), |_| ())
        },
    )?;
    serve(workspace, &steps, options, data)
}

/// Installs what is missing, and builds page, worker and binary.
pub fn build(workspace: &Workspace, steps: &Steps, purpose: Purpose) -> Result<()> {
    let native = || match purpose {
        Purpose::Trial => artifacts::native(workspace, steps, false),
        Purpose::Shipping => artifacts::binary_to_ship(workspace, steps),
    };
    system::ensure(workspace, &[system::CLANG, system::NODE, system::NPM])?;
    tools::ensure_wasm_target(workspace, steps)?;
    if artifacts::page_is_current(workspace, purpose)? {
        return native();
    }
    let (native, page) = lanes::both(
        || native().inspect_err(|_| process::stop_all()),
        || build_page(workspace, steps, purpose).inspect_err(|_| process::stop_all()),
    );
    // Where both have failed, one of them was stopped because of the other.
    match (native, page) {
        (Err(native), Err(page)) => {
            print_line("native", &format!("{native:#}"));
            Err(page)
        }
        (native, page) => native.and(page),
    }
}

fn build_page(workspace: &Workspace, steps: &Steps, purpose: Purpose) -> Result<()> {
    tools::ensure(workspace, steps, &[tools::WASM_BINDGEN, tools::TRUNK])?;
    artifacts::engine(workspace, steps, purpose)?;
    artifacts::page(workspace, steps, purpose)
}

fn serve(workspace: &Workspace, steps: &Steps, options: &Options, data: PathBuf) -> Result<()> {
    let page = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let store_port = options
        .port
        .checked_add(1)
        .context("--port must be below 65535")?;
    let store = SocketAddr::from((Ipv4Addr::LOCALHOST, store_port));
    let mut server = Guard::spawn(
        workspace
            .command(workspace.lakeglass())
            .args(["serve", "--listen", &page.to_string()])
            .args(["--store-listen", &store.to_string()])
            .arg("--data")
            .arg(data)
            .arg("--page")
            .arg(workspace.page()),
    )
    .context("cannot start lakeglass")?;
    wait_until_healthy(&mut server, page)?;
    // The server has said where it is.
    println!("  ready after {}; Ctrl-C ends it", seconds(steps.elapsed()));
    if options.open {
        open(workspace, &format!("http://{page}"));
    }
    let status = server.wait()?;
    if !status.success() {
        bail!("lakeglass ended ({status})");
    }
    Ok(())
}

/// Waits until the server answers, or has ended.
fn wait_until_healthy(server: &mut Guard, address: SocketAddr) -> Result<()> {
    let deadline = Instant::now() + START_LIMIT;
    while Instant::now() < deadline {
        if let Some(status) = server.ended()? {
            bail!("lakeglass ended before it was ready ({status})");
        }
        if is_healthy(address).unwrap_or(false) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(50));
    }
    bail!("lakeglass did not answer within {}", seconds(START_LIMIT))
}

fn is_healthy(address: SocketAddr) -> std::io::Result<bool> {
    let limit = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    write!(
        stream,
        "GET /api/v1/health HTTP/1.0\r\nHost: {address}\r\n\r\n"
    )?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    Ok(answer.ends_with(b" 200"))
}

/// Opens `url` in the default browser; where that is not possible, the URL has been printed.
fn open(workspace: &Workspace, url: &str) {
    let opener = ["xdg-open", "open"]
        .into_iter()
        .find(|name| workspace.which(name).is_some());
    let opened = opener.map(|name| process::output(workspace.command(name).arg(url)));
    if !matches!(opened, Some(Ok(_))) {
        println!("  No browser could be opened from here.");
    }
}
