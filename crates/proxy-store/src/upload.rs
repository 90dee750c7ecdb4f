use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use object_store::path::Path;
use object_store::{MultipartUpload, PutPayload, PutResult, Result, UploadPart};

use crate::answer::not_supported;
use crate::requests::Requests;

/// An object that comes in parts and is sent whole: the proxy takes an object with one request, so
/// that it is there or not.
#[derive(Debug)]
pub(crate) struct Upload {
    requests: Requests,
    to: Path,
    body: Option<BytesMut>,
}

impl Upload {
    pub(crate) fn new(requests: Requests, to: Path) -> Self {
        Self {
            requests,
            to,
            body: Some(BytesMut::new()),
        }
    }
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        let taken = match &mut self.body {
            Some(body) => {
                for bytes in &part {
                    body.extend_from_slice(bytes);
                }
                Ok(())
            }
            None => Err(not_supported("the upload has ended")),
        };
        futures::future::ready(taken).boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let body = self.body.take();
        let body = body.ok_or_else(|| not_supported("the upload has ended"))?;
        self.requests.put_bytes(&self.to, Bytes::from(body)).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.body = None;
        Ok(())
    }
}
