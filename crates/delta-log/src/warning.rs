use std::fmt;

/// A fault of a table's log that did not keep a version from being read.
///
/// The state is whole: it came another way, from another checkpoint or from the commits alone. Shown
/// with an answer, a warning says what to repair before there is no other way left. Its `Display`
/// is a sentence for users.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A checkpoint, or a part of one, is damaged or gone.
    UnreadableCheckpoint {
        /// The version that it is of.
        version: u64,
        /// What is wrong with it, with the file's path in the store.
        reason: String,
    },
    /// A checkpoint of several parts lacks some of them. It may just be being written.
    IncompleteCheckpoint {
        /// The version that it is of.
        version: u64,
        /// Parts that are there.
        found: usize,
        /// Parts that there should be.
        expected: usize,
    },
    /// `_last_checkpoint` names a checkpoint that is not there.
    MissingCheckpoint {
        /// The version that it should be of.
        version: u64,
    },
}

/// Each warning once, in the order of their first occurrence.
pub(crate) fn distinct(warnings: Vec<Warning>) -> Vec<Warning> {
    let mut kept = Vec::with_capacity(warnings.len());
    for warning in warnings {
        if !kept.contains(&warning) {
            kept.push(warning);
        }
    }
    kept
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnreadableCheckpoint { version, reason } => write!(
                f,
                "The checkpoint of version {version} cannot be read, and was passed over: {reason}."
            ),
            Self::IncompleteCheckpoint {
                version,
                found,
                expected,
            } => write!(
                f,
                "The checkpoint of version {version} has {found} of its {expected} parts, and was \
                 passed over."
            ),
            Self::MissingCheckpoint { version } => write!(
                f,
                "_last_checkpoint names a checkpoint of version {version}, which is not there."
            ),
        }
    }
}
