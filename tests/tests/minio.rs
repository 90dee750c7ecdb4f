//! The engine and the commit proxy on a real MinIO, run as a process.
//!
//! `minio` comes from the environment variable `LAKEGLASS_MINIO` or from PATH (`cargo xtask minio`
//! builds it). Without it these tests are skipped and say so; on CI (`CI=true`) they fail.

use std::env;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::util::pretty::pretty_format_batches;
use commit_proxy::{Limits, Proxy, ProxyOptions, StoreConfig};
use deltalake::DeltaTable;
use deltalake::datafusion::prelude::SessionContext;
use deltalake::logstore::{StorageConfig, default_logstore};
use futures::TryStreamExt;
use http_guard::{Callers, ConnectionLimits};
use lakeglass::engine::engine_on;
use lakeglass::run::{rows_of, run};
use lakeglass::stores::{Buckets, NativeStores, S3Access};
use messages::Error;
use messages::connection::{Connection, Credentials};
use messages::server::Writes;
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsAuthorizer, AwsCredential};
use object_store::client::{HttpRequest, HttpRequestBody};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use query_engine::Engine;
use tempfile::TempDir;
use url::Url;

const USER: &str = "lakeglass-tests";
const PASSWORD: &str = "only-on-this-machine";
const REGION: &str = "us-east-1";
const RAW: &str = "raw-data-bucket";
const CURATED: &str = "curated-data-bucket";
const TABLE: &str = "s3a://raw-data-bucket/payments/all";

/// A MinIO that ends with the test.
struct Minio {
    program: PathBuf,
    data: TempDir,
    port: u16,
    process: Child,
}

impl Drop for Minio {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Minio {
    /// `None` where there is no MinIO, which is all right on a developer's machine alone.
    async fn start() -> Option<Self> {
        let Some(program) = find_program() else {
            assert!(
                env::var("CI").is_err(),
                "no minio: set LAKEGLASS_MINIO, or run `cargo xtask minio`"
            );
            eprintln!(
                "SKIPPED: no minio in LAKEGLASS_MINIO or PATH; `cargo xtask minio` builds it"
            );
            return None;
        };
        let data = TempDir::new().unwrap();
        // A folder of MinIO's data folder is a bucket.
        for bucket in [RAW, CURATED] {
            std::fs::create_dir(data.path().join(bucket)).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let process = spawn(&program, &data, port);
        let minio = Self {
            program,
            data,
            port,
            process,
        };
        minio.wait().await;
        Some(minio)
    }

    fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Until the metadata of its buckets are loaded: a policy set before that is overwritten in
    /// memory by what was on disk. Alone the health of the cluster tells.
    async fn wait(&self) {
        let url = format!("{}/minio/health/cluster", self.endpoint());
        let start = Instant::now();
        loop {
            if reqwest::get(&url)
                .await
                .is_ok_and(|response| response.status().is_success())
            {
                return;
            }
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "MinIO does not start"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn kill(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }

    async fn restart(&mut self) {
        self.process = spawn(&self.program, &self.data, self.port);
        self.wait().await;
    }

    /// Lets anybody read the bucket.
    async fn make_public(&self, bucket: &str) {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":["*"]}},"Action":["s3:GetObject","s3:ListBucket","s3:GetBucketLocation"],"Resource":["arn:aws:s3:::{bucket}","arn:aws:s3:::{bucket}/*"]}}]}}"#
        );
        let url = format!("{}/{bucket}?policy=", self.endpoint());
        let mut request = HttpRequest::new(HttpRequestBody::from(policy.clone()));
        *request.method_mut() = reqwest::Method::PUT;
        *request.uri_mut() = url.parse().unwrap();
        let credential = AwsCredential {
            key_id: USER.into(),
            secret_key: PASSWORD.into(),
            token: None,
        };
        AwsAuthorizer::new(&credential, "s3", REGION).authorize(&mut request, None);
        let response = reqwest::Client::new()
            .put(url)
            .headers(request.headers().clone())
            .body(policy)
            .send()
            .await
            .unwrap();
        assert!(
            response.status().is_success(),
            "{}",
            response.text().await.unwrap()
        );
    }

    fn store(&self, bucket: &str, anonymous: bool) -> Arc<AmazonS3> {
        let builder = AmazonS3Builder::new()
            .with_endpoint(self.endpoint())
            .with_region(REGION)
            .with_bucket_name(bucket)
            .with_client_options(ClientOptions::new().with_allow_http(true));
        let builder = if anonymous {
            builder.with_skip_signature(true)
        } else {
            builder
                .with_access_key_id(USER)
                .with_secret_access_key(PASSWORD)
        };
        Arc::new(builder.build().unwrap())
    }

    /// A proxy to this MinIO, behind a port of its own.
    async fn proxy(&self) -> Served {
        let proxy = Proxy::start(ProxyOptions {
            store: StoreConfig::S3 {
                endpoint: self.endpoint(),
                region: REGION.into(),
                access_key: USER.into(),
                secret_key: PASSWORD.into(),
                buckets: vec![RAW.into(), CURATED.into()],
            },
            prefixes: Vec::new(),
            allow_drop: false,
            version: "0".into(),
            connection: Connection {
                endpoint: self.endpoint(),
                region: REGION.into(),
                buckets: vec![RAW.into(), CURATED.into()],
                credentials: None,
            },
            callers: Callers::default(),
            token: None,
            limits: Limits::default(),
        })
        .await
        .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = commit_proxy::app(proxy.clone());
        let limits = ConnectionLimits::default();
        let never = std::future::pending();
        let server = tokio::spawn(http_guard::serve(listener, app, limits, never));
        Served {
            proxy,
            engine: self.engine(Some(&url)),
            server,
        }
    }

    /// An engine on this MinIO, which writes through the proxy at `url`, or by itself.
    fn engine(&self, url: Option<&str>) -> Engine {
        let buckets = Buckets::S3(S3Access {
            endpoint: Some(self.endpoint()),
            region: REGION.into(),
            credentials: Some(Credentials {
                access_key: USER.into(),
                secret_key: PASSWORD.into(),
                session_token: None,
            }),
        });
        let stores = NativeStores::new(buckets, vec![RAW.into()]);
        let stores = match url {
            Some(url) => stores.through(url, None).unwrap(),
            None => stores.writable(),
        };
        engine_on(stores, 256 << 20)
    }

    /// The table's rows, read by delta-rs.
    async fn rows(&self, sql: &str) -> String {
        let root: Arc<dyn ObjectStore> = self.store(RAW, false);
        let files = Arc::new(PrefixStore::new(Arc::clone(&root), "payments/all"));
        let url = Url::parse(&format!("s3://{RAW}/payments/all/")).unwrap();
        let log_store = default_logstore(files, Arc::clone(&root), &url, &StorageConfig::default());
        let mut table = DeltaTable::new(log_store);
        table.load().await.unwrap();
        let context = SessionContext::new();
        context.register_object_store(&Url::parse(&format!("s3://{RAW}")).unwrap(), root);
        context
            .register_table("t", table.table_provider().await.unwrap())
            .unwrap();
        let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
        let text = pretty_format_batches(&batches).unwrap().to_string();
        let lines: Vec<String> = text
            .lines()
            .filter(|line| line.starts_with('|'))
            .skip(1)
            .map(|line| {
                line.replace('|', "")
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect();
        lines.join(", ")
    }
}

fn spawn(program: &PathBuf, data: &TempDir, port: u16) -> Child {
    Command::new(program)
        .arg("server")
        .arg(data.path())
        .args([
            "--address",
            &format!("127.0.0.1:{port}"),
            "--console-address",
            "127.0.0.1:0",
        ])
        .env("MINIO_ROOT_USER", USER)
        .env("MINIO_ROOT_PASSWORD", PASSWORD)
        .env("MINIO_BROWSER", "off")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn find_program() -> Option<PathBuf> {
    if let Some(program) = env::var_os("LAKEGLASS_MINIO") {
        return Some(program.into());
    }
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join("minio"))
        .find(|p| p.is_file())
}

/// A proxy that listens, and an engine that writes through it.
struct Served {
    proxy: Proxy,
    engine: Engine,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Runs a statement on the table, `t` in it. The version that it made.
async fn write(engine: &Engine, sql: &str) -> Result<Option<u64>, Error> {
    let sql = sql.replace("$t", &format!("delta.`{TABLE}`"));
    let statement = engine.parse(&sql)?.remove(0);
    Ok(run(engine, &statement).await?.version)
}

const CREATE: &str =
    "CREATE TABLE $t AS SELECT * FROM VALUES ('a', 1.0D), ('b', 2.0D) AS v(id, amount)";
const MERGE: &str = "MERGE INTO $t AS t USING (SELECT * FROM VALUES ('a', 10.0D), ('d', 4.0D) AS v(id, amount)) AS s \
    ON t.id = s.id WHEN MATCHED THEN UPDATE SET amount = s.amount WHEN NOT MATCHED THEN INSERT *";

#[tokio::test(flavor = "multi_thread")]
async fn commits_on_minio_read_back_and_survive_its_absence() {
    let Some(mut minio) = Minio::start().await else {
        return;
    };
    let served = minio.proxy().await;
    let engine = &served.engine;
    assert_eq!(served.proxy.writes(), Writes::Enabled);

    write(engine, CREATE).await.unwrap();
    write(engine, "INSERT INTO $t VALUES ('c', 3.0D)")
        .await
        .unwrap();
    assert_eq!(write(engine, MERGE).await.unwrap(), Some(2));
    let sql = "SELECT id, amount FROM t ORDER BY id";
    assert_eq!(minio.rows(sql).await, "a 10.0, b 2.0, c 3.0, d 4.0");
    write(engine, "RESTORE TABLE $t TO VERSION AS OF 1")
        .await
        .unwrap();
    assert_eq!(minio.rows(sql).await, "a 1.0, b 2.0, c 3.0");

    minio.kill();
    let insert = "INSERT INTO $t VALUES ('e', 5.0D)";
    write(engine, insert).await.unwrap_err();
    // A proxy that starts meanwhile says that it can't write yet.
    let early = minio.proxy().await;
    assert!(matches!(early.proxy.writes(), Writes::Disabled { .. }));
    minio.restart().await;
    write(engine, insert).await.unwrap();
    write(&early.engine, "INSERT INTO $t VALUES ('f', 6.0D)")
        .await
        .unwrap();
    assert_eq!(early.proxy.writes(), Writes::Enabled);
    let sql = "SELECT count(*), sum(amount) FROM t";
    assert_eq!(minio.rows(sql).await, "5 17.0");
    // With keys of its own, the engine needs no proxy.
    write(
        &minio.engine(None),
        "DELETE FROM $t WHERE id = 'f' OR id = NULL",
    )
    .await
    .unwrap();
    assert_eq!(minio.rows(sql).await, "4 11.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_through_two_proxies_and_without_one_lose_nothing_and_double_nothing() {
    let Some(minio) = Minio::start().await else {
        return;
    };
    let proxies = [minio.proxy().await, minio.proxy().await];
    write(&proxies[0].engine, CREATE).await.unwrap();
    let direct = minio.engine(None);
    let engines = [proxies[0].engine.clone(), proxies[1].engine.clone(), direct];
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..9_u8 {
        let engine = engines[usize::from(n) % 3].clone();
        tasks.spawn(async move {
            let insert = format!("INSERT INTO $t VALUES ('x', {}.0D)", 1_u16 << n);
            write(&engine, &insert).await.unwrap()
        });
    }
    tasks.join_all().await;
    let sql = "SELECT count(*), sum(amount) FROM t";
    assert_eq!(minio.rows(sql).await, "11 514.0");
}

/// What a MERGE reads of the table that it changes is of the version that it follows: six of them at
/// once add up, or are refused; none is lost.
#[tokio::test(flavor = "multi_thread")]
async fn merges_that_read_their_target_lose_no_update() {
    let Some(minio) = Minio::start().await else {
        return;
    };
    let served = minio.proxy().await;
    let create = "CREATE TABLE $t AS SELECT 'a' AS id, 100.0D AS amount";
    write(&served.engine, create).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let engine = served.engine.clone();
        tasks.spawn(async move {
            let merge = "MERGE INTO $t AS t USING (SELECT id, amount + 10.0D AS amount FROM $t) AS s \
                ON t.id = s.id WHEN MATCHED THEN UPDATE SET amount = s.amount";
            write(&engine, merge).await
        });
    }
    let outcomes = tasks.join_all().await;
    let made = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    for refused in outcomes.into_iter().filter_map(Result::err) {
        assert!(refused.code.starts_with("DELTA_CONCURRENT"), "{refused}");
    }
    assert!(made >= 4, "{made}");
    let expected = format!("{}.0", 100 + 10 * made);
    assert_eq!(minio.rows("SELECT amount FROM t").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn minio_refuses_the_second_create_of_an_object() {
    let Some(minio) = Minio::start().await else {
        return;
    };
    let store = minio.store(RAW, false);
    let path = Path::from("once");
    let create = || store.put_opts(&path, PutPayload::from_static(b"1"), PutMode::Create.into());
    create().await.unwrap();
    let second = create().await.unwrap_err();
    assert!(
        matches!(second, object_store::Error::AlreadyExists { .. }),
        "{second}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn public_bucket_reads_anonymously_and_a_private_one_signed_alone() {
    let Some(minio) = Minio::start().await else {
        return;
    };
    for bucket in [RAW, CURATED] {
        let payload = PutPayload::from_static(b"hello");
        minio
            .store(bucket, false)
            .put(&Path::from("folder/file"), payload)
            .await
            .unwrap();
    }
    minio.make_public(RAW).await;
    let path = Path::from("folder/file");
    let public = minio.store(RAW, true);
    assert_eq!(public.get_range(&path, 1..3).await.unwrap().as_ref(), b"el");
    let listed: Vec<_> = public
        .list(Some(&Path::from("folder")))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(listed.len(), 1);

    let private = minio.store(CURATED, true);
    assert!(private.get(&path).await.is_err());
    assert!(private.list(None).try_collect::<Vec<_>>().await.is_err());
    let signed = minio.store(CURATED, false).get(&path).await.unwrap();
    assert_eq!(signed.bytes().await.unwrap().as_ref(), b"hello");
}

/// Keys of the bucket, the logs' apart.
async fn data_files(minio: &Minio) -> usize {
    let objects = minio.store(RAW, false).list(None);
    let objects: Vec<_> = objects.try_collect().await.unwrap();
    let is_data = |path: &Path| !path.as_ref().contains("_delta_log");
    objects
        .iter()
        .filter(|object| is_data(&object.location))
        .count()
}

/// Many objects go in one request, which has to be signed like no other.
#[tokio::test(flavor = "multi_thread")]
async fn files_are_compacted_deleted_and_dropped_on_minio() {
    let Some(minio) = Minio::start().await else {
        return;
    };
    let (served, direct) = (minio.proxy().await, minio.engine(None));
    let properties = "delta.deletedFileRetentionDuration = 'interval 0 hours'";
    let create = format!(
        "CREATE TABLE $t (id STRING, amount DOUBLE) PARTITIONED BY (id) TBLPROPERTIES ({properties})"
    );
    write(&direct, &create).await.unwrap();
    let engines = [&served.engine, &direct];
    for (n, engine) in engines.into_iter().cycle().take(6).enumerate() {
        let insert = format!("INSERT INTO $t VALUES ('ä b/%', {n}.0D), (NULL, 10.0D)");
        write(engine, &insert).await.unwrap();
    }
    let sql = "SELECT count(*), sum(amount) FROM t";
    for (engine, more) in [(&served.engine, 2), (&direct, 0)] {
        write(engine, "OPTIMIZE $t").await.unwrap();
        let insert = "INSERT INTO $t VALUES ('ä b/%', 100.0D), (NULL, 100.0D)";
        if more > 0 {
            write(engine, insert).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(1100)).await;
        write(engine, "VACUUM $t").await.unwrap();
        assert_eq!(data_files(&minio).await, 2 + more);
        assert_eq!(minio.rows(sql).await, "14 275.0");
    }
    let clone = "CREATE TABLE delta.`s3a://raw-data-bucket/a b/clone` SHALLOW CLONE $t";
    write(&direct, clone).await.unwrap();
    let count = "SELECT * FROM delta.`s3a://raw-data-bucket/a b/clone` WHERE amount >= 0";
    let rows = rows_of(&direct, count).await.unwrap();
    assert_eq!(rows.iter().map(|rows| rows.num_rows()).sum::<usize>(), 14);
    write(
        &direct,
        "DROP TABLE delta.`s3a://raw-data-bucket/a b/clone`",
    )
    .await
    .unwrap();
    assert_eq!(data_files(&minio).await, 2);
    let refused = write(&served.engine, "DROP TABLE $t").await.unwrap_err();
    assert_eq!(refused.code, "DROP_NOT_ALLOWED");
    write(&direct, "DROP TABLE $t").await.unwrap();
    let objects: Vec<_> = minio
        .store(RAW, false)
        .list(None)
        .try_collect()
        .await
        .unwrap();
    assert!(objects.is_empty(), "{objects:?}");
}
