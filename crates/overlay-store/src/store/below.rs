//! What is asked of the store below before something is written.

use object_store::path::Path;
use object_store::{Error, GetOptions, ObjectMeta, Result};

use crate::error::Reason;
use crate::overlay::OverlayStore;

/// What the store below says of the object there, if it has one.
///
/// Asked by a plain GET whose body nobody reads: from a tab a HEAD costs a preflight, and a range fails
/// on an empty object. Some clients fetch the body all the same, but creators rarely meet an object.
///
/// # Errors
/// Any answer but an object and `NotFound`: it is not known whether there is one.
pub(super) async fn look_below(
    overlay: &OverlayStore,
    location: &Path,
) -> Result<Option<ObjectMeta>> {
    let Some(below) = overlay.below_for(location) else {
        return Ok(None);
    };
    match below.get_opts(location, GetOptions::default()).await {
        Ok(found) => Ok(Some(found.meta)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(source) => {
            let path = location.clone();
            Reason::Undecided { path, source }.fail(location)
        }
    }
}
