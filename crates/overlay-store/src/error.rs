//! Reasons for which an operation fails, and what a caller of an object store sees of them.

use object_store::path::Path;
use object_store::{Error, Result};

/// Name under which an overlay's errors are told.
const STORE: &str = "OverlayStore";

/// A put that needs more memory than the overlay may take.
///
/// It is the source of an [`object_store::Error::Generic`]; see [`LimitExceeded::of`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no room for {path} ({size} bytes): with it this overlay would hold {needed} bytes in memory, \
     and its limit is {limit}; forget changes that are no longer needed, or raise the limit"
)]
#[non_exhaustive]
pub struct LimitExceeded {
    /// Key of the object.
    pub path: Path,
    /// Its size in bytes.
    pub size: u64,
    /// Bytes that the overlay would hold with it.
    pub needed: u64,
    /// Bytes that it may hold.
    pub limit: u64,
}

impl LimitExceeded {
    /// The error that it is the source of.
    pub(crate) fn into_error(self) -> Error {
        generic(self)
    }

    /// The reason for `error`, if it is this one.
    pub fn of(error: &Error) -> Option<&Self> {
        let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            next = error.source();
        }
        None
    }
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error("neither this overlay nor the store below has it")]
    NotFound,
    #[error("it was deleted in this overlay")]
    Deleted,
    #[error("an overlay keeps no versions, and so not version {version}")]
    NoVersions { version: String },
    #[error("an object is there already")]
    Exists,
    #[error("the object to update is not there")]
    NothingToUpdate,
    #[error("an update needs the e-tag or the version of what it replaces")]
    NoVersionToUpdate,
    #[error("the object there is {found}, not {expected}")]
    OtherVersion { found: String, expected: String },
    #[error(
        "the store below could not tell whether it has {path}, so nothing was written: {source}"
    )]
    Undecided { path: Path, source: Error },
    #[error("this upload has ended: it was completed, aborted, or refused a part")]
    UploadEnded,
    #[error("there is nothing in {folder}")]
    NothingToExport { folder: Path },
    #[error("cannot add {path} to the archive: {source}")]
    Archive {
        path: Path,
        source: zip::result::ZipError,
    },
}

impl Reason {
    /// The error for an operation on `location`: the variant that says what a caller can do.
    pub(crate) fn at(self, location: &Path) -> Error {
        let path = location.to_string();
        match self {
            Self::NotFound
            | Self::Deleted
            | Self::NoVersions { .. }
            | Self::NothingToExport { .. } => Error::NotFound {
                path,
                source: self.into(),
            },
            Self::Exists => Error::AlreadyExists {
                path,
                source: self.into(),
            },
            Self::NothingToUpdate | Self::OtherVersion { .. } => Error::Precondition {
                path,
                source: self.into(),
            },
            // Whoever lacks permission is to hear that, and not to try again.
            Self::Undecided {
                source: Error::PermissionDenied { .. },
                ..
            } => Error::PermissionDenied {
                path,
                source: self.into(),
            },
            Self::Undecided {
                source: Error::Unauthenticated { .. },
                ..
            } => Error::Unauthenticated {
                path,
                source: self.into(),
            },
            Self::Undecided { .. }
            | Self::NoVersionToUpdate
            | Self::UploadEnded
            | Self::Archive { .. } => generic(self),
        }
    }

    /// The error for a range that an object does not have.
    pub(crate) fn range(reason: impl std::error::Error + Send + Sync + 'static) -> Error {
        generic(reason)
    }

    pub(crate) fn fail<T>(self, location: &Path) -> Result<T> {
        Err(self.at(location))
    }
}

fn generic(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Generic {
        store: STORE,
        source: Box::new(source),
    }
}
