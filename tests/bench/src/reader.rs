//! How long it takes to open a table from its log alone, natively and on one thread; what it asks
//! of the store, and the memory it needs. One process measures one table.

use std::fs;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use delta_log::{Snapshot, Table, TimeTravel};
use object_store::ClientOptions;
use object_store::aws::AmazonS3Builder;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};
use object_store::path::Path;
use serde_json::{Value, json};

/// Opens the table `name` of `bucket` at `endpoint`, decodes what a first query needs, and refreshes
/// twice, the second time after `next.json` of `folder`, where the table is on this machine, was put
/// in as the next commit. Prints what each of that took, a line of JSON for each.
pub fn run(endpoint: &str, bucket: &str, name: &str, folder: &FilePath) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure(endpoint, bucket, name, folder))
}

async fn measure(endpoint: &str, bucket: &str, name: &str, folder: &FilePath) -> Result<()> {
    let traffic = Arc::new(Traffic::default());
    let store = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_endpoint(endpoint)
        .with_region("us-east-1")
        .with_skip_signature(true)
        .with_client_options(ClientOptions::new().with_allow_http(true))
        .with_http_connector(Counting(traffic.clone()))
        .build()?;
    let location = format!("s3a://{bucket}/{name}");
    let table = Table::new(Arc::new(store), Path::parse(name)?, location, true);

    let started = Started::now(&traffic);
    let opened = table.snapshot(TimeTravel::Latest).await?;
    started.print("open", &opened);

    // What a first query needs of all files beside their names.
    let started = Started::now(&traffic);
    let files = opened.files();
    ensure!(
        files.num_records_total().is_some(),
        "statistics are missing"
    );
    for column in opened.partition_columns() {
        files.partition_values(column)?;
    }
    files.min_values("id")?;
    files.max_values("id")?;
    started.print("statistics and partition values", &opened);

    let started = Started::now(&traffic);
    let same = table.refresh(&opened).await?;
    started.print("refresh, nothing new", &same);

    let next = opened.version() + 1;
    let commit = folder.join(format!("_delta_log/{next:020}.json"));
    fs::copy(folder.join("next.json"), &commit).context("cannot put the next commit in")?;
    let started = Started::now(&traffic);
    let refreshed = table.refresh(&opened).await;
    fs::remove_file(&commit).context("cannot take the next commit out again")?;
    let refreshed = refreshed?;
    ensure!(refreshed.version() == next, "the next commit was not seen");
    started.print("refresh, one commit", &refreshed);
    Ok(())
}

/// Where the clocks and counters stood.
struct Started<'a> {
    wall: Instant,
    cpu: Option<Duration>,
    traffic: &'a Traffic,
}

impl<'a> Started<'a> {
    fn now(traffic: &'a Traffic) -> Self {
        traffic.requests.store(0, Ordering::Relaxed);
        traffic.bytes.store(0, Ordering::Relaxed);
        Self {
            wall: Instant::now(),
            cpu: cpu(),
            traffic,
        }
    }

    fn print(self, what: &str, snapshot: &Snapshot) {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        let cpu = cpu().zip(self.cpu).map(|(now, then)| now - then);
        let line: Value = json!({
            "what": what,
            "wall": milliseconds(self.wall.elapsed()),
            "cpu": cpu.map(milliseconds),
            "requests": self.traffic.requests.load(Ordering::Relaxed),
            "bytes": self.traffic.bytes.load(Ordering::Relaxed),
            "memory": peak_memory(),
            "version": snapshot.version(),
            "files": snapshot.files().len(),
        });
        println!("{line}");
    }
}

/// Time that this thread ran, where the system tells (Linux).
fn cpu() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = text.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

/// The most memory that this process ever had, in bytes, where the system tells (Linux).
fn peak_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// Requests, pages of listings included, and the bytes that they answered.
#[derive(Debug, Default)]
struct Traffic {
    requests: AtomicU64,
    bytes: AtomicU64,
}

#[derive(Debug)]
struct Counting(Arc<Traffic>);

impl HttpConnector for Counting {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = ReqwestConnector::default().connect(options)?;
        let traffic = self.0.clone();
        Ok(HttpClient::new(CountedService { client, traffic }))
    }
}

#[derive(Debug)]
struct CountedService {
    client: HttpClient,
    traffic: Arc<Traffic>,
}

#[async_trait]
impl HttpService for CountedService {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.traffic.requests.fetch_add(1, Ordering::Relaxed);
        let response = self.client.execute(request).await?;
        let length = response.headers().get("content-length");
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        let bytes = length.unwrap_or(0);
        self.traffic.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(response)
    }
}
