//! Uploads in parts.

use async_trait::async_trait;
use object_store::path::Path;
use object_store::{
    Attributes, MultipartUpload, PutPayload, PutPayloadMut, PutResult, Result, UploadPart,
};

use crate::error::Reason;
use crate::overlay::OverlayStore;

/// An upload in parts, which are kept in memory from the moment they come.
///
/// A part that does not fit within the overlay's limit ends it; so do `complete` and `abort`.
#[derive(Debug)]
pub(super) struct Upload {
    overlay: OverlayStore,
    location: Path,
    /// `None` once the upload has ended.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    attributes: Attributes,
    parts: PutPayloadMut,
}

impl Upload {
    pub(super) fn new(overlay: OverlayStore, location: Path, attributes: Attributes) -> Self {
        Self {
            overlay,
            location,
            open: Some(Open {
                attributes,
                parts: PutPayloadMut::new(),
            }),
        }
    }

    fn add(&mut self, part: PutPayload) -> Result<()> {
        let Some(open) = &mut self.open else {
            return Reason::UploadEnded.fail(&self.location);
        };
        let size = open.parts.content_length() as u64 + part.content_length() as u64;
        if let Err(error) = self.overlay.check_limit(&self.location, size) {
            self.open = None;
            return Err(error);
        }
        part.into_iter().for_each(|bytes| open.parts.push(bytes));
        Ok(())
    }
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        Box::pin(std::future::ready(self.add(part)))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let Some(Open { attributes, parts }) = self.open.take() else {
            return Reason::UploadEnded.fail(&self.location);
        };
        let object = self.overlay.object(parts.freeze().into(), attributes);
        self.overlay.put(&self.location, object)
    }

    async fn abort(&mut self) -> Result<()> {
        self.open = None;
        Ok(())
    }
}
