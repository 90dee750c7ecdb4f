//! A folder of a store as a zip archive.

mod archive;

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, Result};

use crate::error::Reason;
use crate::export::archive::Archive;

/// The objects in a folder as an archive, named from the folder on, in parts.
pub(crate) fn export(
    store: Arc<dyn ObjectStore>,
    folder: Path,
) -> BoxStream<'static, Result<Bytes>> {
    let objects = async move {
        let objects: Vec<ObjectMeta> = store.list(Some(&folder)).try_collect().await?;
        if objects.is_empty() {
            let source = folder.clone();
            return Reason::NothingToExport { folder: source }.fail(&folder);
        }
        // What lies before the folder's own name.
        let outside = folder.parent().unwrap_or_default();
        let state = (objects.into_iter(), Some(Archive::new()));
        let parts = stream::try_unfold(state, move |(mut objects, mut archive)| {
            let (store, outside) = (store.clone(), outside.clone());
            async move {
                let Some(mut open) = archive.take() else {
                    return Ok(None);
                };
                match objects.next() {
                    Some(object) => {
                        let part = add(&*store, &outside, &object, &mut open).await?;
                        Ok(Some((part, (objects, Some(open)))))
                    }
                    None => Ok(Some((open.finish()?, (objects, None)))),
                }
            }
        });
        Ok(parts)
    };
    stream::once(objects)
        .try_flatten()
        .try_filter(|part| std::future::ready(!part.is_empty()))
        .boxed()
}

async fn add(
    store: &dyn ObjectStore,
    outside: &Path,
    object: &ObjectMeta,
    archive: &mut Archive,
) -> Result<Bytes> {
    let data = store.get(&object.location).await?.bytes().await?;
    let name = object.location.as_ref();
    let name = name.strip_prefix(outside.as_ref()).unwrap_or(name);
    let name = name.strip_prefix('/').unwrap_or(name);
    archive.add(name, &data, object.last_modified)
}
