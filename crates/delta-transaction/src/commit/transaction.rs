use std::sync::Arc;

use delta_log::actions::{Add, Cdc, Commit, DomainMetadata, Remove, SetTransaction};
use delta_log::{Metadata, Protocol, Snapshot, Table};
use object_store::path::Path;
use object_store::{Error as StoreError, PutMode, PutOptions, PutPayload};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::commit::commit_info::{Operation, Provenance};
use crate::commit::conflict::{Conflict, ConflictKind};
use crate::commit::conflict_check::{Current, check};
use crate::commit::features::{Feature, check_writable};
use crate::commit::isolation::IsolationLevel;
use crate::commit::read_set::ReadSet;
use crate::commit::staged::Staged;
use crate::environment::Environment;
use crate::error::{Error, Result};

/// Times that a put is repeated whose outcome is not known. It is put-if-absent: to repeat it does no
/// harm.
const PUT_ATTEMPTS: usize = 3;

/// Commits that may come first, one after the other, before a transaction gives up.
const MAX_REBASES: usize = 1000;

/// A change of a table in the making: begun on a snapshot, filled with actions, committed once.
///
/// Protocol: [Delta Log Entries](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#delta-log-entries)
#[derive(Debug)]
pub struct Transaction {
    table: Table,
    environment: Arc<dyn Environment>,
    /// The version that was read; `None` for a table that is created.
    snapshot: Option<Arc<Snapshot>>,
    id: Uuid,
    operation: Operation,
    reads: ReadSet,
    staged: Staged,
}

/// A commit that was made.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The version.
    pub version: u64,
    /// The time that the commit carries, in milliseconds since the epoch.
    pub timestamp: i64,
    /// The table as of this version.
    pub snapshot: Arc<Snapshot>,
    /// Versions that came between the one that was read and this one.
    pub rebased_over: u64,
    /// Whether an earlier attempt, whose answer was lost, had made the commit.
    pub was_there: bool,
}

impl Transaction {
    /// A transaction on a version of a table.
    ///
    /// `id` is the statement's: whoever repeats a statement whose outcome they don't know gives the
    /// same one.
    ///
    /// # Errors
    /// [`Error::UnsupportedFeature`], before anything is staged.
    pub fn begin(
        table: Table,
        snapshot: Arc<Snapshot>,
        environment: Arc<dyn Environment>,
        id: Uuid,
    ) -> Result<Self> {
        check_writable(snapshot.protocol())?;
        Ok(Self::new(table, Some(snapshot), environment, id))
    }

    /// A transaction that makes a table where there is none.
    pub fn create(table: Table, environment: Arc<dyn Environment>, id: Uuid) -> Self {
        Self::new(table, None, environment, id)
    }

    fn new(
        table: Table,
        snapshot: Option<Arc<Snapshot>>,
        environment: Arc<dyn Environment>,
        id: Uuid,
    ) -> Self {
        Self {
            table,
            environment,
            snapshot,
            id,
            operation: Operation::default(),
            reads: ReadSet::default(),
            staged: Staged::default(),
        }
    }

    /// The table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Clock and ids.
    pub fn environment(&self) -> &Arc<dyn Environment> {
        &self.environment
    }

    /// The version that was read; `None` for a table that is created.
    pub fn snapshot(&self) -> Option<&Arc<Snapshot>> {
        self.snapshot.as_ref()
    }

    /// What was read.
    pub fn reads(&mut self) -> &mut ReadSet {
        &mut self.reads
    }

    /// What the history will say.
    pub fn operation(&mut self) -> &mut Operation {
        &mut self.operation
    }

    /// The protocol that the commit leads to.
    pub fn protocol(&self) -> Option<&Protocol> {
        let before = self.snapshot.as_ref().map(|snapshot| snapshot.protocol());
        self.staged.protocol.as_ref().or(before)
    }

    /// The metadata that the commit leads to.
    pub fn metadata(&self) -> Option<&Metadata> {
        let before = self.snapshot.as_ref().map(|snapshot| snapshot.metadata());
        self.staged.metadata.as_ref().or(before)
    }

    /// Stages a protocol.
    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.staged.protocol = Some(protocol);
    }

    /// Stages metadata.
    pub fn set_metadata(&mut self, metadata: Metadata) {
        self.staged.metadata = Some(metadata);
    }

    /// Has the protocol name a feature that the statement needs.
    pub fn enable(&mut self, feature: Feature) {
        let Some(protocol) = self.protocol() else {
            return;
        };
        if !feature.is_in(protocol) {
            self.staged.protocol = Some(feature.add_to(protocol));
        }
    }

    /// Stages new files.
    pub fn add(&mut self, adds: impl IntoIterator<Item = Add>) {
        self.staged.adds.extend(adds);
    }

    /// Stages that files go: `adds` as [`FileTable::adds`](delta_log::FileTable::adds) has them.
    pub fn remove(&mut self, adds: impl IntoIterator<Item = Add>, data_change: bool) {
        let now = self.environment.now();
        let removes = adds.into_iter().map(|add| remove(add, now, data_change));
        self.staged.removes.extend(removes);
    }

    /// Stages files with changed rows.
    pub fn add_change_data(&mut self, files: impl IntoIterator<Item = Cdc>) {
        self.staged.cdcs.extend(files);
    }

    /// Stages an application's count.
    pub fn set_transaction(&mut self, app_id: String, version: i64) {
        let last_updated = Some(self.environment.now());
        self.staged.transactions.push(SetTransaction {
            app_id,
            version,
            last_updated,
        });
    }

    /// Stages a domain.
    pub fn set_domain(&mut self, domain: DomainMetadata) {
        self.staged.domains.push(domain);
    }

    /// Whether nothing is staged.
    pub fn is_empty(&self) -> bool {
        self.staged.is_nothing()
    }

    /// Puts the commit where nothing is, at the first free version after the one that was read. A
    /// commit that came first is checked against what was read and staged; if the two are compatible,
    /// the next version is tried.
    ///
    /// # Errors
    /// [`Error::Conflict`]; [`Error::AppendOnly`]; [`Error::OutcomeUnknown`] where the store gives no
    /// answer, not even to what became of the commit; [`Error::Storage`] where it refused;
    /// [`Error::Log`] if a commit that came first can't be read, or leads to a table that can't.
    pub async fn commit(self) -> Result<Committed> {
        self.check_append_only()?;
        let mut base = self.snapshot.clone();
        for rebased_over in 0..MAX_REBASES {
            let attempt = self.attempt(base.as_deref())?;
            // Before the put: what leads to a table that can't be read must never be in a log.
            let snapshot = Arc::new(self.after(base.as_deref(), &attempt)?);
            let winner = match self.put(&attempt).await? {
                Put::Made { was_there } => {
                    return Ok(Committed {
                        version: attempt.version,
                        timestamp: attempt.timestamp,
                        snapshot,
                        rebased_over: rebased_over as u64,
                        was_there,
                    });
                }
                Put::Taken(winner) => *winner,
            };
            base = Some(Arc::new(self.rebase(base.as_deref(), winner)?));
        }
        Err(Error::OutOfRange("the number of commits that came first"))
    }

    fn check_append_only(&self) -> Result<()> {
        let Some(snapshot) = &self.snapshot else {
            return Ok(());
        };
        let is_append_only = Feature::AppendOnly.is_in(snapshot.protocol())
            && snapshot.metadata().is_enabled("delta.appendOnly");
        let removes = self.staged.removes.iter().any(|remove| remove.data_change);
        match is_append_only && removes {
            true => Err(Error::AppendOnly),
            false => Ok(()),
        }
    }

    /// The commit after `base`.
    fn attempt(&self, base: Option<&Snapshot>) -> Result<Attempt> {
        let version = match base {
            Some(base) => base
                .version()
                .checked_add(1)
                .ok_or(Error::OutOfRange("the version"))?,
            None => 0,
        };
        let now = self.environment.now();
        let mut metadata = self.staged.metadata.clone();
        let in_commit_timestamp = self.in_commit_timestamp(base, now);
        if let (Some(metadata), Some(base), Some(time)) =
            (&mut metadata, &self.snapshot, in_commit_timestamp)
            && !has_in_commit_timestamps(base.protocol(), base.metadata())
        {
            // Since when commits carry their own times, for readers of older versions.
            let properties = &mut metadata.configuration;
            let mut set = |name: &str, value: String| properties.insert(name.to_owned(), value);
            set(
                "delta.inCommitTimestampEnablementVersion",
                version.to_string(),
            );
            set(
                "delta.inCommitTimestampEnablementTimestamp",
                time.to_string(),
            );
        }
        let level = self
            .metadata()
            .map_or(IsolationLevel::Serializable, |metadata| {
                IsolationLevel::of(metadata, &self.staged)
            });
        let provenance = Provenance {
            operation: &self.operation,
            timestamp: in_commit_timestamp.unwrap_or(now),
            in_commit_timestamp,
            read_version: self.snapshot.as_ref().map(|snapshot| snapshot.version()),
            isolation: level,
            is_blind_append: self.staged.only_adds() && self.reads.is_empty(),
            id: self.id,
        };
        let Staged {
            protocol,
            transactions,
            domains,
            removes,
            adds,
            cdcs,
            ..
        } = &self.staged;
        let mut lines = Lines::default();
        lines.push("commitInfo", &provenance.to_json())?;
        lines.push_all("protocol", protocol)?;
        lines.push_all("metaData", &metadata)?;
        lines.push_all("txn", transactions)?;
        lines.push_all("domainMetadata", domains)?;
        lines.push_all("remove", removes)?;
        lines.push_all("add", adds)?;
        lines.push_all("cdc", cdcs)?;
        Ok(Attempt {
            version,
            timestamp: provenance.timestamp,
            path: self.table.commit_path(version),
            bytes: lines.0,
        })
    }

    /// The time that the commit has to carry: later than that of the version before.
    ///
    /// Protocol: [In-Commit Timestamps](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#in-commit-timestamps)
    fn in_commit_timestamp(&self, base: Option<&Snapshot>, now: i64) -> Option<i64> {
        if !has_in_commit_timestamps(self.protocol()?, self.metadata()?) {
            return None;
        }
        let earliest = base.map_or(i64::MIN, |base| base.timestamp().saturating_add(1));
        Some(now.max(earliest))
    }

    async fn put(&self, attempt: &Attempt) -> Result<Put> {
        let mut attempts = 0_usize;
        // Whether an attempt may have been made, or may still be, though its answer was an error.
        let mut in_doubt = false;
        loop {
            attempts = attempts.saturating_add(1);
            let options = PutOptions::from(PutMode::Create);
            let payload = PutPayload::from(attempt.bytes.clone());
            let answer = self
                .table
                .store
                .put_opts(&attempt.path, payload, options)
                .await;
            let Err(error) = answer else {
                return Ok(Put::Made { was_there: false });
            };
            in_doubt |= !is_refusal(&error);
            // The answer may be wrong both ways: a put that was repeated below us finds its own
            // object there, and one that failed for us may have been made.
            let there = match self.table.commit(attempt.version).await {
                Ok(there) => there,
                Err(_) if !in_doubt => None,
                Err(_) if attempts < PUT_ATTEMPTS => continue,
                Err(_) => return Err(self.unknown(attempt, error)),
            };
            match there {
                Some(commit) if commit.info("txnId") == Some(self.id.to_string().as_str()) => {
                    return Ok(Put::Made { was_there: true });
                }
                Some(commit) => return Ok(Put::Taken(Box::new(commit))),
                None if !in_doubt => {
                    return Err(Error::Storage {
                        path: attempt.path.clone(),
                        source: error,
                    });
                }
                // Not there yet. Only another put can tell whether it will be.
                None if attempts < PUT_ATTEMPTS => {}
                None => return Err(self.unknown(attempt, error)),
            }
        }
    }

    fn unknown(&self, attempt: &Attempt, source: StoreError) -> Error {
        Error::OutcomeUnknown {
            version: attempt.version,
            source,
        }
    }

    /// The table after a commit that came first, if that is compatible with this transaction.
    fn rebase(&self, base: Option<&Snapshot>, winner: Commit) -> Result<Snapshot> {
        let conflict = match base {
            Some(base) => {
                let version = base.version().saturating_add(1);
                let current = Current {
                    table: &self.table,
                    staged: &self.staged,
                    reads: &self.reads,
                    isolation: IsolationLevel::of(base.metadata(), &self.staged),
                };
                check(&current, base, version, &winner)?
            }
            None => Some(Conflict {
                kind: ConflictKind::TableCreated,
                version: 0,
                operation: winner.info("operation").map(str::to_owned),
                subject: None,
            }),
        };
        if let Some(conflict) = conflict {
            return Err(Error::Conflict(conflict));
        }
        let now = self.environment.now();
        Ok(match base {
            Some(base) => base.apply(&self.table, now, winner)?,
            None => Snapshot::first(&self.table, now, winner)?,
        })
    }

    /// The table as the attempt leaves it.
    fn after(&self, base: Option<&Snapshot>, attempt: &Attempt) -> Result<Snapshot> {
        let commit = Commit::parse(&attempt.path, &attempt.bytes)?;
        Ok(match base {
            Some(base) => base.apply(&self.table, attempt.timestamp, commit)?,
            None => Snapshot::first(&self.table, attempt.timestamp, commit)?,
        })
    }
}

/// The version after `after` that a statement has committed, if it has: found by its id.
///
/// Requests: one GET for each version after `after`, and one more.
///
/// # Errors
/// As [`Table::commit`].
pub async fn find_commit(table: &Table, id: Uuid, after: Option<u64>) -> Result<Option<u64>> {
    let id = id.to_string();
    let mut version = after.map_or(0, |after| after.saturating_add(1));
    while let Some(commit) = table.commit(version).await? {
        if commit.info("txnId") == Some(id.as_str()) {
            return Ok(Some(version));
        }
        version = version.saturating_add(1);
    }
    Ok(None)
}

/// A commit file that is about to be put.
struct Attempt {
    version: u64,
    timestamp: i64,
    path: Path,
    bytes: Vec<u8>,
}

enum Put {
    Made {
        was_there: bool,
    },
    /// Another commit is there.
    Taken(Box<Commit>),
}

/// Whether a put was refused for good: it was not made, and never will be.
fn is_refusal(error: &StoreError) -> bool {
    match error {
        StoreError::NotImplemented { .. }
        | StoreError::NotSupported { .. }
        | StoreError::InvalidPath { .. }
        | StoreError::PermissionDenied { .. }
        | StoreError::Unauthenticated { .. }
        | StoreError::UnknownConfigurationKey { .. }
        | StoreError::NotFound { .. } => true,
        // Nor is what is there already: it may be this very commit. The enum may grow.
        _ => false,
    }
}

fn has_in_commit_timestamps(protocol: &Protocol, metadata: &Metadata) -> bool {
    Feature::InCommitTimestamp.is_in(protocol)
        && metadata.is_enabled("delta.enableInCommitTimestamps")
}

/// What removes a file: its path, partition values and deletion vector as the log has them, so that
/// every reader knows which file is meant.
fn remove(add: Add, now: i64, data_change: bool) -> Remove {
    Remove {
        path: add.path,
        deletion_timestamp: Some(now),
        data_change,
        extended_file_metadata: Some(true),
        partition_values: Some(add.partition_values),
        size: Some(add.size),
        stats: add.stats,
        tags: add.tags,
        deletion_vector: add.deletion_vector,
        base_row_id: add.base_row_id,
        default_row_commit_version: add.default_row_commit_version,
    }
}

/// Newline-delimited JSON, one action a line.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn push(&mut self, name: &str, action: &impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.0, &json!({ name: action }))?;
        self.0.push(b'\n');
        Ok(())
    }

    fn push_all<'a, T: Serialize + 'a>(
        &mut self,
        name: &str,
        actions: impl IntoIterator<Item = &'a T>,
    ) -> Result<()> {
        actions
            .into_iter()
            .try_for_each(|action| self.push(name, action))
    }
}
