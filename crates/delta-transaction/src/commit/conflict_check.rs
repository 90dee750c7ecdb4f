//! Whether a commit that came first is compatible with a transaction that began before it.
//!
//! Delta's rules: <https://docs.delta.io/latest/concurrency-control.html>

use std::collections::HashSet;

use delta_log::actions::{Add, Commit};
use delta_log::{Snapshot, Table};

use crate::commit::conflict::{Conflict, ConflictKind};
use crate::commit::isolation::IsolationLevel;
use crate::commit::read_set::ReadSet;
use crate::commit::staged::Staged;
use crate::error::Result;

/// What a transaction is checked with.
pub(crate) struct Current<'a> {
    pub(crate) table: &'a Table,
    pub(crate) staged: &'a Staged,
    pub(crate) reads: &'a ReadSet,
    pub(crate) isolation: IsolationLevel,
}

/// Checks `winner`, which made `version` out of `before`, against a transaction that read an earlier
/// version. `None`: the two are compatible, in either order.
///
/// # Errors
/// What keeps the transaction's predicates from being evaluated.
pub(crate) fn check(
    current: &Current<'_>,
    before: &Snapshot,
    version: u64,
    winner: &Commit,
) -> Result<Option<Conflict>> {
    let Current {
        table,
        staged,
        reads,
        isolation,
    } = current;
    let conflict = |kind, subject: Option<&str>| {
        Ok(Some(Conflict {
            kind,
            version,
            operation: winner.info("operation").map(str::to_owned),
            subject: subject.map(str::to_owned),
        }))
    };
    if winner.protocol.is_some() {
        return conflict(ConflictKind::ProtocolChanged, None);
    }
    if winner.metadata.is_some() {
        return conflict(ConflictKind::MetadataChanged, None);
    }
    let added = adds_to_check(*isolation, winner);
    if let Some(add) = reads.would_read(before, &added)? {
        return conflict(ConflictKind::ConcurrentAppend, Some(&add.path));
    }
    if let Some(remove) = reads.has_read(table, &winner.removes) {
        return conflict(ConflictKind::ConcurrentDeleteRead, Some(&remove.path));
    }
    let removing = staged.removes.iter();
    let removing: HashSet<String> = removing
        .map(|remove| table.file_identity(&remove.path))
        .collect();
    let mut twice = winner
        .removes
        .iter()
        .filter(|remove| removing.contains(&table.file_identity(&remove.path)));
    if let Some(remove) = twice.next() {
        return conflict(ConflictKind::ConcurrentDeleteDelete, Some(&remove.path));
    }
    let applications = winner.transactions.iter();
    let mut applications = applications.filter(|txn| {
        let own = staged.transactions.iter();
        own.clone().any(|own| own.app_id == txn.app_id)
    });
    if let Some(txn) = applications.next() {
        return conflict(ConflictKind::ConcurrentTransaction, Some(&txn.app_id));
    }
    let mut domains = winner.domains.iter().filter(|domain| {
        let own = &staged.domains;
        own.iter().any(|own| own.domain == domain.domain)
    });
    if let Some(domain) = domains.next() {
        return conflict(ConflictKind::ConcurrentDomainMetadata, Some(&domain.domain));
    }
    Ok(None)
}

/// The winner's files that a reader at this isolation level should have seen.
fn adds_to_check(isolation: IsolationLevel, winner: &Commit) -> Vec<Add> {
    let is_blind_append = winner
        .commit_info
        .as_ref()
        .and_then(|info| info.get("isBlindAppend")?.as_bool())
        .unwrap_or(false);
    let counts = match isolation {
        IsolationLevel::Serializable => true,
        IsolationLevel::WriteSerializable => !is_blind_append,
        IsolationLevel::Snapshot => false,
    };
    match counts {
        // Rows that were only moved from file to file were read where they had been.
        true => {
            let changed = winner.adds.iter().filter(|add| add.data_change);
            changed.cloned().collect()
        }
        false => Vec::new(),
    }
}
