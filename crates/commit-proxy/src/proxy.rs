//! The service: buckets, whether they can be written, and what is done to them.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use messages::Error;
use messages::proxy::{Committed, DeletedObjects, DeletedTable};
use messages::server::{ServerConfig, StoreKind, Writes};
use object_store::ObjectStore;
use object_store::path::Path;
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use crate::commit::{self, CommitRequest};
use crate::deletes;
use crate::error::{Refusal, busy, internal};
use crate::location::TablePlace;
use crate::probe::{Probe, probe};
use crate::store::{self, Buckets};
use crate::tables::{OpenTable, Tables};
use crate::{ProxyOptions, StoreConfig};

/// Puts objects and makes commits. A clone is the same proxy.
#[derive(Debug, Clone)]
pub struct Proxy(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: ProxyOptions,
    buckets: Buckets,
    probes: Mutex<BTreeMap<String, Probe>>,
    tables: Tables,
    /// What may be done at a time. All of it in one hand means that nothing is in flight.
    uploads: Arc<Semaphore>,
    commits: Arc<Semaphore>,
    /// Checkpoints are held in memory while they are checked.
    checkpoints: Arc<Semaphore>,
}

impl Proxy {
    /// Opens the store and probes each bucket for put-if-absent.
    ///
    /// A store that does not answer is no reason not to start: [`Proxy::writes`] says so, and the
    /// next write probes again.
    ///
    /// # Errors
    /// The store's options make no sense, or a local folder can't be created.
    pub async fn start(options: ProxyOptions) -> Result<Self, Error> {
        let buckets = store::buckets(&options.store)?;
        Ok(Self::with_buckets(options, buckets).await)
    }

    pub(crate) async fn with_buckets(options: ProxyOptions, buckets: Buckets) -> Self {
        let results = futures::future::join_all(
            buckets
                .iter()
                .map(|(name, bucket)| async move { (name.clone(), probe(bucket.as_ref()).await) }),
        )
        .await;
        for (bucket, result) in &results {
            match result {
                Probe::Kept => tracing::debug!(%bucket, "put-if-absent works"),
                Probe::Broken(why) => tracing::error!(%bucket, why, "writes are disabled"),
                Probe::Unanswered(why) => tracing::warn!(%bucket, why, "the store did not answer"),
            }
        }
        let limits = &options.limits;
        let (uploads, commits) = (limits.uploads as usize, limits.commits as usize);
        Self(Arc::new(Inner {
            buckets,
            probes: Mutex::new(results.into_iter().collect()),
            tables: Tables::default(),
            uploads: Arc::new(Semaphore::new(uploads)),
            commits: Arc::new(Semaphore::new(commits)),
            checkpoints: Arc::new(Semaphore::new(2)),
            options,
        }))
    }

    /// Whether writes are accepted. One bucket that can't be written is named, others may work.
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

    /// Waits until nothing is in flight any more, and lets nothing new begin.
    pub async fn drain(&self) {
        for (turns, of) in [
            (&self.0.uploads, self.0.options.limits.uploads),
            (&self.0.commits, self.0.options.limits.commits),
        ] {
            if turns.acquire_many(of).await.is_ok() {
                turns.close();
            }
        }
    }

    /// Makes a commit; see [`messages::proxy`].
    pub(crate) async fn commit(
        &self,
        place: TablePlace,
        request: CommitRequest,
    ) -> Result<Committed, Refusal> {
        let store = self.writable(&place.bucket, &place.root).await?;
        let turn = self.turn(&self.0.commits).await?;
        let proxy = self.clone();
        in_own_task(turn, async move {
            let mut open = proxy.lock(&place, &store).await;
            let (version, txn) = (request.version, request.txn);
            let result = commit::commit(&place, &mut open, request).await;
            match &result {
                Ok(_) => tracing::info!(table = %place, version, %txn, "commit"),
                Err(refusal) => {
                    tracing::info!(table = %place, version, %txn, ?refusal, "no commit");
                }
            }
            result
        })
        .await
    }

    /// Finds the commit of a statement; see [`messages::proxy`].
    pub(crate) async fn find_commit(
        &self,
        place: TablePlace,
        txn: Uuid,
        after: Option<u64>,
    ) -> Result<Committed, Refusal> {
        let store = self.bucket(&place.bucket)?;
        let turn = self.turn(&self.0.commits).await?;
        let proxy = self.clone();
        in_own_task(turn, async move {
            // Behind the commit itself, should it be in flight.
            let mut open = proxy.lock(&place, &store).await;
            commit::find(&place, &mut open, txn, after).await
        })
        .await
    }

    /// Deletes objects of a table that nothing needs; see [`messages::proxy`].
    pub(crate) async fn delete_objects(
        &self,
        place: TablePlace,
        keys: Vec<String>,
    ) -> Result<DeletedObjects, Refusal> {
        let store = self.writable(&place.bucket, &place.root).await?;
        let turn = self.turn(&self.0.commits).await?;
        let proxy = self.clone();
        in_own_task(turn, async move {
            let mut open = proxy.lock(&place, &store).await;
            let answer = deletes::delete(&place, &mut open, keys).await?;
            tracing::info!(table = %place, deleted = answer.deleted.len(), refused = answer.refused.len(), "delete");
            Ok(answer)
        })
        .await
    }

    /// Deletes a whole table, where that is allowed; see [`messages::proxy`].
    pub(crate) async fn delete_table(&self, place: TablePlace) -> Result<DeletedTable, Refusal> {
        if !self.0.options.allow_drop {
            let message = format!(
                "Nothing was deleted: this server does not delete whole tables, so {place} stays."
            );
            let hint = "Whoever runs the server can allow it when it starts.";
            return Err(Error::new("DROP_NOT_ALLOWED", message)
                .with_hint(hint)
                .into());
        }
        let store = self.writable(&place.bucket, &place.root).await?;
        let turn = self.turn(&self.0.commits).await?;
        let proxy = self.clone();
        in_own_task(turn, async move {
            let mut open = proxy.lock(&place, &store).await;
            let answer = deletes::delete_table(&place, &mut open).await?;
            tracing::info!(table = %place, answer.objects, "drop");
            Ok(answer)
        })
        .await
    }

    /// Waits for a table's lock.
    pub(crate) async fn lock(
        &self,
        place: &TablePlace,
        store: &Arc<dyn ObjectStore>,
    ) -> OwnedMutexGuard<OpenTable> {
        self.0.tables.lock(place, store).await
    }

    /// The permission to put an object.
    pub(crate) async fn upload_turn(&self) -> Result<OwnedSemaphorePermit, Error> {
        self.turn(&self.0.uploads).await
    }

    /// The permission to check a checkpoint.
    pub(crate) async fn checkpoint_turn(&self) -> Result<OwnedSemaphorePermit, Error> {
        self.turn(&self.0.checkpoints).await
    }

    async fn turn(&self, turns: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Error> {
        let turn = Arc::clone(turns).acquire_owned();
        match tokio::time::timeout(self.0.options.limits.wait, turn).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(busy()),
        }
    }

    /// The store of a bucket that the proxy knows.
    pub(crate) fn bucket(&self, name: &str) -> Result<Arc<dyn ObjectStore>, Error> {
        self.0.buckets.get(name).cloned().ok_or_else(|| {
            let buckets: Vec<&str> = self.0.buckets.keys().map(String::as_str).collect();
            Error::new(
                "TABLE_LOCATION_NOT_ALLOWED",
                format!("The proxy does not write to the bucket {name}."),
            )
            .with_hint(format!(
                "It writes to {}. Others are named with --bucket when it starts.",
                buckets.join(", ")
            ))
        })
    }

    /// The store of a bucket, if `key` may be written in it.
    pub(crate) async fn writable(
        &self,
        bucket: &str,
        key: &Path,
    ) -> Result<Arc<dyn ObjectStore>, Error> {
        let store = self.bucket(bucket)?;
        let prefixes = &self.0.options.prefixes;
        let is_below = |prefix: &String| {
            let path = format!("{bucket}/{key}");
            let rest = path.strip_prefix(prefix.trim_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if !prefixes.is_empty() && !prefixes.iter().any(is_below) {
            let message = format!("The proxy does not write to {bucket}/{key}.");
            let hint = format!("It writes below {}.", prefixes.join(", "));
            return Err(Error::new("TABLE_LOCATION_NOT_ALLOWED", message).with_hint(hint));
        }
        self.check_probe(bucket, store.as_ref()).await?;
        Ok(store)
    }

    async fn check_probe(&self, name: &str, bucket: &dyn ObjectStore) -> Result<(), Error> {
        let known = {
            let probes = self.0.probes.lock().unwrap_or_else(PoisonError::into_inner);
            probes.get(name).cloned()
        };
        let probe = match known {
            Some(known @ (Probe::Kept | Probe::Broken(_))) => known,
            Some(Probe::Unanswered(_)) | None => {
                let result = probe(bucket).await;
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
}

/// Runs work to its end even if the client hangs up; a panic is an answer, not the end of the proxy.
pub(crate) async fn in_own_task<T: Send + 'static, E: From<Error> + Send + 'static>(
    turn: OwnedSemaphorePermit,
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, E> {
    let task = tokio::spawn(async move {
        let result = work.await;
        drop(turn);
        result
    });
    task.await
        .unwrap_or_else(|failed| Err(internal(&failed).into()))
}
