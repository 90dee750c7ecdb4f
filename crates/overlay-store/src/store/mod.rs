//! The overlay as an object store.

mod below;
mod list;
mod upload;
mod write;

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, GetOptions, GetRange, GetResult, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    RenameTargetMode, Result,
};

use crate::entry::Entry;
use crate::error::Reason;
use crate::overlay::OverlayStore;
use crate::store::upload::Upload;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for OverlayStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let object = self.object(payload.into(), options.attributes);
        write::put(self, location, object, options.mode).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let upload = Upload::new(self.clone(), location.clone(), options.attributes);
        Ok(Box::new(upload))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        match (self.entry(location), self.below_for(location)) {
            (Some(Entry::Object(object)), _) => object.read(location, options),
            (Some(Entry::Deleted(_)), _) => Reason::Deleted.fail(location),
            (None, Some(below)) => below.get_opts(location, options).await,
            (None, None) => Reason::NotFound.fail(location),
        }
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let object = match (self.entry(location), self.below_for(location)) {
            (Some(Entry::Object(object)), _) => object,
            (Some(Entry::Deleted(_)), _) => return Reason::Deleted.fail(location),
            (None, Some(below)) => return below.get_ranges(location, ranges).await,
            (None, None) => return Reason::NotFound.fail(location),
        };
        let read = |range: &Range<u64>| object.read_range(&GetRange::Bounded(range.clone()));
        ranges.iter().map(|range| Ok(read(range)?.1)).collect()
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let overlay = self.clone();
        let delete = move |location: Result<Path>| {
            let location = location?;
            overlay.delete(&location);
            Ok(location)
        };
        locations.map(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        list::list(self, prefix, None)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        list::list(self, prefix, Some(offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        list::list_with_delimiter(self, prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        write::copy(self, from, to, options.mode).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let mode = match options.target_mode {
            RenameTargetMode::Overwrite => CopyMode::Overwrite,
            RenameTargetMode::Create => CopyMode::Create,
        };
        write::rename(self, from, to, mode).await
    }
}
