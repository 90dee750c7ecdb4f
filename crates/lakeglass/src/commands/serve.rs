//! `lakeglass serve`: the page, the commit proxy and the embedded store, in one process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use commit_proxy::{Limits, Proxy, ProxyOptions, Token};
use http_guard::{Callers, ConnectionLimits, secured};
use messages::Error;
use messages::connection::Connection;
use messages::server::Writes;
use s3_gateway::Access;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::ServedStore;
use super::seed::{PAUSE, Seeder};
use crate::output::{OUTPUT_CLOSED, say};
use crate::page::page;
use crate::stores::Buckets;

/// Serves the page, the commit proxy and, unless an S3 endpoint is named, the embedded store
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Address of the page and the proxy; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4600")]
    pub listen: SocketAddr,
    /// Address of the embedded store
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4601")]
    pub store_listen: SocketAddr,
    /// Folder of the built page
    #[arg(long, value_name = "DIR", default_value = "dist")]
    pub page: PathBuf,
    /// Write the walkthrough's tables first, where they are missing
    #[arg(long)]
    pub seed: bool,
    /// Where browsers reach the store, if not where this process does: http://localhost:9000
    #[arg(long, value_name = "URL", env = "LAKEGLASS_PUBLIC_ENDPOINT")]
    pub public_endpoint: Option<String>,
    /// Let other machines in. Those that know the token may then write the tables
    #[arg(long)]
    pub allow_remote: bool,
    /// File with the secret that writers must send; or LAKEGLASS_TOKEN
    #[arg(long, value_name = "FILE", conflicts_with = "without_token")]
    pub token_file: Option<PathBuf>,
    /// Let whoever reaches the port write: where that is this machine alone, as with a container whose
    /// port is published on loopback
    #[arg(long)]
    pub without_token: bool,
    /// A place to write below, BUCKET/FOLDER, instead of whole buckets; may be repeated
    #[arg(long = "write-below", value_name = "PREFIX")]
    pub prefixes: Vec<String>,
    /// Let writers delete whole tables
    #[arg(long)]
    pub allow_drop: bool,
    /// Let pages of any origin read the embedded store
    #[arg(long)]
    pub public_reads: bool,
    /// Seconds that requests in flight may still take after a signal
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub grace: u64,
    /// A name of this machine that other machines use for it; may be repeated
    #[arg(long = "allow-host", value_name = "NAME")]
    pub allowed_hosts: Vec<String>,
    /// Another origin whose pages may read and write: http://localhost:8080; may be repeated
    #[arg(long = "allow-origin", value_name = "ORIGIN")]
    pub allowed_origins: Vec<String>,
    /// Where the tables are.
    #[command(flatten)]
    pub store: ServedStore,
}

/// Runs until SIGINT or SIGTERM.
///
/// # Errors
/// If it can't start, with the option that helps.
pub async fn run(options: Options) -> Result<(), Error> {
    let token = token(&options)?;
    let buckets = options.store.buckets()?;
    let page_listener = bind(options.listen, "--listen", &options).await?;
    let embedded = match &buckets {
        Buckets::S3(_) => None,
        Buckets::Folder(folder) => {
            let listener = bind(options.store_listen, "--store-listen", &options).await?;
            std::fs::create_dir_all(folder).map_err(|error| unusable_folder(folder, &error))?;
            let gateway = s3_gateway::app(
                folder.clone(),
                access(&options, address_of(&page_listener)?.port()),
            )
            .map_err(|error| unusable_folder(folder, &error))?;
            Some((listener, gateway))
        }
    };
    let endpoint = match (&options.public_endpoint, &embedded, &buckets) {
        (Some(public), ..) => public.trim_end_matches('/').to_owned(),
        (None, Some((listener, _)), _) => url_of(listener)?,
        (None, None, Buckets::S3(access)) => access.endpoint.clone().unwrap_or_default(),
        (None, None, Buckets::Folder(_)) => String::new(),
    };
    let proxy = Proxy::start(ProxyOptions {
        store: options.store.config()?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        connection: Connection {
            endpoint: endpoint.clone(),
            region: options.store.s3_region.clone(),
            buckets: options.store.buckets.clone(),
            credentials: None,
        },
        prefixes: options.prefixes.clone(),
        allow_drop: options.allow_drop,
        callers: callers(&options),
        token,
        limits: Limits::default(),
    })
    .await?;
    if options.seed {
        let pause = Duration::from_secs_f64(PAUSE);
        let seeder = Seeder::new(buckets, &options.store.buckets, false, pause);
        seeder.seed().await?;
    }
    announce(
        &url_of(&page_listener)?,
        &endpoint,
        &options,
        &proxy.writes(),
    )?;

    let (stop, stopping) = watch::channel(false);
    let app = Router::new()
        .merge(commit_proxy::app(proxy.clone()))
        .fallback_service(page(&options.page));
    let grace = Duration::from_secs(options.grace);
    let page = serve(page_listener, secured(app), grace, stopping.clone());
    let store = async {
        match embedded {
            Some((listener, gateway)) => serve(listener, gateway, grace, stopping).await,
            None => Ok(()),
        }
    };
    let servers = async {
        tokio::try_join!(page, store)?;
        // A commit goes on after its client has hung up.
        let _ = tokio::time::timeout(grace, proxy.drain()).await;
        Ok::<_, Error>(())
    };
    tokio::pin!(servers);
    tokio::select! {
        result = &mut servers => return result,
        () = signal() => {}
    }
    // Nobody listens where the servers have ended.
    let _ = stop.send(true);
    tokio::select! {
        result = &mut servers => result,
        // Whoever asks a second time does not want to wait.
        () = signal() => Ok(()),
    }
}

async fn serve(
    listener: TcpListener,
    app: Router,
    grace: Duration,
    mut stopping: watch::Receiver<bool>,
) -> Result<(), Error> {
    let limits = ConnectionLimits {
        grace,
        ..ConnectionLimits::default()
    };
    let stop = async move {
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    http_guard::serve(listener, app, limits, stop)
        .await
        .map_err(|error| Error::new("SERVER_FAILED", error.to_string()))
}

/// The secret that writers must send. A server that other machines reach has one, unless it is told
/// to do without.
fn token(options: &Options) -> Result<Option<Token>, Error> {
    if let Some(file) = &options.token_file {
        return Token::from_file(file).map(Some);
    }
    if options.without_token {
        return Ok(None);
    }
    if let Ok(text) = std::env::var("LAKEGLASS_TOKEN") {
        return Token::new(&text).map(Some);
    }
    // An address that is not allowed is refused when it comes to listening.
    if options.listen.ip().is_loopback() || !options.allow_remote {
        return Ok(None);
    }
    Err(Error::new(
        "TOKEN_REQUIRED",
        format!(
            "--listen {} lets other machines in, and whoever reaches Lakeglass could write its tables.",
            options.listen
        ),
    )
    .with_hint("Name a file with a secret with --token-file, or set LAKEGLASS_TOKEN; `openssl rand -hex 32` prints one. Where only this machine reaches the port, --without-token does without."))
}

fn callers(options: &Options) -> Callers {
    Callers {
        hosts: options.allowed_hosts.clone(),
        origins: options.allowed_origins.clone(),
    }
}

/// Who may read the embedded store: pages of this server, which has another port.
fn access(options: &Options, page_port: u16) -> Access {
    let mut callers = callers(options);
    let names = ["localhost", "127.0.0.1", "[::1]"].into_iter();
    let names = names.chain(options.allowed_hosts.iter().map(String::as_str));
    let own = names.map(|name| format!("http://{name}:{page_port}"));
    callers.origins.extend(own);
    Access {
        callers: (!options.public_reads).then_some(callers),
        buckets: options.store.buckets.clone(),
    }
}

async fn bind(
    address: SocketAddr,
    option: &'static str,
    options: &Options,
) -> Result<TcpListener, Error> {
    if !address.ip().is_loopback() {
        if !options.allow_remote {
            return Err(Error::new(
                "REMOTE_NOT_ALLOWED",
                format!("{option} {address} would let other machines in."),
            )
            .with_hint("Listen on 127.0.0.1, or add --allow-remote if that is what you want."));
        }
        eprintln!(
            "warning: {option} {address} lets other machines in: whoever reaches it can read the tables"
        );
    }
    TcpListener::bind(address)
        .await
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrInUse => Error::new(
                "PORT_IN_USE",
                format!("Another process listens on {address} already; is Lakeglass running?"),
            )
            .with_hint(format!(
                "End it, or take another port with {option} {}:PORT.",
                address.ip()
            )),
            _ => Error::new(
                "CANNOT_LISTEN",
                format!("Cannot listen on {address}: {error}."),
            )
            .with_hint(format!("Take another address with {option}.")),
        })
}

fn address_of(listener: &TcpListener) -> Result<SocketAddr, Error> {
    listener
        .local_addr()
        .map_err(|error| Error::new("CANNOT_LISTEN", error.to_string()))
}

fn url_of(listener: &TcpListener) -> Result<String, Error> {
    Ok(format!("http://{}", address_of(listener)?))
}

fn unusable_folder(folder: &std::path::Path, error: &std::io::Error) -> Error {
    Error::new(
        "INVALID_STORE",
        format!("{} can't hold the tables: {error}.", folder.display()),
    )
    .with_hint("Name another folder with --data.")
}

fn announce(url: &str, endpoint: &str, options: &Options, writes: &Writes) -> Result<(), Error> {
    let tables = match options.store.s3_endpoint {
        Some(_) => format!("tables in {}", options.store.buckets.join(", ")),
        None => format!("tables in {}", options.store.data.display()),
    };
    let mut text = format!("Lakeglass is at {url}\n  {tables}, read from {endpoint}\n");
    if let Writes::Disabled { reason } = writes {
        text.push_str(&format!("  read-only: {reason}\n"));
    }
    // A server whose output nobody reads still serves.
    match say(text.trim_end()) {
        Err(error) if error.code == OUTPUT_CLOSED => Ok(()),
        result => result,
    }
}

/// Waits for SIGINT or SIGTERM.
async fn signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
