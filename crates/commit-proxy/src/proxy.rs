//! The service: buckets, whether they can be written, and one commit after the other per table.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use messages::Error;
use messages::commit::{CommitOutcome, CommitRequest};
use messages::server::{ServerConfig, StoreKind, Writes};

use crate::location::TableLocation;
use crate::operations;
use crate::probe::{Probe, probe};
use crate::source::Source;
use crate::store::{self, Bucket};
use crate::{ProxyOptions, StoreConfig};

/// Makes commits. A clone is the same proxy.
#[derive(Debug, Clone)]
pub struct Proxy(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: ProxyOptions,
    buckets: BTreeMap<String, Bucket>,
    probes: Mutex<BTreeMap<String, Probe>>,
    /// One lock per table: commits of this process wait for each other instead of losing races.
    tables: Mutex<HashMap<TableLocation, Arc<tokio::sync::Mutex<()>>>>,
}

impl Proxy {
    /// Opens the store and probes each bucket for put-if-absent.
    ///
    /// A store that does not answer is no reason not to start: [`Proxy::writes`] says so, and the
    /// next commit probes again.
    ///
    /// # Errors
    /// The store's options make no sense, or a local folder can't be created.
    pub async fn start(options: ProxyOptions) -> Result<Self, Error> {
        let buckets = store::buckets(&options.store)?;
        Ok(Self::with_buckets(options, buckets).await)
    }

    pub(crate) async fn with_buckets(
        options: ProxyOptions,
        buckets: BTreeMap<String, Bucket>,
    ) -> Self {
        let results = futures::future::join_all(buckets.iter().map(|(name, bucket)| async move {
            (name.clone(), probe(bucket.store().as_ref()).await)
        }))
        .await;
        for (bucket, result) in &results {
            match result {
                Probe::Kept => tracing::debug!(%bucket, "put-if-absent works"),
                Probe::Broken(why) => tracing::error!(%bucket, why, "writes are disabled"),
                Probe::Unanswered(why) => tracing::warn!(%bucket, why, "the store did not answer"),
            }
        }
        let probes = Mutex::new(results.into_iter().collect());
        Self(Arc::new(Inner {
            options,
            buckets,
            probes,
            tables: Mutex::default(),
        }))
    }

    /// Makes one commit, or refuses it and leaves the table as it was. `source` is an Arrow IPC
    /// stream, for operations that take rows.
    ///
    /// # Errors
    /// What was wrong, column by column where it is about columns; a lost race
    /// (`DELTA_CONCURRENT_…`) with the version that won.
    pub async fn commit(
        &self,
        request: CommitRequest,
        source: Option<Bytes>,
    ) -> Result<CommitOutcome, Error> {
        let location = TableLocation::parse(&request.table)?;
        let bucket = self.bucket(&location)?.clone();
        if request.operation.facts().takes_rows != source.is_some() {
            let what = if source.is_some() {
                "takes no rows, but"
            } else {
                "takes rows, but no"
            };
            return Err(Error::new(
                "INVALID_REQUEST",
                format!("The operation {what} part 'source' came with the request."),
            ));
        }
        self.check_writable(&location.bucket, &bucket).await?;
        let lock = self.table_lock(&location);
        // In a task of its own: a commit is not left half-way because the client hung up, and a
        // panic below is an answer, not the end of the proxy.
        let table = location.to_string();
        let commit = tokio::spawn(async move {
            let _guard = lock.lock().await;
            let source = source.map(|bytes| Source::decode(&bytes)).transpose()?;
            operations::run(bucket, location, request, source).await
        });
        let result = match commit.await {
            Ok(result) => result,
            Err(failed) => Err(Error::new(
                "INTERNAL_ERROR",
                format!(
                    "The commit on {table} failed unexpectedly: {}.",
                    panic_message(failed)
                ),
            )
            .with_hint("Look at DESCRIBE HISTORY before you run the statement again.")),
        };
        match &result {
            Ok(outcome) => tracing::info!(table, outcome.operation, outcome.version, "commit"),
            Err(error) => tracing::info!(table, error.code, error.message, "no commit"),
        }
        result
    }

    /// Whether commits are accepted. One bucket that can't be written is named, others may work.
    pub fn writes(&self) -> Writes {
        let probes = self.0.probes.lock().unwrap_or_else(PoisonError::into_inner);
        let reasons: Vec<String> = probes
            .iter()
            .filter_map(|(bucket, probe)| match probe {
                Probe::Kept => None,
                Probe::Broken(why) => Some(format!("bucket {bucket}: {why}")),
                Probe::Unanswered(why) => {
                    Some(format!("bucket {bucket} could not be checked yet: {why}"))
                }
            })
            .collect();
        if reasons.is_empty() || reasons.len() < probes.len() {
            Writes::Enabled
        } else {
            Writes::Disabled {
                reason: reasons.join("; "),
            }
        }
    }

    /// The answer to `GET /api/v1/config`.
    pub fn config(&self) -> ServerConfig {
        ServerConfig {
            version: self.0.options.version.clone(),
            store: match self.0.options.store {
                StoreConfig::Local { .. } => StoreKind::Embedded,
                StoreConfig::S3 { .. } => StoreKind::S3,
            },
            connection: self.0.options.connection.clone(),
            writes: self.writes(),
        }
    }

    /// How the proxy was set up.
    pub fn options(&self) -> &ProxyOptions {
        &self.0.options
    }

    fn bucket(&self, location: &TableLocation) -> Result<&Bucket, Error> {
        self.0.buckets.get(&location.bucket).ok_or_else(|| {
            let buckets: Vec<&str> = self.0.buckets.keys().map(String::as_str).collect();
            Error::new(
                "TABLE_LOCATION_NOT_ALLOWED",
                format!(
                    "The proxy does not write to the bucket {}.",
                    location.bucket
                ),
            )
            .with_hint(format!(
                "It writes to {}. Others are named with --bucket when it starts.",
                buckets.join(", ")
            ))
        })
    }

    async fn check_writable(&self, name: &str, bucket: &Bucket) -> Result<(), Error> {
        let known = {
            let probes = self.0.probes.lock().unwrap_or_else(PoisonError::into_inner);
            probes.get(name).cloned()
        };
        let probe = match known {
            Some(known @ (Probe::Kept | Probe::Broken(_))) => known,
            Some(Probe::Unanswered(_)) | None => {
                let result = probe(bucket.store().as_ref()).await;
                let mut probes = self.0.probes.lock().unwrap_or_else(PoisonError::into_inner);
                probes.insert(name.to_owned(), result.clone());
                result
            }
        };
        match probe {
            Probe::Kept => Ok(()),
            Probe::Broken(why) => Err(Error::new(
                "WRITES_DISABLED",
                format!("Nothing is written to the bucket {name}, because its store can't keep a Delta log safe: {why}."),
            )
            .with_hint("Use a store that honours If-None-Match: * on puts, such as a current MinIO or S3.")),
            Probe::Unanswered(why) => Err(Error::new(
                "STORE_UNREACHABLE",
                format!("The bucket {name} can't be written now: {why}"),
            )
            .with_hint("Check that the object store runs, that the bucket exists, and that the proxy's keys may read, list, write and delete in it, then run the statement again.")),
        }
    }

    fn table_lock(&self, location: &TableLocation) -> Arc<tokio::sync::Mutex<()>> {
        let mut tables = self.0.tables.lock().unwrap_or_else(PoisonError::into_inner);
        // Locks that nobody holds or waits for need not be remembered.
        tables.retain(|_, lock| Arc::strong_count(lock) > 1);
        Arc::clone(tables.entry(location.clone()).or_default())
    }
}

fn panic_message(failed: tokio::task::JoinError) -> String {
    match failed.try_into_panic() {
        Ok(panic) => panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "panic".to_owned()),
        Err(cancelled) => cancelled.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use arrow::ipc::writer::StreamWriter;
    use futures::TryStreamExt as _;
    use messages::commit::{CreateMode, InsertMode, Operation, TableOptions};
    use messages::connection::Connection;
    use object_store::ObjectStore;
    use object_store::memory::InMemory;

    use super::*;
    use crate::test_support::{Fault, Faulty};

    async fn proxy_on(store: Arc<dyn ObjectStore>) -> Proxy {
        let options = ProxyOptions {
            store: StoreConfig::Local {
                folder: "unused".into(),
                buckets: vec!["raw".into()],
            },
            version: "0".into(),
            connection: Connection {
                endpoint: "http://127.0.0.1:4601".into(),
                region: "us-east-1".into(),
                buckets: vec!["raw".into()],
                credentials: None,
            },
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            max_request_bytes: 1024,
        };
        let buckets = BTreeMap::from([("raw".into(), Bucket::for_tests(store))]);
        Proxy::with_buckets(options, buckets).await
    }

    async fn run(proxy: &Proxy, operation: Operation) -> Result<CommitOutcome, Error> {
        let source = operation.facts().takes_rows.then(|| {
            let column: ArrayRef = Arc::new(Int64Array::from(vec![1]));
            let batch = RecordBatch::try_from_iter([("n", column)]).unwrap();
            let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
            writer.write(&batch).unwrap();
            Bytes::from(writer.into_inner().unwrap())
        });
        proxy
            .commit(
                CommitRequest {
                    table: "s3a://raw/t".into(),
                    operation,
                },
                source,
            )
            .await
    }

    fn create() -> Operation {
        Operation::CreateTableAsSelect {
            mode: CreateMode::Create,
            options: TableOptions::default(),
        }
    }

    fn append() -> Operation {
        Operation::Insert {
            mode: InsertMode::Append,
            merge_schema: false,
        }
    }

    async fn commits(store: &InMemory) -> usize {
        let files: Vec<_> = store.list(None).try_collect().await.unwrap();
        files
            .iter()
            .filter(|meta| meta.location.as_ref().ends_with(".json"))
            .count()
    }

    #[tokio::test]
    async fn store_that_forgets_put_if_absent_disables_writes() {
        let store = Faulty::new(Arc::new(InMemory::new()), Fault::ForgetsPutIfAbsent);
        let proxy = proxy_on(Arc::new(store)).await;
        assert!(matches!(proxy.writes(), Writes::Disabled { .. }));
        let error = run(&proxy, create()).await.unwrap_err();
        assert_eq!(error.code, "WRITES_DISABLED");
    }

    #[tokio::test]
    async fn commit_whose_answer_was_lost_is_recognised_and_not_repeated() {
        for fault in [Fault::LosesAnswers, Fault::RepeatsPuts] {
            let memory = Arc::new(InMemory::new());
            let store = Arc::new(Faulty::new(
                Arc::clone(&memory) as Arc<dyn ObjectStore>,
                fault,
            ));
            let proxy = proxy_on(store).await;
            assert_eq!(run(&proxy, create()).await.unwrap().version, Some(0));
            assert_eq!(run(&proxy, append()).await.unwrap().version, Some(1));
            assert_eq!(commits(&memory).await, 2);
        }
    }

    #[tokio::test]
    async fn commit_that_the_store_refuses_leaves_the_table_as_it_was() {
        let memory = Arc::new(InMemory::new());
        let good = proxy_on(Arc::clone(&memory) as Arc<dyn ObjectStore>).await;
        run(&good, create()).await.unwrap();
        let store = Faulty::new(
            Arc::clone(&memory) as Arc<dyn ObjectStore>,
            Fault::RefusesCommits,
        );
        let error = run(&proxy_on(Arc::new(store)).await, append())
            .await
            .unwrap_err();
        assert_eq!(error.code, "STORE_UNREACHABLE", "{error}");
        assert_eq!(commits(&memory).await, 1);
        assert_eq!(run(&good, append()).await.unwrap().version, Some(1));
    }
}
