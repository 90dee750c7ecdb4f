//! `lakeglass serve`: the page, the commit proxy and the embedded store, in one process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use commit_proxy::{Proxy, ProxyOptions};
use messages::Error;
use messages::connection::Connection;
use messages::server::Writes;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::ServedStore;
use super::seed::{PAUSE, Seeder};
use crate::committer::{LocalCommitter, store_config};
use crate::output::{OUTPUT_CLOSED, say};
use crate::page::page;
use crate::stores::{Buckets, NativeStores};

/// How long open requests may take after a signal.
const GRACE: Duration = Duration::from_secs(5);

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
    /// Let other machines in. Whoever reaches the port can then write the tables
    #[arg(long)]
    pub allow_remote: bool,
    /// A name of this machine that other machines use for it; may be repeated
    #[arg(long = "allow-host", value_name = "NAME")]
    pub allowed_hosts: Vec<String>,
    /// Another origin whose pages may commit: http://localhost:8080; may be repeated
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
    let buckets = options.store.buckets()?;
    let listener = bind(options.listen, "--listen", &options).await?;
    let embedded = match &buckets {
        Buckets::S3(_) => None,
        Buckets::Folder(folder) => {
            let listener = bind(options.store_listen, "--store-listen", &options).await?;
            std::fs::create_dir_all(folder).map_err(|error| unusable_folder(folder, &error))?;
            let gateway =
                s3_gateway::app(folder.clone()).map_err(|error| unusable_folder(folder, &error))?;
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
        store: store_config(&buckets, options.store.buckets.clone())?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        connection: Connection {
            endpoint: endpoint.clone(),
            region: options.store.s3_region.clone(),
            buckets: options.store.buckets.clone(),
            credentials: None,
        },
        allowed_origins: options.allowed_origins.clone(),
        allowed_hosts: options.allowed_hosts.clone(),
        max_request_bytes: ProxyOptions::DEFAULT_MAX_REQUEST_BYTES,
    })
    .await?;
    if options.seed {
        let committer = LocalCommitter(proxy.clone());
        let stores = NativeStores::new(buckets, options.store.buckets.clone());
        let pause = Duration::from_secs_f64(PAUSE);
        Seeder {
            committer: &committer,
            stores: &stores,
            reset: false,
            pause,
        }
        .seed()
        .await?;
    }
    announce(&url_of(&listener)?, &endpoint, &options, &proxy.writes())?;

    let (stop, stopping) = watch::channel(false);
    let app = Router::new()
        .merge(commit_proxy::app(proxy))
        .fallback_service(page(&options.page));
    let page = serve(listener, app, stopping.clone());
    let store = async {
        match embedded {
            Some((listener, gateway)) => serve(listener, gateway, stopping).await,
            None => Ok(()),
        }
    };
    let servers = async { tokio::try_join!(page, store) };
    tokio::pin!(servers);
    tokio::select! {
        result = &mut servers => return result.map(|_| ()),
        () = signal() => {}
    }
    // Nobody listens where the servers have ended.
    let _ = stop.send(true);
    match tokio::time::timeout(GRACE, servers).await {
        Ok(result) => result.map(|_| ()),
        // A download that nobody finishes must not keep the process alive.
        Err(_) => Ok(()),
    }
}

async fn serve(
    listener: TcpListener,
    app: Router,
    mut stopping: watch::Receiver<bool>,
) -> Result<(), Error> {
    let listener = listener.tap_io(|connection| {
        // A head and a body that are written one after the other must not wait for each other.
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
    });
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            let _ = stopping.wait_for(|stop| *stop).await;
        })
        .await
        .map_err(|error| Error::new("SERVER_FAILED", error.to_string()))
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
                format!("{option} {address} would let other machines in, and whoever reaches Lakeglass can write its tables."),
            )
            .with_hint("Listen on 127.0.0.1, or add --allow-remote if that is what you want."));
        }
        eprintln!(
            "warning: {option} {address} lets other machines in: whoever reaches it can read and write the tables"
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

fn url_of(listener: &TcpListener) -> Result<String, Error> {
    let address = listener
        .local_addr()
        .map_err(|error| Error::new("CANNOT_LISTEN", error.to_string()))?;
    Ok(format!("http://{address}"))
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
