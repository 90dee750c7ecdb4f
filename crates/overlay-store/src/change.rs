//! What an overlay holds beyond the store below.

use object_store::ObjectMeta;
use object_store::path::Path;

/// A key of which the overlay knows something else than the store below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// An object in memory. The store below may have another one of that name, which is hidden.
    Put(ObjectMeta),
    /// A key that was deleted. The store below was not asked whether it has an object there: if so,
    /// it is hidden.
    Deleted(Path),
}

impl Change {
    /// The key.
    pub fn path(&self) -> &Path {
        match self {
            Self::Put(object) => &object.location,
            Self::Deleted(path) => path,
        }
    }

    /// Bytes in memory: none for a deleted key.
    pub fn size(&self) -> u64 {
        match self {
            Self::Put(object) => object.size,
            Self::Deleted(_) => 0,
        }
    }
}
