//! Puts, copies and renames.

use object_store::path::Path;
use object_store::{
    CopyMode, GetOptions, ObjectMeta, ObjectStore, PutMode, PutResult, Result, UpdateVersion,
};

use crate::entry::{Entry, Object, Sequence};
use crate::error::Reason;
use crate::overlay::OverlayStore;
use crate::store::below::look_below;

/// Puts an object, on the condition that `mode` has.
///
/// What is there is looked at without a lock, as the store below takes its time; the object is then
/// put only if the overlay's knowledge of the key is still the same. If not, someone else has written
/// to it, and it is looked at again.
pub(super) async fn put(
    overlay: &OverlayStore,
    location: &Path,
    object: Object,
    mode: PutMode,
) -> Result<PutResult> {
    if mode == PutMode::Overwrite {
        return overlay.put(location, object);
    }
    loop {
        let (seen, found) = look(overlay, location).await?;
        match &mode {
            PutMode::Overwrite => {}
            PutMode::Create if found.is_some() => return Reason::Exists.fail(location),
            PutMode::Create => {}
            PutMode::Update(expected) => check_version(location, found.as_ref(), expected)?,
        }
        if let Some(result) = overlay.put_if_unchanged(location, seen, object.clone())? {
            return Ok(result);
        }
    }
}

/// Copies an object. One from below is read into memory.
pub(super) async fn copy(
    overlay: &OverlayStore,
    from: &Path,
    to: &Path,
    mode: CopyMode,
) -> Result<()> {
    let source = overlay.get_opts(from, GetOptions::default()).await?;
    // Both are asked again by the put, but with the object's bytes read for nothing.
    if mode == CopyMode::Create && look(overlay, to).await?.1.is_some() {
        return Reason::Exists.fail(to);
    }
    overlay.check_limit(to, source.meta.size)?;
    let attributes = source.attributes.clone();
    let object = overlay.object(source.bytes().await?, attributes);
    let mode = match mode {
        CopyMode::Overwrite => PutMode::Overwrite,
        CopyMode::Create => PutMode::Create,
    };
    put(overlay, to, object, mode).await?;
    Ok(())
}

/// Renames an object: copies it, and deletes the original. To its own name that does nothing.
pub(super) async fn rename(
    overlay: &OverlayStore,
    from: &Path,
    to: &Path,
    mode: CopyMode,
) -> Result<()> {
    if from != to {
        copy(overlay, from, to, mode).await?;
        overlay.delete(from);
        return Ok(());
    }
    match (look(overlay, from).await?.1, mode) {
        (None, _) => Reason::NotFound.fail(from),
        (Some(_), CopyMode::Create) => Reason::Exists.fail(to),
        (Some(_), CopyMode::Overwrite) => Ok(()),
    }
}

/// What the overlay knows of a key, and the object there: in memory or, if it knows nothing, below.
async fn look(
    overlay: &OverlayStore,
    location: &Path,
) -> Result<(Option<Sequence>, Option<ObjectMeta>)> {
    let entry = overlay.entry(location);
    let found = match &entry {
        Some(Entry::Object(object)) => Some(object.meta(location)),
        Some(Entry::Deleted(_)) => None,
        None => look_below(overlay, location).await?,
    };
    Ok((entry.as_ref().map(Entry::sequence), found))
}

/// Fails if the object there is not the one that is to be updated: if either of e-tag and version, so
/// far as they are given, is another one.
fn check_version(
    location: &Path,
    found: Option<&ObjectMeta>,
    expected: &UpdateVersion,
) -> Result<()> {
    let Some(found) = found else {
        return Reason::NothingToUpdate.fail(location);
    };
    if expected.e_tag.is_none() && expected.version.is_none() {
        return Reason::NoVersionToUpdate.fail(location);
    }
    let differs =
        |expected: &Option<String>, found: &Option<String>| expected.is_some() && expected != found;
    if differs(&expected.e_tag, &found.e_tag) || differs(&expected.version, &found.version) {
        let describe = |e_tag: &Option<String>, version: &Option<String>| {
            let part = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
            format!("e-tag {}, version {}", part(e_tag), part(version))
        };
        return Reason::OtherVersion {
            found: describe(&found.e_tag, &found.version),
            expected: describe(&expected.e_tag, &expected.version),
        }
        .fail(location);
    }
    Ok(())
}
