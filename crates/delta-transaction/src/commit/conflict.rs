//! Conflicts between commits, by Spark's names for them.

use std::fmt;

/// A conflict with a commit that came first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// What is in conflict.
    pub kind: ConflictKind,
    /// The version that came first.
    pub version: u64,
    /// Its operation: `MERGE`. `None` if its writer does not say.
    pub operation: Option<String>,
    /// The file, application or domain that both touch, where it is one.
    pub subject: Option<String>,
}

/// The kinds of conflicts, by Spark's names for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictKind {
    /// Files were added that would have been read.
    ConcurrentAppend,
    /// Files were removed that had been read.
    ConcurrentDeleteRead,
    /// Files were removed that were to be removed.
    ConcurrentDeleteDelete,
    /// Schema, partitioning or properties were changed.
    MetadataChanged,
    /// The protocol was changed.
    ProtocolChanged,
    /// The same application has come further.
    ConcurrentTransaction,
    /// The same domain was changed.
    ConcurrentDomainMetadata,
    /// The table was created.
    TableCreated,
}

impl ConflictKind {
    /// Spark's error class.
    pub fn error_class(self) -> &'static str {
        match self {
            Self::ConcurrentAppend => "DELTA_CONCURRENT_APPEND",
            Self::ConcurrentDeleteRead => "DELTA_CONCURRENT_DELETE_READ",
            Self::ConcurrentDeleteDelete => "DELTA_CONCURRENT_DELETE_DELETE",
            Self::MetadataChanged => "DELTA_METADATA_CHANGED",
            Self::ProtocolChanged => "DELTA_PROTOCOL_CHANGED",
            Self::ConcurrentTransaction => "DELTA_CONCURRENT_TRANSACTION",
            Self::ConcurrentDomainMetadata => "DELTA_CONCURRENT_WRITE",
            Self::TableCreated => "DELTA_PROTOCOL_CHANGED",
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ConflictKind::ConcurrentAppend => "added rows that this statement would have read",
            ConflictKind::ConcurrentDeleteRead => "removed rows that this statement has read",
            ConflictKind::ConcurrentDeleteDelete => {
                "changed or removed rows that this statement changes too"
            }
            ConflictKind::MetadataChanged => "changed the table's schema or properties",
            ConflictKind::ProtocolChanged => "changed the table's protocol",
            ConflictKind::ConcurrentTransaction => "was written by the same application",
            ConflictKind::ConcurrentDomainMetadata => "changed the same metadata domain",
            ConflictKind::TableCreated => "created the table",
        };
        let operation = self.operation.as_deref().unwrap_or("another writer");
        write!(
            f,
            "Version {} ({operation}) came first, and {what}",
            self.version
        )?;
        if let Some(subject) = &self.subject {
            write!(f, ": {subject}")?;
        }
        f.write_str(".")
    }
}
