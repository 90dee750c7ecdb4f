use delta_log::actions::{Add, Cdc, DomainMetadata, Remove, SetTransaction};
use delta_log::{Metadata, Protocol};

/// The actions of a commit in the making, `commitInfo` apart.
#[derive(Debug, Clone, Default)]
pub(crate) struct Staged {
    pub(crate) protocol: Option<Protocol>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) transactions: Vec<SetTransaction>,
    pub(crate) domains: Vec<DomainMetadata>,
    pub(crate) removes: Vec<Remove>,
    pub(crate) adds: Vec<Add>,
    pub(crate) cdcs: Vec<Cdc>,
}

impl Staged {
    /// Whether no file goes.
    pub(crate) fn only_adds(&self) -> bool {
        self.removes.is_empty() && self.cdcs.is_empty()
    }

    /// Whether there is no action.
    pub(crate) fn is_nothing(&self) -> bool {
        let Self {
            protocol,
            metadata,
            transactions,
            domains,
            removes,
            adds,
            cdcs,
        } = self;
        protocol.is_none()
            && metadata.is_none()
            && transactions.is_empty()
            && domains.is_empty()
            && removes.is_empty()
            && adds.is_empty()
            && cdcs.is_empty()
    }

    /// Whether files change and rows do not, as in an OPTIMIZE.
    pub(crate) fn only_moves_rows(&self) -> bool {
        let changes = self.adds.iter().map(|add| add.data_change);
        let mut changes = changes.chain(self.removes.iter().map(|remove| remove.data_change));
        let has_files = !self.adds.is_empty() || !self.removes.is_empty();
        has_files && self.metadata.is_none() && self.protocol.is_none() && !changes.any(|yes| yes)
    }
}
