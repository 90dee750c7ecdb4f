use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

/// Limits of a listener's connections.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// Connections that are open at a time. Further ones wait to be accepted.
    pub connections: u32,
    /// How long a request's head may take, from the connection's opening or the answer before on:
    /// so also how long a connection may be idle.
    pub head: Duration,
    /// How long what is in flight may still take once the service is to end.
    pub grace: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections: 512,
            head: Duration::from_secs(30),
            grace: Duration::from_secs(60),
        }
    }
}

/// Serves `app` on `listener` until `stop` completes. Then no connection is accepted any more, idle
/// ones are closed, and requests in flight are answered, for as long as [`ConnectionLimits::grace`]
/// permits.
///
/// axum's own `serve` has no timer, so that a head that never ends keeps its connection for ever.
///
/// # Errors
/// None while it serves: a connection that cannot be accepted is logged.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    limits: ConnectionLimits,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let open = Arc::new(Semaphore::new(limits.connections as usize));
    let (closing, _) = watch::channel(false);
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head);
    let accept = async {
        loop {
            let Ok(permit) = Arc::clone(&open).acquire_owned().await else {
                return;
            };
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::debug!(%error, "a connection could not be accepted");
                    // Out of file descriptors, perhaps: others will be closed soon.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            // A head and a body that are written one after the other must not wait for each other.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY");
            }
            let service = TowerToHyperService::new(app.clone());
            let connection = server.serve_connection(TokioIo::new(stream), service);
            let mut closing = closing.subscribe();
            tokio::spawn(async move {
                let _permit = permit;
                tokio::pin!(connection);
                let result = tokio::select! {
                    result = connection.as_mut() => result,
                    () = async { let _ = closing.wait_for(|closing| *closing).await; } => {
                        connection.as_mut().graceful_shutdown();
                        connection.await
                    }
                };
                if let Err(error) = result {
                    tracing::debug!(%error, "a connection ended early");
                }
            });
        }
    };
    tokio::select! {
        () = accept => {}
        () = stop => {}
    }
    drop(listener);
    closing.send_replace(true);
    let all = open.acquire_many(limits.connections);
    if tokio::time::timeout(limits.grace, all).await.is_err() {
        tracing::warn!("requests were still in flight when the service ended");
    }
    Ok(())
}
