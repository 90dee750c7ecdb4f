//! A local folder as an object store whose puts outlive a power cut.
//!
//! [`LocalFileSystem`] leaves it to the system when a file's content reaches the disk: after a power
//! cut an acknowledged commit may be gone or, worse, be there with no bytes in it, and then the table
//! cannot be read. Here content is on the disk before it gets its name, and the name before the put
//! is answered, as far as the system keeps the promise of `fsync`.
#![warn(missing_docs)]

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result, UploadPart,
};
use std::ops::Range;

/// One bucket in a local folder.
#[derive(Debug)]
pub struct DurableFolder {
    folder: PathBuf,
    files: Arc<LocalFileSystem>,
}

impl DurableFolder {
    /// Opens a folder, which is created where it is missing.
    ///
    /// # Errors
    /// If it is not a folder, or can't be created.
    pub fn create(folder: &FilePath) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let files = LocalFileSystem::new_with_prefix(&folder).map_err(io::Error::other)?;
        // A folder that has nothing left in it is none of a store.
        let files = files.with_automatic_cleanup(true);
        Ok(Self {
            folder,
            files: Arc::new(files),
        })
    }
}

impl fmt::Display for DurableFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DurableFolder({})", self.folder.display())
    }
}

fn failed(error: io::Error) -> Error {
    Error::Generic {
        store: "DurableFolder",
        source: error.into(),
    }
}

/// Runs file operations where they hold up nobody else.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}

/// Brings a file's name to the disk: the entry in its folder, and those of the folders above that
/// may be new, up to `top`.
fn sync_folders(file: &FilePath, top: &FilePath) -> io::Result<()> {
    let above = file.ancestors().skip(1);
    for folder in above.take_while(|folder| folder.starts_with(top)) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Writes a file under a name that nobody reads, then gives it its own.
fn put(file: &FilePath, top: &FilePath, payload: &PutPayload, creates: bool) -> Result<()> {
    let staged = {
        let mut name = file.as_os_str().to_owned();
        // As `LocalFileSystem` has it: `#` and digits.
        name.push(format!("#{}", uuid::Uuid::new_v4().as_u128()));
        PathBuf::from(name)
    };
    let create = || {
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        File::create_new(&staged)
    };
    let write = || -> io::Result<()> {
        let mut content = match create() {
            // A delete has taken the folder away, which was empty.
            Err(error) if error.kind() == io::ErrorKind::NotFound => create()?,
            created => created?,
        };
        payload
            .iter()
            .try_for_each(|part| content.write_all(part))?;
        content.sync_all()?;
        match creates {
            // A link, unlike a rename, replaces nothing.
            true => fs::hard_link(&staged, file),
            false => fs::rename(&staged, file),
        }
    };
    let written = write();
    if creates || written.is_err() {
        // What stays behind is hidden, and harms nobody.
        let _ = fs::remove_file(&staged);
    }
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Error::AlreadyExists {
            path: file.display().to_string(),
            source: error.into(),
        },
        _ => failed(error),
    })?;
    sync_folders(file, top).map_err(failed)
}

#[async_trait]
impl ObjectStore for DurableFolder {
    async fn put_opts(
        &self,
        at: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let creates = match options.mode {
            PutMode::Create => true,
            PutMode::Overwrite => false,
            PutMode::Update(_) => {
                return Err(Error::NotImplemented {
                    operation: "a conditional update".to_owned(),
                    implementer: self.to_string(),
                });
            }
        };
        let (file, top) = (self.files.path_to_filesystem(at)?, self.folder.clone());
        blocking(move || put(&file, &top, &payload, creates)).await?;
        let meta = self.files.head(at).await?;
        Ok(PutResult {
            e_tag: meta.e_tag,
            version: None,
        })
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(DurableUpload {
            upload: self.files.put_multipart_opts(at, options).await?,
            file: self.files.path_to_filesystem(at)?,
            top: self.folder.clone(),
        }))
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.files.get_opts(at, options).await
    }

    async fn get_ranges(&self, at: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.files.get_ranges(at, ranges).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.files.copy_opts(from, to, options).await
    }
}

/// An upload in parts. Its file may be named before its content is on the disk: nothing refers to
/// it before the put is answered.
#[derive(Debug)]
struct DurableUpload {
    upload: Box<dyn MultipartUpload>,
    file: PathBuf,
    top: PathBuf,
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.upload.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.upload.complete().await?;
        let (file, top) = (self.file.clone(), self.top.clone());
        blocking(move || {
            let sync = || {
                File::open(&file)?.sync_all()?;
                sync_folders(&file, &top)
            };
            sync().map_err(failed)
        })
        .await?;
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.upload.abort().await
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;

    use super::*;

    #[tokio::test]
    async fn object_is_created_once_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let store = DurableFolder::create(&folder.path().join("bucket")).unwrap();
        let key = Path::parse("t/p=50%25 ü:+#x/a\"b.parquet").unwrap();
        let put = |bytes: &'static [u8], mode: PutMode| {
            let payload = PutPayload::from_static(bytes);
            store.put_opts(&key, payload, PutOptions::from(mode))
        };
        assert!(
            put(b"first", PutMode::Create)
                .await
                .unwrap()
                .e_tag
                .is_some()
        );
        let refused = put(b"second", PutMode::Create).await;
        assert!(matches!(refused, Err(Error::AlreadyExists { .. })));
        let read = async || store.get(&key).await.unwrap().bytes().await.unwrap();
        assert_eq!(read().await, "first");
        put(b"third", PutMode::Overwrite).await.unwrap();
        assert_eq!(read().await, "third");
        let on_disk = folder.path().join("bucket/t/p=50%25 ü:+#x");
        assert_eq!(fs::read_dir(on_disk).unwrap().count(), 1);
        let listed: Vec<_> = store.list(None).try_collect().await.unwrap();
        assert_eq!(listed[0].location, key);
        assert_eq!(listed.len(), 1);
    }

    #[tokio::test]
    async fn upload_in_parts_is_one_object() {
        let folder = tempfile::tempdir().unwrap();
        let store = DurableFolder::create(folder.path()).unwrap();
        let key = Path::from("t/a");
        let mut upload = store.put_multipart(&key).await.unwrap();
        upload.put_part("one".into()).await.unwrap();
        upload.put_part("two".into()).await.unwrap();
        assert!(store.head(&key).await.is_err());
        upload.complete().await.unwrap();
        let read = store.get(&key).await.unwrap().bytes().await.unwrap();
        assert_eq!(read, "onetwo");
    }
}
