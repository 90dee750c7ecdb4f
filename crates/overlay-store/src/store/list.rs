//! Listings: what is in memory, merged with what is below.

use std::collections::BTreeSet;

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ListResult, ObjectMeta, ObjectStore, Result};

use crate::entry::Entry;
use crate::overlay::OverlayStore;
use crate::snapshot::Snapshot;

/// Folders below that are looked into at the same time.
const CONCURRENT_LISTINGS: usize = 8;

/// Lists a folder with its folders, behind `offset` if there is one, sorted by key. What is in memory
/// is what was there at the time of the call.
pub(super) fn list(
    overlay: &OverlayStore,
    folder: Option<&Path>,
    offset: Option<&Path>,
) -> BoxStream<'static, Result<ObjectMeta>> {
    let state = overlay.snapshot();
    let below = match (&overlay.below, offset) {
        (Some(below), Some(offset)) => below.list_with_offset(folder, offset),
        (Some(below), None) => below.list(folder),
        (None, _) => stream::empty().boxed(),
    };
    let in_memory: Vec<ObjectMeta> = objects_in(&state, folder)
        .filter(|meta| offset.is_none_or(|offset| meta.location > *offset))
        .collect();
    stream::once(merge(overlay.clone(), state, in_memory, below))
        .map_ok(|objects| stream::iter(objects).map(Ok))
        .try_flatten()
        .boxed()
}

async fn merge(
    overlay: OverlayStore,
    state: Snapshot,
    mut objects: Vec<ObjectMeta>,
    below: BoxStream<'static, Result<ObjectMeta>>,
) -> Result<Vec<ObjectMeta>> {
    let shown = |meta: &ObjectMeta| std::future::ready(overlay.shows(&state, &meta.location));
    let below: Vec<ObjectMeta> = below.try_filter(shown).try_collect().await?;
    objects.extend(below);
    // A stable sort: it takes the two for what they are, sorted already.
    objects.sort_by(|a, b| a.location.cmp(&b.location));
    Ok(objects)
}

/// Lists a folder without what is in its folders, but with these; both sorted as S3 sorts them.
pub(super) async fn list_with_delimiter(
    overlay: &OverlayStore,
    folder: Option<&Path>,
) -> Result<ListResult> {
    let state = overlay.snapshot();
    let mut objects = Vec::new();
    let mut folders = BTreeSet::new();
    for meta in objects_in(&state, folder) {
        match folder_within(folder, &meta.location) {
            Some(path) => drop(folders.insert(path)),
            None => objects.push(meta),
        }
    }
    if let Some(below) = &overlay.below {
        let found = below.list_with_delimiter(folder).await?;
        let shown = |meta: &ObjectMeta| overlay.shows(&state, &meta.location);
        objects.extend(found.objects.into_iter().filter(shown));
        let others = found.common_prefixes.into_iter();
        let others: Vec<_> = others.filter(|path| !folders.contains(path)).collect();
        let left: Vec<Option<Path>> = stream::iter(others)
            .map(|path| path_if_anything_left(overlay, below, &state, path))
            .buffered(CONCURRENT_LISTINGS)
            .try_collect()
            .await?;
        folders.extend(left.into_iter().flatten());
    }
    objects.sort_by(|a, b| a.location.cmp(&b.location));
    let mut folders: Vec<Path> = folders.into_iter().collect();
    // S3's common prefixes end with a slash, which comes behind some characters: `a-b/`, `a/`.
    folders.sort_by(|a, b| with_slash(a).cmp(with_slash(b)));
    Ok(ListResult {
        common_prefixes: folders,
        objects,
    })
}

/// A folder of the store below; `None` if all that is in it is deleted or hidden. The store is asked
/// only if the overlay has something there.
async fn path_if_anything_left(
    overlay: &OverlayStore,
    below: &dyn ObjectStore,
    state: &Snapshot,
    folder: Path,
) -> Result<Option<Path>> {
    if state.entries_in(Some(&folder)).next().is_none() {
        return Ok(Some(folder));
    }
    let shown = |meta: &ObjectMeta| std::future::ready(overlay.shows(state, &meta.location));
    let mut visible = below.list(Some(&folder)).try_filter(shown);
    Ok(visible.try_next().await?.map(|_| folder))
}

fn objects_in(state: &Snapshot, folder: Option<&Path>) -> impl Iterator<Item = ObjectMeta> {
    state
        .entries_in(folder)
        .filter_map(|(path, entry)| match entry {
            Entry::Object(object) => Some(object.meta(path)),
            Entry::Deleted(_) => None,
        })
}

/// The folder directly in `folder` that an object in it is in; `None` if the object itself is.
fn folder_within(folder: Option<&Path>, location: &Path) -> Option<Path> {
    let folder = folder.cloned().unwrap_or_default();
    let mut parts = location.prefix_match(&folder)?;
    let first = parts.next()?;
    parts.next()?;
    Some(folder.clone().join(first))
}

fn with_slash(path: &Path) -> impl Iterator<Item = u8> {
    path.as_ref().bytes().chain([b'/'])
}
