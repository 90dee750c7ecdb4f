//! Objects put into the table's store.

use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{
    Error as StoreError, MultipartUpload, ObjectStore, PutMode, PutMultipartOptions, PutOptions,
};

use crate::files::error::{FileError, Result};
use crate::files::paths::object_path;

/// Bytes of each part of a multipart upload but the last. Some stores want all alike.
pub(crate) const PART: usize = 16 << 20;

/// Names that are tried for an object where there is one already.
const ATTEMPTS: usize = 3;

/// The folder of a table in a store that can be written.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) root: Path,
}

impl Target {
    /// Puts an object under a key below the table's root where nothing is; answers the key. `name`
    /// gives a new key at each call: there is an object already if the answer to a first attempt was
    /// lost, or ids are not as unique as they should be, and neither may be overwritten.
    ///
    /// # Errors
    /// [`FileError::Storage`].
    pub(crate) async fn put_new(
        &self,
        bytes: Bytes,
        mut name: impl FnMut() -> String,
    ) -> Result<String> {
        let mut attempts_left = ATTEMPTS;
        loop {
            attempts_left = attempts_left.saturating_sub(1);
            let key = name();
            let path = object_path(&self.root, &key)?;
            match self.put(&path, bytes.clone()).await {
                Ok(()) => return Ok(key),
                Err(StoreError::AlreadyExists { .. }) if attempts_left > 0 => {}
                Err(source) => return Err(FileError::Storage { path, source }),
            }
        }
    }

    async fn put(&self, path: &Path, bytes: Bytes) -> Result<(), StoreError> {
        let options = PutOptions::from(PutMode::Create);
        match self
            .store
            .put_opts(path, bytes.clone().into(), options)
            .await
        {
            // The store can't tell. Names are made of UUIDs.
            Err(StoreError::NotImplemented { .. } | StoreError::NotSupported { .. }) => {
                let options = PutOptions::from(PutMode::Overwrite);
                self.store.put_opts(path, bytes.into(), options).await?;
                Ok(())
            }
            outcome => outcome.map(drop),
        }
    }
}

/// An upload in parts.
#[derive(Debug)]
pub(crate) struct Upload {
    path: Path,
    parts: Box<dyn MultipartUpload>,
}

impl Upload {
    /// # Errors
    /// [`FileError::Storage`].
    pub(crate) async fn begin(target: &Target, key: &str) -> Result<Self> {
        let path = object_path(&target.root, key)?;
        let options = PutMultipartOptions::default();
        match target.store.put_multipart_opts(&path, options).await {
            Ok(parts) => Ok(Self { path, parts }),
            Err(source) => Err(FileError::Storage { path, source }),
        }
    }

    /// Puts the next part.
    ///
    /// # Errors
    /// [`FileError::Storage`].
    pub(crate) async fn put(&mut self, bytes: Bytes) -> Result<()> {
        let put = self.parts.put_part(bytes.into()).await;
        put.map_err(|source| self.failed(source))
    }

    /// Makes one object of the parts.
    ///
    /// # Errors
    /// [`FileError::Storage`].
    pub(crate) async fn complete(&mut self) -> Result<()> {
        let complete = self.parts.complete().await;
        complete.map(drop).map_err(|source| self.failed(source))
    }

    /// Forgets the parts, as far as the store does.
    pub(crate) async fn abort(mut self) {
        let _ = self.parts.abort().await;
    }

    fn failed(&self, source: StoreError) -> FileError {
        FileError::Storage {
            path: self.path.clone(),
            source,
        }
    }
}
