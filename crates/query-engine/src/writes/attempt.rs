use delta_transaction::Uuid;

/// How a commit can be known whose answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// The statement's id: the `txnId` of its commit.
    pub id: Uuid,
    /// The commit can only be after this version, the latest that the statement has seen; `None`
    /// where there was no table.
    pub after: Option<u64>,
}
