use delta_log::Metadata;

use crate::commit::staged::Staged;

/// Isolation level of a commit: which commits may come between its reads and itself.
///
/// Delta's documentation: <https://docs.delta.io/latest/concurrency-control.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IsolationLevel {
    /// As if all commits had been made one after the other, in the order of the log.
    Serializable,
    /// The same for what is written; blind appends may come in between.
    WriteSerializable,
    /// For commits that change no rows: what was read may have changed, what is removed may not.
    Snapshot,
}

impl IsolationLevel {
    /// The level of a commit: Delta's default, or the table's `delta.isolationLevel`; snapshot
    /// isolation for one that only moves rows from file to file, or has nothing but a note.
    pub(crate) fn of(metadata: &Metadata, staged: &Staged) -> Self {
        if staged.only_moves_rows() || staged.is_nothing() {
            return Self::Snapshot;
        }
        match metadata.configuration.get("delta.isolationLevel") {
            Some(level) if level.eq_ignore_ascii_case("WriteSerializable") => {
                Self::WriteSerializable
            }
            _ => Self::Serializable,
        }
    }

    /// Delta's name, as in `commitInfo`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Serializable => "Serializable",
            Self::WriteSerializable => "WriteSerializable",
            Self::Snapshot => "SnapshotIsolation",
        }
    }
}
