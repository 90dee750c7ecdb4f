use std::time::{Duration, Instant};

use http_guard::{ConnectionLimits, secured, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::lake::*;

struct Server {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    end: JoinHandle<std::io::Result<()>>,
    lake: Lake,
}

/// A proxy whose patience is short.
async fn start() -> Server {
    let memory = std::sync::Arc::new(object_store::memory::InMemory::new());
    let mut options = options();
    options.limits.body = Duration::from_millis(300);
    let lake = Lake::over(memory.clone() as _, memory, options).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = ConnectionLimits {
        connections: 40,
        head: Duration::from_millis(500),
        grace: Duration::from_secs(5),
    };
    let (stop, stopped) = oneshot::channel();
    let app = secured(lake.app.clone());
    let end = tokio::spawn(serve(listener, app, limits, async {
        let _ = stopped.await;
    }));
    Server {
        address,
        stop,
        end,
        lake,
    }
}

impl Server {
    async fn connect(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }
}

/// What comes until the connection is closed.
async fn rest(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    let read = stream.read_to_end(&mut text);
    // A reset is an end, too.
    let _ = tokio::time::timeout(Duration::from_secs(5), read)
        .await
        .expect("the connection stays open");
    String::from_utf8_lossy(&text).into_owned()
}

const PUT: &str = "PUT /api/v1/objects/raw/t/x HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: *\r\nContent-Length: 10\r\n\r\n";

const HEALTH: &str = "GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn slow_heads_slow_bodies_and_idle_connections_end() {
    let server = start().await;
    let began = Instant::now();
    let (head, body, idle) = tokio::join!(
        async { rest(server.connect("GET /api/v1/he").await).await },
        async { rest(server.connect(&format!("{PUT}abc")).await).await },
        async { rest(server.connect(&HEALTH.replace("close", "keep-alive")).await).await },
    );
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
    assert!(!head.contains("200"), "{head}");
    assert!(
        body.starts_with("HTTP/1.1 408") && body.contains("REQUEST_TIMEOUT"),
        "{body}"
    );
    assert!(
        idle.starts_with("HTTP/1.1 200") && idle.contains("frame-ancestors 'none'"),
        "{idle}"
    );
    assert!(!server.lake.has("t/x").await);
}

#[tokio::test]
async fn connections_that_say_nothing_keep_nobody_out_for_long() {
    let server = start().await;
    let mut silent = Vec::new();
    for _ in 0..120 {
        silent.push(server.connect("GET / HT").await);
    }
    let answer = rest(server.connect(HEALTH).await).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn request_in_flight_is_answered_before_the_server_ends() {
    let server = start().await;
    let mut upload = server.connect(&format!("{PUT}01234")).await;
    let idle = server.connect("").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(
        TcpStream::connect(server.address).await.is_err(),
        "nobody new is let in"
    );
    upload.write_all(b"56789").await.unwrap();
    let answer = rest(upload).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    drop(idle);
    let ended = tokio::time::timeout(Duration::from_secs(3), server.end).await;
    ended.unwrap().unwrap().unwrap();
    assert!(server.lake.has("t/x").await);
}

#[tokio::test]
async fn body_that_is_too_large_is_refused_before_it_comes() {
    let server = start().await;
    let text = PUT.replace("Length: 10", "Length: 99999999999999");
    let answer = rest(server.connect(&text).await).await;
    assert!(
        answer.starts_with("HTTP/1.1 413") && answer.contains("REQUEST_TOO_LARGE"),
        "{answer}"
    );
    let chunked = PUT.replace("Content-Length: 10", "Transfer-Encoding: chunked");
    let answer = rest(server.connect(&chunked).await).await;
    assert!(answer.starts_with("HTTP/1.1 411"), "{answer}");
}
